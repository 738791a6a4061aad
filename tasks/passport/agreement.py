"""How well two ways of scoring the same texts agree: statistics over all texts at once, and their intervals.

A statistic takes ratings as an array of (resamples, texts, raters) and gives one value per resample, NaN where it is
undefined, so that a bootstrap is one call. A resample draws texts, each with all its ratings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import stats

from tasks.arrays import Floats

Statistic = Callable[[Floats], Floats]

RESAMPLES = 2000
TEXTS_MIN = 3
HALF, ONE = 0.5, 1.0
_CELLS_AT_ONCE = 2_000_000  # 16 MB of resampled ratings
_NEXT_TO_NOTHING = 1e-12  # a variance below this is that of equal numbers


@dataclass(frozen=True, slots=True)
class Measure:
    """One statistic with its 95 % percentile interval; `detail` says why there is no estimate or no interval."""

    name: str
    n: int
    estimate: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    detail: str | None = None


def half_up(scores: Floats) -> Floats:
    """Scores as whole levels: 2.5 is 3."""
    return np.floor(scores + 0.5)


# ----------------------------------------------------------------------------------------------------- statistics


def quadratic_kappa(ratings: Floats) -> Floats:
    """Weighted kappa of two raters, with squared differences as weights: 1 perfect, 0 chance; NaN for no rating.

    1 - observed / expected disagreement. Expected is over all pairs (x_i, y_j), which for squares comes to
    var(x) + var(y) + (mean(x) - mean(y))^2. Takes whole levels, and at least three texts that both rated. Cohen
    (1968), "Weighted kappa: nominal scale agreement with provision for scaled disagreement or partial credit".
    """
    both = ~np.isnan(ratings).any(-1)
    n = both.sum(-1)
    x, y = (np.where(both, ratings[..., rater], 0.0) for rater in (0, 1))
    mean_x, mean_y = (v.sum(-1) / np.maximum(n, 1) for v in (x, y))
    spread_x, spread_y = (
        (np.where(both, v - mean[..., None], 0.0) ** 2).sum(-1) for v, mean in ((x, mean_x), (y, mean_y))
    )
    expected = spread_x + spread_y + n * (mean_x - mean_y) ** 2
    kappa = 1 - _ratio(((x - y) ** 2).sum(-1), expected)
    return np.where(n >= TEXTS_MIN, kappa, np.nan)


def spearman(ratings: Floats) -> Floats:
    """Spearman's rho of the first two raters: Pearson's correlation of average ranks.

    Spearman (1904), "The proof and measurement of association between two things".
    """
    x, y = (stats.rankdata(ratings[..., rater], axis=-1) for rater in (0, 1))
    x, y = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    return _ratio((x * y).mean(-1), np.sqrt((x**2).mean(-1) * (y**2).mean(-1)))


def krippendorff_alpha(ratings: Floats) -> Floats:
    """Krippendorff's alpha for interval data: 1 perfect, 0 chance; any number of raters, NaN for no rating.

    1 - observed / expected squared difference, observed within texts that two raters or more rated, expected
    between all their ratings. Krippendorff (2019), Content Analysis, 4th edition, chapter 12.
    """
    is_rated = ~np.isnan(ratings)
    raters = is_rated.sum(-1)
    is_rated &= (raters >= 2)[..., None]
    values = np.where(is_rated, ratings, 0.0)
    n = is_rated.sum((-1, -2))
    means = values.sum(-1) / np.maximum(raters, 1)
    within = (np.where(is_rated, values - means[..., None], 0.0) ** 2).sum(-1)
    observed = _ratio((2 * raters / np.maximum(raters - 1, 1) * within).sum(-1), n)
    grand = values.sum((-1, -2)) / np.maximum(n, 1)
    squares = (np.where(is_rated, values - grand[..., None, None], 0.0) ** 2).sum((-1, -2))
    return 1 - _ratio(observed, 2 * squares / np.maximum(n - 1, 1))


def mean_pairwise_kappa(ratings: Floats) -> Floats:
    """The mean of quadratic kappas over all pairs of raters, each on the texts that both rated; whole levels.

    Light (1971), "Measures of response agreement for qualitative data". Pairs with fewer than three texts in
    common, or without any spread, are left out.
    """
    pairs = combinations(range(ratings.shape[-1]), 2)
    kappas = np.stack([quadratic_kappa(ratings[..., list(pair)]) for pair in pairs], axis=-1)
    is_known = ~np.isnan(kappas)
    return _ratio(np.where(is_known, kappas, 0.0).sum(-1), is_known.sum(-1))


def mean(values: Floats) -> Floats:
    """The mean of the first column."""
    return np.asarray(values[..., 0].mean(-1))


def _ratio(above: Floats, below: Floats | npt.NDArray[np.int_]) -> Floats:
    """The quotient, NaN where the divisor is next to nothing."""
    is_something = np.abs(below) > _NEXT_TO_NOTHING
    return np.where(is_something, above / np.where(is_something, below, 1), np.nan)


# ----------------------------------------------------------------------------------------------------- intervals


def measured(
    name: str, ratings: Floats, statistic: Statistic, *, seed: int, detail: str | None = None
) -> Measure:
    """The statistic of `ratings` (texts x raters) with the interval of 2,000 resamples of the texts.

    Percentile interval: Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13. With few texts
    it is too narrow, as all bootstrap intervals are.
    """
    measure = Measure(name, len(ratings), detail=detail)
    if len(ratings) < TEXTS_MIN:
        return replace(measure, detail=f"fewer than {TEXTS_MIN} texts")
    estimate = float(statistic(ratings[None])[0])
    if np.isnan(estimate):
        return replace(measure, detail="constant ratings, or too few in common")
    draws = _draws(ratings, statistic, seed)
    usable = draws[~np.isnan(draws)]
    if len(usable) < 0.95 * len(draws):
        return replace(measure, estimate=estimate, detail="no interval: too many resamples have no spread")
    if np.ptp(usable) < _NEXT_TO_NOTHING:
        return replace(measure, estimate=estimate, detail="no interval: the same for all texts")
    low, high = np.quantile(usable, (0.025, 0.975))
    return replace(measure, estimate=estimate, ci_low=float(low), ci_high=float(high))


def _draws(ratings: Floats, statistic: Statistic, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    at_once = max(1, min(RESAMPLES, _CELLS_AT_ONCE // ratings.size))
    sizes = [min(at_once, RESAMPLES - done) for done in range(0, RESAMPLES, at_once)]
    return np.concatenate(
        [statistic(ratings[rng.integers(len(ratings), size=(size, len(ratings)))]) for size in sizes]
    )


# ------------------------------------------------------------------------------------------------ judge and people


def of_judge(judge: Floats, people: Floats, *, seed: int, is_overall: bool = True) -> list[Measure]:
    """How a judge's scores agree with people's, one each per text; a criterion has fewer measures than the score."""
    pair = np.column_stack([judge, people])
    levels, difference = half_up(pair), pair[:, :1] - pair[:, 1:]
    distance = np.abs(difference)
    measures: list[tuple[str, Floats, Statistic]] = [
        ("quadratic_kappa", levels, quadratic_kappa),
        ("spearman", pair, spearman),
        ("bias", difference, mean),
    ]
    if is_overall:
        measures += [
            ("krippendorff_alpha", pair, krippendorff_alpha),
            ("mean_absolute_error", distance, mean),
            ("share_within_half", _at_most(distance, HALF), mean),
            ("share_within_one", _at_most(distance, ONE), mean),
        ]
    return [measured(name, values, statistic, seed=seed) for name, values, statistic in measures]


def of_raters(ratings: Floats, *, seed: int) -> list[Measure]:
    """How raters agree among themselves (texts x raters, NaN for no rating): no judge can be expected to do better."""
    shared = ratings[(~np.isnan(ratings)).sum(-1) >= 2]
    if shared.shape[-1] < 2:
        return []
    return [
        measured("krippendorff_alpha", shared, krippendorff_alpha, seed=seed),
        measured("mean_pairwise_kappa", half_up(shared), mean_pairwise_kappa, seed=seed),
    ]


def _at_most(distance: Floats, limit: float) -> Floats:
    return (distance <= limit + 1e-9).astype(np.float64)
