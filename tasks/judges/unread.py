"""Answers that need no reading: patterns over the rubric's checks that a model may write for any card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle, islice, product

from tasks.rubric import Rubric

# Passed, failed, passed and so on: what repeats after three checks at most, which includes all passed and all failed.
_PERIODS = (2, 3)


def unread_patterns(rubric: Rubric) -> list[list[str]]:
    """The checks that each pattern passes: repeated over all checks, and begun again with each criterion."""
    lengths = [len(criterion.checks) for criterion in rubric.criteria]
    found = [
        answers
        for period in _PERIODS
        for digits in product((True, False), repeat=period)
        for answers in (_repeated(digits, [sum(lengths)]), _repeated(digits, lengths))
    ]
    ids = [check.id for check in rubric.checks]
    return [list(_passed(ids, answers)) for answers in dict.fromkeys(found)]


def _repeated(digits: Sequence[bool], lengths: Sequence[int]) -> tuple[bool, ...]:
    """The digits over and over, begun again after each length."""
    return tuple(digit for length in lengths for digit in islice(cycle(digits), length))


def _passed(ids: Sequence[str], answers: Sequence[bool]) -> Iterator[str]:
    return (check for check, is_passed in zip(ids, answers, strict=True) if is_passed)
