"""The map of a snapshot: fitted anew, or that of an earlier week with the new texts placed on it. Pure.

A map is fitted once and kept: a text that does not change stays where it is, and new ones are placed among their
neighbours. When more than a given share of the texts did not exist at the fit, the map is fitted again. The new fit
starts from the old places and is turned and scaled back onto them, and its kinds keep their numbers where they are the
same kinds (`tasks/atlas/identity.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from tasks.atlas.centring import Centre, RowNumbers, TextVectors, centre_of, centred
from tasks.atlas.clustering import NOISE, Kinds, cluster, kind_size, stability, vote
from tasks.atlas.identity import align, match, on_the_same_map
from tasks.atlas.nearest import nearest
from tasks.atlas.projecting import (
    KIND_DIMENSIONS,
    LEAST,
    MAP_DIMENSIONS,
    NEIGHBOURS,
    SEED,
    Coordinates,
    place,
    project,
)
from tasks.atlas.quality import trustworthiness
from tasks.embedders.passages import Vectors
from tasks.progress import advance
from tasks.records import KindEvent
from tasks.sentences.numbers import percent

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]

ATLAS_VERSION = "2"  # raise it with any change of a method: maps are then made anew


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the making of a map; see the settings of the same names."""

    fit_max: int = 50_000
    drift_max: float = 0.25
    replicates: int = 2
    replicate_texts: int = 15_000


@dataclass(frozen=True, slots=True)
class MapFit:
    """Texts that a map was fitted on, in the order of their hashes, each with its vectors, place and kind.

    Of very many texts they are a sample, and the others are placed among them.
    """

    snapshot: date
    hashes: Sequence[str]
    texts: TextVectors
    points: Coordinates
    kinds: Kinds


@dataclass(frozen=True, slots=True)
class Placements:
    """All texts that were ever on a map: their last place and kind, and how strongly they belong to it.

    `is_last` marks those of the last week, `was_there` those of the week in which the map was fitted.
    """

    hashes: Sequence[str]
    points: Coordinates
    kinds: Kinds
    strength: Coordinates
    is_last: Flags
    was_there: Flags


@dataclass(frozen=True, slots=True)
class PreviousMap:
    """The map that exists: its fit, all that was placed on it since, and the stability of each kind."""

    fit: MapFit
    placed: Placements
    stability: Mapping[int, float | None]

    @property
    def last_kinds(self) -> dict[str, int | None]:
        """The kind of each text on the last map; null for none."""
        is_last = self.placed.is_last
        hashes = [card_hash for card_hash, is_in in zip(self.placed.hashes, is_last, strict=True) if is_in]
        return kind_of_each(hashes, self.placed.kinds[is_last])


@dataclass(frozen=True, slots=True)
class NewMap:
    """A map. Arrays have a row per text, in the order of the hashes; kinds have the numbers that people see.

    `vectors` are the texts as they are compared: what is near on the map is near by them.
    """

    fitted_on: date
    vectors: Vectors
    points: Coordinates
    kinds: Kinds
    strength: Coordinates
    is_fitted: Flags
    events: list[KindEvent]
    stability: dict[int, float | None]
    drift_share: float
    trustworthiness: float | None
    seeds_ari: float | None = None
    samples_ari: float | None = None
    refit_reason: str | None = None

    @property
    def numbers(self) -> list[int]:
        """The kinds on it."""
        return [int(kind) for kind in np.unique(self.kinds) if kind != NOISE]


def kind_of_each(hashes: Sequence[str], kinds: Kinds) -> dict[str, int | None]:
    """The kind of each text by its hash; null for none."""
    numbers = (None if kind == NOISE else kind for kind in kinds.tolist())
    return dict(zip(hashes, numbers, strict=True))


def build_map(
    snapshot: date,
    hashes: Sequence[str],
    texts: TextVectors,
    previous: PreviousMap | None,
    highest: int,
    limits: Limits,
) -> NewMap | None:
    """The map of n texts; null for too few to have a shape. `highest` is the highest number that a kind ever had."""
    if len(hashes) < LEAST:
        return None
    reason = None
    if previous is not None:
        drift = _drift(hashes, previous)
        if drift <= limits.drift_max:
            return _place_on(previous, snapshot, hashes, texts, drift)
        reason = (
            f"{percent(drift)} of the texts were not there when the map of {previous.fit.snapshot} was fitted; "
            f"{percent(limits.drift_max)} may be"
        )
    return _fit(snapshot, hashes, texts, previous, highest, limits, reason=reason)


def progress_steps(hashes: Sequence[str], previous: PreviousMap | None, limits: Limits) -> int:
    """How often the making of this map reports progress."""
    if len(hashes) < LEAST:
        return 0
    if previous is not None and _drift(hashes, previous) <= limits.drift_max:
        return 1
    return 3 + 2 * limits.replicates


def _drift(hashes: Sequence[str], previous: PreviousMap) -> float:
    """The share of texts that did not exist when the map was fitted, whether it was fitted on them or not."""
    known = _rows_in(previous.placed.hashes, hashes)
    return 1 - float((previous.placed.was_there[known] & (known >= 0)).mean())


def _rows_in(table: Sequence[str], hashes: Sequence[str]) -> RowNumbers:
    """For each text its row in a table of texts, -1 where it has none."""
    row_of = {card_hash: row for row, card_hash in enumerate(table)}
    return np.array([row_of.get(card_hash, -1) for card_hash in hashes], np.int64)


