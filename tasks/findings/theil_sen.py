"""Theil-Sen's slope, for tens of thousands of models and with authors as clusters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import stats

from tasks.arrays import Floats
from tasks.findings.authors import effective_number, jackknife_error, too_few
from tasks.findings.rank import kendall, kendall_without_each
from tasks.findings.sample import Codes, Estimate

ALL_PAIRS_UP_TO = 2000  # models; beyond it as many pairs are drawn at random as these have
RANDOM_PAIRS = 2_000_000
TIED_SHARE = 0.1  # of the slopes, at the median: then the median is a tie and says nothing about the rest


def theil_sen(x: Floats, y: Floats, authors: Codes, *, seed: int = 20) -> Estimate:
    """The median of (y_j - y_i) / (x_j - x_i) over pairs with different x: units of y per unit of x.

    Beyond 2,000 models the median is over 2 million random pairs (an incomplete U-statistic, Blom 1976), which
    wastes no model, as a subsample would. The interval inverts the test that the residuals y - b x go neither
    up nor down with x: the slopes at the shares (1 ± t s)/2 of the pairs, where s is the standard error of Kendall's
    tau of x and the residuals, jackknifed over authors. p is that of Kendall's tau of x and y. Breaks down when 29 %
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
    information: Floats = np.asarray(np.bincount(authors, weights=(x - x.mean()) ** 2), np.float64)
    effective = effective_number(information)
    tau, moves = kendall_without_each(x, y - value * x, authors)
    bare = Estimate(value, effective_authors=effective, most_influential=int(np.argmax(np.abs(moves))))
    if (flag := too_few(len(moves), effective)) is not None:
        return bare.flagged(flag)
    spread = jackknife_error(tau, moves, information)
    reach = float(stats.t.ppf(0.975, effective - 1) * spread / np.sqrt(_untied_share(x)))
    low, high = np.quantile(slopes, np.clip([(1 - reach) / 2, (1 + reach) / 2], 0, 1))
    return replace(bare, low=float(low), high=float(high), p=kendall(x, y, authors).p)


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
