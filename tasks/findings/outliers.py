"""Which models are outliers of popularity, by a rule that mostly-zero counts do not break."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from tasks.findings.sample import MODELS_TO_ESTIMATE, OUTCOMES, Estimate, Floats, Sample, Stamp
from tasks.records import Finding

CUTOFF = 3.5
OUTLIER_RULE = (
    "A model is an outlier in downloads (or likes) when log1p of the count lies more than 3.5 robust standard "
    "deviations above the median of the models that have any; the robust standard deviation is 1.4826 times the "
    "median absolute deviation, or 1.2533 times the mean absolute deviation where more than half of those models "
    "share one value; models with a count of zero are never outliers."
)


@dataclass(frozen=True, slots=True)
class Fence:
    """The count beyond which a model is an outlier (null: too few counts to say), and how it was found."""

    count: float | None
    flags: tuple[str, ...] = ()


def fence(counts: Floats) -> Fence:
    """expm1(median + 3.5 s) of log1p(counts) over the positive counts, s = 1.4826 MAD.

    The modified z-score (0.6745 (x - median) / MAD > 3.5) of Iglewicz & Hoaglin (1993), "How to detect and
    handle outliers". It is applied to the positive part alone, as two-part models do (Cragg 1971; Mullahy 1986),
    because any robust scale is 0 once more than half of the values coincide, and here up to 95 % are zero. Of
    the likes even the positive ones are mostly 1; then s = 1.2533 x the mean absolute deviation from the median
    (the second arm of IBM's modified z-score; on the log scale a few large values move it little). Only the
    upper side: a count is bounded below. Assumes that the positive counts are roughly log-symmetric.
    """
    logs = np.log1p(counts[counts > 0])
    if len(logs) < MODELS_TO_ESTIMATE:
        return Fence(None, ("few_models",))
    distances = np.abs(logs - np.median(logs))
    scale = 1.4826 * float(np.median(distances))
    if scale == 0:
        return Fence(float(np.expm1(np.median(logs) + CUTOFF * 1.2533 * distances.mean())), ("mad_is_zero",))
    return Fence(float(np.expm1(np.median(logs) + CUTOFF * scale)))


def fences(models: pl.DataFrame) -> dict[str, Fence]:
    """The fence of each outcome, from all models whose count is known, scored or not."""
    return {outcome: fence(models[outcome].drop_nulls().to_numpy()) for outcome in OUTCOMES}


def without_outliers(models: pl.DataFrame, outcome: str, limit: Fence) -> pl.DataFrame:
    """`models` without those beyond the fence of `outcome`."""
    if limit.count is None:
        return models
    return models.filter(pl.col(outcome).is_null() | (pl.col(outcome) <= limit.count))


def count_outliers(models: pl.DataFrame, limits: dict[str, Fence], stamp: Stamp) -> list[Finding]:
    """Two findings an outcome: how many models lie beyond the fence (n is before), and the fence itself."""
    found = []
    for outcome, limit in limits.items():
        known = models.filter(pl.col(outcome).is_not_null())
        sample = Sample("all", outcome, known, predictor=outcome)
        beyond = known.height - without_outliers(known, outcome, limit).height
        for estimator, value in (("models_removed", float(beyond)), ("fence", limit.count)):
            found.append(stamp.finding("outliers", estimator, sample, Estimate(value, flags=limit.flags)))
    return found