def _with_the_rest(
    vectors: Vectors,
    is_known: Flags,
    known: tuple[Coordinates, Kinds, Coordinates],
    fitted: tuple[Vectors, Coordinates, Kinds],
) -> tuple[Coordinates, Kinds, Coordinates]:
    """Places, kinds and strengths of all texts: of the known ones as given, of the rest by their fitted neighbours."""
    points = np.empty((len(vectors), MAP_DIMENSIONS))
    kinds, strength = np.empty(len(vectors), np.int64), np.empty(len(vectors))
    points[is_known], kinds[is_known], strength[is_known] = known
    if not is_known.all():
        fitted_vectors, fitted_points, fitted_kinds = fitted
        near = nearest(vectors[~is_known], fitted_vectors, NEIGHBOURS)
        votes = vote(near, fitted_kinds)
        points[~is_known] = place(near, fitted_points)
        kinds[~is_known], strength[~is_known] = votes.kinds, votes.strength
    return points, kinds, strength


def _place_on(
    previous: PreviousMap, snapshot: date, hashes: Sequence[str], texts: TextVectors, drift: float
) -> NewMap:
    """The same map with the texts of another week."""
    fit, placed = previous.fit, previous.placed
    centre = centre_of(fit.texts)
    vectors = centred(texts, centre)
    rows = _rows_in(placed.hashes, hashes)
    known = rows[rows >= 0]
    points, kinds, strength = _with_the_rest(
        vectors,
        rows >= 0,
        (placed.points[known], placed.kinds[known], placed.strength[known]),
        (centred(fit.texts, centre), fit.points, fit.kinds),
    )
    trust = trustworthiness(vectors, points)
    advance("map")
    return NewMap(
        fitted_on=fit.snapshot,
        vectors=vectors,
        points=points,
        kinds=kinds,
        strength=strength,
        is_fitted=_rows_in(fit.hashes, hashes) >= 0,
        events=on_the_same_map(previous.last_kinds, kind_of_each(hashes, kinds), snapshot),
        stability=dict(previous.stability),
        drift_share=drift,
        trustworthiness=trust,
    )


def _fit(
    snapshot: date,
    hashes: Sequence[str],
    texts: TextVectors,
    previous: PreviousMap | None,
    highest: int,
    limits: Limits,
    *,
    reason: str | None,
) -> NewMap:
    chosen = np.arange(len(hashes))
    if len(chosen) > limits.fit_max:
        chosen = np.sort(np.random.default_rng(SEED).permutation(len(chosen))[: limits.fit_max])
    is_fitted = np.isin(np.arange(len(hashes)), chosen)
    centre = centre_of(texts.of(chosen))
    vectors = centred(texts, centre)
    fitted = vectors[chosen]
    near = nearest(fitted, fitted, NEIGHBOURS - 1, is_same=True)
    chosen_hashes = [hashes[row] for row in chosen.tolist()]
    start = _start(chosen_hashes, fitted, previous, centre)
    places = project(fitted, near, dimensions=MAP_DIMENSIONS, init=start).astype(np.float64)
    if previous is not None and start is not None:
        known = _rows_in(previous.placed.hashes, chosen_hashes)
        old_places = previous.placed.points[known[known >= 0]].astype(np.float64)
        places = align(old_places, places[known >= 0], places)
    advance("map")
    found = cluster(project(fitted, near, dimensions=KIND_DIMENSIONS), kind_size(len(fitted)))
    advance("map")
    measured = stability(fitted, found.kinds, replicates=limits.replicates, texts_max=limits.replicate_texts)
    points, clusters, strength = _with_the_rest(
        vectors, is_fitted, (places, found.kinds, found.strength), (fitted, places, found.kinds)
    )
    last_kinds = previous.last_kinds if previous else {}
    matching = match(last_kinds, kind_of_each(hashes, clusters), highest, snapshot)
    trust = trustworthiness(vectors, points)
    advance("map")
    return NewMap(
        fitted_on=snapshot,
        vectors=vectors,
        points=points,
        kinds=np.array([matching.ids.get(number, NOISE) for number in clusters.tolist()], np.int64),
        strength=strength,
        is_fitted=is_fitted,
        events=list(matching.events),
        stability={kind: measured.of_kinds.get(number) for number, kind in matching.ids.items()},
        drift_share=0.0,  # all texts were there
        trustworthiness=trust,
        seeds_ari=measured.seeds_ari,
        samples_ari=measured.samples_ari,
        refit_reason=reason,
    )


def _start(
    hashes: Sequence[str], vectors: Vectors, previous: PreviousMap | None, centre: Centre
) -> Coordinates | None:
    """Where each text of a fit starts: at its place on the previous map; null where too few texts had one."""
    if previous is None:
        return None
    rows = _rows_in(previous.placed.hashes, hashes)
    is_known = rows >= 0
    if is_known.sum() < LEAST:
        return None
    start = np.empty((len(hashes), MAP_DIMENSIONS))
    start[is_known] = previous.placed.points[rows[is_known]]
    if not is_known.all():
        near = nearest(vectors[~is_known], centred(previous.fit.texts, centre), NEIGHBOURS)
        start[~is_known] = place(near, previous.fit.points)
    return start
