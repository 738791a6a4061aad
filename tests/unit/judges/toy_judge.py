"""A judge in one file, as a package of its own would bring it: every card that says something scores 3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from tasks.judges import JudgeKind
from tasks.records import CardText, Explanation, JudgeRecord, JudgeUsage, Verdict

KIND = JudgeKind("toy", "toy_judge:ToyJudge")


class ToyJudge:
    """Total: any text has a verdict."""

    name, fingerprint = "toy", "70f0000000000000"

    def record(self, snapshot: date, judged_at: datetime) -> JudgeRecord:
        """It has no settings."""
        return JudgeRecord(snapshot, self.fingerprint, self.name, "none", None, None, "{}", judged_at)

    def score(self, cards: Iterable[CardText]) -> Iterator[Verdict]:
        """3, or nothing for a blank card."""
        for card in cards:
            is_blank = not card.card_text.strip()
            yield Verdict(
                card.card_hash,
                *(self.name, self.fingerprint, None if is_blank else 3.0, None if is_blank else "checks", {}),
                *([], [], []),
                reason="empty" if is_blank else None,
            )

    def explain(self, cards: Iterable[CardText]) -> Iterator[Explanation]:
        """It gives no reasons."""
        return iter(())

    def usage(self) -> JudgeUsage:
        """Nothing."""
        return JudgeUsage()
