"""Which models are outliers in popularity and in score, by a rule that works for mostly-zero counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from tasks.arrays import Floats
from tasks.estimators import Estimator
from tasks.findings.sample import MODELS_TO_ESTIMATE, Estimate, Sample, Stamp
from tasks.findings.study import Study
from tasks.records import Finding

CUTOFF = 3.5
OUTLIER_RULE = (
    "A model is an outlier where it lies too far out on either axis. In downloads (or likes): when log1p of the count "
    "lies more than 3.5 robust standard deviations above the median of the models that have any; models with a count "
    "of zero are never outliers. In score: when it lies more than 3.5 robust standard deviations to either side of the "
    "median score. The robust standard deviation is 1.4826 times the median absolute deviation, or 1.2533 times the "
    "mean absolute deviation where more than half of the models share one value."
)


@dataclass(frozen=True, slots=True)
class Fence:
    """Values outside are outliers (null: no limit, or too few models); the flags say how the fence was computed."""

    low: float | None = None
    high: float | None = None
    flags: tuple[str, ...] = ()

    def holds(self, column: str) -> pl.Expr:
        """Whether a number is inside, or null."""
        value = pl.col(column)
        low = value >= self.low if self.low is not None else pl.lit(value=True)
        high = value <= self.high if self.high is not None else pl.lit(value=True)
        return value.is_null() | (low & high)


def _reach(values: Floats) -> tuple[float, float, tuple[str, ...]]:
    """Median, 3.5 robust standard deviations, and a flag where the median absolute deviation is zero."""
    middle = float(np.median(values))
    distances = np.abs(values - middle)
    scale = 1.4826 * float(np.median(distances))
    if scale == 0:
        return middle, CUTOFF * 1.2533 * float(distances.mean()), ("mad_is_zero",)
    return middle, CUTOFF * scale, ()


def count_fence(counts: Floats) -> Fence:
    """Up to expm1(median + 3.5 s) of log1p(counts) over the positive counts, s = 1.4826 MAD.

    The modified z-score (0.6745 (x - median) / MAD > 3.5) of Iglewicz & Hoaglin (1993), "How to detect and
    handle outliers". It is applied to the positive part alone, as two-part models do (Cragg 1971; Mullahy 1986),
    because any robust scale is 0 once more than half of the values coincide, and here up to 95 % are zero. Of
    the likes even the positive ones are mostly 1; then s = 1.2533 x the mean absolute deviation from the median
    (the second arm of IBM's modified z-score; on the log scale a few large values move it little). Only the
    upper side: a count is bounded below. Assumes that the positive counts are roughly log-symmetric.
    """
    logs = np.log1p(counts[counts > 0])
    if len(logs) < MODELS_TO_ESTIMATE:
        return Fence(flags=("few_models",))
    middle, reach, flags = _reach(logs)
    return Fence(high=float(np.expm1(middle + reach)), flags=flags)


def score_fence(scores: Floats) -> Fence:
    """Median - 3.5 s to median + 3.5 s of the scores, the same rule on both sides; assumes rough symmetry."""
    if len(scores) < MODELS_TO_ESTIMATE:
        return Fence(flags=("few_models",))
    middle, reach, flags = _reach(scores)
    return Fence(middle - reach, middle + reach, flags)


def fences(models: pl.DataFrame, study: Study) -> dict[str, Fence]:
    """The fence of the score and of each outcome, from all models where it is known, scored or not."""
    found = {outcome: count_fence(models[outcome].drop_nulls().to_numpy()) for outcome in study.outcomes}
    return {study.score: score_fence(models[study.score].drop_nulls().to_numpy()), **found}


def without_outliers(
    models: pl.DataFrame, study: Study, outcome: str, limits: Mapping[str, Fence]
) -> pl.DataFrame:
    """`models` without those beyond the fence of the score or of `outcome`."""
    return models.filter(limits[study.score].holds(study.score), limits[outcome].holds(outcome))


def count_outliers(
    models: pl.DataFrame, study: Study, limits: Mapping[str, Fence], stamp: Stamp
) -> list[Finding]:
    """How many models lie beyond each fence (n is before), and the fences that any lie beyond."""
    found = []
    for column, limit in limits.items():
        known = models.drop_nulls(column)
        sample = Sample("all", column, known, predictor=column)
        beyond = known.height - known.filter(limit.holds(column)).height
        rows: dict[str, float | None] = {Estimator.MODELS_REMOVED: float(beyond)}
        # A bound that no model reaches, such as 7.7 on a scale from 1 to 5, says nothing.
        if limit.high is None or known.filter(pl.col(column) > limit.high).height:
            rows[Estimator.FENCE] = limit.high
        if column == study.score and (limit.low is None or known.filter(pl.col(column) < limit.low).height):
            rows[Estimator.FENCE_BELOW] = limit.low
        for estimator, value in rows.items():
            found.append(stamp.finding("outliers", estimator, sample, Estimate(value, flags=limit.flags)))
    return found
