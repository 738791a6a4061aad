"""Agreement as the reference libraries compute it, and no crash where there is nothing to compute."""

from __future__ import annotations

import warnings

import krippendorff
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from tasks.passport.agreement import (
    RESAMPLES,
    half_up,
    krippendorff_alpha,
    mean,
    mean_pairwise_kappa,
    measured,
    of_judge,
    of_raters,
    quadratic_kappa,
    spearman,
)

Floats = npt.NDArray[np.float64]
LEVELS = [1, 2, 3, 4, 5]


def pair(n: int, seed: int, noise: float = 1.0) -> Floats:
    """Whole levels of two raters who agree to some degree."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(1, 5, n)
    return np.clip(np.rint(truth[:, None] + rng.normal(0, noise, (n, 2))), 1, 5)


@pytest.mark.parametrize("seed", range(6))
def test_quadratic_kappa_is_that_of_scikit_learn(seed: int) -> None:
    ratings = pair(40, seed)
    expected = cohen_kappa_score(ratings[:, 0], ratings[:, 1], labels=LEVELS, weights="quadratic")
    assert quadratic_kappa(ratings[None])[0] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(6))
def test_alpha_is_that_of_krippendorff_with_many_raters_and_gaps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ratings = rng.uniform(1, 5, (30, 1)) + rng.normal(0, 0.7, (30, 4))
    ratings[rng.random(ratings.shape) < 0.4] = np.nan
    expected = krippendorff.alpha(ratings.T, level_of_measurement="interval")
    assert krippendorff_alpha(ratings[None])[0] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_spearman_is_that_of_scipy_with_ties(seed: int) -> None:
    ratings = pair(25, seed)
    expected = stats.spearmanr(ratings[:, 0], ratings[:, 1]).statistic
    assert spearman(ratings[None])[0] == pytest.approx(expected)


def test_the_kappa_of_several_raters_is_the_mean_over_pairs_on_what_both_rated() -> None:
    rng = np.random.default_rng(4)
    ratings = np.clip(np.rint(rng.uniform(1, 5, (60, 1)) + rng.normal(0, 1, (60, 3))), 1, 5)
    ratings[:20, 0] = np.nan
    ratings[30:45, 2] = np.nan
    kappas = []
    for one, other in ((0, 1), (0, 2), (1, 2)):
        both = ~np.isnan(ratings[:, [one, other]]).any(1)
        kappas.append(
            cohen_kappa_score(ratings[both, one], ratings[both, other], labels=LEVELS, weights="quadratic")
        )
    assert mean_pairwise_kappa(ratings[None])[0] == pytest.approx(np.mean(kappas))


def test_a_statistic_of_many_resamples_is_that_of_each() -> None:
    many = np.stack([pair(20, seed) for seed in range(5)])
    for statistic in (quadratic_kappa, krippendorff_alpha, spearman, mean_pairwise_kappa):
        assert statistic(many) == pytest.approx([statistic(one[None])[0] for one in many])


def test_half_a_point_rounds_up() -> None:
    assert half_up(np.array([1.0, 1.49, 1.5, 2.5, 4.5, 5.0])).tolist() == [1, 1, 2, 3, 5, 5]


def test_the_interval_of_a_mean_is_about_what_normal_theory_gives() -> None:
    values = np.random.default_rng(1).normal(2.0, 1.0, (200, 1))
    found = measured("bias", values, mean, seed=3)
    assert found.ci_low is not None
    assert found.ci_high is not None
    half = 1.96 * values.std() / np.sqrt(200)
    assert found.ci_low == pytest.approx(values.mean() - half, abs=0.03)
    assert found.ci_high == pytest.approx(values.mean() + half, abs=0.03)


def test_an_interval_is_the_same_twice_and_another_with_another_seed() -> None:
    ratings = pair(30, 1)
    assert measured("k", ratings, quadratic_kappa, seed=1) == measured("k", ratings, quadratic_kappa, seed=1)
    assert measured("k", ratings, quadratic_kappa, seed=1) != measured("k", ratings, quadratic_kappa, seed=2)
    assert RESAMPLES >= 2000


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(7)
    hits = 0
    for turn in range(100):
        found = measured("bias", rng.normal(0.3, 1, (60, 1)), mean, seed=turn)
        assert found.ci_low is not None
        assert found.ci_high is not None
        hits += found.ci_low <= 0.3 <= found.ci_high
    assert 86 <= hits <= 100


@pytest.mark.parametrize(
    ("judge", "people"),
    [
        ([], []),
        ([3.0], [3.0]),
        ([3.0, 4.0], [1.0, 5.0]),
        ([3.3, 3.3, 3.3], [3.3, 3.3, 3.3]),
        ([2.0, 2.0, 2.0, 2.0], [1.0, 3.0, 5.0, 2.0]),
        ([1.0, 1.0, 1.0, 5.0], [1.0, 1.0, 1.0, 5.0]),
    ],
)
def test_what_cannot_be_computed_says_why_and_warns_of_nothing(
    judge: list[float], people: list[float]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = of_judge(np.array(judge), np.array(people), seed=1)
    assert {m.name for m in found} >= {"quadratic_kappa", "spearman", "krippendorff_alpha", "bias"}
    assert all(m.n == len(judge) for m in found)
    assert all((m.estimate is None or m.ci_low is None) <= (m.detail is not None) for m in found)


marks = st.one_of(st.just(float("nan")), st.floats(1, 5))


@given(st.integers(1, 4).flatmap(lambda k: st.lists(st.lists(marks, min_size=k, max_size=k), max_size=8)))
def test_any_ratings_give_measures_between_their_bounds(rows: list[list[float]]) -> None:
    width = len(rows[0]) if rows else 2
    for found in of_raters(np.array(rows, dtype=float).reshape(len(rows), width), seed=1):
        assert found.estimate is None or found.estimate <= 1 + 1e-9
        assert (found.estimate is None) <= (found.detail is not None)


def test_bias_is_judge_minus_people_and_shares_count_their_limits_in() -> None:
    found = {
        m.name: m.estimate
        for m in of_judge(np.array([2.0, 3.5, 4.0, 5.0]), np.array([1.5, 3.5, 3.0, 3.0]), seed=1)
    }
    assert found["bias"] == pytest.approx(0.875)
    assert found["mean_absolute_error"] == pytest.approx(0.875)
    assert found["share_within_half"] == pytest.approx(0.5)
    assert found["share_within_one"] == pytest.approx(0.75)
