"""The speed-up of a snapshot by more worker processes where the Hub's latency dominates, and its overhead.

    python benchmarks/workers.py [--models 10000] [--latency-ms 1000] [--workers 1 2 3] [--json FILE]

Serves a demo corpus from a replica that answers after `--latency-ms`, takes the whole snapshot with each number of
worker processes into a home of its own, and reads Prefect's records of the run. Orchestration is the time between the
command's start and its end in which no task run was running: Prefect's server starts, flows and task runs change
states, workers join and look for parts. Prints a table.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tasks.demo import write_demo_corpus
from tasks.replica.process import running_replica


@dataclass(frozen=True, slots=True)
class Run:
    """The measurements of one snapshot. `orchestration_share` is of the wall time, 0-1."""

    workers: int
    wall_s: float
    speed_up: float
    reading_s: float
    task_runs: int
    orchestration_share: float
    verdicts: int


def take(hub: str, home: Path, workers: int, base_s: float | None) -> Run:
    """Take one snapshot with so many processes."""
    snapshot = [sys.executable, "-m", "flows.cli", "snapshot", "--hub", hub, "--all", "--home", str(home)]
    command = [*snapshot, "--workers", str(workers), "--json", "--embedder", "none"]
    began = datetime.now(UTC)
    started = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    wall_s = time.perf_counter() - started
    runs = _task_runs(home, began.replace(tzinfo=None))
    reading = [(begin, end) for name, begin, end in runs if name.startswith("read ")]
    return Run(
        workers=workers,
        wall_s=wall_s,
        speed_up=(base_s or wall_s) / wall_s,
        reading_s=max(end for _, end in reading) - min(begin for begin, _ in reading),
        task_runs=len(runs),
        orchestration_share=1 - covered_s([(begin, end) for _, begin, end in runs]) / wall_s,
        verdicts=json.loads(done.stdout)[0]["verdicts"],
    )


def covered_s(spans: list[tuple[float, float]]) -> float:
    """Seconds that lie in at least one span."""
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def _task_runs(home: Path, since: datetime) -> list[tuple[str, float, float]]:
    """Names, starts and ends (seconds) of the finished task runs that Prefect recorded."""
    with closing(sqlite3.connect(home / "prefect" / "prefect.db")) as db:
        rows = db.execute(
            "select name, start_time, end_time from task_run where end_time is not null and start_time >= ?",
            (str(since),),
        ).fetchall()
    return [(name, *(datetime.fromisoformat(at).timestamp() for at in times)) for name, *times in rows]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--latency-ms", type=float, default=1000.0)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    taken: list[Run] = []
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.parquet"
        write_demo_corpus(corpus, models=options.models, weeks=1, seed=7)
        with running_replica(corpus, latency_ms=options.latency_ms) as hub:
            for workers in options.workers:
                base_s = taken[0].wall_s if taken else None
                taken.append(take(hub, Path(folder) / f"home-{workers}", workers, base_s))
                print(json.dumps(asdict(taken[-1])), flush=True)
    print("| workers | wall | speed-up | reading | task runs | orchestration |\n|---|---|---|---|---|---|")
    for one in taken:
        print(
            f"| {one.workers} | {one.wall_s:.0f} s | {one.speed_up:.2f} | {one.reading_s:.0f} s | {one.task_runs} | "
            f"{one.orchestration_share:.1%} |"
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in taken], indent=2) + "\n")


if __name__ == "__main__":
    main()
