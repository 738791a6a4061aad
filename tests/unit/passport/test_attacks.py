"""The attack suite is whole, goes where it says, and changes nothing else."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.cards.front_matter import split_front_matter
from tasks.passport.attacks import Attack, attacked, attacks, card_text, padded, weak_card
from tasks.records import CardText

CARD = card_text("---\nlicense: mit\n---\n\n# A model\n\nIt answers.\n\n## Usage\n\nCall it.\n")


def words(text: str) -> Counter[str]:
    return Counter(text.split())


def test_the_suite_has_forty_attacks_or_more_of_eight_families_each_with_a_name() -> None:
    suite = attacks()
    assert len(suite) >= 40
    assert len({attack.id for attack in suite}) == len(suite)
    assert len({attack.text.strip() for attack in suite}) == len(suite)
    families = Counter(attack.family for attack in suite)
    assert len(families) >= 8
    assert min(families.values()) >= 4
    assert {attack.place for attack in suite} == {"start", "middle", "end", "front_matter"}
    assert all(attack.text.strip() for attack in suite)


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: attack.id)
def test_an_attacked_card_holds_the_attack_and_all_that_it_held_before(attack: Attack) -> None:
    for card in (CARD, weak_card(), card_text("no front matter, one line")):
        found = attacked(card, attack)
        assert attack.text.strip("\n") in found.card_text
        assert not words(card.card_text) - words(found.card_text)
        assert found.card_hash != card.card_hash


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: attack.id)
def test_front_matter_stays_readable(attack: Attack) -> None:
    front, _ = split_front_matter(attacked(CARD, attack).card_text)
    assert front.error is None
    assert front.metadata["license"] == "mit"
    assert (len(front.metadata) > 1) == (attack.place == "front_matter")


def test_a_card_with_windows_line_ends_keeps_its_front_matter_in_front() -> None:
    card = card_text(CARD.card_text.replace("\n", "\r\n"))
    for attack in attacks():
        assert attacked(card, attack).card_text.startswith("---\nlicense: mit\n")


@given(st.text(max_size=300))
def test_any_card_is_padded_to_twice_its_length_and_begins_as_before(text: str) -> None:
    card = CardText("h", text)
    found = padded(card).card_text
    assert found.startswith(text.rstrip())
    assert len(found) >= 2 * len(text)
    assert padded(card) == padded(card)


def test_different_cards_are_padded_with_different_words() -> None:
    assert len({padded(card_text(f"card {n}")).card_text[8:40] for n in range(20)}) > 3
