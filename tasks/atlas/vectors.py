"""Vectors of texts out of the parts of the lake that hold them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.storage.lake import Lake

if TYPE_CHECKING:
    from tasks.atlas.centring import Halves
    from tasks.embedders.passages import Vectors


def halves_of(lake: Lake, hashes: Sequence[str], parts: Sequence[str]) -> Halves:
    """Vectors of n texts, in their order, from the parts that hold them."""
    from tasks.atlas.centring import Halves

    wanted: dict[str, dict[str, int]] = defaultdict(dict)
    for place, (card_hash, part) in enumerate(zip(hashes, parts, strict=True)):
        wanted[part][card_hash] = place
    bodies = metadata = np.zeros((0, 1), np.float32)
    for part, places in wanted.items():
        table = lake.columns(part, ["card_hash", "body", "metadata"])
        rows = [row for row, card_hash in enumerate(table["card_hash"].to_pylist()) if card_hash in places]
        chosen = table.take(rows)
        width = len(chosen["body"][0])
        if not len(bodies):
            bodies, metadata = (np.zeros((len(hashes), width), np.float32) for _ in range(2))
        at = [places[card_hash] for card_hash in chosen["card_hash"].to_pylist()]
        bodies[at], metadata[at] = (_rows(chosen[half], width) for half in ("body", "metadata"))
    return Halves(bodies, metadata)


def _rows(lists: Any, width: int) -> Vectors:
    """A column of lists as rows; an empty one is a row of zeros."""
    column = lists.combine_chunks()
    is_there = column.value_lengths().to_numpy() > 0
    rows = np.zeros((len(column), width), np.float32)
    rows[is_there] = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
    return rows
