"""What the made-up Hub was made with, found again: through judged snapshots, and by the command on its own truth.

One draw of the Hub; how often an interval holds what was planted, over many draws: benchmarks/stats.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tasks.demo import DemoTruth, write_demo_corpus

ROOT = Path(__file__).parents[2]
THIS_WEEK = date(2026, 11, 16)
WEEKS = 8
Database = duckdb.DuckDBPyConnection


def cardiograph(*words: object) -> str:
    command = [sys.executable, "-m", "flows.cli", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    path = tmp_path_factory.mktemp("corpus") / "demo.parquet"
    return write_demo_corpus(path, models=1500, weeks=WEEKS, seed=12, end=THIS_WEEK)


@pytest.fixture(scope="module")
def judged(truth: DemoTruth, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The warehouse after eight weekly snapshots, judged by the checklist."""
    home = tmp_path_factory.mktemp("home")
    for week in reversed(range(WEEKS)):
        day = THIS_WEEK - timedelta(weeks=week)
        cardiograph("snapshot", "--hub", truth.corpus, "--all", "--as-of", day, "--home", home, "--json")
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as db:
        yield db


def intervals(db: Database, question: str, estimator: str) -> dict[tuple[str, str], tuple[float, float]]:
    """By outcome and predictor, over all models of the last week."""
    rows = db.sql(
        "select outcome, predictor, ci_low, ci_high from out_findings where snapshot = $day and stratum = 'all'"
        " and question = $question and estimator = $estimator",
        params={"day": THIS_WEEK, "question": question, "estimator": estimator},
    ).fetchall()
    return {(outcome, predictor): (low, high) for outcome, predictor, low, high in rows}


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_checklist_s_correlations_hold_those_of_the_planted_documentation(
    truth: DemoTruth, judged: Database
) -> None:
    found = intervals(judged, "rank_correlation", "spearman")
    for outcome in ("likes", "downloads"):
        planted = truth.spearman[outcome]["with_card"]
        low, high = found[outcome, "score"]
        assert planted is not None
        assert low < planted < high


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(900)
def test_judged_edits_are_followed_by_what_was_planted_and_touches_by_nothing(
    truth: DemoTruth, judged: Database
) -> None:
    found = intervals(judged, "edit_effect", "poisson_stacked")
    planted = {
        ("likes_gained", "documentation_edit"): truth.edit_effect_likes,
        ("downloads_gained", "documentation_edit"): truth.edit_effect_downloads,
        ("likes_gained", "cosmetic_edit"): 0.0,
        ("downloads_gained", "cosmetic_edit"): 0.0,
    }
    for asked, effect in planted.items():
        low, high = found[asked]
        assert low < effect < high, asked
    assert found["downloads_gained", "documentation_edit"][0] > 0


def test_the_command_finds_the_planted_slopes_in_the_truth_itself(truth: DemoTruth, tmp_path: Path) -> None:
    """With what else decides popularity held equal, as nobody could of the real Hub."""
    last = pl.read_parquet(truth.truth_parquet).filter(
        pl.col("week") == WEEKS - 1, pl.col("edit_kind").ne_missing("documentation")
    )
    # Amounts enter as log1p.
    fame = (pl.col("author_effect_likes") - pl.col("author_effect_likes").min()).exp() - 1
    table = tmp_path / "truth.csv"
    packaging = pl.concat_str("model_format", pl.col("library_name").fill_null("none"))
    last.with_columns(fame.alias("fame"), packaging.alias("packaging")).write_csv(table)
    controls = ("fame", "age_weeks", "packaging")
    asked = ["--table", table, "--score", "documentation", "--outcome", "likes", "--cluster", "author"]
    for control in controls:
        asked += ["--controls", control]
    rows = json.loads(cardiograph("analyse", *asked, "--json"))
    (slope,) = (
        row
        for row in rows
        if (row["question"], row["estimator"], row["stratum"]) == ("regression_controlled", "poisson", "all")
    )
    assert slope["ci_low"] < truth.beta_doc_likes < slope["ci_high"]
    assert slope["ci_low"] > 0
