"""Anybody's panel: files and dated folders, marks and scores, and each way in which one cannot be used."""

from __future__ import annotations

import json
import os
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from flows.cli.app import app
from tasks.errors import TableInvalid
from tasks.findings.panels import analyse_panel, panel_files, read_panel

FIRST = date(2026, 1, 5)
EFFECT = 0.5
SERIES = os.environ.get("CARDIOGRAPH_SERIES", "")


def panel(models: int = 240, weeks: int = 12, seed: int = 3) -> pl.DataFrame:
    """Models of sixty authors; half are documented better, and have more downloads from the next week on."""
    rng = np.random.default_rng(seed)
    edit = np.where(rng.random(models) < 0.5, rng.integers(4, weeks - 3, models), -100)
    level = rng.normal(6, 1, models)
    at, week = (part.ravel() for part in np.meshgrid(np.arange(models), np.arange(weeks), indexing="ij"))
    is_later = (edit[at] >= 0) & (week > edit[at])
    downloads = np.exp(level[at] + EFFECT * is_later + 0.1 * rng.normal(size=len(at)))
    return pl.DataFrame(
        {
            "model_id": [f"a{i % 60}/m{i}" for i in at],
            "author": [f"a{i % 60}" for i in at],
            "date": [FIRST + timedelta(weeks=int(w)) for w in week],
            "downloads": downloads.round().astype(int),
            "likes": (week // 3).astype(int),
            "edited": week == edit[at],
            "documented": week == edit[at],
        }
    )


def effect(source: str | Path) -> float | None:
    """Of documentation edits on log1p of downloads."""
    return next(
        f.estimate
        for f in analyse_panel(source)
        if (f.question, f.outcome, f.predictor, f.estimator)
        == ("edit_effect", "log1p_downloads", "documentation_edit", "ols_stacked")
    )


def dated(folder: Path, rows: pl.DataFrame, name: str = "models.parquet") -> Path:
    """A folder per date, as the Hub's weekly history has."""
    for (when,), part in rows.partition_by("date", as_dict=True).items():
        (folder / str(when)).mkdir(parents=True)
        part.drop("date").write_parquet(folder / str(when) / name)
    return folder


@pytest.mark.parametrize("kind", ["csv", "parquet", "tsv"])
def test_a_planted_effect_is_found_in_any_format(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"weeks.{kind}"
    if kind == "parquet":
        panel().write_parquet(path)
    else:
        panel().write_csv(path, separator="\t" if kind == "tsv" else ",")
    assert effect(path) == pytest.approx(EFFECT, abs=0.03)


def test_dated_folders_and_a_pattern_are_the_same_panel_as_one_file(tmp_path: Path) -> None:
    panel().write_parquet(tmp_path / "weeks.parquet")
    folder = dated(tmp_path / "history", panel())
    expected = read_panel(tmp_path / "weeks.parquet")
    assert read_panel(folder).equals(expected)
    assert read_panel(f"{folder}/2026-*/models.parquet").equals(expected)


def test_the_hub_s_names_are_read_and_unknown_columns_are_not(tmp_path: Path) -> None:
    hub = panel().rename({"model_id": "id"}).drop("author")
    hub = hub.with_columns(
        pl.lit("2025-01-01T10:00:00.000Z").alias("createdAt"),
        pl.col("downloads").alias("downloadsAllTime"),
        pl.lit("text").alias("siblings"),
    )
    rows = read_panel(dated(tmp_path / "history", hub))
    assert rows["author"].n_unique() == 60
    assert rows["age_days"].min() == (FIRST - date(2025, 1, 1)).days
    assert rows["downloads_all_time"].to_list() == rows["downloads"].to_list()
    assert "siblings" not in rows.columns


def test_scores_tell_a_documentation_edit_from_another(tmp_path: Path) -> None:
    scores = [2.0, 2.0, None, 3.0, 3.4, 3.4, 1.0]
    pl.DataFrame(
        {
            "model_id": ["a/one"] * 7,
            "date": [FIRST + timedelta(weeks=w) for w in range(7)],
            "downloads": [1] * 7,
            "likes": [0] * 7,
            "score": scores,
        }
    ).write_csv(tmp_path / "s.csv")
    rows = read_panel(tmp_path / "s.csv")
    assert rows["is_documented"].to_list() == [False, False, False, True, False, False, False]
    assert rows["is_edited"].to_list() == [False, False, False, True, True, False, True]


def test_a_mark_on_any_day_is_one_of_its_week(tmp_path: Path) -> None:
    days = [FIRST + timedelta(days=d) for d in range(42)]
    pl.DataFrame(
        {
            "model_id": ["a/one"] * 42,
            "date": [str(day) for day in days],
            "downloads": range(42),
            "likes": [0] * 42,
            "documented": [int(d == 12) for d in range(42)],
        }
    ).write_csv(tmp_path / "d.csv")
    rows = read_panel(tmp_path / "d.csv")
    assert rows.height == 7
    assert rows["is_documented"].sum() == 1
    assert rows["downloads"].to_list()[-1] == 41


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop("likes"), "has no column likes; it has model_id"),
        (lambda rows: rows.drop("date"), "has no column date, and neither its folder nor its name"),
        (lambda rows: rows.with_columns(date=pl.lit("May 5")), "the column date holds 'May 5'; write dates"),
        (lambda rows: rows.with_columns(date=pl.lit(5)), "the column date holds int"),
        (lambda rows: rows.with_columns(downloads=pl.lit("x")), "the column downloads holds text, not numbers"),
        (lambda rows: rows.with_columns(edited=pl.lit("x")), "the column edited holds text; write true or false"),
        (lambda rows: rows.drop("edited", "documented"), "add columns edited and documented, or score"),
        (lambda rows: rows.drop("documented"), "add a column documented beside edited"),
        (
            lambda rows: rows.drop("edited", "documented").with_columns(lastModified=pl.lit("2026-01-01")),
            "lastModified is a commit",
        ),
        (lambda rows: rows.filter(pl.col("date") == FIRST), "snapshots of 1 week, .*an event study needs 6"),
        (lambda rows: rows.clear(), "has no rows"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_panel_is_named(tmp_path: Path, change: object, message: str) -> None:
    assert callable(change)
    change(panel(models=12)).write_parquet(tmp_path / "weeks.parquet")
    with pytest.raises(TableInvalid, match=message):
        analyse_panel(tmp_path / "weeks.parquet")


def test_a_source_without_a_panel_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.parquet").write_bytes(b"no table")
    two = dated(tmp_path / "two", panel(models=12), "a.parquet")
    panel(models=12).write_csv(two / str(FIRST) / "b.csv")
    for source, message in {
        "absent": "does not exist",
        "absent/*.csv": "no file matches",
        "empty": "holds no .parquet",
        "broken.parquet": "cannot be read",
        "two": "holds several tables",
    }.items():
        with pytest.raises(TableInvalid, match=message):
            analyse_panel(f"{tmp_path}/{source}")


def test_of_several_tables_in_a_dated_folder_the_hub_s_is_taken(tmp_path: Path) -> None:
    folder = dated(tmp_path / "history", panel(models=12))
    panel(models=12).write_parquet(folder / str(FIRST) / "datasets.parquet")
    assert {path.name for path in panel_files(folder)} == {"models.parquet"}


def test_the_command_prints_sentences_tables_or_json(tmp_path: Path) -> None:
    panel().write_csv(tmp_path / "weeks.csv")
    printed = CliRunner().invoke(app, ["analyse", "--panel", str(tmp_path / "weeks.csv")])
    assert printed.exit_code == 0, printed.output
    words = " ".join(printed.output.split())
    assert "an edit that documents more goes with about" in words
    assert "by randomisation" in words
    assert "This is an association, not an effect" in words
    rows = CliRunner().invoke(app, ["analyse", "--panel", str(tmp_path / "weeks.csv"), "--json"])
    assert {row["question"] for row in json.loads(rows.output)} >= {
        "edit_effect",
        "edit_pretrend",
        "edit_curve",
    }


def test_options_of_a_table_are_refused_with_a_panel(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["analyse", "--panel", "weeks.csv", "--score", "stars"])
    assert result.exit_code != 0
    assert "--score does not describe a panel" in str(result.exception or result.output)


@pytest.mark.skipif(not Path(SERIES).is_file(), reason="CARDIOGRAPH_SERIES names no file of real series")
def test_real_series_without_marks_say_what_they_lack() -> None:
    with pytest.raises(TableInvalid, match="does not tell when a card was edited"):
        analyse_panel(SERIES)
