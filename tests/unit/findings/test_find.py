"""All findings of a frame: their keys, what is left out and counted, and frames that would break a formula."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import isfinite
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tasks.findings.find import find
from tasks.findings.outliers import OUTLIER_RULE, count_fence
from tasks.findings.questions import adjust, answered
from tasks.findings.sample import Estimate, Sample, Stamp, clean
from tasks.findings.study import HUB
from tasks.records import Finding

WEEK = date(2026, 1, 5)
CORPUS = Path(__file__).parents[3].parent / "shared" / "hub" / "hub-2022-02.parquet"

SCHEMA: dict[str, pl.DataType] = {
    "model_id": pl.String(),
    "author": pl.String(),
    "downloads": pl.Int64(),
    "likes": pl.Int64(),
    "score": pl.Float64(),
    "card_status": pl.String(),
    "card_hash": pl.String(),
    "library_name": pl.String(),
    "pipeline_tag": pl.String(),
    "model_format": pl.String(),
    "age_days": pl.Int64(),
    "parameters": pl.Int64(),
    "author_models": pl.Int64(),
    "is_generated": pl.Boolean(),
    "template": pl.String(),
    "words": pl.Int64(),
    "name_length": pl.Int64(),
    "sections": pl.List(pl.String()),
    "label": pl.Float64(),
    "label_level": pl.Int32(),
    "label_weight": pl.Int64(),
}


def hub(n: int = 600, seed: int = 20) -> pl.DataFrame:
    """A Hub whose downloads and likes go with the score; a third has no card, one author has a tenth."""
    rng = np.random.default_rng(seed)
    author = np.where(rng.uniform(size=n) < 0.1, 0, rng.integers(1, n // 4, size=n))
    score = np.round(np.clip(3 + rng.normal(size=n), 1, 5), 2)
    has_card = rng.uniform(size=n) < 0.67
    fame = np.where(has_card, 0.8 * score, 0.0) + rng.normal(size=n)
    columns = {
        "model_id": [f"a{a}/m{i}" for i, a in enumerate(author)],
        "author": [f"a{a}" for a in author],
        "downloads": np.floor(np.exp(1 + fame)).astype(int),
        "likes": np.floor(np.exp(fame - 3)).astype(int),
        "score": [float(s) if has else None for s, has in zip(score, has_card, strict=True)],
        "card_status": ["card" if has else "none" for has in has_card],
        "library_name": rng.choice(["transformers", "spacy", "keras"], n, p=[0.7, 0.28, 0.02]),
        "pipeline_tag": rng.choice(["fill-mask", "summarization"], n),
        "model_format": rng.choice(["weights", "gguf"], n),
        "age_days": rng.integers(0, 900, n),
        "words": rng.integers(10, 900, n),
        "name_length": rng.integers(3, 40, n),
        "is_generated": [bool(has and g) for has, g in zip(has_card, rng.uniform(size=n) < 0.2, strict=True)],
    }
    return as_frame(columns)


def as_frame(columns: Mapping[str, object]) -> pl.DataFrame:
    """With the columns and types of `sql/out/analysis_frame.sql`; those not given are null."""
    frame = pl.DataFrame(columns)
    missing = [pl.lit(None).alias(name) for name in SCHEMA if name not in frame.columns]
    return frame.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def answers(frame: pl.DataFrame) -> list[Finding]:
    return find(frame, snapshot=WEEK, judge="checklist", fingerprint="f1")


def key(row: Finding) -> tuple[str, str, str, str]:
    return row.question, row.outcome, row.stratum, row.estimator


def by_key(frame: pl.DataFrame) -> dict[tuple[str, str, str, str], Finding]:
    return {key(row): row for row in answers(frame)}


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str, str, str], Finding]:
    return by_key(hub())


Found = dict[tuple[str, str, str, str], Finding]


def test_keys_are_unique_and_every_question_is_asked_of_both_outcomes(found: Found) -> None:
    rows = answers(hub())
    assert len(rows) == len(found)
    questions = {
        (row.question, row.outcome.removeprefix("log1p_").removeprefix("any_").removeprefix("log_"))
        for row in rows
    }
    assert questions == {
        (question, outcome)
        for question in (
            "missing",
            "outliers",
            "rank_correlation",
            "partial_rank_correlation",
            "regression",
            "regression_controlled",
            "has_card",
            "robustness",
            "dose_response",
            "negative_control",
            "left_out",
        )
        for outcome in ("downloads", "likes")
    } | {("outliers", "score")}


def test_the_points_are_scipys_on_the_models_with_a_score(found: Found) -> None:
    scored = hub().filter(pl.col("score").is_not_null())
    for outcome in ("downloads", "likes"):
        spearman = stats.spearmanr(scored["score"], scored[outcome]).statistic
        kendall = stats.kendalltau(scored["score"], scored[outcome]).statistic
        for estimator, expected in (("spearman", spearman), ("kendall", kendall)):
            row = found["rank_correlation", outcome, "all", estimator]
            assert row.estimate == pytest.approx(expected, abs=1e-9)
            assert row.n == scored.height
            assert row.n_clusters == scored["author"].n_unique()
            assert row.zero_share == pytest.approx((scored[outcome] == 0).mean())


def test_planted_association_is_found_by_every_estimator(found: Found) -> None:
    """But not at equal downloads: here they carry all that likes have to do with the score."""
    asked = (
        "rank_correlation",
        "partial_rank_correlation",
        "regression",
        "regression_controlled",
        "has_card",
    )
    rows = [row for k, row in found.items() if k[0] in asked and k[2:] != ("all", "spearman_given_downloads")]
    rows = [row for row in rows if row.stratum == "all" and row.estimate]
    assert len(rows) > 15
    for row in rows:
        assert row.ci_low is not None
        assert row.ci_low > 0, row
        assert row.p is not None
        assert row.p < 0.05


def test_the_same_rows_in_another_order_give_the_same_findings() -> None:
    frame = hub()
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=1)
    assert answers(shuffled) == answers(frame)


def test_what_is_missing_is_counted_and_left_out() -> None:
    frame = hub(200).with_columns(
        pl.when(pl.int_range(pl.len()) < 15).then(None).otherwise(pl.col("downloads")).alias("downloads")
    )
    found = by_key(frame)
    assert found["missing", "downloads", "all", "without_outcome"].estimate == 15
    assert found["missing", "likes", "all", "without_outcome"].estimate == 0
    without_score = found["missing", "likes", "all", "without_score"]
    assert (without_score.estimate, without_score.n) == (frame["score"].null_count(), 200)
    both = frame.drop_nulls(["score", "downloads"]).height
    assert found["rank_correlation", "downloads", "all", "spearman"].n == both


def test_models_without_a_card_are_compared_and_those_not_read_are_on_neither_side() -> None:
    frame = hub(300)
    pending = as_frame(
        {"model_id": ["x/y", "x/z"], "downloads": [10**6] * 2, "card_status": ["failed", "pending"]}
    )
    row, extended = (
        by_key(f)["has_card", "downloads", "all", "cliffs_delta"] for f in (frame, frame.vstack(pending))
    )
    assert row == extended
    assert row.n == 300
    assert row.predictor == "has_card"
    assert row.ci_low is not None
    assert row.ci_low > 0


def test_generated_cards_are_left_out_of_their_stratum(found: Found) -> None:
    frame = hub()
    handwritten = frame.filter(pl.col("score").is_not_null(), ~pl.col("is_generated"))
    assert found["rank_correlation", "likes", "not_generated", "spearman"].n == handwritten.height
    kept = frame.filter(~pl.col("is_generated")).height
    assert found["has_card", "likes", "not_generated", "cliffs_delta"].n == kept


# Outliers


def test_the_fence_is_the_modified_z_score_of_the_positive_part() -> None:
    counts = np.array([0.0] * 500 + [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 10**6])
    logs = np.log1p(counts[counts > 0])
    scale = stats.median_abs_deviation(logs, scale="normal")
    assert np.log1p(count_fence(counts).high or 0) == pytest.approx(np.median(logs) + 3.5 * scale, rel=1e-4)


def test_zeros_move_no_fence() -> None:
    counts = np.array([1.0, 2, 3, 5, 8, 13, 21, 34, 55, 89])
    assert count_fence(counts) == count_fence(np.append(counts, np.zeros(1000)))


def test_where_most_positive_counts_are_one_a_second_scale_is_used_and_flagged() -> None:
    counts = np.array([0.0] * 500 + [1] * 60 + [2] * 20 + [5] * 5 + [400])
    limit = count_fence(counts)
    assert limit.flags == ("mad_is_zero",)
    assert limit.high is not None
    assert 2 < limit.high < 400


def test_outliers_are_counted_and_the_stratum_without_them_is_smaller() -> None:
    frame = hub().with_columns(
        pl.when(pl.int_range(pl.len()) < 7).then(10**9).otherwise(pl.col("downloads")).alias("downloads")
    )
    found = by_key(frame)
    removed = found["outliers", "downloads", "all", "models_removed"]
    limit = found["outliers", "downloads", "all", "fence"].estimate
    assert limit is not None
    assert removed.n == 600
    assert removed.estimate == frame.filter(pl.col("downloads") > limit).height >= 7
    kept = frame.filter(pl.col("score").is_not_null(), pl.col("downloads") <= limit).height
    assert found["rank_correlation", "downloads", "without_outliers", "spearman"].n == kept
    assert "3.5" in OUTLIER_RULE


# Strata


def test_strata_have_thirty_scored_models_or_no_row(found: Found) -> None:
    strata = {k[2] for k in found if k[0] == "rank_correlation" and "=" in k[2]}
    assert strata == {"library=transformers", "library=spacy", "format=gguf", "format=weights"}
    scored = hub().filter(pl.col("library_name") == "spacy", pl.col("score").is_not_null())
    row = found["rank_correlation", "likes", "library=spacy", "spearman"]
    assert row.estimate == pytest.approx(
        stats.spearmanr(scored["score"], scored["likes"]).statistic, abs=1e-9
    )


def test_p_is_adjusted_within_a_family_by_benjamini_and_hochberg(found: Found) -> None:
    family = [r for r in found.values() if r.stratum.startswith("library=") and r.outcome == "likes"]
    adjusted = stats.false_discovery_control([row.p or 0 for row in family])
    assert [row.p_adjusted for row in family] == pytest.approx(adjusted.tolist())
    others = [row for row in found.values() if "=" not in row.stratum or row.question == "left_out"]
    tested = [row for row in others if row.p is not None]
    expected = stats.false_discovery_control([row.p or 0 for row in tested])
    assert [row.p_adjusted for row in tested] == pytest.approx(expected.tolist())


def test_a_stratum_without_a_p_does_not_count_in_its_family() -> None:
    sample = Sample("library=x", "likes", clean(hub(40), HUB), "score")
    stamp = Stamp(WEEK, "checklist", "f1")
    family = [stamp.finding("q", str(i), sample, Estimate(p=p)) for i, p in enumerate((0.01, None, 0.04))]
    assert [row.p_adjusted for row in adjust(family)] == [0.02, None, 0.04]


def test_a_stratum_in_which_nothing_varies_keeps_its_row() -> None:
    frame = hub().with_columns(
        pl.when(pl.col("library_name") == "spacy").then(0).otherwise(pl.col("likes")).alias("likes")
    )
    row = by_key(frame)["rank_correlation", "likes", "library=spacy", "spearman"]
    assert row.estimate is row.p is row.p_adjusted is None
    assert "constant" in row.flags


# Flags


def test_one_author_with_a_tenth_of_the_models_is_flagged(found: Found) -> None:
    half = hub().with_columns(
        pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("a0")).otherwise("author").alias("author")
    )
    assert "dominant_author" in by_key(half)["rank_correlation", "likes", "all", "spearman"].flags
    spread = hub().with_columns(pl.col("model_id").alias("author"))
    assert "dominant_author" not in by_key(spread)["rank_correlation", "likes", "all", "spearman"].flags


def test_mostly_zero_likes_are_flagged_and_answered_by_the_count_model(found: Found) -> None:
    rows = {k: row for k, row in found.items() if k[0] == "regression" and k[2] == "all" and "likes" in k[1]}
    assert all(("mostly_zero" in row.flags) == (key[3] != "hurdle_log") for key, row in rows.items())
    assert rows["regression", "log1p_likes", "all", "theil_sen"].flags.count("quantile_is_tied") == 1
    assert rows["regression", "log1p_likes", "all", "median"].flags.count("quantile_is_tied") == 1
    assert rows["regression", "log1p_likes", "all", "tukey"].estimate is None
    poisson = rows["regression", "likes", "all", "poisson"]
    assert poisson.ci_low is not None
    assert poisson.ci_low > 0


def test_estimators_that_disagree_in_sign_say_so() -> None:
    """A tight crowd in which downloads fall with the score, and a wide minority in which they soar."""
    rng = np.random.default_rng(3)
    score = np.concatenate([np.linspace(2, 3, 300), np.linspace(3, 5, 140)])
    level = np.concatenate([9 - np.linspace(2, 3, 300), np.linspace(8, 16, 140)]) + 0.01 * rng.normal(
        size=440
    )
    rows = {
        "model_id": [f"m{i}" for i in range(440)],
        "downloads": np.expm1(level).astype(int),
        "likes": [0] * 440,
        "score": score,
        "card_status": ["card"] * 440,
    }
    found = by_key(as_frame(rows))
    regressions = [
        found["regression", "log1p_downloads", "all", name] for name in ("huber", "tukey", "theil_sen")
    ]
    assert all("estimators_disagree" in row.flags for row in regressions)


# Odd frames


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_a_handful_of_models_gives_findings_without_estimates(n: int) -> None:
    rows = answers(hub(300).head(n))
    assert rows
    for row in rows:
        if row.question not in ("missing", "outliers"):
            assert row.estimate is row.ci_low is row.ci_high is row.p is None
            assert "few_models" in row.flags


def test_a_frame_whose_columns_are_all_null_is_a_frame() -> None:
    nothing = pl.DataFrame({name: [None] * 3 for name in SCHEMA} | {"model_id": ["a", "b", "c"]})
    assert all(row.estimate in (None, 0, 3) for row in answers(nothing))


def test_values_that_are_no_number_are_missing() -> None:
    frame = hub(300).with_columns(
        pl.when(pl.int_range(pl.len()) < 9).then(float("nan")).otherwise(pl.col("score")).alias("score"),
        pl.when(pl.int_range(pl.len()) == 50).then(float("inf")).otherwise(pl.col("likes")).alias("likes"),
    )
    row = by_key(frame)["rank_correlation", "likes", "all", "spearman"]
    usable = frame.filter(pl.col("score").is_finite(), pl.col("likes").is_finite())
    assert row.n == usable.height
    assert row.estimate == pytest.approx(
        stats.spearmanr(usable["score"], usable["likes"]).statistic, abs=1e-9
    )


def test_likes_that_are_all_zero_are_constant_and_downloads_go_on() -> None:
    found = by_key(hub(300).with_columns(likes=pl.lit(0)))
    assert found["rank_correlation", "likes", "all", "spearman"].estimate is None
    assert "constant" in found["regression", "likes", "all", "poisson"].flags
    assert found["rank_correlation", "downloads", "all", "spearman"].estimate is not None


ODD_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "author": st.sampled_from([None, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]),
            "downloads": st.sampled_from([None, 0, 1, 2, 10**15]),
            "likes": st.sampled_from([None, 0, 0, 0, 1, 7]),
            "score": st.sampled_from([None, 1.0, 1.0, 2.5, 5.0, float("nan"), float("inf")]),
            "card_status": st.sampled_from(["card", "none", "empty", "failed", "pending"]),
            "library_name": st.sampled_from([None, "spacy", "|=", ""]),
            "model_format": st.sampled_from(["weights", "gguf"]),
            "age_days": st.sampled_from([None, -3, 0, 400]),
            "is_generated": st.sampled_from([None, True, False]),
        }
    ),
    min_size=0,
    max_size=15,
)


@settings(max_examples=40)
@given(ODD_ROWS, st.sampled_from([1, 4, 9]), st.booleans())
def test_no_frame_breaks_it_and_no_number_leaves_that_is_none(
    rows: list[dict[str, object]], copies: int, own_author: bool
) -> None:
    """Repeated rows reach the sizes at which estimates begin; null authors are authors of their own."""
    drawn = [row | {"model_id": f"m{i}"} for i, row in enumerate(rows * copies)]
    frame = pl.DataFrame(
        drawn, schema_overrides={k: v for k, v in SCHEMA.items() if k != "sections"}, strict=False
    )
    frame = as_frame(frame.to_dict(as_series=False)) if drawn else as_frame({"model_id": []})
    found = answers(frame.with_columns(author=None) if own_author else frame)
    assert len({key(row) for row in found}) == len(found)
    for row in found:
        assert all(
            n is None or isfinite(n) for n in (row.estimate, row.ci_low, row.ci_high, row.p, row.p_adjusted)
        )
        if row.ci_low is not None and row.ci_high is not None and row.estimate is not None:
            assert row.ci_low - 1e-9 <= row.estimate <= row.ci_high + 1e-9
        assert row.p is None or 0 <= row.p <= 1
        assert row.estimate is not None or row.flags


@pytest.mark.real_hub
@pytest.mark.skipif(not CORPUS.exists(), reason="the Hub of February 2022 is not here")
def test_the_real_hub_has_findings_with_intervals() -> None:
    """Card length in words stands in for a judge's score."""
    words = pl.col("card_text").str.count_matches(r"\w+").cast(pl.Float64)
    models = pl.read_parquet(CORPUS).with_columns(
        author=pl.col("model_id").str.extract(r"^([^/]+)/"), score=pl.when(words > 0).then(words.log1p())
    )
    status = pl.when(pl.col("score").is_not_null()).then(pl.lit("card")).otherwise(pl.lit("none"))
    frame = models.with_columns(card_status=status, model_format=pl.lit("weights"))
    found = by_key(as_frame({c: frame[c] for c in SCHEMA if c in frame.columns}))
    for outcome in ("downloads", "likes"):
        row = found["rank_correlation", outcome, "all", "spearman"]
        assert row.n > 15_000
        assert row.ci_low is not None
    assert found["outliers", "likes", "all", "models_removed"].estimate == 102
    assert found["regression_controlled", "likes", "all", "poisson"].p is not None
    assert found["has_card", "likes", "all", "cliffs_delta"].ci_low is not None


