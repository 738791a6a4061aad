"""The map of a snapshot, made and written to the lake: its points, kinds, names, events and neighbours."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import date, datetime

import numpy as np

from tasks.atlas.archetypes import archetype_of
from tasks.atlas.clustering import NOISE
from tasks.atlas.inputs import read_previous_map, read_vectors
from tasks.atlas.kind_facts import facts_anew, facts_with_terms, read_words
from tasks.atlas.making import Limits, NewMap, build_map, kind_of_each, progress_steps
from tasks.atlas.naming import KindFacts, named
from tasks.atlas.nearest import nearest_of_all
from tasks.atlas.projecting import MAP_SETTINGS
from tasks.clock import utc_now
from tasks.embedders.passages import Vectors
from tasks.progress import advance, expect
from tasks.records import Atlas, AtlasPoint, CardKind, KindEvent, KindName, Neighbour
from tasks.settings import settings
from tasks.storage.warehouse import Warehouse, frame

STEPS = 2  # of the progress: facts of kinds, and neighbours
NEIGHBOURS_KEPT = 10
_ROWS_AT_ONCE = 20_000


def write_map(warehouse: Warehouse, snapshot: date, embedder: str, name: str) -> None:
    """Make the map of a snapshot and write it under this name; nothing where it has too few texts."""
    limits = Limits(
        settings().atlas_fit_max,
        settings().atlas_drift_max,
        settings().atlas_replicates,
        settings().atlas_replicate_texts,
    )
    with warehouse.open() as db:
        texts = frame(db, "out/atlas_texts", snapshot=snapshot, embedder=embedder)
        previous = read_previous_map(db, warehouse.lake, snapshot, embedder)
        highest = int(frame(db, "out/kind_numbers").item())
    hashes = texts["card_hash"].to_list()
    expect("map", progress_steps(hashes, previous, limits) + STEPS)
    vectors = read_vectors(warehouse.lake, hashes, texts["part"].to_list())
    new_map = build_map(snapshot, hashes, vectors, previous, highest, limits)
    if new_map is None:
        advance("map", STEPS)
    else:
        _write(warehouse, snapshot, embedder, name, hashes, new_map)


def _write(
    warehouse: Warehouse, snapshot: date, embedder: str, name: str, hashes: list[str], new_map: NewMap
) -> None:
    """Write all rows of a map; that of the map itself last, because where it exists the others do."""
    lake, now = warehouse.lake, utc_now()
    kinds = kind_of_each(hashes, new_map.kinds)
    is_new_fit = new_map.fitted_on == snapshot  # on an old map kinds keep the terms of its fit
    naming = {card for card, fitted in zip(hashes, new_map.is_fitted, strict=True) if fitted and is_new_fit}
    with warehouse.open() as db:
        search_words, words = read_words(db, snapshot, embedder, hashes, naming)
        facts = (
            facts_anew(db, snapshot, embedder, kinds, words)
            if is_new_fit
            else facts_with_terms(db, snapshot, embedder, kinds, new_map.fitted_on)
        )
        have_names = {kind for (kind,) in frame(db, "out/kinds_named", named_by="terms").iter_rows()}
    columns = (new_map.points.tolist(), new_map.strength.tolist(), new_map.is_fitted.tolist())
    points = [
        AtlasPoint(snapshot, card_hash, x, y, kind, strength, is_fitted, search_words[card_hash], now)
        for (card_hash, kind), (x, y), strength, is_fitted in zip(kinds.items(), *columns, strict=True)
    ]
    lake.write(f"atlas_points/{name}", AtlasPoint, points)
    lake.write(f"kinds/{name}", CardKind, [_kind(snapshot, fact, new_map, now) for fact in facts])
    # A kind that has a name by its terms keeps it: its words change a little every week, and it is the same kind.
    names = [given for given in named(facts, snapshot, now) if given.kind not in have_names]
    lake.write(f"kind_names/{name}", KindName, names)
    events = [dataclasses.replace(event, made_at=now) for event in new_map.events]
    lake.write(f"kind_events/{name}", KindEvent, events)
    advance("map")
    with lake.writing(f"neighbours/{name}", Neighbour) as add:
        for rows in _neighbours(snapshot, hashes, new_map.vectors, now):
            add(rows)
    advance("map")
    lake.write(f"atlases/{name}", Atlas, [_atlas(snapshot, embedder, new_map, now)])


def _kind(snapshot: date, facts: KindFacts, new_map: NewMap, now: datetime) -> CardKind:
    own = new_map.points[new_map.kinds == facts.kind]
    archetype = archetype_of(facts)
    return CardKind(
        snapshot=snapshot,
        kind=facts.kind,
        texts=facts.texts,
        x=float(np.median(own[:, 0])),
        y=float(np.median(own[:, 1])),
        stability=new_map.stability.get(facts.kind),
        terms=[term for term, _ in facts.terms],
        archetype=archetype.archetype,
        archetype_reason=archetype.reason,
        made_at=now,
    )


def _neighbours(
    snapshot: date, hashes: list[str], vectors: Vectors, now: datetime
) -> Iterator[list[Neighbour]]:
    """The nearest texts of each text, some thousands of texts at a time."""
    near = nearest_of_all(vectors, NEIGHBOURS_KEPT)
    for start in range(0, len(hashes), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        columns = (hashes[rows], near.places[rows], near.similarity[rows])
        yield [
            Neighbour(snapshot, own, hashes[other], place, float(cosine), now)
            for own, others, cosines in zip(*columns, strict=True)
            for place, (other, cosine) in enumerate(zip(others, cosines, strict=True), start=1)
        ]


def _atlas(snapshot: date, embedder: str, new_map: NewMap, now: datetime) -> Atlas:
    return Atlas(
        snapshot=snapshot,
        embedder=embedder,
        fitted_on=new_map.fitted_on,
        texts=len(new_map.kinds),
        placed=int((~new_map.is_fitted).sum()),
        kinds=len(new_map.numbers),
        noise_share=float((new_map.kinds == NOISE).mean()),
        drift_share=new_map.drift_share,
        trustworthiness=new_map.trustworthiness,
        seeds_ari=new_map.seeds_ari,
        samples_ari=new_map.samples_ari,
        refit_reason=new_map.refit_reason,
        settings=json.dumps(MAP_SETTINGS, sort_keys=True),
        made_at=now,
    )
