"""All cards of one author: which would gain most by little work, and which checks most of them fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.cards.one_line import one_line
from tasks.errors import UsageError
from tasks.rubric import Rubric, load_rubric
from tasks.storage.warehouse import Warehouse, frame

STEPS = 3  # checks that count as little work


@dataclass(frozen=True, slots=True)
class ShelfCard:
    """A model of the author: `gain` is what the score would gain by `next_checks`, the three most valuable ones.

    A model without a scorable card has no score and no gain; `card_status` says why.
    """

    model_id: str
    downloads: int | None
    likes: int | None
    card_status: str
    score: float | None
    gain: float | None
    next_checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuthorShelf:
    """The cards of an author, the largest gain first; `failing`: (check, how many scored cards fail it)."""

    author: str
    judge: str | None
    cards: list[ShelfCard]
    failing: list[tuple[str, int]]

    @property
    def scored(self) -> int:
        """Cards with a score."""
        return sum(card.score is not None for card in self.cards)


def shelf_of(home: Path, author: str) -> AuthorShelf:
    """The cards of an author in the latest snapshot of a home. Raises `UsageError` where it lists none."""
    warehouse = Warehouse(home)
    warehouse.check_current()
    with warehouse.read() as db:
        rows = frame(db, "out/author_cards", author=author).to_dicts()
    if not rows:
        raise UsageError(
            f"no model of {one_line(author)} in the latest snapshot of {home}; "
            f"`cardiograph snapshot --author {one_line(author)}` takes one of them"
        )
    return arranged(author, rows, load_rubric())


def arranged(author: str, rows: Sequence[Mapping[str, Any]], rubric: Rubric) -> AuthorShelf:
    """The shelf of rows, in a fixed order."""
    cards = [_card(row, rubric) for row in rows]
    weights = {check.id: place for place, check in enumerate(rubric.checks)}
    failing = Counter(check for row in rows for check in row["failed"] if row["score"] is not None)
    return AuthorShelf(
        author,
        rows[0]["judge"],
        sorted(cards, key=lambda card: (-(card.gain or 0.0), -(card.downloads or 0), card.model_id)),
        sorted(failing.items(), key=lambda each: (-each[1], weights.get(each[0], 0))),
    )


def _card(row: Mapping[str, Any], rubric: Rubric) -> ShelfCard:
    gain: float | None = None
    steps: tuple[str, ...] = ()
    if row["score"] is not None:
        steps = tuple(sorted(row["failed"], key=lambda check: -rubric.worths[check])[:STEPS])
        gain = round(sum(rubric.worths[check] for check in steps), 4)
    named = {name: row[name] for name in ("model_id", "downloads", "likes", "card_status", "score")}
    return ShelfCard(**named, gain=gain, next_checks=steps)
