"""A random sample, as a user asks for it: the whole listing is walked, and the drawn models alone are read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from tasks.demo import write_demo_corpus

ROOT = Path(__file__).parents[2]
THIS_WEEK = date(2026, 11, 16)


def snapshot(corpus: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["snapshot", "--hub", str(corpus), "--as-of", str(THIS_WEEK), "--home", str(home), *words]
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *command],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=ROOT,
        env={**os.environ, "CARDIOGRAPH_EMBEDDER": "none"},
    )
    assert done.returncode == 0, done.stderr
    return done


def summary(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    (row,) = json.loads(done.stdout)
    return dict(row)


def rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as db:
        return db.execute(sql).fetchall()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "small.parquet"
    write_demo_corpus(path, models=300, weeks=1, seed=3, end=THIS_WEEK)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def test_a_sample_is_resumed_and_its_findings_are_not_flagged(corpus: Path, home: Path) -> None:
    first, again = (summary(snapshot(corpus, home, "--sample", "120", "--json")) for _ in range(2))
    assert first["selection"] == "a random sample of 120, seed 1"
    assert "of a random sample of 120 models of the Hub" in first["headline"]
    assert (again["readmes_asked_for"], again["texts_judged"], again["findings_estimated"]) == (0, 0, 0)
    assert again["models"] == first["models"]
    assert 0 < first["readmes_asked_for"] <= 120
    walked = pl.read_parquet(corpus).filter(pl.col("snapshot_date").cast(pl.Date) == THIS_WEEK).height
    assert rows(home, "select listed, sample_n, sample_seed from snapshots") == [(walked, 120, 1)]
    ((weight,),) = rows(home, "select sum(sample_weight) from models")
    assert weight == pytest.approx(walked, rel=0.1)
    assert rows(home, "select count(*) from out_findings where 'selected_on_outcome' in flags") == [(0,)]
    assert "About the selection" not in (home / "report.html").read_text(encoding="utf-8")


def test_a_top_n_is_warned_of_and_its_outcome_flagged(corpus: Path, home: Path, tmp_path: Path) -> None:
    # Prefect's database is that of the other home: a new one takes seconds to be migrated.
    shutil.copytree(home / "prefect", tmp_path / "prefect")
    done = snapshot(corpus, tmp_path, "--limit", "120")
    assert "`--sample 120` draws models from the whole listing" in done.stdout
    flagged = rows(tmp_path, "select distinct outcome from out_findings where 'selected_on_outcome' in flags")
    assert ("downloads",) in flagged
    assert not any("likes" in outcome for (outcome,) in flagged)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Selected by downloads." in page
    assert "most downloaded models" in page
