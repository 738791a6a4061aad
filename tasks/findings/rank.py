"""Rank correlations with intervals over authors.

Each statistic comes with its influence values (Hampel 1974, "The influence curve and its role in robust estimation"):
what it gains, per unit of weight, when one model weighs more, the movement of all ranks included. They say how far it
moves without a small author; without a large one everything is ranked again (`tasks/findings/authors.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tasks.arrays import Floats
from tasks.findings.authors import correlation_estimate, moves_of_authors
from tasks.findings.concordance import net_concordance
from tasks.findings.controls import least_squares
from tasks.findings.sample import Bools, Codes, Estimate

# Of the levels of two columns, one value per model; their mean is the (rank) covariance, and the deviations from it are
# the influences.
Covariance = Callable[[Codes, Codes], Floats]


def spearman(x: Floats, y: Floats, authors: Codes) -> Estimate:
    """Spearman's rho with average ranks: Pearson's correlation of the ranks, from -1 to 1.

    Assumes nothing of the marginals; measures monotone association. Each model weighs one, so an author weighs as much
    as all of its models. Interval and p: jackknife over authors.
    Spearman (1904), "The proof and measurement of association between two things".
    """
    both = levels(x), levels(y)

    def of(kept: Bools) -> float:
        return _pearson(*(shares_below(codes[kept]) for codes in both))

    value = of(np.ones(len(x), np.bool_))
    _, influence = correlation(*both, rank_covariance)
    moves = moves_of_authors(value, influence, authors, of)
    return correlation_estimate(
        value, moves, *(information_of(shares_below(codes), authors) for codes in both)
    )


def spearman_per_author(x: Floats, y: Floats, authors: Codes) -> Estimate:
    """Spearman's rho where each author weighs one, shared equally by its models: of a model of an author at random.

    Weighted ranks. Interval and p: jackknife over authors, of whom none is large then.
    """
    both, weights = (levels(x), levels(y)), 1 / np.bincount(authors)[authors]
    value, influence = correlation(*both, lambda a, b: rank_covariance(a, b, weights), weights)
    groups = int(authors.max()) + 1
    moves = -np.bincount(authors, weights=weights * influence) / max(groups - 1, 1)
    scaled = weights / weights.mean()
    information = [
        information_of((shares_below(codes, scaled) - 0.5) * np.sqrt(weights), authors, 0.0) for codes in both
    ]
    return correlation_estimate(float(np.clip(value, -1, 1)), moves, *information)


def spearman_within_author(x: Floats, y: Floats, authors: Codes) -> Estimate:
    """Spearman's rho among models of the same author: of the ranks less their author's mean (author fixed effects).

    Whatever authors differ in plays no part, such as their fame. Authors with one model say nothing. Interval and p:
    jackknife over authors.
    """

    both = [levels(x), levels(y)]

    def left_of(kept: Bools) -> Floats:
        ranks = np.column_stack([shares_below(codes[kept]) for codes in both])
        own = np.unique(authors[kept], return_inverse=True)[1]
        means = np.column_stack([np.bincount(own, weights=column) for column in ranks.T])
        return np.asarray(ranks - (means / np.bincount(own)[:, None])[own])

    left = left_of(np.ones(len(x), np.bool_))
    if np.any(left.var(axis=0) < _NO_VARIANCE):
        return Estimate(flags=("constant",))
    value, influence = _residual_correlation(left, both, np.eye(2))
    moves = moves_of_authors(value, influence, authors, lambda kept: _pearson(*left_of(kept).T))
    return correlation_estimate(value, moves, *(information_of(column, authors) for column in left.T))


def kendall(x: Floats, y: Floats, authors: Codes) -> Estimate:
    """Kendall's tau-b, (concordant - discordant) pairs / sqrt(pairs untied in x * pairs untied in y).

    From -1 to 1, ties allowed for. Interval and p: jackknife over authors.
    Kendall (1945), "The treatment of ties in ranking problems".
    """
    value, moves = kendall_without_each(x, y, authors)
    return correlation_estimate(
        value, moves, *(information_of(shares_below(levels(v)), authors) for v in (x, y))
    )


def kendall_without_each(x: Floats, y: Floats, authors: Codes) -> tuple[float, Floats]:
    """Kendall's tau-b, and how far it moves without each author (G).

    Without an author the pairs are those of all, less twice its models' pairs, plus those among its own models, which
    both models counted.
    """
    both = levels(x), levels(y)
    net = net_concordance(*both)

    def of(kept: Bools) -> float:
        left = ~kept
        pairs = net.sum() - 2 * net[left].sum() + net_concordance(*(codes[left] for codes in both)).sum()
        counts = [np.bincount(codes[kept]).astype(np.float64) for codes in both]
        untied = [kept.sum() ** 2 - np.sum(each**2) for each in counts]
        return float(pairs / np.sqrt(untied[0] * untied[1])) if min(untied) > 0 else 0.0

    value = of(np.ones(len(x), np.bool_))
    if not all(codes.any() for codes in both):  # a column with one level
        return value, np.zeros(int(authors.max()) + 1)
    _, influence = correlation(*both, sign_covariance)
    return value, moves_of_authors(value, influence, authors, of)


def partial_spearman(
    x: Floats, y: Floats, given: Floats, clusters: Codes, *, fixed: Floats | None = None
) -> Estimate:
    """Spearman's rho of x and y, controlling for the ranks of `given` (n x k) and for `fixed` (n x m) as it is.

    Pearson's correlation of what least squares leaves of the ranks of x and of y; with one column of `given` that is
    (r_xy - r_xz r_yz) / sqrt((1 - r_xz^2)(1 - r_yz^2)). Assumes that the ranks are linear in those of the controls.
    Interval and p: jackknife over clusters, the ranks of `given` moving along. Of the residuals' covariances only the
    covariances of the ranks themselves move to first order, since least squares has fixed its coefficients.
    Conover (1999), Practical Nonparametric Statistics, 5.4; Liu, Li, Wanga & Shepherd (2018), "Covariate-adjusted
    Spearman's rank correlation with probability-scale residuals".
    """
    held = given.reshape(len(x), -1)
    others = np.empty((len(x), 0)) if fixed is None else fixed.reshape(len(x), -1)
    columns = [levels(column) for column in (x, y, *held.T)]

    def left_of(kept: Bools) -> tuple[Floats, Floats]:
        ranks = np.column_stack([shares_below(codes[kept]) for codes in columns])
        base = np.column_stack([np.ones(len(ranks)), ranks[:, 2:], others[kept]])
        coefficients = least_squares(base, ranks[:, :2])
        left = ranks[:, :2] - base @ coefficients
        left[:, left.var(axis=0) < _NO_VARIANCE * ranks[:, :2].var(axis=0)] = 0.0
        return left, coefficients

    left, coefficients = left_of(np.ones(len(x), np.bool_))
    if not left.any(axis=0).all():
        return Estimate(flags=("collinear",))
    # The weight of each rank in the residuals: its own is 1, those of the controls are their coefficients.
    weights = np.vstack([np.eye(2), -coefficients[1 : 1 + held.shape[1]]])
    value, influence = _residual_correlation(left, columns, weights)
    moves = moves_of_authors(value, influence, clusters, lambda kept: _pearson(*left_of(kept)[0].T))
    return correlation_estimate(value, moves, *(information_of(column, clusters) for column in left.T))


_NO_VARIANCE = 1e-9  # of the ranks' variance: what rounding leaves
_SOUGHT = 16  # levels: among so few each value is sought sooner than all are sorted


def _residual_correlation(left: Floats, columns: list[Codes], weights: Floats) -> tuple[float, Floats]:
    """The correlation of two columns of mean 0, and its influence values (n, mean 0).

    `left` (n x 2): residuals of ranks; `weights` (k x 2): the weight of each of the k ranked `columns` in them.
    """
    moved = [np.column_stack([above(codes, left[:, side])[codes] for codes in columns]) for side in (0, 1)]

    def covariance(a: int, b: int) -> Floats:
        each: Floats = np.asarray(
            left[:, a] * left[:, b] + moved[b] @ weights[:, a] + moved[a] @ weights[:, b]
        )
        return np.asarray(each - each.mean())

    (xx, xy), (_, yy) = left.T @ left / len(left)
    spread = float(np.sqrt(xx * yy))
    value = float(np.clip(xy / spread, -1, 1))
    return value, covariance(0, 1) / spread - value / 2 * (covariance(0, 0) / xx + covariance(1, 1) / yy)


def cliffs_delta(has: Floats, y: Floats, authors: Codes) -> Estimate:
    """P(y1 > y0) - P(y1 < y0) for a model with (`has` = 1) and one without: -1 to 1, 0 for no difference.

    2U / (n1 n0) - 1 of Mann and Whitney's U, so outliers and ties do no harm; it compares whole distributions,
    not means. Interval and p: jackknife over authors.
    Cliff (1993), "Dominance statistics: ordinal analyses to answer ordinal questions".
    """
    one, none, codes = has == 1, has == 0, levels(y)
    wins = np.where(one, _net_wins(y, y[none]), -_net_wins(y, y[one]))
    value = float(wins[one].mean())
    influence = (wins - value) * np.where(one, 1 / one.mean(), 1 / none.mean())

    def of(kept: Bools) -> float:
        with_, without = (
            np.bincount(codes[kept & group], minlength=codes.max() + 1) for group in (one, none)
        )
        if not with_.any() or not without.any():
            return 0.0
        below = 2 * np.cumsum(without) - without - without.sum()
        return float(with_ @ below / (with_.sum() * without.sum()))

    moves = moves_of_authors(value, influence, authors, of)
    return correlation_estimate(
        value, moves, *(information_of(v, authors) for v in (has, shares_below(codes)))
    )


def information_of(predictor: Floats, authors: Codes, middle: float | None = None) -> Floats:
    """What each author contributes (G): the squared deviations of a predictor (n) from its mean, or from `middle`."""
    deviations = predictor - (predictor.mean() if middle is None else middle)
    return np.asarray(np.bincount(authors, weights=deviations**2))


def _pearson(x: Floats, y: Floats) -> float:
    """Pearson's correlation; 0 where either does not vary, for then nothing goes with anything."""
    x, y = x - x.mean(), y - y.mean()
    spread = float(np.sqrt((x @ x) * (y @ y)))
    return float(np.clip((x @ y) / spread, -1, 1)) if spread > 0 else 0.0


