"""The cumulative logit: held against two libraries, and against what it promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from statsmodels.miscmodels.ordinal_model import OrderedModel

from tasks.arrays import Floats
from tasks.fitted.ordinal import CumulativeLogit, fit_path


def invented(n: int, cuts: list[float], seed: int = 3) -> tuple[Floats, Floats]:
    """Features (n x 4), centred, and marks from 1 on by weights of 1, -0.5, 0.2 and 2."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 4))
    features -= features.mean(0)
    liked = features @ np.array([1.0, -0.5, 0.2, 2.0])
    return features, np.digitize(liked + rng.logistic(size=n), cuts) + 1.0


def fitted(features: Floats, marks: Floats, penalty: float) -> CumulativeLogit:
    (model,) = fit_path(features, marks, (penalty,))
    return model


def test_without_a_penalty_it_is_the_ordered_logit_of_statsmodels() -> None:
    features, marks = invented(300, [-2, 0, 0.5, 3])
    model = fitted(features, marks, 1e-9)
    theirs = OrderedModel(marks, features, distr="logit").fit(method="bfgs", disp=False, maxiter=500)
    assert model.weights == pytest.approx(theirs.params[:4], abs=1e-3)
    thresholds = theirs.model.transform_threshold_params(theirs.params)[1:-1]
    assert model.thresholds == pytest.approx(thresholds, abs=1e-3)


@pytest.mark.parametrize("penalty", [0.3, 10.0, 1000.0])
def test_of_two_levels_it_is_the_penalised_logistic_regression_of_scikit_learn(penalty: float) -> None:
    features, marks = invented(200, [0.3])
    model = fitted(features, marks, penalty)
    theirs = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=1000).fit(features, marks)
    assert model.weights == pytest.approx(theirs.coef_[0], abs=1e-5)
    assert model.thresholds == pytest.approx(-theirs.intercept_, abs=1e-5)
    assert model.expected(features) - 1 == pytest.approx(theirs.predict_proba(features)[:, 1], abs=1e-5)


def test_where_it_starts_does_not_matter() -> None:
    features, marks = invented(120, [-1, 0, 2])
    *_, last = fit_path(features, marks, (1000.0, 100.0, 10.0, 1.0))
    alone = fitted(features, marks, 1.0)
    assert last.weights == pytest.approx(alone.weights, abs=1e-4)
    assert last.thresholds == pytest.approx(alone.thresholds, abs=1e-4)


def test_levels_that_can_be_separated_have_finite_weights() -> None:
    features = np.arange(20.0)[:, None] / 10 - 0.95
    marks = np.repeat([1.0, 2.0, 3.0], [6, 8, 6])
    model = fitted(features, marks, 0.3)
    assert np.isfinite(model.weights).all()
    assert (np.diff(model.thresholds) > 0).all()
    assert (np.diff(model.expected(features)) > 0).all()


def test_marks_of_one_level_are_expected_everywhere() -> None:
    model = fitted(np.ones((5, 2)), np.full(5, 4.0), 1.0)
    assert model.expected(np.array([[9.0, -9.0]])) == pytest.approx([4.0])


def test_halves_are_levels_like_others() -> None:
    features, marks = invented(150, [-1, 0, 1])
    halved = 1 + (marks - 1) / 2
    one, other = fitted(features, marks, 3.0), fitted(features, halved, 3.0)
    assert list(other.levels) == [1.0, 1.5, 2.0, 2.5]
    assert other.weights == pytest.approx(one.weights)
    assert other.expected(features) == pytest.approx(1 + (one.expected(features) - 1) / 2)


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.5, 3.5, 5.0]), min_size=2, max_size=25),
    st.integers(0, 1000),
    st.sampled_from([0.3, 30.0, 1000.0]),
)
def test_an_expected_mark_lies_between_the_lowest_and_the_highest(
    marks: list[float], seed: int, penalty: float
) -> None:
    features = np.random.default_rng(seed).integers(0, 2, (len(marks), 6)).astype(float)
    features -= features.mean(0)
    expected = fitted(features, np.array(marks), penalty).expected(features * 50)
    assert ((expected >= min(marks) - 1e-9) & (expected <= max(marks) + 1e-9)).all()
