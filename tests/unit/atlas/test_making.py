"""Maps of made-up texts in clear groups: a first fit, new texts placed on it, and a second fit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from tasks.atlas.centring import TextVectors, centre_of, centred
from tasks.atlas.clustering import NOISE, vote
from tasks.atlas.making import Limits, MapFit, NewMap, Placements, PreviousMap, build_map, progress_steps
from tasks.atlas.nearest import Nearest
from tasks.atlas.projecting import LEAST, place
from tasks.embedders.passages import Vectors
from tasks.progress import listening

FIRST, SECOND = date(2026, 1, 5), date(2026, 1, 12)
GROUPS, EACH, DIMENSIONS = 4, 40, 24
LIMITS = Limits(fit_max=1_000, drift_max=0.25, replicates=1, replicate_texts=500)


def texts(groups: np.ndarray[Any, Any], seed: int) -> TextVectors:
    """A vector per text, near the axis of its group; without front matter."""
    drawn = np.random.default_rng(seed).normal(scale=0.09, size=(len(groups), DIMENSIONS))
    drawn[np.arange(len(groups)), groups] += 1
    vectors: Vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return TextVectors(vectors, np.zeros_like(vectors))


def together(one: TextVectors, other: TextVectors) -> TextVectors:
    return TextVectors(
        np.vstack([one.bodies, other.bodies]),
        np.vstack([one.metadata, other.metadata]),
    )


def names(n: int, of: str = "old") -> list[str]:
    return [f"{of}{place:04}" for place in range(n)]


OLD = np.repeat(np.arange(GROUPS), EACH)
OLD_TEXTS = texts(OLD, seed=1)


@pytest.fixture(scope="module")
def first() -> NewMap:
    made = build_map(FIRST, names(len(OLD)), OLD_TEXTS, None, 0, LIMITS)
    assert made is not None
    return made


def week_later(made: NewMap) -> PreviousMap:
    """The map of the old texts, as the week after reads it."""
    hashes, fitted = names(len(OLD)), np.flatnonzero(made.is_fitted)
    all_of_them = np.ones(len(OLD), bool)
    return PreviousMap(
        MapFit(
            FIRST,
            [hashes[row] for row in fitted],
            OLD_TEXTS.of(fitted),
            made.points[fitted],
            made.kinds[fitted],
        ),
        Placements(hashes, made.points, made.kinds, made.strength, all_of_them, all_of_them),
        made.stability,
    )


def test_kinds_are_the_groups_and_their_quality_is_measured(first: NewMap) -> None:
    assert adjusted_rand_score(OLD, first.kinds) > 0.95
    assert first.numbers == [1, 2, 3, 4]
    assert {event.event for event in first.events} == {"birth"}
    assert first.trustworthiness is not None
    assert first.trustworthiness > 0.8
    assert first.seeds_ari is not None
    assert first.seeds_ari > 0.9
    assert min(value or 0 for value in first.stability.values()) > 0.8
    assert first.is_fitted.all()


def test_the_same_texts_give_the_same_map(first: NewMap) -> None:
    again = build_map(FIRST, names(len(OLD)), OLD_TEXTS, None, 0, LIMITS)
    assert again is not None
    assert again.points.tolist() == first.points.tolist()
    assert again.kinds.tolist() == first.kinds.tolist()


def test_new_texts_are_placed_among_their_kind_and_the_old_ones_stay(first: NewMap) -> None:
    new = np.array([0, 1, 2, 3])
    hashes, halves = [*names(len(OLD)), *names(4, "new")], together(OLD_TEXTS, texts(new, seed=2))
    made = build_map(SECOND, hashes, halves, week_later(first), 4, LIMITS)
    assert made is not None
    assert made.fitted_on == FIRST
    assert made.points[: len(OLD)].tolist() == first.points.tolist()
    assert made.kinds[: len(OLD)].tolist() == first.kinds.tolist()
    of_group = [Counter(first.kinds[group == OLD].tolist()).most_common(1)[0][0] for group in new]
    assert made.kinds[len(OLD) :].tolist() == of_group
    for group, point in zip(new, made.points[len(OLD) :], strict=True):
        own = first.points[group == OLD]
        assert np.linalg.norm(point - own.mean(axis=0)) < 2 * np.ptp(own, axis=0).max()
    assert made.is_fitted.sum() == len(OLD)
    assert made.drift_share == pytest.approx(4 / 164)
    assert {(event.event, event.texts_share) for event in made.events} == {("continues", 1.0)}


def test_texts_are_compared_by_what_sets_them_apart_from_the_texts_of_the_fit(first: NewMap) -> None:
    centre = centre_of(OLD_TEXTS)
    assert first.vectors == pytest.approx(centred(OLD_TEXTS, centre))
    new = texts(np.array([0, 0, 0, 1]), seed=2)
    made = build_map(
        SECOND, [*names(len(OLD)), *names(4, "new")], together(OLD_TEXTS, new), week_later(first), 4, LIMITS
    )
    assert made is not None
    assert made.vectors[len(OLD) :] == pytest.approx(centred(new, centre))


def test_a_kind_whose_last_text_is_gone_has_died(first: NewMap) -> None:
    stay = OLD != 2
    hashes = [name for name, keep in zip(names(len(OLD)), stay, strict=True) if keep]
    made = build_map(SECOND, hashes, OLD_TEXTS.of(np.flatnonzero(stay)), week_later(first), 4, LIMITS)
    assert made is not None
    gone = Counter(first.kinds[~stay].tolist()).most_common(1)[0][0]
    assert [(event.kind, event.texts) for event in made.events if event.event == "death"] == [(gone, EACH)]


def test_with_too_many_new_texts_the_map_is_fitted_again_where_it_was(first: NewMap) -> None:
    groups = np.concatenate([OLD, np.full(60, 4)])
    hashes, halves = [*names(len(OLD)), *names(60, "new")], together(OLD_TEXTS, texts(groups[160:], 3))
    made = build_map(SECOND, hashes, halves, week_later(first), 4, LIMITS)
    assert made is not None
    assert made.fitted_on == SECOND
    assert made.refit_reason is not None
    assert "27\u202f%" in made.refit_reason
    assert made.drift_share == 0  # of the new map: all texts were there
    old = slice(0, len(OLD))
    assert adjusted_rand_score(first.kinds, made.kinds[old]) > 0.95
    is_same = made.kinds[old] == first.kinds
    assert is_same.mean() > 0.95  # not only the same groups: the same numbers
    (born,) = [event.kind for event in made.events if event.event == "birth"]
    assert born == 5
    assert Counter(made.kinds[160:].tolist()).most_common(1)[0][0] == 5
    extent = np.ptp(first.points, axis=0).max()
    moved = np.linalg.norm(made.points[old] - first.points, axis=1)
    assert np.median(moved) < 0.25 * extent


@pytest.fixture(scope="module")
def sampled() -> NewMap:
    """Fitted on 100 texts of the 160."""
    limits = Limits(fit_max=100, replicates=1, replicate_texts=60)
    made = build_map(FIRST, names(len(OLD)), OLD_TEXTS, None, 0, limits)
    assert made is not None
    return made


def test_of_more_texts_than_a_map_is_fitted_on_the_rest_is_placed(sampled: NewMap) -> None:
    assert sampled.is_fitted.sum() == 100
    assert adjusted_rand_score(OLD, sampled.kinds) > 0.9
    assert np.isfinite(sampled.points).all()


def test_texts_that_a_map_was_not_fitted_on_stay_on_it_too(sampled: NewMap) -> None:
    hashes, halves = [*names(len(OLD)), *names(4, "new")], together(OLD_TEXTS, texts(np.arange(4), seed=2))
    made = build_map(SECOND, hashes, halves, week_later(sampled), 4, LIMITS)
    assert made is not None
    assert made.fitted_on == FIRST
    assert made.drift_share == pytest.approx(4 / 164)
    assert made.points[: len(OLD)].tolist() == sampled.points.tolist()
    assert made.kinds[: len(OLD)].tolist() == sampled.kinds.tolist()
    assert made.strength[: len(OLD)].tolist() == sampled.strength.tolist()
    assert made.is_fitted.tolist() == [*sampled.is_fitted.tolist(), *[False] * 4]


def test_texts_are_new_until_the_next_fit_and_kinds_that_left_do_not_die_again(
    sampled: NewMap,
) -> None:
    """In the week before, a quarter and a bit of the texts came, and one group left."""
    came, gone = OLD == 0, OLD == 1
    lately = week_later(sampled)
    lately = replace(lately, placed=replace(lately.placed, was_there=~came, is_last=~gone))
    assert lately.last_kinds.keys() == {name for name, left in zip(names(160), gone, strict=True) if not left}
    made = build_map(SECOND, names(len(OLD)), OLD_TEXTS, lately, 4, replace(LIMITS, drift_max=0.3))
    assert made is not None
    assert made.drift_share == pytest.approx(0.25)
    back = Counter(sampled.kinds[gone].tolist()).most_common(1)[0][0]
    assert [event.kind for event in made.events if event.event == "birth"] == [back]
    again = build_map(SECOND, names(len(OLD)), OLD_TEXTS, lately, 4, replace(LIMITS, drift_max=0.2))
    assert again is not None
    assert again.fitted_on == SECOND


@pytest.mark.parametrize("dimensions", [DIMENSIONS, 5])
def test_texts_that_are_all_the_same_have_a_map_too(dimensions: int) -> None:
    same = np.zeros((LEAST, dimensions), np.float32)
    same[:, 0] = 1
    made = build_map(FIRST, names(LEAST), TextVectors(same, np.zeros_like(same)), None, 0, LIMITS)
    assert made is not None
    assert np.isfinite(made.points).all()


def test_too_few_texts_have_no_shape() -> None:
    few = LEAST - 1
    assert build_map(FIRST, names(few), OLD_TEXTS.of(np.arange(few)), None, 0, LIMITS) is None


def progress(hashes: list[str], halves: TextVectors, previous: PreviousMap | None) -> tuple[int, int]:
    """How often the making of a map reported progress, and how often it was expected to."""
    advanced: list[int] = []
    with listening(lambda _stage, by, _total: advanced.append(by)):
        build_map(SECOND, hashes, halves, previous, 4, LIMITS)
    return sum(advanced), progress_steps(hashes, previous, LIMITS)


@pytest.mark.parametrize(("new", "expected"), [(4, 1), (60, 5)], ids=["placed", "fitted again"])
def test_a_map_after_another_reports_as_much_progress_as_expected(
    first: NewMap, new: int, expected: int
) -> None:
    hashes = [*names(len(OLD)), *names(new, "new")]
    halves = together(OLD_TEXTS, texts(np.full(new, 0), seed=2))
    assert progress(hashes, halves, week_later(first)) == (expected, expected)


@pytest.mark.parametrize(
    ("n", "expected"), [(LEAST - 1, 0), (LEAST, 5), (160, 5)], ids=["too few", "of no kind", "of kinds"]
)
def test_a_first_map_reports_as_much_progress_as_expected(n: int, expected: int) -> None:
    halves = OLD_TEXTS.of(np.arange(n))
    assert progress(names(n), halves, None) == (expected, expected)


def test_a_text_among_texts_of_no_kind_is_of_none() -> None:
    near = Nearest(np.array([[0, 1, 2], [2, 3, 4]]), np.array([[0.9, 0.8, 0.9], [0.9, 0.5, 0.5]], np.float32))
    voted = vote(near, np.array([NOISE, NOISE, 7, 8, 8]))
    assert voted.kinds.tolist() == [NOISE, 8]
    assert voted.strength == pytest.approx([0, 1.0 / 1.9], abs=1e-6)


def test_a_text_is_placed_nearest_to_its_most_similar_neighbour() -> None:
    near = Nearest(np.array([[0, 1]]), np.array([[0.99, 0.5]], np.float32))
    (point,) = place(near, np.array([[0.0, 0.0], [1.0, 0.0]]))
    assert 0 < point[0] < 0.2
