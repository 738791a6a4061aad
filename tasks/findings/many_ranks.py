"""Partial rank correlations of many predictors with one outcome, all at once.

The estimates and intervals of `rank.partial_spearman`, for fifty predictors in little more than the time of one: each
column is sorted once, and where a large author is left out, one matrix of cross-products serves all predictors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.arrays import Floats
from tasks.findings.authors import LARGE_SHARE, correlation_estimate
from tasks.findings.rank import above, information_of, levels, shares_below
from tasks.findings.sample import Bools, Codes, Estimate

MODELS_PER_COLUMN = 10  # with fewer models for each thing held equal, little is left to compare
AT_ONCE = 8  # predictors whose residuals are in memory
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

    def estimates(which: int, given: dict[int, Codes]) -> dict[int, Estimate]:
        """Of each predictor, by its number, given those columns."""
        found: dict[int, Estimate] = {}
        for k, pair in _residuals(whole, products, table.base, given):
            moves = -np.bincount(clusters, weights=_influence(table, pair)) / np.maximum(table.n - sizes, 1)
            for author, correlations in without.items():
                moves[author] = correlations[which][k] - values[which][k]
            found[k] = correlation_estimate(
                float(values[which][k]), moves, *(information_of(each, clusters) for each in (pair.x, pair.y))
            )
        return found

    controls, together = np.arange(table.base), table.base + np.flatnonzero(unique)
    controlled = estimates(0, dict.fromkeys(_places(varies[:-1] & varies[-1]), controls))
    jointly = estimates(
        1,
        {
            k: np.r_[controls, together[together != table.base + k]]
            for k in _places(unique & ~repeated & varies[-1])
        },
    )
    collinear = Estimate(flags=("collinear",))
    left_out = Estimate(flags=("many_columns",)) if is_short else collinear
    return [controlled.get(k, collinear) for k in range(len(joint))], [
        jointly.get(k, left_out) if is_joint else Estimate() for k, is_joint in enumerate(joint)
    ]


def _places(which: Bools) -> list[int]:
    return [int(place) for place in np.flatnonzero(which)]


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
        return np.column_stack([fixed, *(shares_below(column) for column in codes.T)])

    def products_of(self, kept: Bools) -> Floats:
        """The cross-products of all columns among the kept models."""
        matrix = self.matrix(kept)
        return np.asarray(matrix.T @ matrix)


def _table(predictors: Floats, y: Floats, given: Floats, fixed: Floats) -> _Table:
    constant = np.column_stack([np.ones(len(y)), fixed])
    ranked = np.column_stack([given, predictors, y])
    codes = np.empty(ranked.shape, np.int64, order="F")
    for place, column in enumerate(ranked.T):
        codes[:, place] = levels(column)
    return _Table(constant, codes, constant.shape[1] + given.shape[1])


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


@dataclass(frozen=True, slots=True)
class _Pair:
    """What least squares leaves of a predictor and of the outcome (n each), and the weights of all columns in it."""

    x: Floats
    y: Floats
    of_x: Floats
    of_y: Floats


def _residuals(
    whole: Floats, products: Floats, base: int, given: dict[int, Codes]
) -> Iterator[tuple[int, _Pair]]:
    """Each predictor, by its number, with what those columns leave. A few at a time: one pass over the matrix each."""
    asked = list(given.items())
    for start in range(0, len(asked), AT_ONCE):
        part = asked[start : start + AT_ONCE]
        weights = [_residual_weights(products, others, base + k) for k, others in part]
        left = np.asarray(np.vstack([each for pair in weights for each in pair]) @ whole.T)
        for place, ((k, _), (of_x, of_y)) in enumerate(zip(part, weights, strict=True)):
            yield k, _Pair(left[2 * place], left[2 * place + 1], of_x, of_y)


def _residual_weights(products: Floats, others: Codes, own: int) -> tuple[Floats, Floats]:
    """The weight of every column in what the others leave of one column, and of the outcome."""
    sides = np.array([own, len(products) - 1])
    weights = np.zeros((2, len(products)))
    fitted = _inverse(products[np.ix_(others, others)]) @ products[np.ix_(others, sides)]
    weights[:, others] = -fitted.T
    weights[[0, 1], sides] = 1.0
    return weights[0], weights[1]


def _influence(table: _Table, pair: _Pair) -> Floats:
    """The influences (n) of the correlation of two residuals, of mean 0.

    As in `rank.partial_spearman`, the ranks of all columns move along. Those of a column with two levels do not: what
    least squares leaves sums to zero on either side.
    """
    x, y = pair.x, pair.y
    spread_x, spread_y = x @ x / len(x), y @ y / len(x)
    spread = np.sqrt(spread_x * spread_y)
    half = (x @ y) / len(x) / spread / 2
    influence = x * y / spread - half * (x * x / spread_x + y * y / spread_y)
    first = table.fixed.shape[1]
    for codes, of_x, of_y in zip(table.codes.T, pair.of_x[first:], pair.of_y[first:], strict=True):
        if codes.max() > 1 and (of_x or of_y):
            by_x, by_y = above(codes, x), above(codes, y)
            moved = (of_x * by_y + of_y * by_x) / spread
            moved -= 2 * half * (of_x * by_x / spread_x + of_y * by_y / spread_y)
            influence += moved[codes]
    return np.asarray(influence - influence.mean())
