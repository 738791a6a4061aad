"""Small frames in place of large ones, so that a page of 30,000 models draws as fast as one of 1,000."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl

from tasks.records import Finding

Popularity = Literal["downloads", "likes"]

POINTS_MAX = 1_200
_BIN = 0.5
_BIN_MODELS_MIN = 5


def scored(models: pl.DataFrame, outcome: Popularity) -> pl.DataFrame:
    """The models that have both a score and the outcome."""
    return models.filter(pl.col("score").is_not_null() & pl.col(outcome).is_not_null())


def sampled(models: pl.DataFrame, outcome: Popularity, limit: int = POINTS_MAX) -> pl.DataFrame:
    """At most `limit` scored models, always the same ones, with the columns that a dot shows."""
    frame = scored(models, outcome).select("model_id", "score", outcome)
    return frame if frame.height <= limit else frame.sample(limit, seed=1)


def outcome_by_score(models: pl.DataFrame, outcome: Popularity) -> pl.DataFrame:
    """One row per half point of score: the number of models, and the quartiles of their outcome.

    5.0 belongs to the last half point and not to a bin of its own.
    """
    low = ((pl.col("score") - 1) / _BIN).floor().clip(0, 7) * _BIN + 1
    return (
        scored(models, outcome)
        .group_by(low.alias("score_low"))
        .agg(
            pl.len().alias("n"),
            pl.col(outcome).quantile(0.25, "linear").alias("q25"),
            pl.col(outcome).median().alias("median"),
            pl.col(outcome).quantile(0.75, "linear").alias("q75"),
        )
        .with_columns((pl.col("score_low") + _BIN).alias("score_high"))
        .sort("score_low")
    )


def drawn_bins(bins: pl.DataFrame) -> pl.DataFrame:
    """The bins with enough models for quartiles to mean something, with their middles."""
    middle = ((pl.col("score_low") + pl.col("score_high")) / 2).alias("score")
    return bins.filter(pl.col("n") >= _BIN_MODELS_MIN).with_columns(middle)


def fitted_line(models: pl.DataFrame, outcome: Popularity, fit: Finding) -> pl.DataFrame:
    """The robust slope of `fit`, and both ends of its interval, as lines through the middle of the cloud.

    A finding holds a slope of log(1 + outcome) and no intercept. The lines pass through the median score at
    the height that halves the residuals, which is also where Theil and Sen put theirs.
    """
    frame = scored(models, outcome)
    if frame.is_empty() or fit.estimate is None:
        return pl.DataFrame(
            schema={"score": pl.Float64, "fit": pl.Float64, "low": pl.Float64, "high": pl.Float64}
        )
    x, y = frame["score"].to_numpy(), np.log1p(frame[outcome].to_numpy())
    pivot = float(np.median(x))
    height = float(np.median(y - fit.estimate * (x - pivot)))
    score = np.linspace(x.min(), x.max(), 41)
    slopes = (fit.estimate, *sorted(fit.estimate if s is None else s for s in (fit.ci_low, fit.ci_high)))
    line, low, high = (np.expm1(np.clip(height + s * (score - pivot), 0, 50)) for s in slopes)
    return pl.DataFrame(
        {"score": score, "fit": line, "low": np.minimum(low, high), "high": np.maximum(low, high)}
    )
