"""Several worker processes at one snapshot: the same result, no refusal by the Hub, and what the dead leave is done."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tasks.demo import write_demo_corpus
from tasks.operations.planning import task_runs
from tasks.replica.process import running_replica

ROOT = Path(__file__).parents[2]
THIS_WEEK = date(2026, 11, 16)
# What two runs may rightly say differently is when, and by which parts.
TABLES = {
    "base.listing": "*",
    "base.texts": "*",
    "base.facts": "*",
    "base.verdicts": "*",
    "panel": "*",
    "out_findings": "* exclude (computed_at)",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "small.parquet"
    write_demo_corpus(path, models=300, weeks=2, seed=3, end=THIS_WEEK)
    return path


@contextmanager
def snapshot(hub: str | Path, home: Path, workers: int) -> Iterator[subprocess.Popen[str]]:
    """The command, in a session of its own so that it can be killed with all of its crew."""
    words = ["--hub", hub, "--all", "--as-of", THIS_WEEK, "--home", home, "--workers", workers, "--json"]
    child = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "snapshot", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "CARDIOGRAPH_PART_CARDS": "20"},
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def taken(hub: str | Path, home: Path, workers: int) -> dict[str, Any]:
    with snapshot(hub, home, workers) as child:
        out, err = child.communicate(timeout=280)
        assert child.returncode == 0, err
        (summary,) = json.loads(out)
        return dict(summary)


def contents(home: Path) -> dict[str, Any]:
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as db:
        return {
            table: db.execute(
                f"select count(*), bit_xor(hash(rows)) from (select {columns} from {table}) as rows"  # noqa: S608
            ).fetchall()
            for table, columns in TABLES.items()
        }


def crews_of(home: Path) -> list[int]:
    """Process numbers of the crew at work in a home."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"flows.crew" in words and str(home.resolve()).encode() in words:
                found.append(int(folder.name))
    return found


def test_three_processes_make_what_one_makes(tmp_path: Path, corpus: Path) -> None:
    one, three = (taken(corpus, tmp_path / str(workers), workers) for workers in (1, 3))
    assert contents(tmp_path / "1") == contents(tmp_path / "3")
    assert one["verdicts"] == three["verdicts"] > 0
    assert not crews_of(tmp_path / "3")
    for home, said in ((tmp_path / "1", one), (tmp_path / "3", three)):
        assert task_runs_of(home) == planned(said)


def task_runs_of(home: Path) -> int:
    with closing(sqlite3.connect(home / "prefect" / "prefect.db")) as db:
        ((runs,),) = db.execute("select count(*) from task_run").fetchall()
    return int(runs)


def planned(said: dict[str, Any]) -> int:
    """What `cardiograph plan` reckons with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIOGRAPH_PART_CARDS", "20")
        return task_runs(said["readmes_asked_for"], [said["texts_judged"]], ["checklist"])


def test_three_processes_share_a_quota_without_being_refused(tmp_path: Path, corpus: Path) -> None:
    # 90 requests in windows of 8 seconds: the crawl needs four of them, and each process alone would fill one.
    with running_replica(corpus, plan="anonymous", window_s=8, quota_scale=0.03, latency_ms=50) as hub:
        taken(hub, tmp_path, 3)
        with urllib.request.urlopen(f"{hub}/-/replica/stats", timeout=10) as answer:
            stats = json.load(answer)
    windows = [window for window in stats["windows"] if window["bucket"] == "resolvers"]
    assert len(windows) >= 3
    assert not any(window["refused"] for window in stats["windows"])


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the crew by /proc")
def test_parts_of_a_killed_worker_are_done_by_others_and_it_is_replaced(tmp_path: Path, corpus: Path) -> None:
    with running_replica(corpus, latency_ms=300) as hub, snapshot(hub, tmp_path / "hit", 2) as child:
        claims = tmp_path / "hit" / "lake" / "claims" / str(THIS_WEEK) / "read"
        until = time.monotonic() + 120
        while not (members := crews_of(tmp_path / "hit")) or len(list(claims.glob("*"))) < 4:
            assert time.monotonic() < until, "the crew never came"
            time.sleep(0.05)
        for member in members:
            os.kill(member, signal.SIGKILL)
        _, err = child.communicate(timeout=280)
        assert child.returncode == 0, err
        taken(hub, tmp_path / "calm", 1)
    assert contents(tmp_path / "hit") == contents(tmp_path / "calm")


def test_a_week_that_was_missed_is_made_up_for_and_says_so(tmp_path: Path, corpus: Path) -> None:
    with running_replica(corpus) as hub:  # by its address: a live Hub, as far as anybody can tell
        taken(hub, tmp_path, 1)
    with duckdb.connect(tmp_path / "warehouse.duckdb", read_only=True) as db:
        assert db.execute("select snapshot, is_late from snapshots").fetchall() == [(THIS_WEEK, True)]
    assert "crawled" in (tmp_path / "report.html").read_text()
