"""Cutting cards into passages, and pooling their vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.embedders.passages import Passage, Passages, Vector, pack, pool
from tasks.embedders.reading import CardReading


def cut(*tokens: int, passage_tokens: int = 100, passages_max: int = 4) -> Passages:
    names = tuple(chr(ord("a") + place) for place in range(len(tokens)))
    return pack(CardReading("", names), tokens, passage_tokens=passage_tokens, passages_max=passages_max)


def rows(passages: Passages) -> list[tuple[str, int]]:
    return [(passage.text, passage.tokens) for passage in passages.body]


def test_short_sections_share_a_passage_and_long_ones_have_one_of_their_own() -> None:
    assert rows(cut(10, 15, 60, 10)) == [("a. b. c", 85), ("d", 10)]
    assert rows(cut(10, 15, 80, 10)) == [("a. b", 25), ("c", 80), ("d", 10)]


def test_a_section_that_fills_a_third_ends_its_passage_so_that_cards_can_share_it() -> None:
    assert rows(cut(31, 31)) == [("a", 31), ("b", 31)]


def test_a_section_that_does_not_fit_begins_a_passage() -> None:
    assert rows(cut(20, 90)) == [("a", 20), ("b", 90)]


def test_a_section_longer_than_a_passage_counts_as_what_the_model_reads_of_it() -> None:
    assert rows(cut(250)) == [("a", 100)]


def test_text_beyond_the_last_passage_is_reported() -> None:
    assert not cut(40, 40).is_truncated
    assert rows(found := cut(40, 40, 40, passages_max=2)) == [("a", 40), ("b", 40)]
    assert found.is_truncated


@given(st.lists(st.integers(0, 300), min_size=1, max_size=30))
def test_every_section_is_in_one_passage_and_no_passage_is_longer_than_a_window(tokens: list[int]) -> None:
    names = tuple(f"s{place}" for place in range(len(tokens)))
    found = pack(CardReading("", names), tokens, passage_tokens=100, passages_max=1_000)
    assert ". ".join(passage.text for passage in found.body).split(". ") == list(names)
    assert all(passage.tokens <= 100 for passage in found.body)


AXES = {name: np.eye(3, dtype=np.float32)[place] for place, name in enumerate(("a", "b", "meta"))}


def pooled(*body: Passage, metadata: str = "") -> Vector:
    return pool(Passages(metadata, body, False), AXES.__getitem__)


def test_a_card_of_one_passage_is_that_passage() -> None:
    assert pooled(Passage("a", 7)) == pytest.approx([1, 0, 0])


def test_a_passage_weighs_the_root_of_its_tokens_over_the_root_of_its_place() -> None:
    found = pooled(Passage("a", 16), Passage("b", 64))
    assert found[1] / found[0] == pytest.approx((8 / 2**0.5) / 4)
    assert np.linalg.norm(found) == pytest.approx(1)


def test_front_matter_is_no_part_of_the_body() -> None:
    assert pooled(Passage("a", 7), metadata="meta") == pytest.approx([1, 0, 0])