@pytest.mark.parametrize("authors", [1, 2, 3])
def test_hardly_any_authors_give_estimates_without_intervals(authors: int) -> None:
    frame = hub(120).with_columns((pl.int_range(pl.len()) % authors).cast(pl.String).alias("author"))
    rows = answers(frame)
    assert any(row.estimate is not None for row in rows)
    assert all(row.ci_low is None for row in rows if row.question in ("rank_correlation", "regression"))


def test_an_outcome_that_two_authors_alone_have_gives_no_interval() -> None:
    """However many authors there are: what differs is theirs."""
    frame = hub().with_columns(
        pl.when(pl.col("author").is_in(["a1", "a2"])).then(pl.lit(3)).otherwise(0).alias("likes")
    )
    rows = [row for row in answers(frame) if row.outcome in ("likes", "any_likes") and row.stratum == "all"]
    asked = [row for row in rows if row.question in ("rank_correlation", "regression")]
    assert len(asked) > 4
    assert [row.estimator for row in asked if row.ci_low is not None] == []


@pytest.mark.parametrize(("low", "named"), [(-0.1, "a1"), (0.02, "a0")])
def test_whose_absence_makes_a_clear_answer_unclear_is_named_before_who_moves_it_furthest(
    low: float, named: str
) -> None:
    rows = clean(
        hub(40).with_columns(
            (pl.int_range(pl.len()) % 4).cast(pl.String).str.replace("^", "a").alias("author")
        ),
        HUB,
    )
    sample = Sample("all", "likes", rows.with_columns(score=pl.int_range(pl.len()).cast(pl.Float64)), "score")
    whole = Estimate(0.2, 0.05, 0.3, 0.01, most_influential=1, most_moving=0)

    def method(used: Sample) -> Estimate:
        if used.rows.height == sample.rows.height:
            return whole
        is_without_a1 = "a1" not in used.rows["__author"].to_list()
        return Estimate(0.15, low if is_without_a1 else 0.1, 0.3, 0.05)

    found = answered(sample, Stamp(WEEK, "checklist", "f1"), "q", "e", method)
    assert found.influential_author == named
