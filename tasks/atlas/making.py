"""The map of a snapshot: fitted anew, or that of an earlier week with the new texts placed on it. Pure.

A map is fitted once and kept: a text that stays the same stays where it is, and new ones are placed among their
neighbours. When more than a stated share of the texts was not there at the fit, the map is fitted again, beginning
where everything lay, turned and scaled back onto the old one, and its kinds keep their numbers where they are the same
kinds (`tasks/atlas/identity.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from tasks.atlas.centring import Centre, Halves, centre_of, centred
from tasks.atlas.clustering import NOISE, Clustering, Kinds, cluster, kind_size, stability, vote
from tasks.atlas.identity import align, match
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
from tasks.records import EventOfKind, KindEvent

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]

ATLAS_VERSION = "2"  # raise it with any change of a method: maps are then made anew


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the making of a map; see the settings of the same names."""

    fit_max: int = 50_000
    drift_max: float = 0.25
    replicates: int = 2
    replicate_texts: int = 15_000


@dataclass(frozen=True, slots=True)
class Fitted:
    """Texts that a map was fitted on, in the order of their hashes, each with its vectors, place and kind.

    Of very many texts they are a sample; the others lie where these are.
    """

    snapshot: date
    hashes: Sequence[str]
    texts: Halves
    points: Coordinates
    kinds: Kinds


@dataclass(frozen=True, slots=True)
class Lying:
    """All texts that ever lay on a map: where they lay last, their kind, and how strongly they belong to it.

    `is_last` tells those of the last week, `was_there` those of the week in which the map was fitted.
    """

    hashes: Sequence[str]
    points: Coordinates
    kinds: Kinds
    strength: Coordinates
    is_last: Flags
    was_there: Flags


@dataclass(frozen=True, slots=True)
class Before:
    """What there is already: the map's fit, what lay on it since, each kind's stability."""

    fitted: Fitted
    lying: Lying
    stability: Mapping[int, float | None]

    @property
    def last_kinds(self) -> dict[str, int | None]:
        """Each text's kind on the last map; null for none."""
        lying = self.lying
        rows = zip(lying.hashes, lying.kinds.tolist(), lying.is_last.tolist(), strict=True)
        return {card_hash: _number(kind) for card_hash, kind, is_last in rows if is_last}


