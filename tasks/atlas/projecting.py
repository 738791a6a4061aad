"""The door to UMAP: it projects vectors to places on the map, and to a space of few dimensions for finding kinds.

UMAP: McInnes, Healy & Melville 2018, arXiv:1802.03426. With a seed it runs on one thread, and gives the same places for
the same input on the same machine and versions; other machines round differently, which may rotate a map or move a
group. The page says so.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from tasks.atlas.nearest import Nearest
from tasks.embedders.passages import Vectors

Coordinates = np.ndarray[Any, np.dtype[np.floating[Any]]]

SEED = 20
NEIGHBOURS = 20  # of each text, itself included: with fewer, kinds split by length of text, not by subject
MAP_DIMENSIONS, KIND_DIMENSIONS = 2, 10
MAP_MIN_DIST = 0.5  # with less, a kind becomes one dense spot
EPOCHS = 300  # UMAP's default is 500 up to 10,000 texts and 200 beyond, where a map would change abruptly
LEAST = 40  # texts of a map


# The settings that a map is made with, for its record.
MAP_SETTINGS = {
    "seed": SEED,
    "neighbours": NEIGHBOURS,
    "epochs": EPOCHS,
    "map_min_dist": MAP_MIN_DIST,
    "kind_dimensions": KIND_DIMENSIONS,
}


@cache
def import_umap() -> Any:
    """Import UMAP without its warning that Tensorflow is missing.

    UMAP compiles two of its functions anew in each process, which takes ten seconds, unless numba caches them on disk.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ImportWarning)
        import umap
    for function in (umap.umap_.smooth_knn_dist, umap.umap_.compute_membership_strengths):
        with suppress(RuntimeError):  # no folder for the cache is writable
            function.enable_caching()
    return umap


def project(
    vectors: Vectors, near: Nearest, *, dimensions: int, seed: int = SEED, init: Coordinates | None = None
) -> Vectors:
    """Places (n x dimensions) of n unit vectors, given the `NEIGHBOURS - 1` nearest of each, or more, in `near`.

    `init` has the places to start from, for a map that should stay where it was. Others start from the principal
    components, which keep the arrangement of distant groups and make it independent of the seed (Kobak & Linderman
    2021, doi:10.1038/s41587-020-00809-z); a spectral start puts groups without outside neighbours anywhere.
    """
    umap = import_umap()
    start: str | Vectors = (
        "random"  # for texts that are all the same, and for vectors with too few components
    )
    if init is not None:
        start = init.astype(np.float32)
    elif vectors.shape[1] >= dimensions and np.ptp(vectors, axis=0).any():
        start = "pca"
    with warnings.catch_warnings():
        # It warns that a fit with given neighbours cannot transform other texts, which is not needed here.
        warnings.filterwarnings("ignore", message="precomputed_knn")
        neighbours = min(NEIGHBOURS, near.places.shape[1] + 1)
        own = np.arange(len(vectors))[:, None]
        places = np.hstack([own, near.places[:, : neighbours - 1]]).astype(np.int32)
        distances = np.hstack(
            [np.zeros_like(own, np.float32), 1 - near.similarity[:, : neighbours - 1]]
        ).astype(np.float32)
        reducer = umap.UMAP(
            n_components=dimensions,
            n_neighbors=neighbours,
            min_dist=MAP_MIN_DIST if dimensions == MAP_DIMENSIONS else 0.0,
            metric="cosine",
            init=start,
            random_state=seed,
            n_epochs=EPOCHS,
            n_jobs=1,
            precomputed_knn=(places, np.maximum(distances, 0)),
        )
        found: Vectors = reducer.fit_transform(vectors)
    return found


def place(near: Nearest, fitted: Coordinates) -> Coordinates:
    """Places (n x dimensions) of texts that the map was not fitted on: the weighted mean of their fitted neighbours'.

    Weights are those of UMAP, exp(-(d - nearest) / scale), and UMAP's own `transform` starts from this mean. Its
    further steps shift texts at random, and a text that does not change should not move.
    """
    distances = 1 - near.similarity
    beyond = distances - distances.min(axis=1, keepdims=True)
    scale = np.maximum(beyond.mean(axis=1, keepdims=True), 1e-6)
    weights = np.exp(-beyond / scale)
    weights /= weights.sum(axis=1, keepdims=True)
    found: Coordinates = np.einsum("nk,nkd->nd", weights, fitted[near.places])
    return found
