"""The door to UMAP: vectors to places on the map, and to a space of few dimensions in which kinds are found.

UMAP: McInnes, Healy & Melville 2018, arXiv:1802.03426. With a seed it runs on one thread, and gives the same places for
the same input on the same machine and versions; other machines round differently, and that may turn a map around or
move a group. `NOT_GUARANTEED` says so to people.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tasks.atlas.nearest import Nearest
from tasks.embedders.passages import Vectors

Coordinates = np.ndarray[Any, np.dtype[np.floating[Any]]]

SEED = 20
NEIGHBOURS = (
    20  # of each text, itself included: with fewer, kinds fall apart by how much is said, not of what
)
MAP_DIMENSIONS, KIND_DIMENSIONS = 2, 10
MAP_MIN_DIST = 0.5  # less draws a kind as one blot
EPOCHS = 300  # UMAP's own rule is 500 up to 10,000 texts and 200 beyond: a map should not jump there
LEAST = 40  # texts; fewer have no shape
NOT_GUARANTEED = (
    "The same texts give the same map on the same machine and library versions; on others it may differ.",
    "Near on the map means alike; how far apart distant groups lie, and how large a group is drawn, mean little.",
)


def settings_of_maps() -> dict[str, float]:
    """What a map is made with, for its record."""
    return {
        "seed": SEED,
        "neighbours": NEIGHBOURS,
        "epochs": EPOCHS,
        "map_min_dist": MAP_MIN_DIST,
        "kind_dimensions": KIND_DIMENSIONS,
    }


def import_umap() -> Any:
    """The library, without its word that there is no Tensorflow."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ImportWarning)
        import umap
    return umap


def project(
    vectors: Vectors, near: Nearest, *, dimensions: int, seed: int = SEED, init: Coordinates | None = None
) -> Vectors:
    """Places (n x dimensions) of n unit vectors, of which `near` has the `NEIGHBOURS - 1` nearest or more.

    `init` has places to begin with, for a map that is to stay where it was. Others begin with the principal components,
    by which distant groups lie as they do in truth, and the same ones come out by every seed (Kobak & Linderman 2021,
    doi:10.1038/s41587-020-00809-z); the spectral beginning throws groups that have no neighbour outside anywhere.
    """
    umap = import_umap()
    with warnings.catch_warnings():
        # That what is given cannot place other texts: it need not.
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
            init=_beginning(vectors, dimensions) if init is None else init.astype(np.float32),
            random_state=seed,
            n_epochs=EPOCHS,
            n_jobs=1,
            precomputed_knn=(places, np.maximum(distances, 0)),
        )
        found: Vectors = reducer.fit_transform(vectors)
    return found


def _beginning(vectors: Vectors, dimensions: int) -> str:
    """Which of UMAP's beginnings: texts that are all the same have no components, and few numbers have too few."""
    has_components = vectors.shape[1] >= dimensions and bool(np.ptp(vectors, axis=0).any())
    return "pca" if has_components else "random"


def place(near: Nearest, fitted: Coordinates) -> Coordinates:
    """Places (n x dimensions) of texts that the map was not fitted on: the mean of those of their fitted neighbours.

    Each neighbour weighs what UMAP gives it, exp(-(d - nearest) / scale), and this is where UMAP's own `transform`
    begins; its further steps shift texts about at random, and a text that stays the same should not move.
    """
    distances = 1 - near.similarity
    beyond = distances - distances.min(axis=1, keepdims=True)
    scale = np.maximum(beyond.mean(axis=1, keepdims=True), 1e-6)
    weights = np.exp(-beyond / scale)
    weights /= weights.sum(axis=1, keepdims=True)
    found: Coordinates = np.einsum("nk,nkd->nd", weights, fitted[near.places])
    return found
