"""Intervals over authors, because models of one author are not independent of each other.

A statistic is estimated again without each author: the delete-a-group jackknife with authors as groups (Shao & Tu 1995,
"The Jackknife and Bootstrap", 2.3). A few authors have most models, and an interval that linearises the statistic does
not notice what it would be without them. So for correlations each large author is really left out and everything ranked
again; for a small one the first-order term, its influence values (Hampel 1974), is as good and costs nothing.

The variance weighs each author's squared move by 1 - h, h its share of the information, which makes it unbiased for a
mean over independent models (the CR2 of Bell & McCaffrey 2002). Its degrees of freedom are one less than the effective
number of authors, (sum of h)^2 / sum of h^2: Satterthwaite's (1946) for such a mean. 150 authors of whom one has a
third of the models are worth about nine. They are counted by the predictor and by the outcome, and the fewer hold: two
authors may have all that is not zero. docs/statistics.md has the simulations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import stats

from tasks.arrays import Floats
from tasks.findings.sample import AUTHORS_FOR_INTERVAL, EFFECTIVE_AUTHORS, Bools, Codes, Estimate

LARGE_SHARE = 0.01  # of the models: an author with more is really left out


def cluster_sums(columns: Floats, clusters: Codes) -> Floats:
    """Sum the rows of `columns` (n x k) by cluster: G x k."""
    return np.column_stack([np.bincount(clusters, weights=column) for column in columns.T])


def effective_number(information: Floats | Codes) -> float:
    """How many equal ones are worth as much as these (G, none negative): (sum)^2 / sum of squares (Kish 1965)."""
    each = information.astype(np.float64)
    squares = float(np.sum(each**2))
    return float(each.sum() ** 2 / squares) if squares > 0 else 0.0


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


def correlation_estimate(value: float, moves: Floats, *information: Floats) -> Estimate:
    """A statistic between -1 and 1 with its interval and p from the moves (G) without each author.

    On the scale of Fisher's z, so that no end leaves [-1, 1]; t with one degree of freedom less than there are
    effective authors. `information` (G each) is what each author contributes: of the predictor, and of the outcome,
    where two authors may have all that differs. Fewer than 10 authors that contribute, or than 3 effective ones: no
    interval and no p.
    """
    effective = min(map(effective_number, information))
    most = int(np.argmax(np.abs(moves)))
    bare = _leaving_out(Estimate(value, effective_authors=effective, most_moving=most), moves, most)
    if (flag := too_few(*information)) is not None:
        return bare.flagged(flag)
    error = jackknife_error(value, moves, information[0])
    z = _fisher(value, len(moves))
    reach = float(stats.t.ppf(0.975, effective - 1)) * error
    p = float(2 * stats.t.sf(abs(z) / error, effective - 1)) if error else float(z == 0)
    low, high = min(value, float(np.tanh(z - reach))), max(value, float(np.tanh(z + reach)))
    return _leaving_out(bare.between(low, high, p), moves, against(value, low, high, moves))


def _leaving_out(estimate: Estimate, moves: Floats, author: int) -> Estimate:
    """The same with an author's code, and the value without its models."""
    left = float(np.clip((estimate.value or 0.0) + moves[author], -1, 1))
    return replace(estimate, most_influential=author, value_without=left)


def against(value: float, low: float, high: float, moves: Floats) -> int:
    """The author to be left out (of G): who moves a clear estimate furthest towards 0, or an unclear one furthest."""
    return int(np.argmax(-np.sign(value) * moves if low * high > 0 else np.abs(moves)))


def jackknife_error(value: float, moves: Floats, information: Floats) -> float:
    """The standard error of Fisher's z of a statistic from the moves (G) without each author, by CR2."""
    z, left = _fisher(value, len(moves)), _fisher(value + moves, len(moves))
    return float(np.sqrt(np.sum((left - z) ** 2 * (1 - information / information.sum()))))


def _fisher(value: float | Floats, authors: int) -> Any:
    """Fisher's z; a perfect order of so few authors says no more than that it is nearly 1."""
    most = 1 - 0.5 / max(authors, 2) ** 2
    return np.arctanh(np.clip(value, -most, most))


def too_few(*information: Floats | Codes) -> str | None:
    """The flag of authors (G) who are too few, or too unequal, for an interval; null where they are not."""
    if min(int(np.count_nonzero(each > 0)) for each in information) < AUTHORS_FOR_INTERVAL:
        return "few_clusters"
    return "few_effective_authors" if min(map(effective_number, information)) < EFFECTIVE_AUTHORS else None


def mean_estimate(values: Floats, clusters: Codes) -> Estimate:
    """The mean of values (n) with its interval over clusters: CR2, t on one less than the effective authors; no p."""
    sizes = np.bincount(clusters)
    effective = effective_number(sizes)
    bare = Estimate(float(values.mean()), effective_authors=effective)
    if (flag := too_few(sizes)) is not None:
        return bare.flagged(flag)
    sums = np.bincount(clusters, weights=values - values.mean())
    error = float(np.sqrt(np.sum(sums**2 / (1 - sizes / len(values))))) / len(values)
    return replace(bare.by_t(error, effective - 1), p=None) if error else bare
