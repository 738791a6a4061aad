"""The nearest vectors of each vector, by cosine: exact for few vectors, by an index for many."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from tasks.embedders.passages import Vectors
from tasks.findings.threads import on_one_thread

NeighbourIndices = np.ndarray[tuple[int, int], np.dtype[np.int64]]

EXACT_MAX = 50_000  # a minute or two on two cores; the cost is quadratic
# A wider search finds more: 97 in 100 of the ten nearest of the cards of 2022, and 92 with ten neighbours.
_INDEX_NEIGHBOURS = 30
_ROWS_AT_ONCE = 512
_SIMILAR_BYTES_MAX = 128 << 20  # of a block's cosines; sorting them takes twice as much in addition
_THREADS_MAX = 8


@dataclass(frozen=True, slots=True)
class Nearest:
    """For n vectors, the rows (n x k) of the nearest others, the nearest first, and their cosines (n x k)."""

    places: NeighbourIndices
    similarity: Vectors


@on_one_thread
def nearest(vectors: Vectors, among: Vectors, k: int, *, is_same: bool = False) -> Nearest:
    """The k nearest of `among` (m x d) for each of `vectors` (n x d), all of length 1; of equals the earlier row.

    With `is_same` both are the same vectors, and no vector is its own neighbour. Fewer than k if there are fewer.
    Exact. Each of a few threads holds a block of rows times all of `among`; their number does not change the result.
    """
    k = min(k, len(among) - is_same)
    places = np.empty((len(vectors), max(k, 0)), np.int64)
    similarity = np.empty(places.shape, np.float32)
    if k <= 0:
        return Nearest(places, similarity)
    rows_at_once = max(1, min(_ROWS_AT_ONCE, _SIMILAR_BYTES_MAX // (4 * len(among))))

    def search(start: int) -> None:
        block = vectors[start : start + rows_at_once] @ among.T
        rows = np.arange(len(block))
        if is_same:
            block[rows, start + rows] = -np.inf
        if k < block.shape[1]:
            found = np.sort(np.argpartition(block, -k, axis=1)[:, -k:], axis=1)
        else:
            found = np.tile(np.arange(k), (len(block), 1))
        cosines = block[rows[:, None], found]
        order = np.argsort(-cosines, axis=1, kind="stable")
        places[start : start + len(block)] = np.take_along_axis(found, order, axis=1)
        similarity[start : start + len(block)] = np.take_along_axis(cosines, order, axis=1)

    with ThreadPoolExecutor(min(_THREADS_MAX, os.cpu_count() or 1)) as threads:
        list(threads.map(search, range(0, len(vectors), rows_at_once)))
    return Nearest(places, np.clip(similarity, -1.0, 1.0))


def nearest_of_all(vectors: Vectors, k: int, seed: int = 20) -> Nearest:
    """The k nearest others of each of n unit vectors: exact up to `EXACT_MAX`, beyond by nearest-neighbour descent.

    Dong, Moses & Li 2011, "Efficient k-nearest neighbor graph construction for generic similarity measures".
    """
    if len(vectors) <= EXACT_MAX:
        return nearest(vectors, vectors, k, is_same=True)
    from pynndescent import NNDescent

    index = NNDescent(vectors, metric="cosine", n_neighbors=max(k + 1, _INDEX_NEIGHBOURS), random_state=seed)
    places, distances = (
        found[:, 1 : k + 1] for found in index.neighbor_graph
    )  # the first is the vector itself
    similarity = np.clip(1 - distances, -1.0, 1.0)  # for equal vectors it is 1.0000004
    return Nearest(places.astype(np.int64), similarity.astype(np.float32))
