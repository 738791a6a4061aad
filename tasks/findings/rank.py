"""Rank correlations with intervals over authors.

The ranks themselves move when models are drawn again. Ranking every resample anew is slow, and keeping the
first ranks is wrong by a first-order term as soon as there is an association. So each statistic comes with
its influence values (Hampel 1974, "The influence curve and its role in robust estimation"): what it gains, per
unit of weight, when one model weighs more, the movement of all ranks included. Resampling them costs a matrix
product (Hájek 1968; Davison & Hinkley 1997, 2.7 and 9.5).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats

from tasks.arrays import Floats
from tasks.findings.bootstrap import RESAMPLES, estimate_over_authors
from tasks.findings.concordance import net_concordance
from tasks.findings.controls import least_squares
from tasks.findings.sample import Codes, Estimate

# One value per model; their mean is the (rank) covariance, and the deviations from it are the influences.
Covariance = Callable[[Floats, Floats], Floats]


def spearman(x: Floats, y: Floats, authors: Codes, *, resamples: int = RESAMPLES, seed: int = 20) -> Estimate:
    """Spearman's rho with average ranks: Pearson's correlation of the ranks, from -1 to 1.

    Assumes nothing of the marginals; measures monotone association. Interval and p: bootstrap over authors.
    Spearman (1904), "The proof and measurement of association between two things".
    """
    value = float(stats.spearmanr(x, y).statistic)
    _, influence = correlation(x, y, rank_covariance)
    return estimate_over_authors(value, influence, authors, resamples=resamples, seed=seed)


def kendall(x: Floats, y: Floats, authors: Codes, *, resamples: int = RESAMPLES, seed: int = 20) -> Estimate:
    """Kendall's tau-b, (concordant - discordant) pairs / sqrt(pairs untied in x * pairs untied in y).

    From -1 to 1, ties allowed for. Interval and p: bootstrap over authors, as many resamples as Spearman's.
    Kendall (1945), "The treatment of ties in ranking problems".
    """
    value = float(stats.kendalltau(x, y, variant="b").statistic)
    _, influence = correlation(x, y, sign_covariance)
    return estimate_over_authors(value, influence, authors, resamples=resamples, seed=seed)


def partial_spearman(
    x: Floats,
    y: Floats,
    given: Floats,
    clusters: Codes,
    *,
    fixed: Floats | None = None,
    resamples: int = RESAMPLES,
    seed: int = 20,
) -> Estimate:
    """Spearman's rho of x and y, controlling for the ranks of `given` (n x k) and for `fixed` (n x m) as it is.

    Pearson's correlation of what least squares leaves of the ranks of x and of y; with one column of `given` that is
    (r_xy - r_xz r_yz) / sqrt((1 - r_xz^2)(1 - r_yz^2)). Assumes that the ranks are linear in those of the controls.
    Interval and p: bootstrap over clusters, the ranks of `given` moving along. Of the residuals' covariances only the
    covariances of the ranks themselves move to first order, since least squares has fixed its coefficients.
    Conover (1999), Practical Nonparametric Statistics, 5.4; Liu, Li, Wanga & Shepherd (2018), "Covariate-adjusted
    Spearman's rank correlation with probability-scale residuals".
    """
    held = given.reshape(len(x), -1)
    ranks = np.column_stack([_mid_distribution(v) for v in (x, y, *held.T)])
    others = [ranks[:, 2:]] if fixed is None else [ranks[:, 2:], fixed.reshape(len(x), -1)]
    base = np.column_stack([np.ones(len(x)), *others])
    coefficients = least_squares(base, ranks[:, :2])
    left = ranks[:, :2] - base @ coefficients
    if np.any(left.var(axis=0) < 1e-9 * ranks[:, :2].var(axis=0)):
        return Estimate(flags=("collinear",))
    # The weight of each rank in the residuals: its own is 1, those of the controls are their coefficients.
    weights = np.vstack([np.eye(2), -coefficients[1 : 1 + held.shape[1]]])
    columns = [x, y, *held.T]
    moved = [np.column_stack([_sum_above(column, left[:, side]) for column in columns]) for side in (0, 1)]

    def covariance(a: int, b: int) -> Floats:
        return np.asarray(left[:, a] * left[:, b] + moved[b] @ weights[:, a] + moved[a] @ weights[:, b])

    value, influence = _correlation(left, covariance)
    return estimate_over_authors(value, influence, clusters, resamples=resamples, seed=seed)


def _correlation(left: Floats, covariance: Callable[[int, int], Floats]) -> tuple[float, Floats]:
    """The correlation of two columns of mean 0, and its influence values (n, mean 0) from those of the covariances."""
    (xx, xy), (_, yy) = left.T @ left / len(left)
    of_xx, of_xy, of_yy = (c - c.mean() for c in (covariance(0, 0), covariance(0, 1), covariance(1, 1)))
    spread = float(np.sqrt(xx * yy))
    value = float(np.clip(xy / spread, -1, 1))
    return value, of_xy / spread - value / 2 * (of_xx / xx + of_yy / yy)


def cliffs_delta(
    has: Floats, y: Floats, authors: Codes, *, resamples: int = RESAMPLES, seed: int = 20
) -> Estimate:
    """P(y1 > y0) - P(y1 < y0) for a model with (`has` = 1) and one without: -1 to 1, 0 for no difference.

    2U / (n1 n0) - 1 of Mann and Whitney's U, so outliers and ties do no harm; it compares whole distributions,
    not means. Interval and p: bootstrap over authors.
    Cliff (1993), "Dominance statistics: ordinal analyses to answer ordinal questions".
    """
    one, none = has == 1, has == 0
    wins = np.where(one, _net_wins(y, y[none]), -_net_wins(y, y[one]))
    value = float(wins[one].mean())
    influence = (wins - value) * np.where(one, 1 / one.mean(), 1 / none.mean())
    return estimate_over_authors(value, influence, authors, resamples=resamples, seed=seed)


def _net_wins(y: Floats, others: Floats) -> Floats:
    """The share of `others` below each y less the share above it."""
    others = np.sort(others)
    sides = np.searchsorted(others, y, "left") + np.searchsorted(others, y, "right")
    return np.asarray(sides / len(others) - 1.0)


def correlation(
    x: Floats, y: Floats, covariance: Covariance, weights: Floats | None = None
) -> tuple[float, Floats]:
    """cov(x, y) / sqrt(cov(x, x) cov(y, y)) and its influence values (n, mean 0). Neither may be constant.

    `weights` (n, any scale) are those that `covariance` counts by; the influences' weighted mean is then 0.
    """
    xx, xy, yy = covariance(x, x), covariance(x, y), covariance(y, y)
    of_xx, of_xy, of_yy = (float(np.average(one, weights=weights)) for one in (xx, xy, yy))
    spread = float(np.sqrt(of_xx * of_yy))
    value = of_xy / spread
    return value, xy / spread - value / 2 * (xx / of_xx + yy / of_yy)


def rank_covariance(a: Floats, b: Floats, weights: Floats | None = None) -> Floats:
    """E[F(a) G(b)] - 1/4, the covariance of the ranks as shares, spread over the models; each counts by its weight.

    Drawing model i more often adds F_i G_i, and lifts the rank of every model above it in a (whose G then
    counts) and of every model above it in b (whose F then counts).
    """
    w = np.ones(len(a)) if weights is None else weights / weights.mean()
    f, g = (_mid_distribution(v, w) for v in (a, b))
    moved = f * g + _sum_above(a, w * g) + _sum_above(b, w * f)
    return np.asarray(moved - 2 * np.average(f * g, weights=w) - 0.25)


def sign_covariance(a: Floats, b: Floats) -> Floats:
    """E[sign(a_i - a_j) sign(b_i - b_j)] over all pairs, i = j included, spread over the models."""
    net = (_untied(a) if a is b else net_concordance(a, b)) / len(a)
    return np.asarray(2 * net - net.mean())


def _untied(values: Floats) -> Floats:
    """How many others differ from each (n): the net concordance of the values with themselves."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray(len(values) - counts[codes], np.float64)


def _mid_distribution(values: Floats, weights: Floats | None = None) -> Floats:
    """The share below plus half the share tied; its mean is 1/2 whatever the ties. Weights have mean 1."""
    if weights is None:
        return np.asarray((stats.rankdata(values) - 0.5) / len(values))
    _, codes = np.unique(values, return_inverse=True)
    tied = np.bincount(codes, weights=weights)
    return np.asarray(((tied.cumsum() - tied / 2) / len(values))[codes])


def _sum_above(values: Floats, weights: Floats) -> Floats:
    """Mean over all models j of weights_j, those above i counted fully and those tied with it by half."""
    _, codes = np.unique(values, return_inverse=True)
    tied = np.bincount(codes, weights=weights)
    above = tied[::-1].cumsum()[::-1] - tied
    return np.asarray(((above + tied / 2) / len(values))[codes])
