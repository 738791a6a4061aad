"""Slopes and count models against statsmodels and scipy on the same rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from scipy import optimize, stats

from tasks.arrays import Floats
from tasks.findings import regression
from tasks.findings.controls import Design, design
from tasks.findings.sample import Estimate, Sample, clean
from tasks.findings.study import HUB
from tasks.findings.theil_sen import theil_sen


def simple_design(seed: int, n: int = 300) -> Design:
    """A score, counts that go with it, and authors of three models."""
    rng = np.random.default_rng(seed)
    authors = np.arange(n) // 3
    score = np.round(rng.uniform(1, 5, n), 1)
    level = 0.5 * score + 0.6 * rng.normal(size=n)[authors]
    y = np.expm1(3 + level + 0.5 * rng.standard_t(2, size=n))
    x = np.column_stack([np.ones(n), score])
    return Design(x, np.maximum(y, 0), authors, pl.DataFrame({"author": authors}))


def counts_design(seed: int) -> Design:
    plain = simple_design(seed)
    rng = np.random.default_rng(seed)
    mean = np.exp(-2 + 0.6 * plain.x[:, 1] + 0.5 * rng.normal(size=100)[plain.clusters])
    return replace(plain, y=rng.poisson(mean).astype(np.float64))


@pytest.mark.parametrize(
    ("method", "norm"),
    [(regression.huber, sm.robust.norms.HuberT()), (regression.tukey, sm.robust.norms.TukeyBiweight())],
)
def test_m_estimates_are_those_of_rlm(method: object, norm: object) -> None:
    data = simple_design(1)
    fitted = sm.RLM(np.log1p(data.y), data.x, M=norm).fit(maxiter=1000, tol=1e-13, conv="coefs")
    assert callable(method)
    assert method(data).value == pytest.approx(fitted.params[1], abs=1e-9)


def glm(data: Design) -> float:
    fitted = sm.GLM(data.y, data.x, family=sm.families.Poisson()).fit(tol=1e-13)
    return float(fitted.params[1])


def without(data: Design, author: int) -> Design:
    kept = data.clusters != author
    return replace(data, x=data.x[kept], y=data.y[kept], clusters=data.clusters[kept])


@pytest.mark.parametrize("heavy", [1, 60], ids=["authors of one size", "one author with most"])
def test_poissons_interval_is_that_of_fitting_without_each_author(heavy: int) -> None:
    data = counts_design(2)
    data = replace(data, clusters=np.unique(np.maximum(data.clusters - heavy, 0), return_inverse=True)[1])
    value, groups = glm(data), int(data.clusters.max()) + 1
    moves = np.array([glm(without(data, author)) for author in range(groups)]) - value
    found = regression.poisson(data)
    assert found.value == pytest.approx(value, abs=1e-9)
    towards = -moves if found.low is not None and found.low > 0 else np.abs(moves)
    assert found.most_influential == int(np.argmax(towards))
    error = np.sqrt(np.sum(moves**2) * (groups - 1) / groups)
    if heavy > 1:
        assert found.effective_authors is not None
        assert found.effective_authors < groups / 4
    if found.low is None:
        assert found.flags == ("few_effective_authors",)
        return
    assert found.effective_authors is not None
    reach = stats.t.ppf(0.975, found.effective_authors - 1) * error
    assert (found.low, found.high) == pytest.approx((value - reach, value + reach), rel=0.02)


def test_logit_is_of_having_any_at_all() -> None:
    data = counts_design(3)
    fitted = sm.Logit((data.y > 0).astype(float), data.x).fit(disp=False, tol=1e-13)
    assert regression.logit_any(data).value == pytest.approx(fitted.params[1], abs=1e-9)


def test_levels_in_which_all_or_none_have_any_do_not_keep_the_logit_from_converging() -> None:
    data = counts_design(3)
    level = (data.clusters % 10 == 0).astype(float)
    x = np.column_stack([data.x[:, :1], level, data.x[:, 1:]])
    y = np.where(level == 1, 1 + data.y, data.y)
    kept = level == 0
    fitted = sm.Logit((y[kept] > 0).astype(float), data.x[kept]).fit(disp=False, tol=1e-13)
    found = regression.logit_any(Design(x, y, data.clusters, data.rows))
    assert found.value == pytest.approx(fitted.params[1], abs=1e-9)
    assert found.flags == ("decided_levels",)


def test_with_very_many_authors_the_variance_is_the_sandwich_of_statsmodels() -> None:
    data = simple_design(4, n=4000)
    clusters = np.arange(4000, dtype=np.int64) // 2
    y = np.log1p(data.y)
    fitted = sm.OLS(y, data.x).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    fit = regression.Fit(fitted.params, y - fitted.fittedvalues, np.ones(len(y)))
    assert regression.over_clusters(data.x, fit, clusters) == pytest.approx(fitted.cov_params(), rel=2e-3)


def test_of_very_many_authors_the_large_ones_are_left_out() -> None:
    data = simple_design(4, n=4000)
    clusters = np.maximum(np.arange(4000, dtype=np.int64) - 1000, 0)
    y = np.log1p(data.y) + np.where(clusters == 0, data.x[:, 1] ** 2, 0)
    beta = np.asarray(np.linalg.lstsq(data.x, y)[0], np.float64)
    without = np.linalg.lstsq(data.x[clusters > 0], y[clusters > 0])[0]
    fit = regression.Fit(beta, y - data.x @ beta, np.ones(len(y)))
    own = sm.OLS(y, data.x).fit(cov_type="HC0").cov_params()
    jackknifed = regression.over_clusters(data.x, fit, clusters)
    assert jackknifed is not None
    assert jackknifed[1, 1] == pytest.approx((without[1] - beta[1]) ** 2, rel=0.2)
    assert jackknifed[1, 1] > 2 * own[1, 1]


def test_one_wild_model_moves_least_squares_and_not_tukey() -> None:
    data = simple_design(5)
    wild = replace(data, y=data.y.copy())
    wild.y[np.argmax(data.x[:, 1])] = np.expm1(200.0)
    before, after = regression.tukey(data).value, regression.tukey(wild).value
    assert after == pytest.approx(before, abs=0.01)
    slopes = [np.linalg.lstsq(d.x, np.log1p(d.y))[0][1] for d in (data, wild)]
    assert abs(slopes[1] - slopes[0]) > 0.2


def test_mostly_zero_outcomes_have_no_m_estimate_and_say_so() -> None:
    data = simple_design(6)
    zero = replace(data, y=np.where(np.arange(300) % 10 == 0, data.y, 0.0))
    for method in (regression.huber, regression.tukey):
        found = method(zero)
        assert found.value is found.low is found.p is None
        assert set(found.flags) == {"not_converged", "scale_collapsed"}


def test_separated_data_are_refused_and_not_fitted_by_infinity() -> None:
    data = counts_design(7)
    liked_only_at_the_top = replace(data, y=(data.x[:, 1] > 4).astype(np.float64))
    assert regression.logit_any(liked_only_at_the_top).value is None
    assert "not_converged" in regression.logit_any(liked_only_at_the_top).flags


def test_theil_sen_is_scipys() -> None:
    data = simple_design(8)
    x, y = data.x[:, 1], np.log1p(data.y)
    assert theil_sen(x, y, data.clusters).value == pytest.approx(stats.theilslopes(y, x).slope, abs=1e-9)


def test_theil_sens_interval_is_scipys_for_independent_models_without_association() -> None:
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(2, 500))
    found, expected = theil_sen(x, y, np.arange(500)), stats.theilslopes(y, x)
    assert found.low == pytest.approx(expected.low_slope, abs=0.01)
    assert found.high == pytest.approx(expected.high_slope, abs=0.01)


def test_theil_sen_draws_pairs_where_there_are_too_many() -> None:
    rng = np.random.default_rng(10)
    x = rng.uniform(1, 5, 3000)
    y = 0.7 * x + rng.standard_t(2, size=3000)
    slopes = [theil_sen(x, y, np.arange(3000), seed=seed) for seed in (1, 1, 2)]
    assert slopes[0] == slopes[1] != slopes[2]
    assert slopes[0].value == pytest.approx(stats.theilslopes(y, x).slope, abs=0.01)


def test_theil_sen_says_nothing_about_mostly_zero_outcomes() -> None:
    rng = np.random.default_rng(11)
    y = np.where(rng.uniform(size=400) < 0.9, 0.0, 3.0)
    assert theil_sen(rng.uniform(1, 5, 400), y, np.arange(400)) == Estimate(flags=("quantile_is_tied",))


# Controls


def models(n: int = 400, **columns: object) -> pl.DataFrame:
    rng = np.random.default_rng(12)
    given = {
        "model_id": [f"m{i:04}" for i in range(n)],
        "author": [f"a{i // 2}" for i in range(n)],
        "downloads": rng.integers(0, 100, n),
        "likes": rng.integers(0, 3, n),
        "score": np.round(rng.uniform(1, 5, n), 1),
        "card_status": ["card"] * n,
        "library_name": (["spacy"] * 50 + ["keras"] * 20 + [None] * n)[:n],
        "pipeline_tag": [None] * n,
        "model_format": ["weights"] * n,
        "age_days": rng.integers(1, 900, n),
        "parameters": [None] * n,
        "author_models": [None] * n,
        "words": [None] * n,
        "name_length": [None] * n,
        "is_generated": [False] * n,
    }
    return clean(pl.DataFrame(given | columns), replace(HUB, labels=None))


def controlled(rows: pl.DataFrame, outcome: str = "likes") -> Design:
    return design(Sample("all", outcome, rows, "score"), HUB, controlled=True)


def test_controls_are_age_and_the_levels_with_thirty_models() -> None:
    found = controlled(models())
    # The intercept, age, spacy and the score: keras is too rare, and a model without a library is the common case.
    assert found.x.shape == (400, 4)
    assert found.x[:, 1] == pytest.approx(np.log1p(models()["age_days"].to_numpy()))
    assert found.x[:, -1] == pytest.approx(models()["score"].to_numpy())


def test_a_model_of_unknown_age_stays_and_is_marked() -> None:
    ages: list[int | None] = [None] * 20 + [10, 30] * 190
    found = controlled(models(age_days=ages))
    assert (len(found.x), found.flags) == (400, ("unknown:parameters", "unknown:author_models"))
    assert found.x[:20, 1] == pytest.approx(0.0)
    assert (found.x[:20, 2].min(), found.x[20:, 2].max()) == (1.0, 0.0)


def test_an_age_that_a_tenth_of_the_models_keep_to_themselves_is_flagged() -> None:
    ages: list[int | None] = [None] * 60 + [10, 30] * 170
    assert controlled(models(age_days=ages)).flags[0] == "partly_known:age_days"


def test_age_is_left_out_and_flagged_where_it_is_mostly_unknown() -> None:
    found = controlled(models(age_days=[None] * 399 + [3]))
    assert (len(found.x), found.flags[0]) == (400, "unknown:age_days")


def test_a_level_without_a_single_like_stays_in_the_base() -> None:
    likes = [0] * 50 + [1, 2] * 175
    assert controlled(models(likes=likes)).x.shape[1] == 3
    assert np.all(np.isfinite(regression_slopes(models(likes=likes))))


def test_a_score_that_the_library_decides_has_no_slope() -> None:
    score = [2.0] * 50 + [4.0] * 350
    found = controlled(models(score=score, age_days=[None] * 400))
    assert found.x.shape == (400, 0)
    assert "constant" in regression.huber(found).flags
    assert "constant" in regression.poisson(found).flags


def test_adjusting_for_the_library_finds_the_slope_within_it() -> None:
    """Simpson's paradox: within both libraries downloads rise with the score, over both they fall."""
    rng = np.random.default_rng(13)
    popular = np.arange(400) < 200
    score = np.where(popular, 1.5, 3.5) + rng.uniform(0, 1, 400)
    downloads = np.expm1(np.where(popular, 8, 3) + 0.5 * score + 0.2 * rng.normal(size=400))
    rows = models(score=score, downloads=downloads, library_name=["spacy"] * 200 + [None] * 200)
    alone = regression.huber(design(Sample("all", "downloads", rows, "score"), HUB, controlled=False)).value
    assert alone is not None
    assert alone < -1
    assert regression.huber(controlled(rows, "downloads")).value == pytest.approx(0.5, abs=0.15)


