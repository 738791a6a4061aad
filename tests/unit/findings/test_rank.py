"""Rank correlations: the point against scipy, the interval against leaving authors out, the counting against a loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tasks.arrays import Floats
from tasks.findings import authors as over_authors
from tasks.findings import rank
from tasks.findings.authors import correlation_estimate, effective_number
from tasks.findings.concordance import net_concordance
from tasks.findings.sample import Codes, Estimate

FEW_VALUES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40)


def tied_sample(seed: int, n: int = 400) -> tuple[Floats, Floats, Floats, Codes]:
    """Scores in tenths, mostly-zero likes that go with them, downloads, and authors of about four models."""
    rng = np.random.default_rng(seed)
    authors = np.sort(rng.integers(n // 4, size=n))
    authors = np.unique(authors, return_inverse=True)[1].astype(np.int64)
    taste = 3 + rng.normal(size=n) + rng.normal(size=n)[authors]
    score = np.asarray(taste.clip(1, 5).round(1), dtype=np.float64)
    downloads = np.floor(np.exp(score + rng.normal(size=n)))
    likes = np.floor(np.exp(0.6 * score - 2.5 + rng.normal(size=n)))
    return score, likes, downloads, authors


def test_spearman_and_kendall_are_scipys() -> None:
    score, likes, _, authors = tied_sample(1)
    found = rank.spearman(score, likes, authors), rank.kendall(score, likes, authors)
    expected = stats.spearmanr(score, likes).statistic, stats.kendalltau(score, likes).statistic
    assert [e.value for e in found] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("covariance", "expected"),
    [
        (rank.rank_covariance, lambda x, y: stats.spearmanr(x, y).statistic),
        (rank.sign_covariance, lambda x, y: stats.kendalltau(x, y).statistic),
    ],
)
def test_the_parts_that_are_resampled_give_the_same_point(
    covariance: rank.Covariance, expected: Callable[[Floats, Floats], float]
) -> None:
    score, likes, _, _ = tied_sample(2)
    value, influence = rank.correlation(rank.levels(score), rank.levels(likes), covariance)
    assert value == pytest.approx(expected(score, likes), abs=1e-9)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("covariance", "again"),
    [
        (rank.rank_covariance, lambda x, y: stats.spearmanr(x, y).statistic),
        (rank.sign_covariance, lambda x, y: stats.kendalltau(x, y).statistic),
    ],
)
def test_an_influence_is_what_ranking_anew_gives_when_one_model_counts_twice(
    covariance: rank.Covariance, again: Callable[[Floats, Floats], float]
) -> None:
    score, likes, _, _ = tied_sample(3, n=1000)
    value, influence = rank.correlation(rank.levels(score), rank.levels(likes), covariance)
    few = range(0, 1000, 50)
    moved = [1001 * (again(np.append(score, score[i]), np.append(likes, likes[i])) - value) for i in few]
    # Twice a model is not an infinitesimal weight more: what is left over is of order 1/n.
    assert influence[few] == pytest.approx(moved, abs=0.02)


def heavy_authors(seed: int, n: int = 600) -> Codes:
    """Authors of whom one has a third of the models and most have few."""
    rng = np.random.default_rng(seed)
    sizes = np.minimum(rng.pareto(1.1, 90) + 1, 20).astype(np.int64)
    rest = np.repeat(np.arange(1, 91), sizes)[: n - n // 3]
    others = np.append(rest, 91 + np.arange(n - n // 3 - len(rest)))
    return np.unique(np.append(np.zeros(n // 3, np.int64), others), return_inverse=True)[1].astype(np.int64)


STATISTICS: dict[str, tuple[Callable[..., Estimate], Callable[..., Any]]] = {
    "spearman": (rank.spearman, lambda x, y: stats.spearmanr(x, y).statistic),
    "kendall": (rank.kendall, lambda x, y: stats.kendalltau(x, y).statistic),
    "cliffs_delta": (
        lambda x, y, authors: rank.cliffs_delta((x > 3).astype(np.float64), y, authors),
        lambda x, y: 2 * stats.mannwhitneyu(y[x > 3], y[x <= 3]).statistic / (sum(x > 3) * sum(x <= 3)) - 1,
    ),
}


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("share", [0.0, 1.0], ids=["every author is left out", "none is really left out"])
def test_the_interval_is_that_of_ranking_anew_without_each_author(
    name: str, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small authors are left out to first order, which is as good as exactly; large ones exactly."""
    method, again = STATISTICS[name]
    score, likes, _, _ = tied_sample(4, n=600)
    authors = heavy_authors(4) if share == 0 else np.arange(600, dtype=np.int64) // 2
    monkeypatch.setattr(over_authors, "LARGE_SHARE", share)
    found = method(score, likes, authors)
    z = np.arctanh([again(score[authors != g], likes[authors != g]) for g in range(authors.max() + 1)])
    predictor = (score > 3) if name == "cliffs_delta" else stats.rankdata(score)
    of_x, of_y = (
        np.bincount(authors, weights=(v - v.mean()) ** 2) for v in (predictor, stats.rankdata(likes))
    )
    weights = 1 - of_x / of_x.sum()
    middle = np.arctanh(again(score, likes))
    reach = stats.t.ppf(0.975, min(map(effective_number, (of_x, of_y))) - 1) * np.sqrt(
        np.sum(weights * (z - middle) ** 2)
    )
    expected = np.tanh([middle - reach, middle + reach])
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-9 if share == 0 else 0.002)
    assert found.most_influential == int(np.argmin(np.sign(middle) * z)) or share == 1  # furthest towards 0


