"""Randomisation inference: what is exchanged with what, p and interval that agree, and planted differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.arrays import Floats
from tasks.findings.reassignment import Assignment, Changes, Followed, Ratios, compare, compare_jointly
from tasks.findings.sample import Codes

SIZES = np.array([1] * 30 + [2] * 8 + [7])  # models of each author: one author of its own size


def assignment(seed: int = 1, *, whole: bool = False, draws: int = 999) -> Assignment:
    """Two stacks of these authors, a quarter of the models edited, or a quarter of the authors."""
    rng = np.random.default_rng(seed)
    authors = np.tile(np.repeat(np.arange(len(SIZES)), SIZES), 2)
    stacks = np.repeat([0, 1], SIZES.sum())
    luck = rng.random((2, len(SIZES)))[stacks, authors] if whole else rng.random(len(authors))
    return Assignment.drawn(luck < 0.25, stacks, authors, seed=seed, draws=draws)


def change(of: Assignment, difference: float, seed: int = 2) -> Changes:
    """A change of each unit that its author shares in part, with bursts."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_t(3, size=(2, len(SIZES)))[of.stacks, of.authors]
    return Changes(difference * of.edited + 0.3 * shared + 0.3 * rng.standard_t(3, size=len(of.authors)))


def drawn_edits(of: Assignment) -> Floats:
    return np.hstack([part.toarray() for part in of.reassigned])


def sums(of: Assignment, groups: Codes) -> Floats:
    """How many units of each group are edited in each reassignment."""
    return np.array([drawn_edits(of)[groups == group].sum(axis=0) for group in np.unique(groups)])


@pytest.mark.parametrize("whole", [False, True])
def test_a_reassignment_has_as_many_edits_in_each_week_and_as_concentrated(whole: bool) -> None:
    of = assignment(whole=whole, draws=50)
    for stack in (0, 1):
        within = of.stacks == stack
        edits = np.bincount(of.authors[within], of.edited[within])
        for size in np.unique(SIZES):
            alike = np.flatnonzero(size == SIZES)
            drawn = sums(of, np.where(within, of.authors, -1))[1:]
            expected = np.repeat(np.sort(edits[alike])[:, None], 50, axis=1)
            assert (np.sort(drawn[alike], axis=0) == expected).all()


def test_an_author_of_its_own_size_keeps_its_number_on_other_models() -> None:
    of = assignment(draws=200)
    largest = (of.authors == len(SIZES) - 1) & (of.stacks == 0)
    assert of.edited[largest].sum() > 0
    assert (drawn_edits(of)[largest].sum(axis=0) == of.edited[largest].sum()).all()
    assert drawn_edits(of)[largest].any(axis=1).all()


def test_the_same_seed_draws_the_same() -> None:
    assert (drawn_edits(assignment()) == drawn_edits(assignment())).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(-0.4, 0.4), st.booleans())
def test_an_interval_excludes_zero_exactly_where_p_is_below_five_per_cent(
    seed: int, difference: float, whole: bool
) -> None:
    of = assignment(seed, whole=whole, draws=199)
    found = compare(change(of, difference, seed), of).estimate
    if found.low is None or found.high is None or found.p is None or found.value is None:
        assert found.flags
        return
    assert found.low <= found.value <= found.high
    assert (found.low <= 0 <= found.high) == (found.p >= 0.05)


def counts(of: Assignment, ratio: float) -> Ratios:
    rng = np.random.default_rng(3)
    rate = np.exp(3 + rng.normal(size=len(of.authors)))
    return Ratios(
        rng.poisson(rate).astype(float), rng.poisson(1.2 * rate * np.exp(ratio * of.edited)).astype(float)
    )


@pytest.mark.parametrize("kind", ["changes", "ratios"])
def test_a_planted_difference_is_inside_its_interval_and_zero_is_not(kind: str) -> None:
    of = assignment()
    followed: Followed = change(of, 0.8) if kind == "changes" else counts(of, 0.8)
    found = compare(followed, of)
    assert found.estimate.low is not None
    assert found.estimate.high is not None
    assert 0 < found.estimate.low < 0.8 < found.estimate.high
    assert found.estimate.p == pytest.approx(0.001, abs=0.002)
    assert found.detectable is not None
    assert 0 < found.detectable < 0.8


def test_a_ratio_is_that_of_two_by_two_where_there_is_one_stack() -> None:
    edited = np.arange(40) < 15
    of = Assignment.drawn(edited, np.zeros(40, np.int64), np.arange(40), seed=1)
    rng = np.random.default_rng(1)
    before, after = rng.poisson(20, 40).astype(float), rng.poisson(30, 40).astype(float)
    odds = [after[part].sum() / before[part].sum() for part in (edited, ~edited)]
    assert compare(Ratios(before, after), of).estimate.value == pytest.approx(np.log(odds[0] / odds[1]))


def test_a_difference_is_that_of_means_where_there_is_one_stack() -> None:
    edited = np.arange(40) < 15
    of = Assignment.drawn(edited, np.zeros(40, np.int64), np.arange(40), seed=1)
    moved = np.random.default_rng(1).normal(size=40)
    moved[3] = np.nan
    means = [np.nanmean(moved[part]) for part in (edited, ~edited)]
    assert compare(Changes(moved), of).estimate.value == pytest.approx(means[0] - means[1])


def test_nothing_known_nothing_moving_and_few_authors_are_flagged() -> None:
    of = assignment()
    unknown, still = Changes(np.full(len(of.authors), np.nan)), Changes(np.ones(len(of.authors)))
    assert compare(unknown, of).estimate.flags == ("few_edits",)
    assert compare(still, of).estimate.flags == ("constant",)
    assert compare_jointly([unknown], of).flags == ("constant",)
    one = np.where(of.authors < 5, 0.5, np.nan) + np.arange(float(len(of.authors)))
    assert compare(Changes(one), of).estimate.flags == ("few_clusters",)
    # One author with two thirds of the models, each week half of them edited.
    authors = np.concatenate([np.zeros(60, np.int64), np.arange(1, 31)])
    lone = Assignment.drawn(np.arange(90) % 2 == 0, np.zeros(90, np.int64), authors, seed=1)
    assert compare(Changes(np.arange(90.0) % 7), lone).estimate.flags == ("few_effective_authors",)


def test_several_outcomes_are_tested_together() -> None:
    of = assignment()
    nothing = [change(of, 0.0, seed) for seed in (4, 5, 6)]
    assert (compare_jointly(nothing, of).p or 0) > 0.05
    assert compare_jointly([*nothing[:2], change(of, 0.8, 7)], of).p == pytest.approx(0.001, abs=0.01)


def test_edits_at_random_are_rejected_as_often_as_said() -> None:
    drawn = [assignment(seed, whole=True, draws=99) for seed in range(150)]
    low = [compare(change(of, 0.0), of).estimate.p for of in drawn]
    known = [p for p in low if p is not None]
    # Of 150 draws at 5 %, more than 16 happen once in a thousand times.
    assert len(known) > 120
    assert sum(p < 0.05 for p in known) <= 16
