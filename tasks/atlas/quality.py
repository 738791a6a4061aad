"""The quality of a map: whether texts that are neighbours on it are alike."""

from __future__ import annotations

import numpy as np

from tasks.atlas.projecting import SEED, Coordinates
from tasks.embedders.passages import Vectors

NEIGHBOURS = 15
TEXTS_MAX = 4_000  # a sample of more: the measure compares every pair


def trustworthiness(vectors: Vectors, points: Coordinates, *, seed: int = SEED) -> float | None:
    """Venna & Kaski 2001, with 15 neighbours: 1 if neighbours on the map are those of the vectors, 0.5 by chance.

    Null for too few texts.
    """
    from sklearn.manifold import trustworthiness as measure

    if len(vectors) <= 2 * NEIGHBOURS:
        return None
    if len(vectors) > TEXTS_MAX:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:TEXTS_MAX])
        vectors, points = vectors[chosen], points[chosen]
    return float(measure(vectors, points, n_neighbors=NEIGHBOURS, metric="cosine"))