def test_a_dominant_author_widens_the_interval_as_ranking_without_it_does() -> None:
    score, likes, _, _ = tied_sample(5, n=600)
    authors = heavy_authors(5)
    own = authors == 0
    # Only among the models of the large one they go together.
    likes = np.where(own, np.floor(10 * score), np.random.default_rng(5).permutation(likes))
    found = rank.spearman(score, likes, authors)
    without = stats.spearmanr(score[~own], likes[~own]).statistic
    assert found.most_influential == 0
    assert found.value_without == pytest.approx(without)
    assert found.value is not None
    assert found.value - without > 0.05
    assert found.low is None or found.low < without
    # As little as the outcome's spread is spread over authors.
    assert found.effective_authors is not None
    assert found.effective_authors < 5


def test_per_author_each_author_weighs_one() -> None:
    score, likes, _, authors = tied_sample(6)
    once = rank.spearman_per_author(score, likes, authors)
    # An author's models repeated weigh no more than they did.
    rows = np.append(np.arange(len(score)), np.flatnonzero(authors == 3))
    rows = np.append(rows, np.flatnonzero(authors == 3))
    again = rank.spearman_per_author(score[rows], likes[rows], authors[rows])
    assert (again.value, again.low, again.high) == pytest.approx((once.value, once.low, once.high))
    alone = np.arange(len(score))
    assert rank.spearman_per_author(score, likes, alone).value == pytest.approx(
        stats.spearmanr(score, likes).statistic
    )


def test_within_authors_what_authors_differ_in_plays_no_part() -> None:
    rng = np.random.default_rng(7)
    authors = np.repeat(np.arange(60), 10)
    fame = 5 * rng.normal(size=60)[authors]
    x, y = fame + rng.normal(size=(2, 600))
    assert (rank.spearman(x, y, authors).value or 0) > 0.9
    within = rank.spearman_within_author(x, y, authors)
    assert within.low is not None
    assert within.high is not None
    assert within.low < 0 < within.high
    assert rank.spearman_within_author(x, y, np.arange(600)).flags == ("constant",)


def test_partial_spearman_is_the_correlation_of_the_residuals_of_the_ranks() -> None:
    score, likes, downloads, authors = tied_sample(6)
    ranks = [stats.rankdata(v) for v in (score, likes, downloads)]
    x = np.column_stack([np.ones(len(score)), ranks[2]])
    left = [r - x @ np.linalg.lstsq(x, r)[0] for r in ranks[:2]]
    found = rank.partial_spearman(score, likes, downloads, authors)
    assert found.value == pytest.approx(stats.pearsonr(*left).statistic, abs=1e-9)


