"""The answers that need no reading, as patterns over the rubric's checks."""

from __future__ import annotations

from tasks.judges.unread import unread_patterns
from tasks.rubric import load_rubric

RUBRIC = load_rubric()
PATTERNS = [tuple(passed) for passed in unread_patterns(RUBRIC)]


def test_all_passed_and_all_failed_are_patterns() -> None:
    assert tuple(check.id for check in RUBRIC.checks) in PATTERNS
    assert () in PATTERNS


def test_passed_failed_passed_in_each_criterion_is_one() -> None:
    example = [
        check.id for criterion in RUBRIC.criteria for n, check in enumerate(criterion.checks) if n % 3 != 1
    ]
    assert tuple(example) in PATTERNS


def test_alternating_over_all_checks_is_one_and_each_is_listed_once() -> None:
    ids = [check.id for check in RUBRIC.checks]
    assert {tuple(ids[::2]), tuple(ids[1::2])} <= set(PATTERNS)
    assert len(PATTERNS) == len(set(PATTERNS))


def test_one_check_alone_is_none() -> None:
    assert ("names_origin",) not in PATTERNS
