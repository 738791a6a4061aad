"""Which cards of an author would gain most by three checks."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.advice.shelf import STEPS, arranged
from tasks.rubric import load_rubric

RUBRIC = load_rubric()
ALL = [check.id for check in RUBRIC.checks]


def row(name: str, failed: list[str], *, is_scored: bool = True) -> dict[str, Any]:
    passed = [check for check in ALL if check not in failed] if is_scored else []
    score = RUBRIC.score(RUBRIC.levels(passed)) if is_scored else None
    failed = failed if is_scored else []
    common = {
        "downloads": 1,
        "likes": 0,
        "card_status": "card" if is_scored else "none",
        "judge": "checklist",
    }
    return {"model_id": name, "score": score, "passed": passed, "failed": failed, **common}


def test_the_card_that_gains_most_comes_first_and_one_without_a_card_last() -> None:
    shelf = arranged(
        "a", [row("a/good", ["compares"]), row("a/none", [], is_scored=False), row("a/bad", ALL)], RUBRIC
    )
    assert [card.model_id for card in shelf.cards] == ["a/bad", "a/good", "a/none"]
    assert [len(card.next_checks) for card in shelf.cards] == [STEPS, 1, 0]
    assert shelf.cards[1].score is not None
    assert shelf.cards[1].gain == pytest.approx(5 - shelf.cards[1].score, abs=1e-3)
    assert (shelf.cards[2].score, shelf.cards[2].gain, shelf.scored) == (None, None, 2)


def test_the_checks_that_most_cards_fail_come_first() -> None:
    rows = [row("a/one", ["compares", "license_given"]), row("a/two", ["license_given"])]
    assert arranged("a", rows, RUBRIC).failing == [("license_given", 2), ("compares", 1)]
