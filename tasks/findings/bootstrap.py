"""Intervals that resample authors, because models of one author are not independent of each other."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tasks.arrays import Floats
from tasks.findings.sample import AUTHORS_FOR_INTERVAL, Codes, Estimate

RESAMPLES = 2000
CLUSTERS_DRAWN = 5000
_CHUNK = 200  # resamples multiplied at once: with 5,000 clusters 8 MB


def cluster_sums(columns: Floats, clusters: Codes) -> Floats:
    """Sum the rows of `columns` (n x k) by cluster: G x k."""
    return np.column_stack([np.bincount(clusters, weights=column) for column in columns.T])


def resampled_means(values: Floats, clusters: Codes, *, resamples: int, seed: int) -> Floats:
    """The mean of `values` (n) in each cluster resample.

    G clusters are drawn with replacement out of G (the pairs cluster bootstrap; Cameron, Gelbach & Miller 2008,
    "Bootstrap-based improvements for inference with clustered errors"). A mean needs only each cluster's sum
    and size, so a resample is one row of multinomial weights times a G x 2 matrix. More than 5,000
    clusters are first merged at random into 5,000: sums of independent clusters are independent too, and 5,000 estimate
    the spread to a hundredth.
    """
    sums = cluster_sums(np.column_stack([values, np.ones(len(values))]), clusters)
    if len(sums) > CLUSTERS_DRAWN:
        groups = np.random.default_rng(seed).permutation(len(sums)) % CLUSTERS_DRAWN
        sums = cluster_sums(sums, groups)
    weights = _weights(seed, resamples, len(sums))
    totals = np.concatenate([weights[at : at + _CHUNK] @ sums for at in range(0, resamples, _CHUNK)])
    return np.asarray(totals[:, 0] / totals[:, 1])


@lru_cache(maxsize=4)
def _weights(seed: int, resamples: int, clusters: int) -> NDArray[np.uint16]:
    """How often each cluster is drawn in each resample; every row sums to `clusters`. The same for every statistic."""
    rng = np.random.default_rng(seed)
    drawn = np.empty((resamples, clusters), np.uint16)
    for resample in range(resamples):
        drawn[resample] = np.bincount(rng.integers(clusters, size=clusters), minlength=clusters)
    return drawn


def estimate_over_authors(
    value: float, influence: Floats, authors: Codes, *, resamples: int = RESAMPLES, seed: int = 20
) -> Estimate:
    """A statistic between -1 and 1 with the interval and p of a cluster bootstrap.

    `influence` (n, mean 0) is how the statistic moves when a model weighs more; a resample moves it by the
    mean of the influences drawn, on the scale of Fisher's z so that no end leaves [-1, 1]. The draws are spread
    by sqrt(G / (G - 1)) t / z, since percentiles of G clusters are too narrow by that (the expanded percentile
    interval of Hesterberg 2015, "What teachers should know about the bootstrap"). The interval is their 2.5 and
    97.5 percentiles.
    p = 2 (min(#{draw <= 0}, #{draw >= 0}) + 1) / (B + 1), the level at which the interval meets 0, never below
    2 / (B + 1). Fewer than 10 authors: no interval and no p.
    """
    groups = int(authors.max(initial=-1)) + 1
    if groups < AUTHORS_FOR_INTERVAL:
        return Estimate(value, flags=("few_clusters",))
    room = 1 - value**2
    if room < 1e-12:
        draws = np.full(resamples, value)
    else:
        spread = np.sqrt(groups / (groups - 1)) * stats.t.ppf(0.975, groups - 1) / stats.norm.ppf(0.975)
        moves = resampled_means(influence, authors, resamples=resamples, seed=seed) / room
        draws = np.tanh(np.arctanh(value) + spread * moves)
    low, high = np.quantile(draws, (0.025, 0.975))
    beyond = float(min(np.sum(draws <= 0), np.sum(draws >= 0)))
    p = min(1.0, 2 * (beyond + 1) / (resamples + 1))
    return Estimate(value, float(low), float(high), p)
