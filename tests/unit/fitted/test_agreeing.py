"""Agreement: held against libraries, and computed again without each group."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from tasks.arrays import Floats
from tasks.fitted.agreeing import Jackknifed, Tried, concordance, rank_correlation, weighted_kappa

MEASURES = [concordance, rank_correlation, weighted_kappa]


def tried(n: int, levels: int, *, folds: int = 1, groups: int = 12, seed: int = 5) -> Tried:
    rng = np.random.default_rng(seed)
    marks = rng.integers(1, levels + 1, n).astype(float)
    expected = np.round(0.5 * marks + rng.normal(1.5, 0.8, (2, n)), 1)  # with ties
    own = rng.integers(0, groups, n)
    own[:groups] = np.arange(groups)
    return Tried(marks, own, rng.integers(0, folds, (2, n)), expected, expected)


def without(of: Tried, group: int) -> Tried:
    kept = of.groups != group
    codes = np.unique(of.groups[kept], return_inverse=True)[1]
    return Tried(of.marks[kept], codes, of.folds[:, kept], of.ordered[:, kept], of.expected[:, kept])


def test_of_two_levels_the_concordance_is_the_area_under_the_curve() -> None:
    of = tried(80, 2)
    areas = [roc_auc_score(of.marks > 1, ordered) for ordered in of.ordered]
    assert (1 + concordance(of).value) / 2 == pytest.approx(np.mean(areas))


def test_pairs_across_folds_do_not_count() -> None:
    marks, order = np.array([1.0, 2.0, 1.0, 2.0]), np.array([[0.0, 1.0, 5.0, 6.0]])
    of = Tried(marks, np.arange(4), np.array([[0, 0, 1, 1]]), order, order)
    assert concordance(of).value == 1.0
    assert concordance(Tried(marks, np.arange(4), np.zeros((1, 4), np.int64), order, order)).value == 0.5


def test_the_rank_correlation_is_scipy_s() -> None:
    of = tried(60, 5)
    rhos = [stats.spearmanr(of.marks, ordered).statistic for ordered in of.ordered]
    assert rank_correlation(of).value == pytest.approx(np.mean(rhos))


def test_the_kappa_is_scikit_learn_s_of_the_nearest_levels() -> None:
    of = tried(60, 5)
    levels = [np.clip(np.round(expected), 1, 5) for expected in of.expected]
    kappas = [cohen_kappa_score(of.marks, level, weights="quadratic") for level in levels]
    # A mark in the middle of two levels goes to the lower one, and numpy rounds it to the even one.
    assert weighted_kappa(of).value == pytest.approx(np.mean(kappas), abs=0.03)


@pytest.mark.parametrize("measure", [concordance, weighted_kappa])
def test_what_is_left_without_a_group_is_what_the_others_give(measure: Callable[[Tried], Jackknifed]) -> None:
    of = tried(70, 3, folds=3)
    whole = measure(of)
    for group in range(12):
        assert whole.without[group] == pytest.approx(measure(without(of, group)).value)


def test_ranks_are_taken_once_which_changes_little() -> None:
    of = tried(200, 5)
    again = [rank_correlation(without(of, group)).value for group in range(12)]
    assert rank_correlation(of).without == pytest.approx(again, abs=0.01)


@pytest.mark.parametrize("measure", MEASURES)
def test_an_interval_holds_its_estimate_and_needs_ten_authors(
    measure: Callable[[Tried], Jackknifed],
) -> None:
    estimate = measure(tried(90, 4)).estimate
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < (estimate.value or 0) < estimate.high
    few = measure(tried(90, 4, groups=5)).estimate
    assert few.low is None
    assert few.flags == ("few_clusters",)


def constant(n: int) -> Floats:
    return np.full((2, n), 3.0)


def test_a_constant_prediction_orders_nothing() -> None:
    of = tried(40, 3)
    flat = Tried(of.marks, of.groups, of.folds, constant(40), constant(40))
    assert concordance(flat).value == 0.0
    assert rank_correlation(flat).estimate.flags == ("constant",)


def test_a_judge_gains_nothing_over_itself_and_something_over_noise() -> None:
    of = tried(90, 4)
    same = concordance(of).gain_over(concordance(of))
    assert (same.value, same.low) == (0.0, None)
    noise = np.random.default_rng(1).normal(size=(2, 90))
    gain = concordance(of).gain_over(concordance(Tried(of.marks, of.groups, of.folds, noise, noise)))
    assert gain.low is not None
    assert 0 < gain.low < (gain.value or 0)