@dataclass(frozen=True, slots=True)
class Made:
    """A map. Arrays have a row a text, in the order of the hashes; kinds carry the numbers that people see.

    `vectors` are the texts as they are compared on it: what is near, is so by them.
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


def make(
    snapshot: date,
    hashes: Sequence[str],
    texts: Halves,
    before: Before | None,
    highest: int,
    limits: Limits,
) -> Made | None:
    """The map of n texts. Null for too few to have a shape.

    `highest` is the highest number that a kind ever had.
    """
    if len(hashes) < LEAST:
        return None
    if before is None:
        return _fit(snapshot, hashes, texts, None, highest, limits, reason=None)
    drift = _drift(hashes, before)
    if drift <= limits.drift_max:
        return _placed(snapshot, hashes, texts, before, drift)
    reason = (
        f"{drift:.0%} of the texts were not there when the map of {before.fitted.snapshot} was fitted; "
        f"{limits.drift_max:.0%} may be"
    )
    return _fit(snapshot, hashes, texts, before, highest, limits, reason=reason)


def steps(hashes: Sequence[str], before: Before | None, limits: Limits) -> int:
    """How often the making of this map will tell that it advanced."""
    if len(hashes) < LEAST:
        return 0
    if before is not None and _drift(hashes, before) <= limits.drift_max:
        return 1
    return 3 + 2 * limits.replicates


def _drift(hashes: Sequence[str], before: Before) -> float:
    """The share of texts that were not there when the map was fitted, whether it was fitted on them or not."""
    known = _places(hashes, before.lying.hashes)
    return 1 - float((before.lying.was_there[known] & (known >= 0)).mean())


def _places(hashes: Sequence[str], among: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """For each text its place among others, -1 where it is not one of them."""
    at = {card_hash: place for place, card_hash in enumerate(among)}
    return np.array([at.get(card_hash, -1) for card_hash in hashes], np.int64)


# ------------------------------------------------------------------------------------------- on the same map


def _placed(
    snapshot: date,
    hashes: Sequence[str],
    texts: Halves,
    before: Before,
    drift: float,
) -> Made:
    old, lying = before.fitted, before.lying
    known = _places(hashes, lying.hashes)
    centre = centre_of(old.texts)
    vectors, old_vectors = centred(texts, centre), centred(old.texts, centre)
    is_known = known >= 0
    points = np.empty((len(hashes), MAP_DIMENSIONS))
    kinds = np.full(len(hashes), NOISE, np.int64)
    strength = np.zeros(len(hashes))
    points[is_known], kinds[is_known] = lying.points[known[is_known]], lying.kinds[known[is_known]]
    strength[is_known] = lying.strength[known[is_known]]
    if not is_known.all():
        near = nearest(vectors[~is_known], old_vectors, NEIGHBOURS)
        voted = vote(near, old.kinds)
        points[~is_known], kinds[~is_known] = place(near, old.points), voted.kinds
        strength[~is_known] = voted.strength
    now = {card_hash: _number(int(kind)) for card_hash, kind in zip(hashes, kinds, strict=True)}
    trust = trustworthiness(vectors, points)
    advance("map")
    return Made(
        fitted_on=old.snapshot,
        vectors=vectors,
        points=points,
        kinds=kinds,
        strength=strength,
        is_fitted=_places(hashes, old.hashes) >= 0,
        events=_events(snapshot, before.last_kinds, now),
        stability=dict(before.stability),
        drift_share=drift,
        trustworthiness=trust,
    )


def _number(kind: int) -> int | None:
    return None if kind == NOISE else kind


def _events(
    snapshot: date, before: Mapping[str, int | None], now: Mapping[str, int | None]
) -> list[KindEvent]:
    """What became of kinds on one map: they continue, lose their last text, or get the first again."""
    old, new = _members(before), _members(now)
    events = []
    for kind in sorted(old.keys() | new.keys()):
        was, is_now = old.get(kind, set()), new.get(kind, set())
        event: EventOfKind = "continues" if was and is_now else "birth" if is_now else "death"
        both = {text for text in was | is_now if text in before and text in now}
        share = len(was & is_now & both) / len(both) if both else 0.0
        events.append(KindEvent(snapshot, event, kind, None, len(is_now or was), share))
    return events


def _members(kinds: Mapping[str, int | None]) -> dict[int, set[str]]:
    members: dict[int, set[str]] = {}
    for card_hash, kind in kinds.items():
        if kind is not None:
            members.setdefault(kind, set()).add(card_hash)
    return members


# --------------------------------------------------------------------------------------------- a new map


def _fit(
    snapshot: date,
    hashes: Sequence[str],
    texts: Halves,
    before: Before | None,
    highest: int,
    limits: Limits,
    *,
    reason: str | None,
) -> Made:
    chosen = _sample(len(hashes), limits.fit_max)
    centre = centre_of(texts.of(chosen))
    vectors = centred(texts, centre)
    fitted_vectors = vectors[chosen]
    near = nearest(fitted_vectors, fitted_vectors, NEIGHBOURS - 1, is_same=True)
    known, init = _beginning(hashes, chosen, fitted_vectors, before, centre)
    points = project(fitted_vectors, near, dimensions=MAP_DIMENSIONS, init=init).astype(np.float64)
    if before is not None and known is not None:
        shared = known >= 0
        points = align(before.lying.points[known[shared]].astype(np.float64), points[shared], points)
    advance("map")
    found = cluster(project(fitted_vectors, near, dimensions=KIND_DIMENSIONS), kind_size(len(fitted_vectors)))
    advance("map")
    steady = stability(
        fitted_vectors, found.kinds, replicates=limits.replicates, texts_max=limits.replicate_texts
    )
    everywhere, of_all = _spread(vectors, chosen, points, found)
    numbers, events = _numbered(snapshot, hashes, of_all.kinds, before, highest)
    trust = trustworthiness(vectors, everywhere)
    advance("map")
    return Made(
        fitted_on=snapshot,
        vectors=vectors,
        points=everywhere,
        kinds=np.array([numbers.get(int(kind), NOISE) for kind in of_all.kinds], np.int64),
        strength=of_all.strength,
        is_fitted=np.isin(np.arange(len(hashes)), chosen),
        events=events,
        stability={numbers[kind]: steady.of_kinds.get(kind) for kind in numbers},
        drift_share=0.0,  # all were there
        trustworthiness=trust,
        seeds_ari=steady.seeds_ari,
        samples_ari=steady.samples_ari,
        refit_reason=reason,
    )


def _sample(texts: int, fit_max: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if texts <= fit_max:
        return np.arange(texts)
    return np.sort(np.random.default_rng(SEED).permutation(texts)[:fit_max])


def _beginning(
    hashes: Sequence[str],
    chosen: np.ndarray[tuple[int], np.dtype[np.int64]],
    vectors: Vectors,
    before: Before | None,
    centre: Centre,
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]] | None, Coordinates | None]:
    """Where each text to be fitted lay on the old map, and where it should begin; null for the first map."""
    if before is None:
        return None, None
    known = _places([hashes[row] for row in chosen.tolist()], before.lying.hashes)
    if (known >= 0).sum() < LEAST:
        return None, None
    init = np.empty((len(chosen), MAP_DIMENSIONS))
    init[known >= 0] = before.lying.points[known[known >= 0]]
    if (known < 0).any():
        near = nearest(vectors[known < 0], centred(before.fitted.texts, centre), NEIGHBOURS)
        init[known < 0] = place(near, before.fitted.points)
    return known, init


def _spread(
    vectors: Vectors,
    chosen: np.ndarray[tuple[int], np.dtype[np.int64]],
    points: Coordinates,
    found: Clustering,
) -> tuple[Coordinates, Clustering]:
    """Places and kinds of all texts, from those of the fitted ones."""
    if len(chosen) == len(vectors):
        return points, found
    is_rest = ~np.isin(np.arange(len(vectors)), chosen)
    near = nearest(vectors[is_rest], vectors[chosen], NEIGHBOURS)
    voted = vote(near, found.kinds)
    everywhere = np.empty((len(vectors), MAP_DIMENSIONS))
    kinds, strength = np.empty(len(vectors), np.int64), np.empty(len(vectors))
    everywhere[chosen], everywhere[is_rest] = points, place(near, points)
    kinds[chosen], kinds[is_rest] = found.kinds, voted.kinds
    strength[chosen], strength[is_rest] = found.strength, voted.strength
    return everywhere, Clustering(kinds, strength)


def _numbered(
    snapshot: date, hashes: Sequence[str], kinds: Kinds, before: Before | None, highest: int
) -> tuple[dict[int, int], list[KindEvent]]:
    """The number of each cluster, that of a kind of before where it is the same, and what became of all of them."""
    new = {card_hash: _number(int(kind)) for card_hash, kind in zip(hashes, kinds, strict=True)}
    matching = match(before.last_kinds if before else {}, new, highest, snapshot)
    return dict(matching.ids), list(matching.events)
