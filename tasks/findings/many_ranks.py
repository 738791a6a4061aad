"""Partial rank correlations of many predictors with one outcome, all at once.

The estimates and intervals of `rank.partial_spearman`, for fifty predictors in little more than the time of one: each
column is sorted once, and where a large author is left out, one matrix of cross-products serves all predictors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tasks.arrays import Floats
from tasks.findings.authors import LARGE_SHARE, cluster_sums, correlation_estimate
from tasks.findings.sample import Bools, Codes, Estimate

MODELS_PER_COLUMN = 10  # with fewer models for each thing held equal, little is left to compare
_NO_VARIANCE = 1e-9  # of a column's variance: what rounding leaves
_REPEATED = 1e-6  # of a column's variance: less than it tells no column from a combination of others


def many_partial_spearmans(
    predictors: Floats, y: Floats, given: Floats, fixed: Floats, clusters: Codes, joint: Bools
) -> tuple[list[Estimate], list[Estimate]]:
    """Spearman's rho of each predictor (n x K) and y (n): given the controls, and given all joint predictors too.

    The controls are the ranks of `given` (n x a) and `fixed` (n x m) as it is. `joint` (K) marks the predictors that
    are held equal together; the others have no estimate in the second list. One that the controls determine, or that
    jointly others determine, is flagged `collinear`. With fewer than 10 models for each column, all joint ones are
    flagged `many_columns`.
    """
    table = _table(predictors, y, given, fixed)
    whole = table.matrix()
    products = whole.T @ whole
    varies = _left(products, table.base)[1]
    unique, repeated = _independent(products, table.base, joint)
    if is_short := table.n < MODELS_PER_COLUMN * (table.base + unique.sum()):
        unique[:] = False
    sizes = np.bincount(clusters)
    without = {
        author: _correlations(table.products_of(clusters != author), table.base, unique)
        for author in np.flatnonzero(sizes > LARGE_SHARE * table.n)
    }
    values = _correlations(products, table.base, unique)

    def estimate(k: int, which: int, others: Iterable[int]) -> Estimate:
        own, outcome = _residual_weights(products, [*others], table.base + k)
        left, rest, influence = _influence(table, whole, own, outcome)
        moves = -np.bincount(clusters, weights=influence) / np.maximum(table.n - sizes, 1)
        for author, correlations in without.items():
            moves[author] = correlations[which][k] - values[which][k]
        information = [
            cluster_sums(((each - each.mean()) ** 2)[:, None], clusters)[:, 0] for each in (left, rest)
        ]
        return correlation_estimate(float(values[which][k]), moves, *information)

    controls = range(table.base)
    together = table.base + np.flatnonzero(unique)
    collinear, many = Estimate(flags=("collinear",)), Estimate(flags=("many_columns",))
    given_controls = [
        estimate(k, 0, controls) if varies[k] and varies[-1] else collinear for k in range(len(joint))
    ]
    given_all = [
        estimate(k, 1, (*controls, *together[together != table.base + k]))
        if unique[k] and not repeated[k] and varies[-1]
        else many
        if is_short
        else collinear
        for k in range(len(joint))
    ]
    return given_controls, [
        one if is_joint else Estimate() for one, is_joint in zip(given_all, joint, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Table:
    """The columns: a constant and `fixed` as they are, then ranks by `codes` (of controls, predictors, outcome)."""

    fixed: Floats
    codes: Codes
    base: int  # so many are controls, the constant included; the last is the outcome

    @property
    def n(self) -> int:
        return len(self.fixed)

    def matrix(self, kept: Bools | None = None) -> Floats:
        """All columns in one matrix, ranked among the kept models."""
        fixed, codes = (self.fixed, self.codes) if kept is None else (self.fixed[kept], self.codes[kept])
        return np.column_stack([fixed, *(_ranks(column) for column in codes.T)])

    def products_of(self, kept: Bools) -> Floats:
        """The cross-products of all columns among the kept models."""
        matrix = self.matrix(kept)
        return np.asarray(matrix.T @ matrix)


def _table(predictors: Floats, y: Floats, given: Floats, fixed: Floats) -> _Table:
    constant = np.column_stack([np.ones(len(y)), fixed])
    ranked = np.column_stack([given, predictors, y])
    codes = np.empty(ranked.shape, np.int64, order="F")
    for place, column in enumerate(ranked.T):
        codes[:, place] = np.unique(column, return_inverse=True)[1]
    return _Table(constant, codes, constant.shape[1] + given.shape[1])


def _ranks(codes: Codes) -> Floats:
    """The share below plus half the share tied, of a column whose levels are known."""
    tied = np.bincount(codes)
    return np.asarray(((tied.cumsum() - tied / 2) / len(codes))[codes])


def _sum_above(codes: Codes, weights: Floats) -> Floats:
    """Mean over all models j of weights_j, those above i counted fully and those tied with it by half."""
    tied = np.bincount(codes, weights=weights)
    above = tied[::-1].cumsum()[::-1] - tied
    return np.asarray(((above + tied / 2) / len(codes))[codes])


def _inverse(products: Floats) -> Floats:
    """The inverse of cross-products; of several solutions the shortest. Columns are scaled, so that none is lost."""
    scale = 1 / np.sqrt(np.maximum(np.diag(products), 1e-300))
    scales = np.outer(scale, scale)
    return np.asarray(np.linalg.pinv(products * scales, rcond=1e-12, hermitian=True) * scales)


def _left(products: Floats, base: int) -> tuple[Floats, Bools]:
    """The cross-products of what the controls leave of predictors and outcome, and which of them still vary."""
    across, own = products[:base, base:], np.diag(products)[base:]
    left = products[base:, base:] - across.T @ _inverse(products[:base, :base]) @ across
    spread = own - products[0, base:] ** 2 / products[0, 0]  # the first column is the constant
    return left, np.asarray(np.diag(left) > _NO_VARIANCE * np.maximum(spread, 1.0))


def _correlations(products: Floats, base: int, unique: Bools) -> tuple[Floats, Floats]:
    """Each predictor's correlation with the outcome given the controls, and given the other unique ones too.

    0 where nothing is left to vary, for then nothing goes with anything.
    """
    left, varies = _left(products, base)
    alone, together = np.zeros(len(unique)), np.zeros(len(unique))
    if not varies[-1]:
        return alone, together
    own = varies[:-1]
    alone[own] = left[:-1, -1][own] / np.sqrt(np.diag(left)[:-1][own] * left[-1, -1])
    used = np.flatnonzero([*(unique & own), True])
    inverse = _inverse(left[np.ix_(used, used)])
    scales = np.sqrt(np.diag(inverse)[:-1] * inverse[-1, -1])
    together[used[:-1]] = -inverse[:-1, -1] / np.maximum(scales, 1e-300)
    return np.clip(alone, -1, 1), np.clip(together, -1, 1)


def _independent(products: Floats, base: int, joint: Bools) -> tuple[Bools, Bools]:
    """Which joint predictors do not follow from the controls and those before; which of them a later one repeats."""
    left, varies = _left(products, base)
    unique, repeated = np.zeros_like(joint), np.zeros_like(joint)
    for k in np.flatnonzero(joint & varies[:-1]):
        before = np.flatnonzero(unique)
        weights = _inverse(left[np.ix_(before, before)]) @ left[before, k]
        unique[k] = left[k, k] - left[k, before] @ weights > _REPEATED * left[k, k]
        if not unique[k]:
            shares = weights**2 * np.diag(left)[before] / left[k, k]
            repeated[before] |= shares > _REPEATED
    return unique, repeated


def _residual_weights(products: Floats, others: list[int], own: int) -> tuple[Floats, Floats]:
    """The weight of every column in what the others leave of one column, and of the outcome."""
    sides = [own, len(products) - 1]
    weights = np.zeros((len(products), 2))
    weights[others] = -_inverse(products[np.ix_(others, others)]) @ products[np.ix_(others, sides)]
    weights[sides, [0, 1]] = 1.0
    return weights[:, 0], weights[:, 1]


def _influence(table: _Table, whole: Floats, own: Floats, outcome: Floats) -> tuple[Floats, Floats, Floats]:
    """The residuals (n) of a predictor and of the outcome, and the influences (n, mean 0) of their correlation.

    As in `rank.partial_spearman`, the ranks of all columns move along. Those of a column with two levels do not: what
    least squares leaves sums to zero on either side.
    """
    x, y = whole @ own, whole @ outcome
    xx, xy, yy = x * x, x * y, y * y
    first = table.fixed.shape[1]
    for codes, of_x, of_y in zip(table.codes.T, own[first:], outcome[first:], strict=True):
        if codes.max() > 1 and (of_x or of_y):
            by_x, by_y = _sum_above(codes, x), _sum_above(codes, y)
            xx, xy, yy = xx + 2 * of_x * by_x, xy + of_x * by_y + of_y * by_x, yy + 2 * of_y * by_y
    n = len(x)
    spread_x, spread_y = x @ x / n, y @ y / n
    spread = np.sqrt(spread_x * spread_y)
    value = (x @ y) / n / spread
    xx, xy, yy = xx - xx.mean(), xy - xy.mean(), yy - yy.mean()
    return x, y, np.asarray(xy / spread - value / 2 * (xx / spread_x + yy / spread_y))
