"""Theil-Sen's slope, for tens of thousands of models and with authors as clusters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import stats

from tasks.arrays import Floats
from tasks.findings.authors import cluster_sums, effective_number, jackknife_error, too_few
from tasks.findings.rank import kendall_without_each
from tasks.findings.sample import Codes, Estimate

ALL_PAIRS_UP_TO = 2000  # models; beyond it as many pairs are drawn at random as these have
RANDOM_PAIRS = 2_000_000
TIED_END = 0.02  # of the slopes, at an end of the interval
TIED_SHARE = 0.1  # of the slopes, at the median: then the median is a tie and says nothing about the rest


def theil_sen(x: Floats, y: Floats, authors: Codes, *, seed: int = 20) -> Estimate:
    """The median of (y_j - y_i) / (x_j - x_i) over pairs with different x: units of y per unit of x.

    Beyond 2,000 models the median is over 2 million random pairs (an incomplete U-statistic, Blom 1976), which
    wastes no model, as a subsample would. The interval inverts the test that the residuals y - b x go neither
    up nor down with x: the slopes at the shares (1 ± t s)/2 of the pairs, where s is the standard error of Kendall's
    tau of x and the residuals, jackknifed over authors. p is the level at which it would reach 0. Breaks down when 29 %
    of the models are bad. Where more than a tenth of the slopes equal the median, which then is usually 0, it is
    refused (`quantile_is_tied`). Assumes a straight line.
    Theil (1950); Sen (1968), "Estimates of the regression coefficient based on Kendall's tau".
    """
    slopes = _slopes(x, y, seed)
    if not len(slopes):
        return Estimate(flags=("constant",))
    value = float(np.median(slopes))
    if np.mean(slopes == value) > TIED_SHARE:
        return Estimate(flags=("quantile_is_tied",))
    levels = (x, stats.rankdata(y))
    information = [cluster_sums(((each - each.mean()) ** 2)[:, None], authors)[:, 0] for each in levels]
    effective = min(map(effective_number, information))
    tau, moves = kendall_without_each(x, y - value * x, authors)
    bare = Estimate(value, effective_authors=effective, most_influential=int(np.argmax(np.abs(moves))))
    if (flag := too_few(*information)) is not None:
        return bare.flagged(flag)
    spread = jackknife_error(tau, moves, information[0]) / float(np.sqrt(_untied_share(x)))
    reach = float(stats.t.ppf(0.975, effective - 1)) * spread
    ends = np.quantile(slopes, np.clip([(1 - reach) / 2, (1 + reach) / 2], 0, 1))
    if max(np.mean(slopes == end) for end in ends) > TIED_END:
        return bare.flagged("quantile_is_tied")
    p = _p_of_no_slope(slopes, spread, effective - 1)
    return replace(bare, low=float(ends[0]), high=float(ends[1]), p=p)


def _p_of_no_slope(slopes: Floats, spread: float, degrees: float) -> float:
    """The level at which the interval reaches 0: how far the shares of slopes below and above it are apart."""
    below, up_to = float(np.mean(slopes < 0)), float(np.mean(slopes <= 0))
    apart = max(0.0, 2 * below - 1, 1 - 2 * up_to)
    if not spread:
        return float(apart == 0)
    return float(2 * stats.t.sf(apart / spread, degrees))


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
