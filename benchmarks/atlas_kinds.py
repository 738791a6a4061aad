"""How well the kinds of a map match planted archetypes: adjusted Rand index on made-up Hubs.

    python benchmarks/atlas_kinds.py
    python benchmarks/atlas_kinds.py --hubs 1000:7 500:5

A Hub is given as its number of models and its seed. Hostile cards are on the map but not in the index: they are planted
on models of every kind, and are not a kind of their own.
"""

from __future__ import annotations

import argparse
import hashlib
from datetime import date
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.metrics import adjusted_rand_score

from tasks.atlas.centring import TextVectors
from tasks.atlas.clustering import NOISE
from tasks.atlas.making import Limits, build_map
from tasks.demo import write_demo_corpus
from tasks.embedders import DEFAULT_EMBEDDER
from tasks.embedders.embedder import Embedder
from tasks.embedders.loading import load_embedder
from tasks.records import CardText

END = date(2026, 11, 16)
HUBS = ("500:5", "500:6", "600:4", "700:3", *(f"800:{seed}" for seed in range(1, 6)))
HUBS = (*HUBS, *(f"1000:{seed}" for seed in (7, 8, 9, 10)), "3000:1")


def main() -> None:
    """Measure, and print one row per Hub."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hubs", nargs="+", default=HUBS, metavar="MODELS:SEED")
    parser.add_argument("--embedder", default=DEFAULT_EMBEDDER)
    options = parser.parse_args()
    table = Table("models", "seed", "texts", "kinds", "of none", "ARI with the archetypes")
    found = []
    embedder = load_embedder(options.embedder)
    for hub in track(options.hubs, description="Hubs"):
        models, seed = map(int, hub.split(":"))
        texts, kinds, none, index = recovered(embedder, models, seed)
        found.append(index)
        table.add_row(f"{models:,}", str(seed), f"{texts:,}", str(kinds), f"{none:.0%}", f"{index:.2f}")
    Console().print(table)
    Console().print(f"least {min(found):.2f}, median {median(found):.2f}, most {max(found):.2f}")


def recovered(embedder: Embedder, models: int, seed: int) -> tuple[int, int, float, float]:
    """Texts on the map, kinds, the share of texts of none, and the adjusted Rand index with the planted archetypes."""
    cards, archetypes = corpus(models, seed)
    rows = [row for rows in embedder.embed(cards) for row in rows]
    placed = [place for place, row in enumerate(rows) if row.passages]
    bodies = np.array([rows[place].body for place in placed], np.float32)
    metadata = np.zeros_like(bodies)
    for at, place in enumerate(placed):
        metadata[at] = rows[place].metadata or 0
    hashes = [rows[place].card_hash for place in placed]
    new_map = build_map(END, hashes, TextVectors(bodies, metadata), None, 0, Limits(replicates=1))
    if new_map is None:
        raise SystemExit(f"{models} models are too few for a map")
    planted = np.array([archetypes[place] for place in placed])
    counts = planted != "hostile"
    index = adjusted_rand_score(planted[counts], new_map.kinds[counts])
    return len(placed), len(new_map.numbers), float((new_map.kinds == NOISE).mean()), float(index)


def corpus(models: int, seed: int) -> tuple[list[CardText], list[str]]:
    """Distinct texts of a made-up Hub in the order of their hashes, and the archetype of a model of each."""
    with TemporaryDirectory() as folder:
        truth = write_demo_corpus(Path(folder) / "hub.parquet", models=models, weeks=2, seed=seed, end=END)
        cards, planted = pl.read_parquet(truth.corpus), pl.read_parquet(truth.truth_parquet)
    rows = (
        cards.join(planted.select("model_id", "snapshot_date", "archetype"), on=["model_id", "snapshot_date"])
        .filter(pl.col("snapshot_date") == END, pl.col("card_text").is_not_null())
        .unique("card_text", keep="first", maintain_order=True)
    )
    texts = [
        (CardText(hashlib.sha256(text.encode()).hexdigest(), text), archetype)
        for text, archetype in rows.select("card_text", "archetype").iter_rows()
    ]
    texts.sort(key=lambda pair: pair[0].card_hash)
    return [card for card, _ in texts], [archetype for _, archetype in texts]


if __name__ == "__main__":
    main()