def levels(values: Floats) -> Codes:
    """Each value as the place of its level (n), from 0: all that ranks need, and sorted once."""
    distinct = np.unique(values)
    if len(distinct) <= _SOUGHT:
        return np.searchsorted(distinct, values).astype(np.int64)
    return np.asarray(np.unique(values, return_inverse=True)[1], np.int64)


def shares_below(codes: Codes, weights: Floats | None = None) -> Floats:
    """The share below plus half the share tied, of levels (n): average ranks on a scale from 0 to 1, mean 1/2.

    `weights` (n) have mean 1.
    """
    tied = np.bincount(codes, weights=weights)
    return np.asarray(((tied.cumsum() - tied / 2) / len(codes))[codes])


def above(codes: Codes, weights: Floats) -> Floats:
    """Per level the mean over all models of their weights, those above it counted fully and those at it by half."""
    tied = np.bincount(codes, weights=weights)
    return np.asarray((tied[::-1].cumsum()[::-1] - tied / 2) / len(codes))


def _net_wins(y: Floats, others: Floats) -> Floats:
    """The share of `others` below each y less the share above it."""
    others = np.sort(others)
    sides = np.searchsorted(others, y, "left") + np.searchsorted(others, y, "right")
    return np.asarray(sides / len(others) - 1.0)


