"""Theil-Sen's slope, for tens of thousands of models and with authors as clusters."""

from __future__ import annotations

import numpy as np
from scipy import stats

from tasks.arrays import Floats
from tasks.findings.bootstrap import cluster_sums
from tasks.findings.concordance import net_concordance
from tasks.findings.sample import AUTHORS_FOR_INTERVAL, Codes, Estimate

ALL_PAIRS_UP_TO = 2000  # models; beyond it as many pairs are drawn at random as these have
RANDOM_PAIRS = 2_000_000


def theil_sen(x: Floats, y: Floats, authors: Codes, *, seed: int = 20) -> Estimate:
    """The median of (y_j - y_i) / (x_j - x_i) over pairs with different x: units of y per unit of x.

    Beyond 2,000 models the median is over 2 million random pairs (an incomplete U-statistic, Blom 1976), which
    wastes no model, as a subsample would. The interval inverts the test that the residuals y - b x go neither
    up nor down with x: the slopes at the shares (1 ± t s)/2 of the pairs, where s is the standard deviation of
    Kendall's sum over those pairs, from sums by author, and t has G - 1 degrees of freedom. Breaks down when 29 %
    of the models are bad; where most outcomes are one value it is exactly 0. Assumes a straight line.
    Theil (1950); Sen (1968), "Estimates of the regression coefficient based on Kendall's tau".
    """
    slopes = _slopes(x, y, seed)
    if not len(slopes):
        return Estimate(flags=("constant",))
    value = float(np.median(slopes))
    degrees = int(authors.max()) + 1 - 1
    if degrees + 1 < AUTHORS_FOR_INTERVAL:
        return Estimate(value, flags=("few_clusters",))
    reach = float(stats.t.ppf(0.975, degrees)) * _spread(x, y - value * x, authors)
    low, high = np.quantile(slopes, np.clip([(1 - reach) / 2, (1 + reach) / 2], 0, 1))
    return Estimate(value, float(low), float(high), _p_of_no_slope(x, y, authors, degrees))


def _slopes(x: Floats, y: Floats, seed: int) -> Floats:
    n = len(x)
    if n <= ALL_PAIRS_UP_TO:
        first, second = np.triu_indices(n, 1)
    else:
        first, second = np.random.default_rng(seed).integers(n, size=(2, RANDOM_PAIRS))
    run = x[second] - x[first]
    differ = run != 0
    return np.asarray((y[second] - y[first])[differ] / run[differ])


def _untied_share(x: Floats) -> float:
    """Share of the ordered pairs (i, j), i = j included, whose x differ."""
    _, counts = np.unique(x, return_counts=True)
    return 1.0 - float(np.sum((counts / len(x)) ** 2))


def _spread(x: Floats, residuals: Floats, authors: Codes) -> float:
    """Standard deviation of (concordant - discordant) / pairs untied in x, by Hájek's projection and authors.

    The projection of a U-statistic of order 2 is twice each model's own mean; models of one author add up before
    they are squared.
    """
    own = net_concordance(x, residuals) / len(x)
    by_author = cluster_sums(2 * (own - own.mean())[:, None], authors)[:, 0]
    groups = len(by_author)
    return float(np.sqrt(groups / (groups - 1) * np.sum(by_author**2))) / len(x) / _untied_share(x)


def _p_of_no_slope(x: Floats, y: Floats, authors: Codes, degrees: int) -> float | None:
    """Two-sided p of Kendall's sum against no association, by the same standard deviation."""
    spread = _spread(x, y, authors)
    if spread == 0:
        return None
    share = float(net_concordance(x, y).mean()) / len(x) / _untied_share(x)
    return float(2 * stats.t.sf(abs(share) / spread, degrees))
