"""Intervals hold what they promise when models come in authors; ignoring the authors they do not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tasks.arrays import Floats
from tasks.findings import rank, regression
from tasks.findings.controls import Design
from tasks.findings.sample import Codes, Estimate
from tasks.findings.theil_sen import theil_sen

REPLICATIONS = 120
SLOPE = 0.5
# 60 authors are few enough for all of these to be slightly short: 93 % is what we ask for, and 120 draws from it
# give less than this number once in a thousand times.
ENOUGH = stats.binom.ppf(0.001, REPLICATIONS, 0.93)

Method = Callable[[Floats, Floats, Codes], Estimate]


def simulate(rng: np.random.Generator, slope: float, authors: int = 60) -> tuple[Floats, Floats, Codes]:
    """Scores and log outcomes of authors with one to many models, each with a taste and a fame of their own."""
    of = np.repeat(np.arange(authors), rng.geometric(0.2, size=authors))
    score = np.round(3 + 0.7 * rng.normal(size=authors)[of] + 0.7 * rng.normal(size=len(of)), 1)
    level = 4 + slope * score + 0.8 * rng.normal(size=authors)[of] + 0.7 * rng.normal(size=len(of))
    return score, level, of


def fitted(method: Callable[[Design], Estimate]) -> Method:
    """A regression of expm1(level), whose log1p is the level."""

    def fit(score: Floats, level: Floats, of: Codes) -> Estimate:
        x = np.column_stack([np.ones(len(score)), score])
        return method(Design(x, np.expm1(level), of, pl.DataFrame()))

    return fit


def counted(score: Floats, level: Floats, of: Codes) -> Estimate:
    """Poisson counts around exp(level): the noise of the level is part of the mean, so the slope stays."""
    x = np.column_stack([np.ones(len(score)), score])
    y = np.random.default_rng(len(score)).poisson(np.exp(level - 4)).astype(np.float64)
    return regression.poisson(Design(x, y, of, pl.DataFrame()))


def spearman(score: Floats, level: Floats, of: Codes) -> Estimate:
    return rank.spearman(score, np.floor(np.exp(level)), of)


def kendall(score: Floats, level: Floats, of: Codes) -> Estimate:
    return rank.kendall(score, np.floor(np.exp(level)), of)


def coverage(method: Method, truth: float, *, know_authors: bool = True) -> float:
    """In how many replications the interval holds the truth; few may be refused, and count as the others do."""
    held = refused = 0
    for seed in range(REPLICATIONS):
        score, level, of = simulate(np.random.default_rng([20, seed]), SLOPE)
        found = method(score, level, of if know_authors else np.arange(len(of)))
        if found.low is None or found.high is None:
            assert found.flags == ("few_effective_authors",)
            refused += 1
            continue
        held += found.low <= truth <= found.high
    assert refused <= REPLICATIONS / 20
    return held * REPLICATIONS / (REPLICATIONS - refused)


@pytest.fixture(scope="module")
def many() -> tuple[Floats, Floats, Codes]:
    """So many authors that a rank correlation among them is the true one, to about 0.003."""
    return simulate(np.random.default_rng(1), SLOPE, authors=40_000)


def test_spearmans_interval_covers(many: tuple[Floats, Floats, Codes]) -> None:
    truth = float(stats.spearmanr(many[0], many[1]).statistic)
    assert coverage(spearman, truth) >= ENOUGH
    assert coverage(spearman, truth, know_authors=False) < ENOUGH


def test_kendalls_interval_covers(many: tuple[Floats, Floats, Codes]) -> None:
    truth = float(stats.kendalltau(many[0], many[1]).statistic)
    assert coverage(kendall, truth) >= ENOUGH
    assert coverage(kendall, truth, know_authors=False) < ENOUGH


@pytest.mark.parametrize(
    "method",
    [fitted(regression.huber), fitted(regression.tukey), theil_sen, counted],
    ids=["huber", "tukey", "theil_sen", "poisson"],
)
def test_intervals_of_slopes_cover_the_planted_slope(method: Method) -> None:
    assert coverage(method, SLOPE) >= ENOUGH
    assert coverage(method, SLOPE, know_authors=False) < ENOUGH


@pytest.mark.parametrize(
    "method",
    [spearman, kendall, fitted(regression.huber), theil_sen],
    ids=["spearman", "kendall", "huber", "theil_sen"],
)
def test_without_an_effect_p_is_as_good_as_uniform(method: Method) -> None:
    found = [method(*simulate(np.random.default_rng([21, seed]), 0.0)).p for seed in range(REPLICATIONS)]
    p = np.array(found, dtype=np.float64)
    assert stats.kstest(p, "uniform").pvalue > 0.001
    assert np.sum(p < 0.05) <= stats.binom.ppf(0.999, REPLICATIONS, 0.07)