def correlation(
    x: Codes, y: Codes, covariance: Covariance, weights: Floats | None = None
) -> tuple[float, Floats]:
    """cov(x, y) / sqrt(cov(x, x) cov(y, y)) and its influence values (n, mean 0), of the levels of two columns.

    Neither may be constant. `weights` (n, any scale) are those that `covariance` counts by; the influences' weighted
    mean is then 0.
    """
    xx, xy, yy = covariance(x, x), covariance(x, y), covariance(y, y)
    of_xx, of_xy, of_yy = (float(np.average(one, weights=weights)) for one in (xx, xy, yy))
    spread = float(np.sqrt(of_xx * of_yy))
    value = of_xy / spread
    return value, xy / spread - value / 2 * (xx / of_xx + yy / of_yy)


def rank_covariance(a: Codes, b: Codes, weights: Floats | None = None) -> Floats:
    """E[F(a) G(b)] - 1/4, the covariance of the ranks as shares, spread over the models; each counts by its weight.

    Drawing model i more often adds F_i G_i, and lifts the rank of every model above it in a (whose G then
    counts) and of every model above it in b (whose F then counts).
    """
    w = np.ones(len(a)) if weights is None else weights / weights.mean()
    f, g = (shares_below(codes, w) for codes in (a, b))
    moved = f * g + above(a, w * g)[a] + above(b, w * f)[b]
    return np.asarray(moved - 2 * np.average(f * g, weights=w) - 0.25)


def sign_covariance(a: Codes, b: Codes) -> Floats:
    """E[sign(a_i - a_j) sign(b_i - b_j)] over all pairs, i = j included, spread over the models."""
    net = (_untied(a) if a is b else net_concordance(a, b)) / len(a)
    return np.asarray(2 * net - net.mean())


def _untied(codes: Codes) -> Floats:
    """How many others differ from each (n): the net concordance of the levels with themselves."""
    return np.asarray(len(codes) - np.bincount(codes)[codes], np.float64)
