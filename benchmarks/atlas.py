"""Cards per second of each stage of the atlas, compared with a plain call of the library that does the work.

    python benchmarks/atlas.py hub-2022-02.parquet --cards 2000
    python benchmarks/atlas.py demo.parquet

The plain calls get the input of the stage, in the same process and run, with the libraries' defaults: all passages for
`SentenceTransformer.encode`, the vectors for `umap.UMAP` and for HDBSCAN. The time of the stages includes their other
work (parsing, cutting, pooling, neighbours). A first small fit compiles UMAP for both.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from tasks.atlas.clustering import MIN_SAMPLES, cluster, kind_size
from tasks.atlas.nearest import nearest
from tasks.atlas.projecting import (
    EPOCHS,
    KIND_DIMENSIONS,
    MAP_DIMENSIONS,
    NEIGHBOURS,
    SEED,
    import_umap,
    project,
)
from tasks.embedders.embedder import Embedder
from tasks.embedders.loading import load_embedder
from tasks.embedders.sentence import MINILM
from tasks.records import CardText, Embedding
from tasks.settings import settings

T = TypeVar("T")
Measured = tuple[str, int, float, float]  # a stage, cards, our seconds, and the plain library's
_SHORT_ROUNDS = 5  # of a stage that takes less than a second


def main() -> None:
    """Measure, and print one row per stage."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpus", type=Path, help="a corpus file, as docs/corpus.md describes it")
    parser.add_argument("--cards", type=int, default=2_000, help="distinct texts, at most")
    parser.add_argument("--embedder", default=MINILM, help="of sentence-transformers (cardiograph[torch])")
    options = parser.parse_args()
    cards = texts_of(options.corpus, options.cards)
    measured, embedded = embedding(load_embedder(options.embedder), cards)
    vectors = np.array([row.body for row in embedded if row.passages], np.float32)
    warm_up(vectors)
    show([measured, projecting(vectors), clustering(vectors)], len(cards))


def texts_of(corpus: Path, most: int) -> list[CardText]:
    """A sample of the distinct texts of a corpus, with a fixed seed."""
    texts = pl.scan_parquet(corpus).select("card_text").drop_nulls().unique().collect()["card_text"].sort()
    chosen = texts.sample(min(most, len(texts)), seed=SEED)
    return [CardText(str(place), text) for place, text in enumerate(chosen)]


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result of some work, and the seconds that it takes."""
    began = perf_counter()
    return work(), perf_counter() - began


def embedding(embedder: Embedder, cards: list[CardText]) -> tuple[Measured, list[Embedding]]:
    """Embed cards by the stage, in parts, and their passages by the plain library; returns the embeddings, too."""
    import torch
    from sentence_transformers import SentenceTransformer

    passages = [text for card in cards if (cut := embedder.passages_of(card)) for text in cut.texts]
    size = settings().part_cards
    parts = [cards[start : start + size] for start in range(0, len(cards), size)]
    embedded, ours = timed(lambda: [row for part in parts for rows in embedder.embed(part) for row in rows])
    torch.set_num_threads(torch.get_num_interop_threads())
    model = SentenceTransformer(str(embedder.identity.folder), device="cpu")
    _, plain = timed(lambda: model.encode(passages, normalize_embeddings=True, show_progress_bar=False))
    torch.set_num_threads(1)
    return ("embed", len(cards), ours, plain), embedded


def warm_up(vectors: Any) -> None:
    """Compile UMAP."""
    few = vectors[:200]
    project(few, nearest(few, few, NEIGHBOURS - 1, is_same=True), dimensions=MAP_DIMENSIONS)


def projecting(vectors: Any) -> Measured:
    """Neighbours and both projections, and the same two by plain UMAP, which looks for neighbours twice."""

    def ours() -> None:
        near = nearest(vectors, vectors, NEIGHBOURS - 1, is_same=True)
        for dimensions in (MAP_DIMENSIONS, KIND_DIMENSIONS):
            project(vectors, near, dimensions=dimensions)

    def plain() -> None:
        umap = import_umap()
        for dimensions in (MAP_DIMENSIONS, KIND_DIMENSIONS):
            umap.UMAP(
                n_components=dimensions,
                n_neighbors=NEIGHBOURS,
                metric="cosine",
                random_state=SEED,
                n_jobs=1,
                n_epochs=EPOCHS,
            ).fit_transform(vectors)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return "project", len(vectors), timed(ours)[1], timed(plain)[1]


def clustering(vectors: Any) -> Measured:
    """Kinds by the stage, and by plain HDBSCAN."""
    from sklearn.cluster import HDBSCAN

    near = nearest(vectors, vectors, NEIGHBOURS - 1, is_same=True)
    points, size = project(vectors, near, dimensions=KIND_DIMENSIONS), kind_size(len(vectors))
    plain = HDBSCAN(min_cluster_size=size, min_samples=MIN_SAMPLES, copy=True)
    rounds = [
        (timed(lambda: cluster(points, size))[1], timed(lambda: plain.fit(points))[1])
        for _ in range(_SHORT_ROUNDS)
    ]
    ours, others = zip(*rounds, strict=True)
    return "cluster", len(vectors), median(ours), median(others)


def show(rows: list[Measured], cards: int) -> None:
    """Print the cards per second of both, and their ratio."""
    table = Table("stage", "cards", "cards per second", "plain library", "ratio", title=f"{cards:,} cards")
    for stage, n, ours, plain in rows:
        table.add_row(stage, f"{n:,}", f"{n / ours:,.1f}", f"{n / plain:,.1f}", f"{plain / ours:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
