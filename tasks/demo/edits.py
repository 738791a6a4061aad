"""When cards change: better documentation, cosmetic touches, and commits that leave the card alone."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from tasks.demo.writing import rng_for

EditKind = Literal["documentation", "placebo", "files"]

# Shares of the eligible models that get an edit of the kind within the weeks of the corpus, and within how many weeks
# at the fastest: people do not mend a fifth of all cards in one week, and a gate for suspicious weeks would not let
# them.
DOCUMENTATION_EDIT_SHARE = 0.22
PLACEBO_EDIT_SHARE = 0.12
FILES_EDIT_SHARE = 0.06
EDITING_WEEKS = 4
# A documentation edit raises the level by this much: uniform, in levels.
RISE = (1.0, 2.0)
HIGHEST_LEVEL_TO_EDIT = 4.0


@dataclass(frozen=True, slots=True)
class Edit:
    """`week` counts snapshots from 0; the card of that snapshot is the first to differ."""

    week: int
    kind: EditKind
    documentation: float


def plan_edit(
    index: int, documentation: float, weeks: int, seed: int, *, is_editable: bool, has_card: bool
) -> Edit | None:
    """At most one edit a model, in any snapshot but the first."""
    rng = rng_for(seed, index, "edit")
    if weeks < 2:
        return None
    week, chance = rng.randint(1, max(weeks - 1, EDITING_WEEKS)), rng.random()
    if week >= weeks:
        return None  # in a week that the corpus does not reach
    if is_editable and documentation <= HIGHEST_LEVEL_TO_EDIT and chance < DOCUMENTATION_EDIT_SHARE:
        return Edit(week, "documentation", round(min(5.0, documentation + rng.uniform(*RISE)), 3))
    if has_card and DOCUMENTATION_EDIT_SHARE <= chance < DOCUMENTATION_EDIT_SHARE + PLACEBO_EDIT_SHARE:
        return Edit(week, "placebo", documentation)
    if chance > 1 - FILES_EDIT_SHARE:
        return Edit(week, "files", documentation)
    return None


def touch_up(card: str, rng: Random) -> str:
    """A cosmetic edit: the card differs by a few characters and says the same."""
    touched = rng.choice((_respace, _repunctuate, _apostrophes))(card)
    return touched if touched != card else card + "\n"


def _respace(card: str) -> str:
    return card.rstrip("\n") + "\n\n\n"


def _repunctuate(card: str) -> str:
    head, dot, tail = card.rpartition(". ")
    return f"{head}.  {tail}" if dot else card


def _apostrophes(card: str) -> str:
    return card.replace("'s ", "’s ", 1)
