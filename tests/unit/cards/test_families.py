"""Near-duplicate families: what is joined, what is not, and that hostile texts break nothing."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.cards.families import families, runs_of_words

WORDS = [f"word{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(400)]


def prose(seed: int, words: int = 200) -> str:
    rng = random.Random(seed)
    return " ".join(rng.choice(WORDS) for _ in range(words))


def named(*texts: str) -> list[tuple[str, str]]:
    return [(f"h{n}", text) for n, text in enumerate(texts)]


def test_texts_that_differ_by_a_name_and_numbers_are_one_family() -> None:
    first, second = f"# llama\n\n{prose(1)}\nAccuracy: 0.91", f"# mistral\n\n{prose(1)}\nAccuracy: 0.38"
    assert dict(families(named(first, prose(2), second))) == {"h0": "h0", "h2": "h0"}


def test_texts_on_their_own_belong_to_none() -> None:
    assert list(families(named(*(prose(seed) for seed in range(20))))) == []


def test_a_text_joins_by_way_of_others() -> None:
    """The ends have two thirds of their runs in common, each nine tenths with the middle."""
    words = prose(3, 400).split()
    first, middle, last = words[:340], words[20:360], words[40:380]
    found = dict(families(named(" ".join(first), " ".join(last), " ".join(middle))))
    assert set(found.values()) == {"h0"}
    assert len(found) == 3


def test_front_matter_case_and_punctuation_do_not_count() -> None:
    one, other = f"---\nlicense: mit\n---\n{prose(4)}", f"---\ntags: [a, b]\n---\n{prose(4).upper()}!"
    assert runs_of_words(one) == [run.lower() for run in runs_of_words(other)]
    assert len(dict(families(named(one, other)))) == 2


def test_empty_texts_are_no_family() -> None:
    assert list(families(named("", "---\nlicense: mit\n---\n", "!!!", "..."))) == []


def test_a_thousand_copies_are_one_family_and_take_no_thousand_comparisons_each() -> None:
    found = dict(families(named(*(f"{prose(5)} {n}" for n in range(1000)))))
    assert (len(found), set(found.values())) == (1000, {"h0"})


@pytest.mark.parametrize("order", [1, 2])
def test_the_members_of_a_family_do_not_hang_on_the_order(order: int) -> None:
    texts = named(*(f"{prose(seed % 5)} {seed}" for seed in range(30)))
    shuffled = random.Random(order).sample(texts, len(texts))

    def groups(found: dict[str, str]) -> set[frozenset[str]]:
        return {frozenset(h for h, f in found.items() if f == family) for family in found.values()}

    assert groups(dict(families(texts))) == groups(dict(families(shuffled)))


@given(st.lists(st.text(), max_size=8))
@settings(max_examples=60)
def test_any_texts_have_families_without_an_error(texts: list[str]) -> None:
    found = dict(families(named(*texts)))
    assert all(found[family] == family for family in found.values())
