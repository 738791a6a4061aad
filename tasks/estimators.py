"""The estimators: every value of the column `estimator` of the findings."""

from __future__ import annotations

from enum import StrEnum


class Estimator(StrEnum):
    """An estimator by its name in lake and warehouse. `spearman_given` makes those with one variable held equal."""

    # How the ranks of two columns go together.
    SPEARMAN = "spearman"
    SPEARMAN_PER_AUTHOR = "spearman_per_author"
    SPEARMAN_WITHIN_AUTHOR = "spearman_within_author"
    SPEARMAN_GIVEN_CONTROLS = "spearman_given_controls"
    SPEARMAN_GIVEN_CONTROLS_AND_RIVALS = "spearman_given_controls_and_rivals"
    SPEARMAN_GIVEN_ALL = "spearman_given_all"
    ROBUSTNESS_VALUE = "robustness_value"
    KENDALL = "kendall"
    CLIFFS_DELTA = "cliffs_delta"
    # Coefficients of the score.
    HUBER = "huber"
    TUKEY = "tukey"
    MEDIAN = "median"
    THEIL_SEN = "theil_sen"
    POISSON = "poisson"
    LOGIT = "logit"
    HURDLE_LOG = "hurdle_log"
    # Event studies of edits.
    POISSON_STACKED = "poisson_stacked"
    OLS_STACKED = "ols_stacked"
    LPDID = "lpdid"
    WALD = "wald"
    MINIMUM_DETECTABLE = "minimum_detectable"
    # Counts and shares of models.
    SHARE = "share"
    MEAN_RANK = "mean_rank"
    MODELS_REMOVED = "models_removed"
    FENCE = "fence"
    FENCE_BELOW = "fence_below"
    WITHOUT_OUTCOME = "without_outcome"
    WITHOUT_SCORE = "without_score"


def spearman_given(column: str) -> str:
    """Spearman's correlation with one column held equal: `spearman_given_age_days`."""
    return f"{Estimator.SPEARMAN}_given_{column}"


def family(estimator: str) -> str:
    """The estimator without what is held equal: `spearman` of `spearman_given_age_days`."""
    return estimator.partition("_given_")[0]
