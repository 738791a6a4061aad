"""When cards change: better documentation, cosmetic touches, and commits that leave the card alone."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from tasks.demo.archetypes import WITHOUT_CARD
from tasks.demo.roster import DemoModel
from tasks.demo.writing import rng_for

EditKind = Literal["documentation", "placebo", "files"]

# Shares of the eligible models that get an edit of each kind. The edits are spread over `EDITING_WEEKS` at least:
# people do not improve a fifth of all cards in one week, and the gate for suspicious weeks would refuse such a week.
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


def plan_edit(model: DemoModel, age_days: float, weeks: int, seed: int) -> Edit | None:
    """Plan at most one edit per model, in any snapshot but the first; the model exists at the first snapshot."""
    if weeks < 2 or age_days <= 7 * weeks:
        return None
    rng, documentation = rng_for(seed, model.index, "edit"), model.documentation
    week, chance = rng.randint(1, max(weeks - 1, EDITING_WEEKS)), rng.random()
    if week >= weeks:
        return None  # the edit comes after the last week of the corpus
    if model.is_editable and documentation <= HIGHEST_LEVEL_TO_EDIT and chance < DOCUMENTATION_EDIT_SHARE:
        return Edit(week, "documentation", round(min(5.0, documentation + rng.uniform(*RISE)), 3))
    is_placebo = DOCUMENTATION_EDIT_SHARE <= chance < DOCUMENTATION_EDIT_SHARE + PLACEBO_EDIT_SHARE
    if is_placebo and model.archetype not in WITHOUT_CARD:
        return Edit(week, "placebo", documentation)
    if chance > 1 - FILES_EDIT_SHARE:
        return Edit(week, "files", documentation)
    return None


def touch_up(card: str, rng: Random) -> str:
    """Edit the card cosmetically: a few characters differ, what it says stays."""
    touched = rng.choice(
        (card.rstrip("\n") + "\n\n\n", ".  ".join(card.rsplit(". ", 1)), card.replace("'s ", "’s ", 1))
    )
    return touched if touched != card else card + "\n"
