"""How well predictions agree with marks, and what one author more or less would change.

Every statistic is a function of sums over groups of texts, so it is computed again without each group at no cost, and
the interval is the jackknife over groups of `tasks/findings/authors.py`, which accounts for authors of unequal size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from tasks.arrays import Floats
from tasks.findings.authors import (
    cluster_sums,
    correlation_estimate,
    effective_number,
    too_few,
)
from tasks.findings.sample import Codes, Estimate

_NEXT_TO_NOTHING = 1e-12


@dataclass(frozen=True, slots=True)
class Tried:
    """Marks (n), their groups (n), the folds of each split (R x n), and what was predicted out of fold (R x n).

    `ordered` gives the order, `expected` the marks: the same for a fitted model, not for a judge on another scale.
    """

    marks: Floats
    groups: Codes
    folds: Codes
    ordered: Floats
    expected: Floats


@dataclass(frozen=True, slots=True)
class Jackknifed:
    """A value from -1 to 1 and what it is without each group (G); `information` (G) is what each contributes."""

    value: float
    without: Floats
    information: Floats

    @property
    def estimate(self) -> Estimate:
        """With its interval; flags say why there is none."""
        if np.isnan(self.value) or np.isnan(self.without).any():
            return Estimate(None if np.isnan(self.value) else self.value, flags=("constant",))
        return correlation_estimate(self.value, self.without - self.value, self.information)

    def gain_over(self, other: Jackknifed) -> Estimate:
        """How much larger it is than another on the same texts: t on one less than the effective groups."""
        gain = Estimate(self.value - other.value)
        if (flag := too_few(self.information)) is not None or np.isnan(self.value - other.value):
            return gain.flagged(flag or "constant")
        moves = (self.without - self.value) - (other.without - other.value)
        share = self.information / self.information.sum()
        error = float(np.sqrt(np.sum(moves**2 * (1 - share))))
        return gain.by_t(error, effective_number(self.information) - 1) if error else gain.flagged("constant")


def concordance(tried: Tried) -> Jackknifed:
    """Somers' D of the order given the marks: of pairs with different marks, concordant less discordant ones.

    (1 + D) / 2 is the probability that the better of two texts is ordered higher, ties counting half: the AUC where
    there are two levels. Pairs are within a fold: two models' predictions are on two scales, and where one level is
    rarer among the texts learned from, it is commoner among those kept aside (Airola et al. 2011, "An experimental
    comparison of cross-validation techniques for estimating the area under the ROC curve").
    """
    groups = int(tried.groups.max()) + 1
    above, all_pairs = np.zeros(groups), np.zeros(groups)
    totals = np.zeros(2)
    for folds, ordered in zip(tried.folds, tried.ordered, strict=True):
        for fold in range(folds.max() + 1):
            inside = np.flatnonzero(folds == fold)
            net, pairs, own = _pairs(tried.marks[inside], ordered[inside], tried.groups[inside])
            codes = tried.groups[inside]
            above += np.bincount(codes, net - own[0] / 2, groups)
            all_pairs += np.bincount(codes, pairs - own[1] / 2, groups)
            totals += (net.sum() / 2, pairs.sum() / 2)
    with np.errstate(invalid="ignore"):
        return Jackknifed(
            float(totals[0] / totals[1]), (totals[0] - above) / (totals[1] - all_pairs), all_pairs
        )


def _pairs(marks: Floats, ordered: Floats, groups: Codes) -> tuple[Floats, Floats, tuple[Floats, Floats]]:
    """Of each text: concordant less discordant pairs, pairs with different marks, and both with its own group."""
    apart = np.sign(marks[:, None] - marks)
    net = apart * np.sign(ordered[:, None] - ordered)
    is_own = groups[:, None] == groups
    differ = np.abs(apart)
    return net.sum(1), differ.sum(1), ((net * is_own).sum(1), (differ * is_own).sum(1))


def rank_correlation(tried: Tried) -> Jackknifed:
    """Spearman's rho with average ranks over all folds, the mean of the splits; ranks are taken once."""
    ranks = stats.rankdata(tried.marks)
    return _of_sums(tried, [(stats.rankdata(ordered), ranks) for ordered in tried.ordered], _pearson)


def weighted_kappa(tried: Tried) -> Jackknifed:
    """Quadratic weighted kappa of the level nearest to the expected mark, the mean of the splits (Cohen 1968)."""
    levels = np.unique(tried.marks)
    nearest = [
        levels[np.abs(expected[:, None] - levels).argmin(1)] if levels.size else expected
        for expected in tried.expected
    ]
    return _of_sums(tried, [(level, tried.marks) for level in nearest], _kappa)


def _of_sums(
    tried: Tried, pairs: list[tuple[Floats, Floats]], statistic: Callable[[Floats], Floats]
) -> Jackknifed:
    """A statistic of the sums of 1, x, y, xx, yy and xy: the mean over the pairs of columns, and without each group."""
    values, without = [], []
    for left, right in pairs:
        # Near 0 the sums keep their digits. Kappa compares the two columns, so both move by the same.
        middle = (left.mean() + right.mean()) / 2
        x, y = left - middle, right - middle
        sums = cluster_sums(np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y]), tried.groups)
        values.append(statistic(sums.sum(0)))
        without.append(statistic(sums.sum(0) - sums))
    spread = cluster_sums((tried.marks - tried.marks.mean())[:, None] ** 2, tried.groups)[:, 0]
    return Jackknifed(float(np.mean(values)), np.mean(without, axis=0), spread)


def _pearson(sums: Floats) -> Floats:
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    below = np.sqrt(np.maximum(n * xx - x * x, 0) * np.maximum(n * yy - y * y, 0))
    return _ratio(n * xy - x * y, below)


def _kappa(sums: Floats) -> Floats:
    """1 less observed over expected squared difference; expected over all pairs of an x and a y."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    return 1 - _ratio(n * (xx - 2 * xy + yy), n * xx + n * yy - 2 * x * y)


def _ratio(above: Floats, below: Floats) -> Floats:
    """The quotient, NaN where the divisor is next to nothing."""
    is_something = np.abs(below) > _NEXT_TO_NOTHING
    return np.asarray(np.where(is_something, above / np.where(is_something, below, 1), np.nan))
