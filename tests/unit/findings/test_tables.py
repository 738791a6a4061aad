"""Anybody's table: read, checked, analysed; what is wrong with it said in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tasks.errors import TableInvalid
from tasks.findings.tables import analyse_table
from tasks.records import Finding


def table(n: int = 400, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    owner = rng.integers(0, 80, n)
    stars = np.round(rng.uniform(1, 5, n), 1)
    return pl.DataFrame(
        {
            "name": [f"p{i}" for i in range(n)],
            "owner": [f"o{o}" for o in owner],
            "stars": stars,
            "installs": rng.poisson(np.exp(0.4 * stars)),
            "age": rng.integers(1, 900, n),
            "language": rng.choice(["go", "rust"], n),
        }
    )


def found(path: Path, **options: object) -> dict[tuple[str, str, str, str], Finding]:
    asked = {"score": "stars", "outcomes": ["installs"], **options}
    rows = analyse_table(path, **asked)  # type: ignore[arg-type]
    return {(row.question, row.outcome, row.stratum, row.estimator): row for row in rows}


@pytest.mark.parametrize("kind", ["csv", "parquet", "tsv"])
def test_the_same_table_in_any_format_has_the_same_findings(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"t.{kind}"
    if kind == "parquet":
        table().write_parquet(path)
    else:
        table().write_csv(path, separator="\t" if kind == "tsv" else ",")
    rows = found(path, cluster="owner", controls=["age", "language"], strata=["language"])
    slope = rows["regression_controlled", "installs", "all", "poisson"]
    assert slope.estimate == pytest.approx(0.4, abs=0.05)
    assert (slope.predictor, slope.n_clusters) == ("stars", table()["owner"].n_unique())
    assert rows["rank_correlation", "installs", "language=rust", "spearman"].p_adjusted is not None
    assert not any(key[0] == "has_card" for key in rows)


def test_without_a_cluster_each_row_is_its_own(tmp_path: Path) -> None:
    table().write_csv(tmp_path / "t.csv")
    assert found(tmp_path / "t.csv")["rank_correlation", "installs", "all", "spearman"].n_clusters == 400


def test_a_second_outcome_is_also_asked_given_the_first(tmp_path: Path) -> None:
    table().with_columns(forks=pl.col("installs") // 3).write_csv(tmp_path / "t.csv")
    rows = found(tmp_path / "t.csv", outcomes=["installs", "forks"])
    assert ("partial_rank_correlation", "forks", "all", "spearman_given_installs") in rows


def test_missing_values_are_counted_and_left_out(tmp_path: Path) -> None:
    holes = table().with_columns(
        pl.when(pl.int_range(pl.len()) >= 30).then("stars").alias("stars"),
        pl.when(pl.int_range(pl.len()) < 390).then("installs").alias("installs"),
    )
    holes.write_csv(tmp_path / "t.csv")
    rows = found(tmp_path / "t.csv")
    assert rows["missing", "installs", "all", "without_score"].estimate == 30
    assert rows["missing", "installs", "all", "without_outcome"].estimate == 10
    assert rows["rank_correlation", "installs", "all", "spearman"].n == 360


@pytest.mark.parametrize(
    ("column", "flag"),
    [(pl.lit(3.0).alias("stars"), "constant"), (pl.lit(None).alias("stars"), "few_models")],
)
def test_a_score_that_says_nothing_is_said_to(tmp_path: Path, column: pl.Expr, flag: str) -> None:
    table().with_columns(column).write_parquet(tmp_path / "t.parquet")
    row = found(tmp_path / "t.parquet")["rank_correlation", "installs", "all", "spearman"]
    assert row.estimate is None
    assert flag in row.flags


@pytest.mark.parametrize("rows", [0, 1, 3, 11])
def test_a_tiny_table_is_no_error(tmp_path: Path, rows: int) -> None:
    table().head(rows).write_parquet(tmp_path / "t.parquet")
    everything = found(
        tmp_path / "t.parquet", cluster="owner", controls=["age", "language"], strata=["language"]
    )
    assert all("few_models" in row.flags for row in everything.values() if row.question != "outliers")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"score": "star"}, "no column star; did you mean stars"),
        ({"score": "xyz"}, "it has name, owner"),
        ({"outcomes": ["name"]}, "name holds text, not numbers"),
        ({"outcomes": ["stars"]}, "both the score and an outcome"),
        ({"controls": ["installs"]}, "installs cannot be a control"),
    ],
)
def test_what_cannot_be_asked_is_named(tmp_path: Path, options: dict[str, object], told: str) -> None:
    table().write_csv(tmp_path / "t.csv")
    with pytest.raises(TableInvalid, match=told):
        found(tmp_path / "t.csv", **options)


def test_a_file_that_is_no_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"no table at all")
    for name in ("t.parquet", "absent.csv", "t.xlsx"):
        with pytest.raises(TableInvalid, match=name):
            found(tmp_path / name)
