"""The checklist judge: rules over the parsed card. Deterministic, no weights, thousands of cards per second.

A baseline, and labelled as one: it sees whether something is stated, not whether it is true or well written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime

from tasks.cards.boilerplate import Boilerplate, shipped
from tasks.cards.evidence import Evidence, evidence_of
from tasks.cards.facts import flags_of
from tasks.judges.checks import CHECKS
from tasks.records import CardText, Explanation, JudgeRecord, JudgeUsage, Verdict
from tasks.rubric import Rubric, load_rubric

CHECKLIST_VERSION = 3  # raise it with any change that gives some card another verdict


class ChecklistJudge:
    """Answers every check of the rubric by the predicate of the same name.

    `table` of boilerplate: what counts as nobody's words; null for the shipped one.
    """

    name = "checklist"

    def __init__(self, rubric: Rubric | None = None, table: Boilerplate | None = None) -> None:
        self._rubric = rubric or load_rubric()
        self._table = table or shipped()
        rules = f"{self._rubric.fingerprint}/{self.name}/{CHECKLIST_VERSION}/{self._table.version}"
        self.fingerprint = hashlib.sha256(rules.encode()).hexdigest()[:16]

    def record(self, snapshot: date, judged_at: datetime) -> JudgeRecord:
        """The record of this judge; its settings are the versions of its rules and of its table of boilerplate."""
        return JudgeRecord(
            snapshot=snapshot,
            fingerprint=self.fingerprint,
            judge=self.name,
            rubric=self._rubric.fingerprint,
            model=None,
            revision=None,
            settings=json.dumps({"checklist_version": CHECKLIST_VERSION, "boilerplate": self._table.version}),
            judged_at=judged_at,
        )

    def score(self, cards: Iterable[CardText]) -> Iterator[Verdict]:
        """One verdict per card, in order. Every card has a score but a blank one, whose reason is `empty`."""
        return self.score_evidence((card, evidence_of(card.card_text, self._table)) for card in cards)

    def score_evidence(self, cards: Iterable[tuple[CardText, Evidence]]) -> Iterator[Verdict]:
        """The same, of cards that are parsed already."""
        for card, evidence in cards:
            yield self._verdict(card, evidence)

    def explain(self, cards: Iterable[CardText]) -> Iterator[Explanation]:
        """Nothing: the failed checks are the reasons."""
        return iter(())

    def usage(self) -> JudgeUsage:
        """Nothing but time."""
        return JudgeUsage()

    def _verdict(self, card: CardText, evidence: Evidence) -> Verdict:
        verdict = Verdict(card.card_hash, self.name, self.fingerprint, None, None, {}, [], [], [])
        if not card.card_text.strip():
            return replace(verdict, reason="empty", detail="the card has no characters but blanks")
        answers = {check.id: CHECKS[check.id](evidence) for check in self._rubric.checks}
        passed = [check for check, is_passed in answers.items() if is_passed]
        levels = self._rubric.levels(passed)
        return replace(
            verdict,
            score=round(self._rubric.score(levels, is_untouched=evidence.is_generated), 4),
            score_mode="checks",
            levels={name: round(level, 4) for name, level in levels.items()},
            passed=passed,
            failed=[check for check, is_passed in answers.items() if not is_passed],
            flags=flags_of(card.card_text, evidence),
        )