def regression_slopes(rows: pl.DataFrame) -> Floats:
    found = [method(controlled(rows)).value for method in (regression.poisson, regression.logit_any)]
    return np.array(found, dtype=np.float64)


def test_the_jackknife_is_that_of_least_squares_without_each_author() -> None:
    data = simple_design(9)
    y = np.log1p(data.y)
    beta = np.asarray(np.linalg.lstsq(data.x, y)[0], np.float64)
    without = [
        np.linalg.lstsq(data.x[data.clusters != author], y[data.clusters != author])[0]
        for author in range(data.clusters.max() + 1)
    ]
    expected = sum(np.outer(one - beta, one - beta) for one in without) * (1 - 1 / len(without))
    fit = regression.Fit(beta, y - data.x @ beta, np.ones(len(y)))
    assert regression.over_clusters(data.x, fit, data.clusters) == pytest.approx(expected, rel=1e-8)


def test_an_author_who_alone_has_a_level_breaks_no_jackknife() -> None:
    data = simple_design(10)
    own = (data.clusters == 0).astype(np.float64)
    x = np.column_stack([data.x[:, :1], own, data.x[:, 1:]])
    found = regression.huber(Design(x, data.y, data.clusters, data.rows))
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low < 5


def by_linear_programme(x: Floats, y: Floats) -> Floats:
    """The coefficients with the least sum of absolute residuals, free ones beside residuals above and below."""
    n, k = x.shape
    costs = np.concatenate([np.zeros(k), np.ones(2 * n)])
    found = optimize.linprog(
        costs,
        A_eq=np.hstack([x, np.eye(n), -np.eye(n)]),
        b_eq=y,
        bounds=[(None, None)] * k + [(0, None)] * (2 * n),
    )
    assert found.x is not None
    return np.asarray(found.x[:k])


def test_the_median_is_that_of_a_linear_programme_and_refused_where_it_is_a_tie() -> None:
    data = simple_design(11)
    exact = by_linear_programme(data.x, np.log1p(data.y))
    assert regression.median(data).value == pytest.approx(float(exact[-1]), rel=1e-6)
    tied = Design(data.x, np.where(data.clusters % 3 == 0, 1.0, 0.0), data.clusters, data.rows)
    assert regression.median(tied).flags == ("quantile_is_tied",)


@pytest.mark.parametrize("seed", range(13, 18))
def test_the_median_of_many_is_exact_with_those_far_off_counted_together(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """The draw is so small, and the band so narrow, that some lie on the other side of the line that is found."""
    data = simple_design(seed)
    y = np.log1p(data.y)
    whole = regression.least_absolute(data.x, y)
    for setting, value in (("MODELS_TO_PREPROCESS", 100), ("DRAWN", 40), ("BAND", 0.01)):
        monkeypatch.setattr(regression, setting, value)
    assert regression.least_absolute(data.x, y) == pytest.approx(whole, rel=1e-6)
