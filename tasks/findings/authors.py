"""Intervals over authors, because models of one author are not independent of each other.

A statistic is estimated again without each author: the delete-a-group jackknife with authors as groups (Shao & Tu 1995,
"The Jackknife and Bootstrap", 2.3). A few authors have most models, and an interval that linearises the statistic does
not notice what it would be without them. So each large author is really left out, everything ranked or fitted again;
for a small one the first-order term, its influence values (Hampel 1974), is as good and costs nothing.

The variance weighs each author's squared move by 1 - h, h its share of the information, which makes it unbiased for a
mean over independent models (the CR2 of Bell & McCaffrey 2002). Its degrees of freedom are one less than the effective
number of authors, (sum of h)^2 / sum of h^2: Satterthwaite's (1946) for such a mean. 150 authors of whom one has a
third of the models are worth about nine. docs/statistics.md has the simulations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import stats

from tasks.arrays import Floats
from tasks.findings.sample import AUTHORS_FOR_INTERVAL, EFFECTIVE_AUTHORS, Bools, Codes, Estimate

LARGE_SHARE = 0.01  # of the models: an author with more is really left out
_NEARLY_ONE = 1 - 1e-12


def cluster_sums(columns: Floats, clusters: Codes) -> Floats:
    """Sum the rows of `columns` (n x k) by cluster: G x k."""
    return np.column_stack([np.bincount(clusters, weights=column) for column in columns.T])


def effective_number(information: Floats | Codes) -> float:
    """How many equal ones are worth as much as these (G, none negative): (sum)^2 / sum of squares (Kish 1965)."""
    each = information.astype(np.float64)
    return float(each.sum() ** 2 / np.sum(each**2))


def moves_of_authors(
    value: float, influence: Floats, clusters: Codes, without: Callable[[Bools], float]
) -> Floats:
    """How far a statistic moves when each author is left out (G).

    `influence` (n, mean 0): what the statistic gains, per unit of weight, when one model weighs more. `without` takes
    the models that stay (n, bool) and returns the statistic of those alone.
    """
    n, sizes = len(influence), np.bincount(clusters)
    if len(sizes) < 2:
        return np.zeros(len(sizes))  # without its only author there is no statistic
    moves = -np.bincount(clusters, weights=influence) / np.maximum(n - sizes, 1)
    for author in np.flatnonzero(sizes > LARGE_SHARE * n):
        moves[author] = without(clusters != author) - value
    return np.asarray(moves)


def correlation_estimate(
    value: float, moves: Floats, information: Floats, flags: tuple[str, ...] = ()
) -> Estimate:
    """A statistic between -1 and 1 with its interval and p from the moves (G) without each author.

    On the scale of Fisher's z, so that no end leaves [-1, 1]; t with one degree of freedom less than there are
    effective authors. `information` (G) is what each author contributes. Fewer than 10 authors, or than 5 effective
    ones: no interval and no p.
    """
    effective = effective_number(information)
    most = int(np.argmax(np.abs(moves)))
    without = float(np.clip(value + moves[most], -1, 1))
    bare = Estimate(
        value, flags=flags, effective_authors=effective, most_influential=most, value_without=without
    )
    if (flag := too_few(len(moves), effective)) is not None:
        return bare.flagged(flag)
    z = float(np.arctanh(np.clip(value, -_NEARLY_ONE, _NEARLY_ONE)))
    error = jackknife_error(value, moves, information)
    reach = float(stats.t.ppf(0.975, effective - 1)) * error
    p = float(2 * stats.t.sf(abs(z) / error, effective - 1)) if error else float(z == 0)
    return bare.between(float(np.tanh(z - reach)), float(np.tanh(z + reach)), p)


def jackknife_error(value: float, moves: Floats, information: Floats) -> float:
    """The standard error of Fisher's z of a statistic from the moves (G) without each author, by CR2."""
    z, left = (np.arctanh(np.clip(v, -_NEARLY_ONE, _NEARLY_ONE)) for v in (value, value + moves))
    return float(np.sqrt(np.sum((left - z) ** 2 * (1 - information / information.sum()))))


def too_few(authors: int, effective: float) -> str | None:
    """The flag of a sample whose authors are too few, or too unequal, for an interval; null where they are not."""
    if authors < AUTHORS_FOR_INTERVAL:
        return "few_clusters"
    return "few_effective_authors" if effective < EFFECTIVE_AUTHORS else None


def mean_estimate(values: Floats, clusters: Codes) -> Estimate:
    """The mean of values (n) with its interval over clusters: CR2, t on one less than the effective authors; no p."""
    sizes = np.bincount(clusters)
    effective = effective_number(sizes)
    bare = Estimate(float(values.mean()), effective_authors=effective)
    if (flag := too_few(len(sizes), effective)) is not None:
        return bare.flagged(flag)
    sums = np.bincount(clusters, weights=values - values.mean())
    error = float(np.sqrt(np.sum(sums**2 / (1 - sizes / len(values))))) / len(values)
    return replace(bare.by_t(error, effective - 1), p=None) if error else bare
