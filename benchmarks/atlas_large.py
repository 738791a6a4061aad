"""Time and memory for the map of a large Hub of made-up texts: for the first fit, and for the week after.

    python benchmarks/atlas_large.py [--texts 100000 1000000]

A home is made up for each size: models with a distinct text each (the demo's cards with a word of their own), vectors
around 300 centres and a sixth of them around none, in parts as a run writes them. Embedding is measured elsewhere
(`benchmarks/atlas.py`). Then the first map is made, and the map of the week after, in which 2 in 100 texts are new.
Prints the seconds and the peak memory of each, measured in a process of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tasks.atlas.steps import make_map
from tasks.demo import write_demo_corpus
from tasks.embedders.passages import Vectors
from tasks.progress import listening
from tasks.records import CardRead, Embedding, ListedModel
from tasks.storage.lake import Lake, SnapshotRecord
from tasks.storage.warehouse import Warehouse
from tasks.work.run import Run

FIRST = date(2026, 11, 16)
SECOND = FIRST + timedelta(weeks=1)
NOW = datetime(2026, 11, 23, 6)  # noqa: DTZ001 - UTC without a zone, as all times in the lake
EMBEDDER = "made-up"
PART, PAGE = 400, 50_000
CENTRES, OF_NONE, NEW = 300, 1 / 6, 0.02
DIMENSIONS, SPREAD = 384, 0.05


def make_up(home: Path, texts: int, seed: int = 20) -> None:
    """Two weeks of a Hub: in the second 2 in 100 of the models and texts are new."""
    lake, rng = Lake(home), np.random.default_rng(seed)
    began = round(texts * (1 - NEW))
    centres = rng.normal(size=(2, CENTRES, DIMENSIONS)) / np.sqrt(DIMENSIONS)
    cards = _cards(home, texts)
    for week, numbers in ((FIRST, range(began)), (SECOND, range(began, texts))):
        for start in numbers[::PART]:
            part = list(islice(cards, min(PART, numbers.stop - start)))
            lake.write(f"cards/{week}/{start:08}.parquet", CardRead, part)
            bodies, metadata = _vectors(rng, centres, len(part))
            rows = [
                Embedding(card.card_hash or "", EMBEDDER, body, front, 4, 700, is_truncated=False)
                for card, body, front in zip(part, bodies.tolist(), metadata.tolist(), strict=True)
            ]
            lake.write(f"embeddings/{EMBEDDER}/{start:08}.parquet", Embedding, rows)
        for page in range(0, numbers.stop, PAGE):
            listed = [_listed(week, number) for number in range(page, min(numbers.stop, page + PAGE))]
            lake.write(f"listing/{week}/page-{page // PAGE:05}.parquet", ListedModel, listed)
        walk = SnapshotRecord(week, "made up", "all", numbers.stop, NOW, NOW)
        lake.write(f"snapshots/{week}.parquet", SnapshotRecord, [walk])


def _cards(home: Path, texts: int) -> Iterator[CardRead]:
    """Cards of the demo, repeated, each with a word of its own."""
    corpus = home / "demo.parquet"
    write_demo_corpus(corpus, models=2000, weeks=1, seed=1, end=FIRST)
    known = [text for text in pl.read_parquet(corpus)["card_text"].drop_nulls().to_list() if len(text) > 400]
    for number in range(texts):
        text = f"{known[number % len(known)]}\nmodel{number}\n"
        digest = hashlib.sha256(text.encode()).hexdigest()
        yield CardRead(FIRST, _name(number), f"{number:040x}", "card", "e", digest, text, read_at=NOW)


def _vectors(rng: np.random.Generator, centres: np.ndarray[Any, Any], texts: int) -> tuple[Vectors, Vectors]:
    of = rng.integers(0, CENTRES, texts)
    is_of_none = rng.uniform(size=texts) < OF_NONE
    halves = []
    for half in centres:
        drawn = half[of] + SPREAD * rng.normal(size=(texts, DIMENSIONS))
        drawn[is_of_none] = rng.normal(size=(int(is_of_none.sum()), DIMENSIONS))
        halves.append((drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32))
    return halves[0], halves[1]


def _name(number: int) -> str:
    return f"a{number % 50_021}/m{number}"


def _listed(week: date, number: int) -> ListedModel:
    tags = ["transformers", "text-generation", "en", f"dataset:d{number % 900}", "region:us"]
    return ListedModel(
        week, _name(number), f"a{number % 50_021}", f"{number:040x}", NOW, NOW, number % 97, number % 977, number % 7,
        None, tags, "transformers", "text-generation", None, True, 7_000_000, [],
    )  # fmt: skip


def step(home: Path, what: str) -> None:
    """Run one step in this process; prints its seconds, those between reports of progress, and the peak memory."""
    warehouse, ticks = Warehouse(home), [time.perf_counter()]
    with warehouse.writer(), listening(lambda *_: ticks.append(time.perf_counter())):
        if what == "land":
            warehouse.begin(afresh=True)
        else:
            make_map.fn(Run(home, date.fromisoformat(what)), EMBEDDER)
    ticks.append(time.perf_counter())
    between = [round(then - before, 1) for before, then in pairwise(ticks)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"  {what}: {ticks[-1] - ticks[0]:.1f} s, {memory:.2f} GB; {between}", flush=True)


def main() -> None:
    """Measure each size, with a process per step."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--texts", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--step", nargs=2, metavar=("HOME", "WHAT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        step(Path(options.step[0]), options.step[1])
        return
    for texts in options.texts:
        with tempfile.TemporaryDirectory() as name:
            started = time.perf_counter()
            make_up(Path(name), texts)
            print(f"{texts:,} texts, made up in {time.perf_counter() - started:.0f} s", flush=True)
            for what in ("land", str(FIRST), str(SECOND)):
                subprocess.run([sys.executable, __file__, "--step", name, what], check=True)


if __name__ == "__main__":
    main()
