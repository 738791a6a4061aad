"""The door to HDBSCAN: which texts are of a kind (Campello, Moulavi & Sander 2013), and how certain that is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import sqrt
from statistics import median

import numpy as np

from tasks.atlas.nearest import Nearest, nearest
from tasks.atlas.projecting import KIND_DIMENSIONS, LEAST, NEIGHBOURS, SEED, Coordinates, project
from tasks.embedders.passages import Vectors
from tasks.progress import advance

Kinds = np.ndarray[tuple[int], np.dtype[np.int64]]

NOISE = -1
MIN_SAMPLES = 10  # with half of it kinds depend on the seed
# Times the square root of the texts: the least size of a kind grows with the Hub, but more slowly.
KIND_ROOT = 0.7
KIND_LEAST = 8
LARGE_SHARE = 0.2  # of the texts: a larger kind may be several kinds
SPLIT_NOISE_MAX = 0.2  # of a large kind's texts, those that may be in none of its parts
SAMPLE_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Clustering:
    """The kind of each text, `NOISE` for none, and how strongly the text belongs to it (0 to 1)."""

    kinds: Kinds
    strength: Coordinates


@dataclass(frozen=True, slots=True)
class Stability:
    """Median adjusted Rand index of fits with other seeds and on samples, and each kind's mean best Jaccard index."""

    seeds_ari: float | None
    samples_ari: float | None
    of_kinds: dict[int, float]


def kind_size(texts: int) -> int:
    """The least number of texts in a kind, on a map of so many texts."""
    return max(KIND_LEAST, round(KIND_ROOT * sqrt(texts)))


def cluster(points: Coordinates, size: int) -> Clustering:
    """The kinds of n texts from their places (n x few); kinds are numbered from 0.

    HDBSCAN favours large kinds: among many other texts it takes the union of a few kinds that are close together. So a
    kind of more than `LARGE_SHARE` of the texts is clustered again by itself, and replaced by its parts where these
    leave few texts over.
    """
    found = _hdbscan(points, size)
    large = _large_kinds(found.kinds)
    while large:
        own = np.flatnonzero(found.kinds == large.pop())
        parts = _hdbscan(points[own], size)
        if parts.kinds.max() < 1 or (parts.kinds == NOISE).mean() > SPLIT_NOISE_MAX:
            continue
        free = int(found.kinds.max()) + 1
        found.kinds[own] = np.where(parts.kinds == NOISE, NOISE, parts.kinds + free)
        found.strength[own] = parts.strength
        large += [kind for kind in _large_kinds(found.kinds) if kind >= free]
    kinds, numbers = np.unique(found.kinds[found.kinds != NOISE], return_inverse=True)
    found.kinds[found.kinds != NOISE] = np.arange(len(kinds))[numbers]
    return found


def _hdbscan(points: Coordinates, size: int) -> Clustering:
    from sklearn.cluster import HDBSCAN

    if len(points) <= size:
        return Clustering(np.full(len(points), NOISE), np.zeros(len(points)))
    fitted = HDBSCAN(min_cluster_size=size, min_samples=min(MIN_SAMPLES, size), copy=True).fit(points)
    return Clustering(fitted.labels_.astype(np.int64), fitted.probabilities_)


def _large_kinds(kinds: Kinds) -> list[int]:
    found, texts = np.unique(kinds[kinds != NOISE], return_counts=True)
    return [int(kind) for kind in found[texts > LARGE_SHARE * len(kinds)]]


def vote(near: Nearest, kinds: Kinds) -> Clustering:
    """Kinds of texts that the map was not fitted on: their neighbours vote, weighted by cosine; noise votes too."""
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
    """How well the kinds of n vectors are found again: with other seeds, and on samples of 80 in 100.

    Of more than `texts_max` texts both use a sample of that size, and the least size of a kind shrinks with it.
    """
    if len(vectors) < LEAST or not (kinds != NOISE).any():
        advance("map", 2 * replicates)
        return Stability(None, None, {})
    # The adjusted Rand index (Hubert & Arabie 1985); texts of no kind count as one more.
    from sklearn.metrics import adjusted_rand_score as agreement

    rng = np.random.default_rng(seed)
    base = rng.permutation(len(vectors))[:texts_max] if len(vectors) > texts_max else np.arange(len(vectors))
    seeds, samples, best = list[float](), list[float](), defaultdict[int, list[float]](list)
    for replicate in range(replicates):
        again = _again(vectors[base], seed + 1 + replicate, len(vectors))
        seeds.append(float(agreement(kinds[base], again)))
        advance("map")
    for _ in range(replicates):
        chosen = np.sort(rng.choice(base, size=round(SAMPLE_SHARE * len(base)), replace=False))
        again = _again(vectors[chosen], seed, len(vectors))
        samples.append(float(agreement(kinds[chosen], again)))
        for kind, jaccard in _best_jaccard(kinds[chosen], again).items():
            best[kind].append(jaccard)
        advance("map")
    return Stability(
        median(seeds), median(samples), {kind: float(np.mean(found)) for kind, found in best.items()}
    )


def _again(vectors: Vectors, seed: int, of: int) -> Kinds:
    """Kinds of a sample of `of` texts, by another fit."""
    near = nearest(vectors, vectors, NEIGHBOURS - 1, is_same=True)
    points = project(vectors, near, dimensions=KIND_DIMENSIONS, seed=seed)
    return cluster(points, max(KIND_LEAST // 2, round(kind_size(of) * len(vectors) / of))).kinds


def _best_jaccard(kinds: Kinds, again: Kinds) -> dict[int, float]:
    """For each kind the Jaccard index of the cluster that is most similar."""
    found = {}
    for kind in np.unique(kinds[kinds != NOISE]):
        own = kinds == kind
        others = np.unique(again[own & (again != NOISE)])
        overlaps = [(own & (again == other)).sum() / (own | (again == other)).sum() for other in others]
        found[int(kind)] = float(max(overlaps, default=0.0))
    return found