def test_the_partial_correlation_has_the_interval_of_resampling() -> None:
    score, likes, downloads, _ = tied_sample(7, n=500)
    alone = np.arange(500)
    rng = np.random.default_rng(8)
    draws = []
    for _ in range(400):
        rows = rng.integers(500, size=500)
        drawn = rank.partial_spearman(
            score[rows], likes[rows], downloads[rows], np.zeros(500, dtype=np.int64)
        )
        draws.append(drawn.value)
    found = rank.partial_spearman(score, likes, downloads, alone)
    expected = tuple(np.quantile(np.array(draws, dtype=np.float64), (0.025, 0.975)))
    assert (found.low, found.high) == pytest.approx(expected, abs=0.02)


def test_what_is_held_equal_must_not_decide_all() -> None:
    score, likes, _, authors = tied_sample(9)
    assert rank.partial_spearman(score, likes, score, authors) == Estimate(flags=("collinear",))


def test_cliffs_delta_is_mann_whitneys_u() -> None:
    score, likes, _, authors = tied_sample(10)
    has = (score > 3).astype(np.float64)
    u = stats.mannwhitneyu(likes[has == 1], likes[has == 0]).statistic
    expected = 2 * u / (has.sum() * (1 - has).sum()) - 1
    assert rank.cliffs_delta(has, likes, authors).value == pytest.approx(expected, abs=1e-9)


def test_models_of_one_author_widen_the_interval() -> None:
    rng = np.random.default_rng(11)
    authors = np.repeat(np.arange(40), 20)
    x, y = (rng.normal(size=40)[authors] + 0.1 * rng.normal(size=800) for _ in range(2))
    clustered = rank.spearman(x, y, authors)
    alone = rank.spearman(x, y, np.arange(800))
    assert width(clustered) > 3 * width(alone)


def test_a_perfect_order_has_an_interval_of_hardly_any_width() -> None:
    x = np.arange(50.0)
    found = rank.spearman(x, x**3, np.arange(50))
    assert found.value == found.high == pytest.approx(1.0)
    # Nothing is claimed that so few authors cannot show.
    assert found.low == pytest.approx(1.0, abs=1e-3)
    assert found.p == 0


def test_nine_authors_have_no_interval_and_ten_have() -> None:
    rng = np.random.default_rng(12)
    x, y = rng.normal(size=(2, 90))
    nine, ten = rank.spearman(x, y, np.arange(90) % 9), rank.spearman(x, y, np.arange(90) % 10)
    assert nine.low is nine.high is nine.p is None
    assert nine.flags == ("few_clusters",)
    assert ten.low is not None


def test_authors_who_count_for_less_than_three_have_no_interval() -> None:
    score, likes, _, _ = tied_sample(12, n=300)
    authors = np.maximum(np.arange(300, dtype=np.int64) - 240, 0)
    found = rank.spearman(score, likes, authors)
    assert found.value is not None
    assert found.low is found.high is found.p is None
    assert found.flags == ("few_effective_authors",)
    assert found.effective_authors is not None
    assert found.effective_authors < 5


def test_an_interval_holds_its_estimate_even_where_one_author_is_everything() -> None:
    moves = np.append(np.full(9, -0.001), 0.2)
    for value in (-0.999, 0.0, 0.7):
        found = correlation_estimate(value, moves, np.ones(10))
        assert found.low is not None
        assert found.high is not None
        assert -1 <= found.low <= value <= found.high <= 1


def test_p_agrees_with_the_interval() -> None:
    rng = np.random.default_rng(13)
    for shift in np.linspace(0, 0.4, 9):
        x = rng.normal(size=120)
        found = rank.spearman(x, shift * x + rng.normal(size=120), np.arange(120))
        assert found.p is not None
        assert found.low is not None
        assert found.high is not None
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


@given(FEW_VALUES)
def test_counting_pairs_by_merging_is_counting_them_one_by_one(pairs: list[tuple[int, int]]) -> None:
    x, y = np.array(pairs, dtype=np.float64).T
    slow = [float(sum(np.sign(a - x) * np.sign(b - y))) for a, b in zip(x, y, strict=True)]
    assert net_concordance(rank.levels(x), rank.levels(y)).tolist() == slow


def width(found: Estimate) -> float:
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low
