"""Kill a snapshot with -9 at random moments, run it again, and look for lost, duplicate or partial results.

    python benchmarks/kills.py [--corpus CORPUS.parquet] [--times 20] [--seed 1]

Each round starts from a home with last week published, starts this week's snapshot, kills it at a random moment, and
runs it again. Meanwhile the published warehouse is opened continuously. The result must equal that of an undisturbed
run, to the row. Prints one JSON object; exit code 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

# Every table except those of parts and attempts; a second run may only change the times.
COMPARED = {
    "base.snapshots": "* exclude (started_at, finished_at)",
    "base.listing": "*",
    "base.list_failures": "*",
    "base.texts": "*",
    "base.facts": "*",
    "base.verdicts": "*",
    "out_findings": "* exclude (computed_at)",
}


def command(corpus: Path, home: Path, as_of: date) -> list[str]:
    """The snapshot's command line."""
    snapshot = [sys.executable, "-m", "flows.cli", "snapshot", "--hub", str(corpus), "--all"]
    return [*snapshot, "--as-of", str(as_of), "--home", str(home), "--json", "--embedder", "none"]


def contents(home: Path) -> dict[str, Any]:
    """Row counts and digests of every table without its times, and what must never exist twice."""
    found: dict[str, Any] = {}
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as db:
        for table, columns in COMPARED.items():
            rows = f"select {columns} from {table}"
            found[table] = db.execute(
                f"select count(*), bit_xor(hash(rows)) from ({rows}) as rows"
            ).fetchall()
        found["fates"] = db.execute(
            "select snapshot, card_status, count(*) from panel group by all order by all"
        ).fetchall()
        found["read twice"] = db.execute(
            "select count(*) from (select model_id, sha from base.reads where status <> 'failed' "
            "group by all having count(*) > 1)"
        ).fetchall()
    return found


class Reader(threading.Thread):
    """Opens the published warehouse continuously, and keeps the errors."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.path = path
        self.reads = 0
        self.errors: list[str] = []
        self.done = threading.Event()

    def run(self) -> None:
        """Read until stopped."""
        while not self.done.wait(0.05):
            try:
                with duckdb.connect(self.path, read_only=True) as db:
                    (count,) = db.execute("select count(distinct snapshot) from panel").fetchall()[0]
                self.reads += 1
                if count not in (1, 2):
                    self.errors.append(f"{count} snapshots")
            except duckdb.Error as error:
                self.errors.append(str(error))


def kill_at(moment_s: float, arguments: list[str]) -> bool:
    """Start, wait, kill; whether the process was still running."""
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        time.sleep(moment_s)
        was_running = run.poll() is None
        run.kill()
    return was_running


def play(corpus: Path, before: Path, weeks: tuple[date, date], times: int, seed: int) -> dict[str, Any]:
    """Play all rounds; returns their tally."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        untouched = Path(folder) / "untouched"
        shutil.copytree(before, untouched)
        started = time.monotonic()
        subprocess.run(command(corpus, untouched, weeks[1]), check=True, stdout=subprocess.DEVNULL)
        lasts_s = time.monotonic() - started
        expected = contents(untouched)
        tally: dict[str, Any] = {
            "rounds": times,
            "a_run_lasts_s": round(lasts_s, 1),
            "killed": 0,
            "reads": 0,
            "wrong": [],
        }
        for number in range(times):
            home = Path(folder) / f"round-{number}"
            shutil.copytree(before, home)
            reader = Reader(home / "warehouse.duckdb")
            reader.start()
            moment_s = rng.uniform(0.5, lasts_s)
            tally["killed"] += kill_at(moment_s, command(corpus, home, weeks[1]))
            again = subprocess.run(
                command(corpus, home, weeks[1]), capture_output=True, text=True, check=False
            )
            reader.done.set()
            reader.join()
            tally["reads"] += reader.reads
            same = again.returncode == 0 and contents(home) == expected
            if not same or reader.errors:
                tally["wrong"].append(
                    {
                        "round": number,
                        "moment_s": moment_s,
                        "errors": reader.errors[:3],
                        "said": again.stderr[-300:],
                    }
                )
            shutil.rmtree(home)
            print(
                f"round {number + 1}/{times}: killed at {moment_s:.1f} s, {'same' if same else 'DIFFERENT'}",
                file=sys.stderr,
            )
    return tally


def main() -> None:
    """Play and print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--corpus", type=Path, help="default: a new demo corpus of two weeks")
    arguments.add_argument("--times", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus, weeks = _corpus(given.corpus, Path(folder))
        before = Path(folder) / "before"
        subprocess.run(command(corpus, before, weeks[0]), check=True, stdout=subprocess.DEVNULL)
        tally = play(corpus, before, weeks, given.times, given.seed)
    print(json.dumps(tally, indent=2))
    raise SystemExit(bool(tally["wrong"]))


def _corpus(given: Path | None, folder: Path) -> tuple[Path, tuple[date, date]]:
    from tasks.demo import write_demo_corpus
    from tasks.hub.source import date_of

    corpus = given or folder / "demo.parquet"
    if given is None:
        write_demo_corpus(corpus, models=1000, weeks=2, seed=7)
    last = date_of(str(corpus), folder, None)
    return corpus, (last - timedelta(days=7), last)


if __name__ == "__main__":
    main()
