"""What a map is made of, out of lake and warehouse: vectors of texts, and the map before it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.atlas.centring import TextVectors
from tasks.atlas.clustering import NOISE
from tasks.atlas.making import MapFit, Placements, PreviousMap
from tasks.storage.lake import Lake
from tasks.storage.warehouse import frame

if TYPE_CHECKING:
    from tasks.embedders.passages import Vectors
    from tasks.storage.warehouse import Database


def read_vectors(lake: Lake, hashes: Sequence[str], parts: Sequence[str]) -> TextVectors:
    """Vectors of n texts, in their order, from the parts that contain them."""
    rows_of: dict[str, dict[str, int]] = defaultdict(dict)
    for row, (card_hash, part) in enumerate(zip(hashes, parts, strict=True)):
        rows_of[part][card_hash] = row
    bodies = metadata = np.zeros((0, 1), np.float32)
    for part, rows in rows_of.items():
        table = lake.columns(part, ["card_hash", "body", "metadata"])
        chosen = table.take(
            [n for n, card_hash in enumerate(table["card_hash"].to_pylist()) if card_hash in rows]
        )
        width = len(chosen["body"][0])
        if not len(bodies):
            bodies, metadata = (np.zeros((len(hashes), width), np.float32) for _ in range(2))
        targets = [rows[card_hash] for card_hash in chosen["card_hash"].to_pylist()]
        bodies[targets], metadata[targets] = (_matrix(chosen[half], width) for half in ("body", "metadata"))
    return TextVectors(bodies, metadata)


def _matrix(lists: Any, width: int) -> Vectors:
    """A column of lists as rows; an empty list is a row of zeros."""
    column = lists.combine_chunks()
    is_filled = column.value_lengths().to_numpy() > 0
    rows = np.zeros((len(column), width), np.float32)
    rows[is_filled] = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
    return rows


def read_previous_map(db: Database, lake: Lake, snapshot: date, embedder: str) -> PreviousMap | None:
    """The last map by this embedder, and the texts that it was fitted on; null for the first map."""
    last = frame(db, "out/atlas_before", snapshot=snapshot, embedder=embedder).to_dicts()
    if not last:
        return None
    fitted_on = last[0]["fitted_on"]
    fitted = frame(db, "out/atlas_fitted", fitted_on=fitted_on, embedder=embedder)
    placed = frame(db, "out/atlas_lying", fitted_on=fitted_on, last=last[0]["snapshot"])
    hashes = fitted["card_hash"].to_list()
    return PreviousMap(
        MapFit(
            snapshot=fitted_on,
            hashes=hashes,
            texts=read_vectors(lake, hashes, fitted["part"].to_list()),
            points=fitted.select("x", "y").to_numpy(),
            kinds=fitted["kind"].fill_null(NOISE).to_numpy(),
        ),
        Placements(
            hashes=placed["card_hash"].to_list(),
            points=placed.select("x", "y").to_numpy(),
            kinds=placed["kind"].fill_null(NOISE).to_numpy(),
            strength=placed["strength_share"].to_numpy(),
            is_last=placed["is_last"].to_numpy(),
            was_there=placed["was_there"].to_numpy(),
        ),
        stability=dict(frame(db, "out/kind_stabilities", snapshot=fitted_on).iter_rows()),
    )
