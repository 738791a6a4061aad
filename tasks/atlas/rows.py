"""The rows that a map is made of: its points, kinds, names, events and neighbours."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np

from tasks.atlas.kind_facts import facts_anew, facts_with_terms, words_anew, words_kept
from tasks.progress import advance
from tasks.records import Atlas, AtlasPoint, CardKind, KindEvent, KindName, Neighbour
from tasks.storage.lake import Lake
from tasks.storage.warehouse import Warehouse, frame

if TYPE_CHECKING:
    from tasks.atlas.making import Made
    from tasks.atlas.naming import KindFacts
    from tasks.embedders.passages import Vectors

STEPS = 2  # of the progress: what kinds are, and what is near what
NEIGHBOURS_KEPT = 10
_ROWS_AT_ONCE = 20_000


def write_map(
    warehouse: Warehouse,
    snapshot: date,
    embedder: str,
    name: str,
    hashes: list[str],
    made: Made,
    now: datetime,
) -> None:
    """All that a map is made of; the map itself last, because where it is the rest is."""
    from tasks.atlas.clustering import NOISE

    lake = warehouse.lake
    numbers = [None if kind == NOISE else int(kind) for kind in made.kinds]
    kinds = dict(zip(hashes, numbers, strict=True))
    is_new = made.fitted_on == snapshot  # on an old map kinds keep the terms that they were found to have
    naming = {card for card, fitted in zip(hashes, made.is_fitted, strict=True) if fitted and is_new}
    with warehouse.open() as db:
        kept = words_kept(db, snapshot, embedder)
        to_read = [card_hash for card_hash in hashes if card_hash in naming or card_hash not in kept]
        read, words = words_anew(db, to_read, naming)
        found_by = kept | read
        facts = (
            facts_anew(db, snapshot, embedder, kinds, words)
            if is_new
            else facts_with_terms(db, snapshot, embedder, kinds, made.fitted_on)
        )
    lake.write(
        f"atlas_points/{name}",
        AtlasPoint,
        [
            AtlasPoint(
                snapshot, card_hash, float(x), float(y), kind, float(strength), bool(is_fitted),
                found_by[card_hash], now,
            )
            for card_hash, (x, y), kind, strength, is_fitted in zip(
                hashes, made.points, numbers, made.strength, made.is_fitted, strict=True
            )
        ],
    )  # fmt: skip
    lake.write(f"kinds/{name}", CardKind, [_kind(snapshot, fact, made, now) for fact in facts])
    lake.write(f"kind_names/{name}", KindName, _names(warehouse, facts, snapshot, now))
    events = [dataclasses.replace(event, made_at=now) for event in made.events]
    lake.write(f"kind_events/{name}", KindEvent, events)
    advance("map")
    _write_neighbours(lake, f"neighbours/{name}", snapshot, hashes, made.vectors, now)
    advance("map")
    lake.write(f"atlases/{name}", Atlas, [_atlas(snapshot, embedder, made, now)])


def _kind(snapshot: date, facts: KindFacts, made: Made, now: datetime) -> CardKind:
    from tasks.atlas.archetypes import archetype_of

    own = made.points[made.kinds == facts.kind]
    archetype = archetype_of(facts)
    return CardKind(
        snapshot=snapshot,
        kind=facts.kind,
        texts=facts.texts,
        x=float(np.median(own[:, 0])),
        y=float(np.median(own[:, 1])),
        stability=made.stability.get(facts.kind),
        terms=[term for term, _ in facts.terms],
        archetype=archetype.archetype,
        archetype_reason=archetype.reason,
        made_at=now,
    )


def _names(warehouse: Warehouse, facts: list[KindFacts], snapshot: date, now: datetime) -> list[KindName]:
    """Names by their terms. A kind that has one keeps it: its words shift a little every week, and it is the same."""
    from tasks.atlas.naming import named

    with warehouse.open() as db:
        has_name = {kind for (kind,) in frame(db, "out/kinds_named", named_by="terms").iter_rows()}
    return [name for name in named(facts, snapshot, now) if name.kind not in has_name]


def _write_neighbours(
    lake: Lake, part: str, snapshot: date, hashes: list[str], vectors: Vectors, now: datetime
) -> None:
    from tasks.atlas.nearest import nearest_of_all

    near = nearest_of_all(vectors, NEIGHBOURS_KEPT)
    with lake.writing(part, Neighbour) as add:
        for start in range(0, len(hashes), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            add(
                [
                    Neighbour(snapshot, own, hashes[other], place, float(cosine), now)
                    for own, others, cosines in zip(
                        hashes[rows], near.places[rows], near.similarity[rows], strict=True
                    )
                    for place, (other, cosine) in enumerate(zip(others, cosines, strict=True), start=1)
                ]
            )


def _atlas(snapshot: date, embedder: str, made: Made, now: datetime) -> Atlas:
    from tasks.atlas.clustering import NOISE
    from tasks.atlas.projecting import settings_of_maps

    return Atlas(
        snapshot=snapshot,
        embedder=embedder,
        fitted_on=made.fitted_on,
        texts=len(made.kinds),
        placed=int((~made.is_fitted).sum()),
        kinds=len(made.numbers),
        noise_share=float((made.kinds == NOISE).mean()),
        drift_share=made.drift_share,
        trustworthiness=made.trustworthiness,
        seeds_ari=made.seeds_ari,
        samples_ari=made.samples_ari,
        refit_reason=made.refit_reason,
        settings=json.dumps(settings_of_maps(), sort_keys=True),
        made_at=now,
    )
