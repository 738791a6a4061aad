"""Nothing that is kept aside may be learned from, and labels that mean nothing must look like it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.arrays import Floats
from tasks.findings.sample import Codes
from tasks.fitted import evaluating
from tasks.fitted.evaluating import (
    CURVE_DRAWS,
    Material,
    _by_author,
    _predicted,
    agreements,
    curve,
    sizes_of,
    transferred,
    work_of,
)
from tasks.fitted.folds import folds_of
from tasks.fitted.weighing import PENALTIES, Answers, learned
from tasks.progress import listening

CHECKS = 10
PLANTED = np.array([2.0, 1.5, 1.0, -1.5, 0, 0, 0, 0, 0, 0])


def invented(n: int, *, seed: int = 1, authors: int | None = None, levels: int = 4) -> Material:
    """Texts whose marks follow planted weights, with one author who has a third of them."""
    rng = np.random.default_rng(seed)
    values = (rng.random((n, CHECKS)) < rng.uniform(0.2, 0.8, CHECKS)).astype(float)
    liked = values @ PLANTED + rng.logistic(size=n)
    cuts = np.quantile(liked, np.arange(1, levels) / levels)
    marks: Floats = np.digitize(liked, cuts).astype(np.float64) + np.float64(1)
    groups = rng.integers(0, authors or n, n)
    groups[: n // 3] = 0
    groups = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    scores = 1 + values @ np.full(CHECKS, 0.4)
    words = rng.uniform(5, 500, n)
    return Material(Answers(values, np.full(CHECKS, 0.4)), scores, words, marks, groups)


def shuffled(material: Material, seed: int) -> Material:
    return replace(material, marks=np.random.default_rng(seed).permutation(material.marks))


def found(material: Material, seed: int = 1) -> dict[tuple[str, str], float]:
    return {(one.scorer, one.measure): one.estimate.value or 0.0 for one in agreements(material, seed)}


def predicted(material: Material, folds: Codes) -> Floats:
    return _predicted(material, folds, np.random.default_rng(7))


def test_planted_weights_are_found_and_agree_better_than_the_score() -> None:
    material = invented(400)
    weighing = learned(material.answers, material.marks, material.groups, np.random.default_rng(1))
    assert np.corrcoef(weighing.model.weights, PLANTED)[0, 1] > 0.9
    figures = found(material)
    assert figures["fitted", "auc"] > figures["judge", "auc"] + 0.05
    assert figures["judge", "auc"] > figures["length", "auc"]
    assert figures["fitted", "quadratic_kappa"] > 0.5


def test_labels_that_mean_nothing_give_an_auc_of_a_half_and_no_weights_to_speak_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SPLITS_MIN", "SPLITS_MAX"):
        monkeypatch.setattr(evaluating, name, 1)
    material = invented(120)
    aucs = [found(shuffled(material, seed), seed)["fitted", "auc"] for seed in range(12)]
    assert np.mean(aucs) == pytest.approx(0.5, abs=0.035)
    weighing = learned(
        material.answers, shuffled(material, 3).marks, material.groups, np.random.default_rng(1)
    )
    assert weighing.penalty in PENALTIES[:3]


def test_marks_and_answers_of_the_texts_kept_aside_change_nothing_of_what_is_learned() -> None:
    material = invented(90, authors=30)
    folds = folds_of(material.groups, material.marks, np.random.default_rng(2))
    before = predicted(material, folds)
    apart = np.flatnonzero(folds == 0)
    marks = material.marks.copy()
    marks[apart] = 5 - marks[apart]
    turned = predicted(replace(material, marks=marks), folds)
    assert turned[apart] == pytest.approx(before[apart])
    assert not np.allclose(turned[folds != 0], before[folds != 0])
    values = material.answers.values.copy()
    values[apart[1:]] = 1 - values[apart[1:]]
    other = predicted(replace(material, answers=replace(material.answers, values=values)), folds)
    assert other[apart[0]] == pytest.approx(before[apart[0]])


def test_with_few_labels_the_rubric_is_trusted_more_than_nothing() -> None:
    """Raters who mark by the rubric: few labels keep its order where they show nothing else."""
    rng = np.random.default_rng(3)
    values = (rng.random((400, 30)) < 0.5).astype(float)
    direction = rng.uniform(0.05, 0.3, 30)
    seen = values @ direction + rng.normal(0, 0.05, 400)
    marks = (seen > np.median(seen)).astype(np.float64)
    aware, blind = (Answers(values, towards) for towards in (direction, np.zeros(30)))
    few, rest = np.arange(25), np.arange(25, 400)
    orders = [
        learned(answers.of(few), marks[few], few, np.random.default_rng(1)).expected(answers.of(rest))
        for answers in (aware, blind)
    ]
    with_rubric, without = (np.corrcoef(order, values[rest] @ direction)[0, 1] for order in orders)
    assert with_rubric > without + 0.05


def test_a_curve_rises_with_labels_and_ends_where_some_are_left_to_try_them() -> None:
    material = invented(300)
    points = curve(material, 1)
    assert [point.labels for point in points] == [10, 25, 50, 100, 200]
    assert points[-1].auc > points[0].auc + 0.05
    assert all(point.low <= point.auc <= point.high for point in points)


def test_few_texts_leave_no_curve() -> None:
    assert sizes_of(invented(12)) == []


def test_progress_is_told_in_full() -> None:
    material, done = invented(60), []
    with listening(lambda stage, by, total: done.append(by)):
        agreements(material, 1)
        curve(material, 1)
    assert sum(done) == work_of(material) == material.splits + CURVE_DRAWS * 2


def test_labels_are_drawn_one_per_author_first() -> None:
    groups = np.array([0] * 50 + [1, 2, 3, 3])
    drawn = _by_author(groups, 6, np.random.default_rng(1))
    assert len(set(drawn)) == 6
    assert set(groups[drawn[:4]]) == {0, 1, 2, 3}


def test_other_people_s_marks_are_predicted_without_their_authors() -> None:
    material = invented(200, authors=80)
    rng = np.random.default_rng(5)
    opposite = replace(material, marks=5 - material.marks)
    figures = {
        (one.scorer, one.measure): one.estimate.value or 0.0 for one in transferred(material, opposite, 1)
    }
    assert figures["fitted", "spearman"] < -0.3
    noise = replace(material, marks=rng.permutation(material.marks))
    aucs = [one.estimate.value for one in transferred(material, noise, 1) if one.measure == "auc"]
    assert aucs[0] == pytest.approx(0.5, abs=0.12)
