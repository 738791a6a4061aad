"""All that can be said about one card: score, failed checks, notices of rules, and what peers do."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tasks.advice import rules
from tasks.advice.rule import Notice, Reading, Severity, read
from tasks.advice.subject import Subject
from tasks.advice.worth import FailedCheck, failed_checks
from tasks.cards.front_matter import Metadata
from tasks.judges.checklist import ChecklistJudge
from tasks.records import Verdict
from tasks.rubric import Rubric, load_rubric

_IGNORED = re.compile(r"<!--\s*cardiograph:\s*ignore\s+([\w\s,-]{1,400}?)\s*-->")


@dataclass(frozen=True, slots=True)
class Advice:
    """What is known and advised about a card, by one judge.

    `score` is null where the judge gave none: `reason` says why. `criteria`: the level (1-5) of each. `ignored`: rules
    and checks that a comment in the card switches off.
    """

    subject: Subject
    judge: str
    fingerprint: str
    score: float | None
    reason: str | None
    criteria: Mapping[str, float]
    checks: list[FailedCheck]
    notices: list[Notice]
    ignored: frozenset[str]

    def worst(self) -> Severity | None:
        """The gravest severity among the notices."""
        found = {notice.severity for notice in self.notices}
        return "error" if "error" in found else "warning" if "warning" in found else "note" if found else None


def ignored_in(text: str) -> frozenset[str]:
    """The ids of rules and checks that `<!-- cardiograph: ignore RULE, RULE -->` in a card switches off."""
    return frozenset(
        name for found in _IGNORED.finditer(text) for name in re.split(r"[\s,]+", found[1]) if name
    )


def advise(
    subject: Subject,
    *,
    judge: ChecklistJudge | None = None,
    verdict: Verdict | None = None,
    base_cards: Mapping[str, Metadata] | None = None,
    ignored: Collection[str] = (),
) -> Advice:
    """The advice on a card. `verdict`: of another judge than the checklist, which then scores; total for any text."""
    reading = read(subject, base_cards)
    used = judge or ChecklistJudge()
    if verdict is None:
        (verdict,) = used.score_evidence([(subject.card, reading.evidence)])
    switched_off = ignored_in(subject.text) | frozenset(ignored)
    return _of(reading, verdict, load_rubric(), switched_off)


def _of(reading: Reading, verdict: Verdict, rubric: Rubric, ignored: frozenset[str]) -> Advice:
    checks = [each for each in failed_checks(verdict, reading, rubric) if each.check not in ignored]
    return Advice(
        subject=reading.subject,
        judge=verdict.judge,
        fingerprint=verdict.fingerprint,
        score=verdict.score,
        reason=verdict.reason,
        criteria=verdict.levels,
        checks=checks,
        notices=rules.look(reading, ignored),
        ignored=ignored,
    )
