"""The door to HDBSCAN: which texts are of a kind (Campello, Moulavi & Sander 2013), and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import Any

import numpy as np

from tasks.atlas.nearest import Nearest, nearest
from tasks.atlas.projecting import KIND_DIMENSIONS, LEAST, NEIGHBOURS, SEED, Coordinates, project
from tasks.embedders.passages import Vectors
from tasks.progress import advance

Kinds = np.ndarray[tuple[int], np.dtype[np.int64]]

NOISE = -1
MIN_SAMPLES = 10  # with half of it kinds come out differently by every seed
KIND_ROOT = 0.7  # times the square root of the texts: what is a kind grows with the Hub, but more slowly
KIND_LEAST = 8
LARGE_SHARE = 0.2  # of the texts: what is larger may be several kinds
SPLIT_NOISE_MAX = 0.2  # of a large kind's texts may be of none of its parts
SAMPLE_SHARE = 0.8
SURVIVES_FROM = 0.6  # Hennig 2007: below it a cluster should not be trusted


@dataclass(frozen=True, slots=True)
class Clustering:
    """For each text its kind, `NOISE` for none, and how strongly it belongs to it (0 to 1)."""

    kinds: Kinds
    strength: Coordinates


@dataclass(frozen=True, slots=True)
class Stability:
    """Median adjusted Rand index of fits with other seeds and on samples, and each kind's mean best Jaccard index."""

    seeds_ari: float | None
    samples_ari: float | None
    of_kinds: dict[int, float]


def kind_size(texts: int) -> int:
    """Texts that make a kind, of so many on the map."""
    return max(KIND_LEAST, round(KIND_ROOT * sqrt(texts)))


def cluster(points: Coordinates, size: int) -> Clustering:
    """The kinds of n texts from their places (n x few); kinds are numbered from 0.

    HDBSCAN favours the large: of a few kinds that lie close and their union it takes the union when there are many
    other texts. So what holds more than `LARGE_SHARE` of the texts is looked at by itself, and where it falls apart
    into kinds that leave little over, those are taken.
    """
    found = _hdbscan(points, size)
    large = [kind for kind in _sizes(found.kinds) if _is_large(found.kinds, kind)]
    while large:
        own = np.flatnonzero(found.kinds == large.pop())
        parts = _hdbscan(points[own], size)
        if len(_sizes(parts.kinds)) < 2 or (parts.kinds == NOISE).mean() > SPLIT_NOISE_MAX:
            continue
        free = int(found.kinds.max()) + 1
        found.kinds[own] = np.where(parts.kinds == NOISE, NOISE, parts.kinds + free)
        found.strength[own] = parts.strength
        large += [kind for kind in _sizes(found.kinds) if kind >= free and _is_large(found.kinds, kind)]
    kinds, numbers = np.unique(found.kinds[found.kinds != NOISE], return_inverse=True)
    found.kinds[found.kinds != NOISE] = np.arange(len(kinds))[numbers]
    return found


def _hdbscan(points: Coordinates, size: int) -> Clustering:
    from sklearn.cluster import HDBSCAN

    if len(points) <= size:
        return Clustering(np.full(len(points), NOISE), np.zeros(len(points)))
    fitted = HDBSCAN(min_cluster_size=size, min_samples=min(MIN_SAMPLES, size), copy=True).fit(points)
    return Clustering(fitted.labels_.astype(np.int64), fitted.probabilities_)


def _sizes(kinds: Kinds) -> dict[int, int]:
    """Texts of each kind."""
    found, texts = np.unique(kinds[kinds != NOISE], return_counts=True)
    return dict(zip(found.tolist(), texts.tolist(), strict=True))


def _is_large(kinds: Kinds, kind: int) -> bool:
    return bool((kinds == kind).sum() > LARGE_SHARE * len(kinds))


def vote(near: Nearest, kinds: Kinds) -> Clustering:
    """Kinds of texts that the map was not fitted on: that of most of their neighbours, by cosine; noise votes too."""
    found = np.full(len(near.places), NOISE)
    strength = np.zeros(len(near.places))
    for row, (places, similarity) in enumerate(zip(near.places, near.similarity, strict=True)):
        candidates, member = np.unique(kinds[places], return_inverse=True)
        votes = np.bincount(member, weights=np.maximum(similarity, 0))
        if votes.sum() > 0:
            found[row] = candidates[votes.argmax()]
            strength[row] = votes.max() / votes.sum() if found[row] != NOISE else 0.0
    return Clustering(found, strength)


def stability(
    vectors: Vectors, kinds: Kinds, *, replicates: int, texts_max: int, seed: int = SEED
) -> Stability:
    """How far the kinds of n vectors come out again: with other seeds, and on samples of 80 in 100.

    Of more than `texts_max` texts both are of a sample of so many, in which a kind may be as much smaller.
    """
    if len(vectors) < LEAST or not (kinds != NOISE).any():
        advance("map", 2 * replicates)
        return Stability(None, None, {})
    rng = np.random.default_rng(seed)
    base = rng.permutation(len(vectors))[:texts_max] if len(vectors) > texts_max else np.arange(len(vectors))
    seeds, samples, best = list[float](), list[float](), dict[int, list[float]]()
    for replicate in range(replicates):
        seeds.append(_agreement(kinds[base], _again(vectors[base], seed + 1 + replicate, len(vectors))))
        advance("map")
    for chosen in _samples(base, replicates, rng):
        again = _again(vectors[chosen], seed, len(vectors))
        samples.append(_agreement(kinds[chosen], again))
        for kind, jaccard in _best_jaccard(kinds[chosen], again).items():
            best.setdefault(kind, []).append(jaccard)
        advance("map")
    return Stability(
        median(seeds), median(samples), {kind: float(np.mean(found)) for kind, found in best.items()}
    )


def _samples(
    base: np.ndarray[Any, Any], replicates: int, rng: np.random.Generator
) -> Iterator[np.ndarray[Any, Any]]:
    for _ in range(replicates):
        yield np.sort(rng.choice(base, size=round(SAMPLE_SHARE * len(base)), replace=False))


def _again(vectors: Vectors, seed: int, of: int) -> Kinds:
    """Kinds of a sample of so many texts, by another fit."""
    near = nearest(vectors, vectors, NEIGHBOURS - 1, is_same=True)
    places = project(vectors, near, dimensions=KIND_DIMENSIONS, seed=seed)
    size = max(KIND_LEAST // 2, round(kind_size(of) * len(vectors) / of))
    return cluster(places, size).kinds


def _agreement(one: Kinds, other: Kinds) -> float:
    """Adjusted Rand index (Hubert & Arabie 1985); texts of no kind count as one more."""
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(one, other))


def _best_jaccard(kinds: Kinds, again: Kinds) -> dict[int, float]:
    """For each kind the Jaccard index of the cluster that is most like it."""
    found = {}
    for kind in np.unique(kinds[kinds != NOISE]):
        own = kinds == kind
        others = np.unique(again[own & (again != NOISE)])
        overlaps = [(own & (again == other)).sum() / (own | (again == other)).sum() for other in others]
        found[int(kind)] = float(max(overlaps, default=0.0))
    return found
