"""Coefficients corrected for the judge's error: right where the judge is wrong, and silent where nobody labelled."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tasks.errors import TableInvalid
from tasks.findings import rank, regression
from tasks.findings.controls import Design
from tasks.findings.judge_error import correct_for_judge, degrees_of
from tasks.findings.sample import Stamp, clean
from tasks.findings.study import Labels, Study
from tasks.findings.tables import analyse_table
from tasks.records import Finding

SLOPE = 0.5
STAMP = Stamp(date(2026, 1, 5), "judge", "f1")
STUDY = Study(
    score="score",
    outcomes=("downloads",),
    cluster="author",
    amounts=("age",),
    labels=Labels("label", text="text", level="level", weight="weight"),
)
Key = tuple[str, str, str]


def models(seed: int, authors: int = 250, labels: int = 150, slope: float = SLOPE) -> pl.DataFrame:
    """Models whose popularity goes with the true score, and a judge that compresses it and favours the popular.

    As `cardiograph label` draws: of each level of the judge's score one text of each of as many authors.
    """
    rng = np.random.default_rng([20, seed])
    of = np.repeat(np.arange(authors), rng.geometric(0.25, size=authors))
    n, fame = len(of), rng.normal(size=authors)
    age = rng.gamma(2.0, 200.0, size=n)
    true = np.clip(3 + 0.6 * rng.normal(size=authors)[of] + 0.7 * rng.normal(size=n), 1, 5)
    level = 5 + slope * (true - 3) + 0.3 * (np.log1p(age) - 5.7) + 0.5 * fame[of] + 0.5 * rng.normal(size=n)
    judge = np.clip(3 + 0.6 * (true - 3) + 0.25 * fame[of] + 0.4 * rng.normal(size=n), 1, 5)
    table = pl.DataFrame(
        {
            "author": [f"a{a}" for a in of],
            "text": [f"t{i}" for i in range(n)],
            "downloads": np.floor(np.exp(level)),
            "age": age,
            "score": judge,
            "true": true,
            "level": np.floor(judge + 0.5),
        }
    ).with_columns(pl.len().over("author", "level").alias("weight"))
    drawn = (
        table.sample(fraction=1.0, shuffle=True, seed=seed)
        .unique("author", keep="first", maintain_order=True)
        .filter(pl.int_range(pl.len()).over("level") < labels // 5)["text"]
    )
    label = pl.when(pl.col("text").is_in(drawn.to_list())).then(pl.col("true")).alias("label")
    return table.with_columns(label)


def answers(table: pl.DataFrame, study: Study = STUDY) -> dict[Key, Finding]:
    found = correct_for_judge(clean(table, study), study, STAMP)
    return {(row.estimator, row.predictor, row.stratum): row for row in found}


def holds(row: Finding, truth: float) -> bool:
    assert row.ci_low is not None
    assert row.ci_high is not None
    return row.ci_low <= truth <= row.ci_high


@pytest.fixture(scope="module")
def drawn() -> list[dict[Key, Finding]]:
    """Every answer on sixteen draws."""
    return [answers(models(seed)) for seed in range(16)]


@pytest.fixture(scope="module")
def true_rank() -> float:
    """The rank correlation of true score and downloads, among so many authors that it is the true one."""
    many = models(1, authors=30_000)
    return float(stats.spearmanr(many["true"], many["downloads"]).statistic)


@pytest.mark.parametrize("estimator", ["huber", "poisson", "spearman"])
def test_the_corrected_estimate_is_right_where_the_judges_is_not(
    drawn: list[dict[Key, Finding]], true_rank: float, estimator: str
) -> None:
    truth = true_rank if estimator == "spearman" else SLOPE
    judged, corrected = (
        [one[estimator, predictor, "all"] for one in drawn] for predictor in ("score", "label")
    )
    off = [float(np.mean([row.estimate for row in rows])) - truth for rows in (judged, corrected)]
    assert abs(off[1]) < abs(off[0]) / 2
    held = [sum(holds(row, truth) for row in rows) for rows in (judged, corrected)]
    assert held[1] >= stats.binom.ppf(0.001, len(drawn), 0.93)
    assert held[1] > held[0]


def test_the_judge_makes_the_interval_shorter_than_the_labels_alone_do(
    drawn: list[dict[Key, Finding]],
) -> None:
    def width(one: dict[Key, Finding], stratum: str) -> float:
        row = one["huber", "label", stratum]
        return (row.ci_high or np.nan) - (row.ci_low or np.nan)

    assert np.mean([width(one, "all") / width(one, "labelled") for one in drawn]) < 0.9


def test_a_draw_by_level_is_taken_back_to_all_models() -> None:
    """Labels of nearly all the well documented and few of the others, of which the judge knows nothing."""
    table = models(3, authors=1500)
    rng = np.random.default_rng(4)
    odds = np.where(table["level"].to_numpy() >= 4, 0.9, 0.2)
    label = pl.when(pl.Series(rng.uniform(size=table.height) < odds)).then(pl.col("true")).alias("label")
    # Those of a high level are worth more downloads a point.
    bent = pl.col("downloads") * pl.when(pl.col("level") >= 4).then(pl.col("true") ** 2).otherwise(1.0)
    table = table.with_columns(label, bent, pl.lit(1.0).alias("weight"))
    truth = answers(table.with_columns(pl.col("true").alias("label")))["huber", "label", "all"].estimate
    by_level = answers(table)["huber", "label", "labelled"]
    as_one = answers(table.with_columns(pl.lit(1).alias("level")))["huber", "label", "labelled"]
    assert holds(by_level, truth or np.nan)
    assert not holds(as_one, truth or np.nan)


def test_a_judge_without_error_is_not_corrected() -> None:
    table = models(5).with_columns(pl.col("true").alias("score"))
    found = answers(table)
    for estimator in ("huber", "poisson", "spearman"):
        judged, corrected = (found[estimator, predictor, "all"] for predictor in ("score", "label"))
        # omega is fitted, so near 1 rather than 1.
        assert corrected.estimate == pytest.approx(judged.estimate, rel=0.05)
        widths = [(row.ci_high or np.nan) - (row.ci_low or np.nan) for row in (judged, corrected)]
        assert widths[1] < 1.2 * widths[0]


def test_where_all_are_labelled_the_judge_says_nothing() -> None:
    found = answers(models(6).with_columns(pl.col("true").alias("label"), pl.lit(1).alias("weight")))
    for estimator in ("huber", "poisson", "spearman"):
        both = [found[estimator, "label", stratum].estimate for stratum in ("all", "labelled")]
        assert both[0] == pytest.approx(both[1])


def test_a_weight_of_two_is_a_model_twice() -> None:
    rng = np.random.default_rng(7)
    x, y = np.column_stack([np.ones(60), rng.normal(size=60)]), rng.poisson(3, size=60).astype(np.float64)
    weights, authors = rng.integers(1, 3, size=60), np.arange(60)
    twice = np.repeat(np.arange(60), weights)
    weighted = Design(x, y, authors, pl.DataFrame(), weights=weights.astype(np.float64))
    repeated = Design(x[twice], y[twice], authors[twice], pl.DataFrame())
    for method in (regression.huber, regression.poisson):
        one, other = method(weighted), method(repeated)
        assert (one.value, one.low) == pytest.approx((other.value, other.low), rel=1e-6)
    both = rank.levels(x[:, 1]), rank.levels(y)
    told = rank.correlation(
        *both, lambda a, b: rank.rank_covariance(a, b, weighted.weights), weighted.weights
    )
    plain = rank.correlation(both[0][twice], both[1][twice], rank.rank_covariance)
    assert told[0] == pytest.approx(plain[0])
    assert told[1][twice] == pytest.approx(plain[1])


@pytest.mark.parametrize("authors", [40, 1200])
def test_contributions_add_up_to_the_variance(authors: int) -> None:
    rng = np.random.default_rng(8)
    of = np.sort(rng.integers(0, authors, size=3 * authors))
    of = np.unique(of, return_inverse=True)[1]
    x = np.column_stack([np.ones(len(of)), rng.normal(size=len(of))])
    data = Design(x, rng.poisson(np.exp(0.3 * x[:, 1])).astype(np.float64), of, pl.DataFrame())
    fit = regression.poisson_fit(data)
    assert isinstance(fit, regression.Fit)
    by = regression.contributions(data, fit)
    assert by is not None
    spread = float(np.sum(np.bincount(of, weights=by) ** 2))
    variance = regression.over_clusters(x, fit, of)
    assert variance is not None
    assert spread == pytest.approx(variance[-1, -1], rel=0.03)


def test_without_labels_nothing_is_said() -> None:
    table = models(9).with_columns(pl.lit(None, pl.Float64).alias("label"))
    assert answers(table) == {}
    assert answers(table, replace(STUDY, labels=None)) == {}


def test_levels_that_nobody_labelled_are_left_out_and_named() -> None:
    table = models(10)
    label = pl.when(pl.col("level") != 4).then(pl.col("label")).alias("label")
    row = answers(table.with_columns(label))["huber", "label", "all"]
    assert "unlabelled_level:4" in row.flags
    assert row.n == table.filter(pl.col("level") != 4).height


def test_labels_of_nine_authors_give_no_interval_and_of_nine_models_nothing() -> None:
    table = models(11, labels=40).with_columns(pl.lit(2).alias("level"))
    few = table.filter(pl.col("label").is_not_null())["text"].to_list()
    owned = pl.when(pl.col("text").is_in(few)).then(pl.lit("one")).otherwise(pl.col("author")).alias("author")
    row = answers(table.with_columns(owned))["huber", "label", "all"]
    assert row.estimate is not None
    assert row.ci_low is None
    assert {"few_labels", "few_clusters"} <= set(row.flags)
    label = pl.when(pl.col("text").is_in(few[:9])).then(pl.col("label")).alias("label")
    found = answers(table.with_columns(label))
    assert len(found) == 9
    assert all(one.estimate is None and "few_labels" in one.flags for one in found.values())


def test_labels_that_are_all_the_same_are_refused() -> None:
    table = models(12).with_columns(pl.when(pl.col("label").is_not_null()).then(3.0).alias("label"))
    row = answers(table)["spearman", "label", "all"]
    assert row.estimate is None
    assert "constant" in row.flags


def test_a_text_that_stands_for_many_models_is_flagged() -> None:
    table = models(13)
    first = table.filter(pl.col("label").is_not_null())["text"][0]
    weight = pl.when(pl.col("text") == first).then(1e6).otherwise(1.0).alias("weight")
    assert "heavy_label" in answers(table.with_columns(weight))["huber", "label", "all"].flags


def test_a_mark_that_is_no_finite_number_is_no_label() -> None:
    table = models(14)
    hostile = pl.when(pl.col("label").is_null()).then(float("nan")).otherwise(pl.col("label")).alias("label")
    assert answers(table.with_columns(hostile)) == answers(table)
    infinite = pl.when(pl.col("label").is_null()).then(float("inf")).otherwise(pl.col("label")).alias("label")
    assert answers(table.with_columns(infinite)) == answers(table)


def test_a_table_is_corrected_by_a_column_of_labels(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    models(15).select("author", "downloads", "age", "score", "label").write_csv(path)
    found = analyse_table(
        path, score="score", outcomes=["downloads"], cluster="author", controls=["age"], label="label"
    )
    rows = {(f.estimator, f.predictor, f.stratum): f for f in found if f.question == "judge_error"}
    assert len(rows) == 9
    assert holds(rows["huber", "label", "all"], SLOPE)
    with pytest.raises(TableInvalid, match="score is both the label and another column"):
        analyse_table(path, score="score", outcomes=["downloads"], label="score")
    with pytest.raises(TableInvalid, match="author holds text, not numbers"):
        analyse_table(path, score="score", outcomes=["downloads"], label="author")


def test_sums_that_a_few_authors_decide_leave_few_degrees_of_freedom() -> None:
    normal = np.random.default_rng(1).normal(size=4000)
    assert degrees_of(normal) == pytest.approx(4000, rel=0.2)
    heavy = np.concatenate([np.full(3, 10.0), np.full(400, 0.1)])
    assert degrees_of(heavy) == pytest.approx(6, rel=0.2)
