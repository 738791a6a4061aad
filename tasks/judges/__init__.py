"""What scores a card. A judge is `score(cards) -> verdicts`, nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Protocol

from tasks.errors import UsageError
from tasks.judges.checklist import ChecklistJudge
from tasks.records import CardText, JudgeCard, Verdict

DEFAULT_JUDGE = "checklist"


class Judge(Protocol):
    """`fingerprint` changes with anything that may change an answer: rubric, rules, model, settings."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    def card(self, snapshot: date, judged_at: datetime) -> JudgeCard:
        """Which judge this is, exactly, for the record."""
        ...

    def score(self, cards: Iterable[CardText]) -> Iterator[Verdict]:
        """One verdict per card, in order; a card that cannot be judged gives a reason instead of a score."""
        ...


_JUDGES: dict[str, Callable[[], Judge]] = {"checklist": ChecklistJudge}


def make_judge(name: str) -> Judge:
    """The judge of that name. UsageError lists the known ones."""
    if name not in _JUDGES:
        raise UsageError(f"no judge is called '{name}'; there is: {', '.join(sorted(_JUDGES))}")
    return _JUDGES[name]()
