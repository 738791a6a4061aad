"""One change of a card, and what must follow from it."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.rubric import load_rubric

NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CardEdit:
    """A card text changed in one place.

    With it the checks in `rises` must pass and those in `falls` must fail, whatever the card said before. Those in
    `may` may move: the edit touches them in passing, or what they ask about. All others must stay as they were.
    `language` is that of what was put in, where it was written; `is_later`: see `Wording`.
    """

    name: str
    text: str
    rises: frozenset[str] = NOTHING
    falls: frozenset[str] = NOTHING
    may: frozenset[str] = NOTHING
    language: str | None = None
    is_later: bool = False


def checks_of(*criteria: str) -> frozenset[str]:
    """The ids of all checks of the named criteria; of the whole rubric where none is named."""
    return frozenset(
        check.id
        for criterion in load_rubric().criteria
        if not criteria or criterion.id in criteria
        for check in criterion.checks
    )
