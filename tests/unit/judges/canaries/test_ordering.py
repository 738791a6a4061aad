"""The statistic of the canaries, and that no judge that does not read reaches what is demanded."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.canaries import GUESSES, RULES, passing_share
from tasks.judges.canaries.loading import LEVELS, Canary, canaries_digest, load_canaries
from tasks.judges.canaries.ordering import CONCORDANCE_LEAST, SPREAD_LEAST, concordance, spread

CANARIES = load_canaries()
SCORES = st.one_of(st.none(), st.sampled_from([1.0, 2.0, 2.5, 3.0, 4.0, 5.0]))


def by_level(*scores: float) -> dict[Canary, float | None]:
    """The score of each level, in every language."""
    return {canary: scores[canary.level - 1] for canary in CANARIES}


def test_each_language_has_one_card_of_each_level() -> None:
    languages = {canary.language for canary in CANARIES}
    assert {(canary.language, canary.level) for canary in CANARIES} == {
        (language, level) for language in languages for level in LEVELS
    }
    assert len(CANARIES) == len(LEVELS) * len(languages)
    assert len(languages) == 4


def test_no_two_canaries_are_the_same_text() -> None:
    assert len({canary.card_text.card_hash for canary in CANARIES}) == len(CANARIES)
    assert len(canaries_digest()) == 16


def test_cards_in_order_are_all_pairs_and_the_reverse_is_none() -> None:
    assert (concordance(by_level(1, 2, 3, 4)), spread(by_level(1, 2, 3, 4))) == (1.0, 3.0)
    assert (concordance(by_level(4, 3, 2, 1)), spread(by_level(4, 3, 2, 1))) == (0.0, -3.0)


def test_one_swap_of_neighbouring_levels_costs_a_sixth_of_the_pairs() -> None:
    assert concordance(by_level(1, 3, 2, 4)) == pytest.approx(5 / 6)


def test_a_tie_and_a_card_without_a_score_count_half() -> None:
    assert concordance(by_level(3, 3, 3, 3)) == 0.5
    scores = by_level(1, 2, 3, 4)
    scores[CANARIES[0]] = None
    assert concordance(scores) == pytest.approx((96 - 12 + 6) / 96)


def test_nothing_comes_of_no_cards_and_no_spread_without_both_ends() -> None:
    assert (concordance({}), spread({})) == (None, None)
    assert spread({canary: 3.0 for canary in CANARIES if canary.level > 1}) is None


@given(st.lists(SCORES, min_size=len(CANARIES), max_size=len(CANARIES)))
def test_reversed_scores_are_in_order_where_the_others_are_not(found: list[float | None]) -> None:
    scores = dict(zip(CANARIES, found, strict=True))
    turned = {canary: None if score is None else -score for canary, score in scores.items()}
    assert concordance(scores) == pytest.approx(1 - (concordance(turned) or 0))


@pytest.mark.parametrize("name", GUESSES)
def test_a_guess_passes_less_than_once_in_a_thousand(name: str) -> None:
    ordered, both = passing_share(GUESSES[name], 100_000)
    assert both <= ordered < 0.001


@pytest.mark.parametrize("name", RULES)
def test_no_rule_of_the_surface_orders_them(name: str) -> None:
    scores = {canary: RULES[name](canary) for canary in CANARIES}
    assert 1 - CONCORDANCE_LEAST < (concordance(scores) or 0) < CONCORDANCE_LEAST


def test_a_judge_that_orders_within_a_tenth_of_a_point_is_not_far_enough_apart() -> None:
    rng = random.Random(1)
    scores = {canary: 3.0 + canary.level / 50 + rng.uniform(0, 0.001) for canary in CANARIES}
    assert concordance(scores) == 1.0
    assert (spread(scores) or 0) < SPREAD_LEAST
