"""Maps of a made-up home, from lake to lake: what is read for them, and what they say."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from benchmarks.atlas_large import EMBEDDER, FIRST, SECOND, make_up
from tasks.atlas import kind_facts as facts
from tasks.atlas.steps import make_map
from tasks.storage.warehouse import Warehouse, stream
from tasks.work.run import Run

if TYPE_CHECKING:
    from tasks.storage.warehouse import Database

TEXTS, NEW, FITTED = 300, 6, 150


@pytest.fixture(scope="module")
def two_weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `home` is a copy of."""
    home = tmp_path_factory.mktemp("home")
    make_up(home, TEXTS)
    return home


@pytest.fixture
def home(two_weeks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two weeks of a Hub with few texts; maps are fitted on half of them, as those of large Hubs are."""
    monkeypatch.setenv("CARDIOGRAPH_ATLAS_FIT_MAX", str(FITTED))
    monkeypatch.setenv("CARDIOGRAPH_ATLAS_REPLICATES", "1")
    return shutil.copytree(two_weeks, tmp_path / "home")


def maps(home: Path) -> tuple[list[Any], pl.DataFrame]:
    """The fit of the maps of both weeks, of how many texts; and their points. A text of both weeks has two points."""
    warehouse = Warehouse(home)
    with warehouse.writer():
        warehouse.begin()
        assert [make_map.fn(Run(home, week), EMBEDDER) for week in (FIRST, SECOND, SECOND)] == [
            True,
            True,
            False,
        ]
        with warehouse.open() as db:
            return (
                db.sql("select fitted_on, texts from atlases order by snapshot").fetchall(),
                db.sql("from base.atlas_points").pl(),
            )


def test_a_map_that_was_fitted_on_some_of_its_texts_stays_in_the_week_after(home: Path) -> None:
    fits, points = maps(home)
    assert fits == [(FIRST, TEXTS - NEW), (FIRST, TEXTS)]
    then, now = (
        points.filter(snapshot=week).drop("snapshot", "made_at").sort("card_hash") for week in (FIRST, SECOND)
    )
    assert then["is_fitted"].sum() == FITTED
    assert now.filter(pl.col("card_hash").is_in(then["card_hash"].implode())).equals(then)


def test_a_new_fit_reads_the_texts_that_name_its_kinds_and_those_that_are_new(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDIOGRAPH_ATLAS_DRIFT_MAX", "0")
    counts: list[int] = []

    def counting(db: Database, name: str, **parameters: Any) -> Iterator[tuple[Any, ...]]:
        if name == "out/texts_of":
            counts.append(len(parameters["hashes"]))
        return stream(db, name, **parameters)

    monkeypatch.setattr(facts, "stream", counting)
    fits, points = maps(home)
    assert fits == [(FIRST, TEXTS - NEW), (SECOND, TEXTS)]
    then = set(points.filter(pl.col("snapshot") == FIRST)["card_hash"])
    now = points.filter(pl.col("snapshot") == SECOND)
    read = now.filter(pl.col("is_fitted") | ~pl.col("card_hash").is_in(list(then)))
    assert counts == [TEXTS - NEW, read.height]
    assert read.height < TEXTS - NEW
    assert points.filter(pl.col("words") == "").is_empty()
