"""The checklist judge: rules over the parsed card. Deterministic, no weights, thousands of cards a second.

An honest baseline, and labelled so: it sees whether something is said, not whether it is true or well said.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime

from tasks.cards.evidence import Evidence, gather
from tasks.cards.facts import flags_of
from tasks.cards.parse import parse_card
from tasks.judges.checks import CHECKS
from tasks.records import CardText, Explanation, JudgeRecord, JudgeUsage, Verdict
from tasks.rubric import Rubric, load_rubric

CHECKLIST_VERSION = 1  # raise it with any change that gives some card another verdict


class ChecklistJudge:
    """Answers every check of the rubric by the predicate of the same name."""

    name = "checklist"

    def __init__(self, rubric: Rubric | None = None) -> None:
        self._rubric = rubric or load_rubric()
        digest = hashlib.sha256(f"{self._rubric.fingerprint}/{self.name}/{CHECKLIST_VERSION}".encode())
        self.fingerprint = digest.hexdigest()[:16]

    def card(self, snapshot: date, judged_at: datetime) -> JudgeRecord:
        """The record of this judge; its only setting is the version of its rules."""
        return JudgeRecord(
            snapshot=snapshot,
            fingerprint=self.fingerprint,
            judge=self.name,
            rubric=self._rubric.fingerprint,
            model=None,
            revision=None,
            settings=json.dumps({"checklist_version": CHECKLIST_VERSION}),
            judged_at=judged_at,
        )

    def score(self, cards: Iterable[CardText]) -> Iterator[Verdict]:
        """One verdict per card, in order. Every card has a score but a blank one, whose reason is `empty`."""
        for card in cards:
            yield self._verdict(card)

    def explain(self, cards: Iterable[CardText]) -> Iterator[Explanation]:
        """Nothing: which checks failed says it all."""
        return iter(())

    def spent(self) -> JudgeUsage:
        """Nothing but time."""
        return JudgeUsage()

    def _verdict(self, card: CardText) -> Verdict:
        if not card.card_text.strip():
            return self._refusal(card, "empty", "the card has no characters but blanks")
        evidence = gather(parse_card(card.card_text))
        passed, failed = self._answers(evidence)
        levels = self._rubric.levels(passed)
        return Verdict(
            card_hash=card.card_hash,
            judge=self.name,
            fingerprint=self.fingerprint,
            score=round(self._rubric.score(levels), 4),
            score_mode="checks",
            levels={name: round(level, 4) for name, level in levels.items()},
            passed=passed,
            failed=failed,
            flags=flags_of(card.card_text, evidence),
        )

    def _answers(self, evidence: Evidence) -> tuple[list[str], list[str]]:
        passed: list[str] = []
        failed: list[str] = []
        for check in self._rubric.checks:
            (passed if CHECKS[check.id](evidence) else failed).append(check.id)
        return passed, failed

    def _refusal(self, card: CardText, reason: str, detail: str) -> Verdict:
        return Verdict(
            card_hash=card.card_hash,
            judge=self.name,
            fingerprint=self.fingerprint,
            score=None,
            score_mode=None,
            levels={},
            passed=[],
            failed=[],
            flags=[],
            reason=reason,
            detail=detail,
        )
