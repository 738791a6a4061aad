"""Ordinal regression: the cumulative logit model with a ridge penalty.

    P(mark >= level k) = 1 / (1 + exp(threshold k - x . weights))

McCullagh (1980), "Regression models for ordinal data"; for two levels it is logistic regression. The log-likelihood of
a mark between the thresholds l < u is log F(u) + log F(-l) + log(1 - exp(l - u)) with F the logistic function, which is
concave in thresholds and weights (Pratt 1981), so that Newton's method with step halving finds the one maximum. Half of
`penalty` times the squared weights is taken off, which keeps it finite where levels can be separated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, logit

from tasks.arrays import Floats

_STEPS_MAX = 60
_HALVINGS_MAX = 30
_CLOSE = 1e-7  # what the last step promised to gain, per text: what is left is about the square of it


@dataclass(frozen=True, slots=True)
class CumulativeLogit:
    """`levels` in order (K), `thresholds` below each but the lowest (K - 1), `weights` of the features (p)."""

    levels: Floats
    thresholds: Floats
    weights: Floats

    def expected(self, features: Floats) -> Floats:
        """The expected mark of each row of `features` (n x p): the mean over the probabilities of the levels."""
        above = expit((features @ self.weights)[:, None] - self.thresholds)
        return np.asarray(self.levels[0] + above @ np.diff(self.levels))


def fit_path(features: Floats, marks: Floats, penalties: Iterable[float]) -> Iterator[CumulativeLogit]:
    """One fit per penalty, each started from the one before: give them from large to small.

    `features` (n x p) are centred by the caller; the distinct `marks` (n) are the levels. Of one level only, the
    weights are 0 and every expected mark is that level.
    """
    levels, codes = np.unique(marks, return_inverse=True)
    thresholds = _thresholds_alone(codes, len(levels))
    weights = np.zeros(features.shape[1])
    for penalty in penalties:
        if len(levels) > 1:
            thresholds, weights = _maximum(features, codes, thresholds, weights, penalty)
        yield CumulativeLogit(levels, thresholds, weights)


def _thresholds_alone(codes: NDArray[np.intp], levels: int) -> Floats:
    """The maximum without features: the log-odds of the shares below each level (K - 1)."""
    below = np.cumsum(np.bincount(codes, minlength=levels))[:-1] / len(codes)
    return np.asarray(logit(below))


def _maximum(
    features: Floats, codes: NDArray[np.intp], thresholds: Floats, weights: Floats, penalty: float
) -> tuple[Floats, Floats]:
    """Newton's method from a start; returns thresholds and weights."""
    value = _objective(features, codes, thresholds, weights, penalty)
    for _ in range(_STEPS_MAX):
        slope, curvature = _derivatives(features, codes, thresholds, weights, penalty)
        step = np.linalg.solve(curvature, slope)
        size = 1.0
        for _ in range(_HALVINGS_MAX):
            cut, pull = np.split(step * size, [len(thresholds)])
            after = _objective(features, codes, thresholds + cut, weights + pull, penalty)
            if after > value:
                break
            size /= 2
        else:
            break  # no step is uphill: rounding is all that is left
        thresholds, weights, value = thresholds + cut, weights + pull, after
        if slope @ step < _CLOSE * len(codes):
            break
    return thresholds, weights


def _objective(
    features: Floats, codes: NDArray[np.intp], thresholds: Floats, weights: Floats, penalty: float
) -> float:
    """The penalised log-likelihood; minus infinity where thresholds are out of order."""
    gaps = np.diff(thresholds)
    if (gaps <= 0).any():
        return -np.inf
    upper, lower = _bounds(features @ weights, codes, thresholds)
    inner = np.bincount(codes, minlength=len(thresholds) + 1)[1:-1]
    likelihood = log_expit(upper).sum() + log_expit(-lower).sum() + inner @ np.log(-np.expm1(-gaps))
    return float(likelihood - penalty / 2 * weights @ weights)


def _bounds(eta: Floats, codes: NDArray[np.intp], thresholds: Floats) -> tuple[Floats, Floats]:
    """The thresholds above and below each mark, less `eta` (n); infinite beyond the highest and the lowest level."""
    edges = np.concatenate([[-np.inf], thresholds, [np.inf]])
    return edges[codes + 1] - eta, edges[codes] - eta


def _derivatives(
    features: Floats, codes: NDArray[np.intp], thresholds: Floats, weights: Floats, penalty: float
) -> tuple[Floats, Floats]:
    """The gradient of the objective, and its Hessian with the sign changed; thresholds first, then weights."""
    upper, lower = (expit(bound) for bound in _bounds(features @ weights, codes, thresholds))
    spread_upper, spread_lower = upper * (1 - upper), lower * (1 - lower)
    k = len(thresholds)
    is_below, is_above = (codes[:, None] == np.arange(k) + shift for shift in (0, 1))
    gaps, inner = np.diff(thresholds), np.bincount(codes, minlength=k + 1)[1:-1]
    pull, bend = inner / np.expm1(gaps), inner / (4 * np.sinh(gaps / 2) ** 2)
    cut = (1 - upper) @ is_below - lower @ is_above
    cut[1:] += pull
    cut[:-1] -= pull
    own = np.diag(spread_upper @ is_below + spread_lower @ is_above)
    own[np.arange(1, k), np.arange(1, k)] += bend
    own[np.arange(k - 1), np.arange(k - 1)] += bend
    own[np.arange(1, k), np.arange(k - 1)] -= bend
    own[np.arange(k - 1), np.arange(1, k)] -= bend
    cross = -(is_below * spread_upper[:, None] + is_above * spread_lower[:, None]).T @ features
    both = (features * (spread_upper + spread_lower)[:, None]).T @ features
    curvature = np.empty((k + len(weights),) * 2)
    curvature[:k, :k], curvature[:k, k:], curvature[k:, :k] = own, cross, cross.T
    curvature[k:, k:] = both + penalty * np.eye(len(weights))
    slope = np.concatenate([cut, features.T @ (upper + lower - 1) - penalty * weights])
    return slope, curvature
