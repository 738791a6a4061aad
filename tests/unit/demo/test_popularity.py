from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import polars as pl
import pytest
import statsmodels.api as sm

from tasks.demo import DemoTruth, popularity, write_demo_corpus
from tasks.demo.truth import SENTENCES

WEEKS = 8
FORMATS = ("gguf", "quantised", "adapter")
LIBRARIES = ("diffusers", "sentence-transformers", "timm", "stable-baselines3")


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    return write_demo_corpus(
        tmp_path_factory.mktemp("demo") / "hub.parquet", models=3_000, weeks=WEEKS, seed=7
    )


@pytest.fixture(scope="module")
def panel(truth: DemoTruth) -> pl.DataFrame:
    return pl.read_parquet(truth.truth_parquet)


@pytest.fixture(scope="module")
def last(panel: pl.DataFrame) -> pl.DataFrame:
    return panel.filter(pl.col("week") == WEEKS - 1)


def design(models: pl.DataFrame) -> np.ndarray:
    """Level, age, format, and library where the format is plain weights; a constant first."""
    is_plain = pl.col("model_format") == "weights"
    columns = models.select(
        pl.lit(1.0).alias("constant"),
        level=pl.col("documentation_start") - 3,
        age=(pl.col("age_weeks") / 52).log(),
        **{name: pl.col("model_format") == name for name in FORMATS},
        **{name: is_plain & (pl.col("library_name") == name).fill_null(value=False) for name in LIBRARIES},
        no_library=is_plain & pl.col("library_name").is_null(),
    )
    return columns.cast(pl.Float64).to_numpy()


def effect_of_edits(
    panel: pl.DataFrame, kind: str, outcome: str, gained: str, age: float
) -> tuple[float, float]:
    """Estimate and standard error of what an edit adds to the log rate of the weeks after it.

    The rate without it is that of the model's first week, aged: nothing else moves within a model.
    """
    edited = panel.filter(pl.col("edit_kind") == kind).sort("model_id", "week")
    usual = edited.select(
        pl.col(f"log_rate_{outcome}").first().over("model_id")
        + age * (pl.col("age_weeks").log() - pl.col("age_weeks").first().log().over("model_id"))
    )
    is_after = (edited["week"] > edited["edit_week"]).cast(pl.Float64).to_numpy()
    family = sm.families.NegativeBinomial(alpha=1 / popularity.SHAPE_WEEK)
    offset = usual.to_series().to_numpy()
    fitted = sm.GLM(edited[gained].to_numpy(), sm.add_constant(is_after), family=family, offset=offset).fit()
    return float(fitted.params[1]), float(fitted.bse[1])


@pytest.mark.parametrize(
    ("outcome", "gained", "planted", "dispersion"),
    [
        ("likes", "likes", popularity.BETA_DOC_LIKES, 1 / popularity.SHAPE_LIKES),
        ("downloads", "downloads", popularity.BETA_DOC_DOWNLOADS, 1 / popularity.SHAPE_DOWNLOADS),
    ],
)
def test_a_negative_binomial_regression_recovers_the_planted_association(
    last: pl.DataFrame, outcome: str, gained: str, planted: float, dispersion: float
) -> None:
    unedited = last.filter(pl.col("edit_kind").fill_null("none") != "documentation")
    family = sm.families.NegativeBinomial(alpha=dispersion)
    offset = unedited[f"author_effect_{outcome}"].to_numpy()
    fitted = sm.GLM(unedited[gained].to_numpy(), design(unedited), family=family, offset=offset).fit()
    assert fitted.params[1] == pytest.approx(planted, abs=0.09)
    assert abs(fitted.params[1] - planted) < 3 * fitted.bse[1]


@pytest.mark.parametrize(
    ("outcome", "gained", "age", "planted"),
    [
        ("likes", "likes_gained", popularity.AGE_LIKES, popularity.EDIT_EFFECT_LIKES),
        ("downloads", "downloads_week", popularity.AGE_DOWNLOADS, popularity.EDIT_EFFECT_DOWNLOADS),
    ],
)
def test_documentation_edits_do_what_was_planted_and_placebo_edits_nothing(
    panel: pl.DataFrame, outcome: str, gained: str, age: float, planted: float
) -> None:
    estimate, error = effect_of_edits(panel, "documentation", outcome, gained, age)
    assert abs(estimate - planted) < 3 * error < 0.45
    estimate, error = effect_of_edits(panel, "placebo", outcome, gained, age)
    assert abs(estimate) < 3 * error < 0.6


def test_the_week_of_an_edit_is_still_an_ordinary_one(panel: pl.DataFrame) -> None:
    planned = panel.filter(pl.col("edit_kind") == "documentation").sort("model_id", "week")
    steps = planned.with_columns(step=pl.col("log_mean_downloads").diff().over("model_id")).drop_nulls("step")
    rises = steps.filter(pl.col("step") > popularity.EDIT_EFFECT_DOWNLOADS / 2)
    assert (rises["week"] == rises["edit_week"] + 1).all()
    before_the_last_week = planned.filter(pl.col("edit_week") < pl.col("week").max())
    assert rises.height == before_the_last_week["model_id"].n_unique()


def test_most_models_have_no_like(last: pl.DataFrame, truth: DemoTruth) -> None:
    share = float((last["likes"].to_numpy() == 0).mean())
    assert truth.zero_likes_share == pytest.approx(share, abs=1e-6)
    assert 0.58 <= truth.zero_likes_share <= 0.75


def test_downloads_have_a_heavy_tail_and_a_crowd_near_zero(last: pl.DataFrame) -> None:
    downloads = np.sort(last["downloads"].to_numpy())
    assert downloads[-30:].sum() > 0.6 * downloads.sum()
    assert np.median(downloads) < 100
    assert (downloads < 5).mean() > 0.15


def test_conversions_are_thin_and_downloaded_while_labs_are_rich_and_popular(last: pl.DataFrame) -> None:
    def middle(archetype: str, column: str) -> float:
        return float(np.median(last.filter(pl.col("archetype") == archetype)[column].to_numpy()))

    level, downloads = "documentation_start", "downloads"
    assert middle("gguf", level) < middle("fine_tune", level) < middle("foundation", level)
    assert middle("fine_tune", downloads) < middle("gguf", downloads) < middle("foundation", downloads)
    assert middle("foundation", "likes") > middle("gguf", "likes")


def test_the_stated_rank_correlations_are_those_of_the_table(last: pl.DataFrame, truth: DemoTruth) -> None:
    for outcome in ("likes", "downloads"):
        found = last.select(pl.corr("documentation", outcome, method="spearman")).item()
        assert truth.spearman[outcome]["all"] == pytest.approx(found, abs=1e-5)
    assert (truth.spearman["likes"]["all"] or 0) > 0.2


def test_the_truth_says_what_each_number_means(truth: DemoTruth) -> None:
    told = orjson.loads(truth.truth_json.read_bytes())
    assert set(told) == {*SENTENCES, "other_constants"}
    assert told["beta_doc_likes"]["value"] == popularity.BETA_DOC_LIKES
    assert told["archetype_counts"]["value"] == truth.archetype_counts
    assert told["other_constants"]["value"]["SHAPE_WEEK"] == popularity.SHAPE_WEEK
    assert all(entry["meaning"].endswith(".") for entry in told.values())


def test_too_few_models_to_correlate_are_null_not_guessed(tmp_path: Path) -> None:
    truth = write_demo_corpus(tmp_path / "hub.parquet", models=20, weeks=1, seed=1)
    assert truth.spearman["likes"]["format=gguf"] is None
