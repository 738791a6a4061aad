"""The rubric: `rubric.toml` read once into frozen records, checked, and identified by its fingerprint."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from tasks.errors import UsageError

RUBRIC_FILE = Path(__file__).parent / "rubric.toml"
LEVELS = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Check:
    """One yes/no question: `question` is for a judge model, `advice` for the publisher, `words` for charts."""

    id: str
    question: str
    advice: str
    weight: float
    words: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """One scale; `anchors[i]` describes a card at level i + 1."""

    id: str
    title: str
    question: str
    weight: float
    anchors: tuple[str, ...]
    checks: tuple[Check, ...]

    def level(self, passed: Iterable[str]) -> float:
        """Compute 1 + 4 x the weighted share of this criterion's checks that are in `passed`."""
        return self.soft_level(dict.fromkeys(passed, 1.0))

    def soft_level(self, chances: Mapping[str, float]) -> float:
        """Compute the level with the probability that each check passes in place of its yes or no; 0 where missing."""
        share = sum(check.weight * chances.get(check.id, 0.0) for check in self.checks)
        return 1 + 4 * share / sum(check.weight for check in self.checks)


@dataclass(frozen=True, slots=True)
class RubricSection:
    """A part that a card may have. A heading with "=" in front must match the whole line, others whole words."""

    id: str
    title: str
    headings: tuple[str, ...]


@dataclass(frozen=True)
class Rubric:
    """The whole wording: all that judges and reports derives from it."""

    version: int
    question: str
    criteria: tuple[Criterion, ...]
    sections: tuple[RubricSection, ...]

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """Every check, in the order of the file."""
        return tuple(check for criterion in self.criteria for check in criterion.checks)

    @cached_property
    def fingerprint(self) -> str:
        """Hash the content to 16 hex digits; layout and comments of the file do not count."""
        content = {
            "version": self.version,
            "question": self.question,
            "criteria": [_plain(criterion) for criterion in self.criteria],
            "sections": [[section.id, section.title, section.headings] for section in self.sections],
        }
        canonical = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def levels(self, passed: Iterable[str]) -> dict[str, float]:
        """Compute the level (1-5) of each criterion from the ids of the checks that passed."""
        ids = frozenset(passed)
        return {criterion.id: criterion.level(ids) for criterion in self.criteria}

    def soft_levels(self, chances: Mapping[str, float]) -> dict[str, float]:
        """Compute the level (1-5) of each criterion from the probability that each check passes."""
        return {criterion.id: criterion.soft_level(chances) for criterion in self.criteria}

    def score(self, levels: Mapping[str, float], *, is_untouched: bool = False) -> float:
        """Compute the overall score: the mean of the levels, weighted by the criteria.

        Of a card that a tool or template wrote and nobody edited, what is above `UNTOUCHED_FROM` counts a quarter.
        """
        total = sum(criterion.weight for criterion in self.criteria)
        mean = sum(criterion.weight * levels[criterion.id] for criterion in self.criteria) / total
        return untouched(mean) if is_untouched else mean

    @cached_property
    def worths(self) -> dict[str, float]:
        """What each check that passes adds to the mean of the levels: the score is a sum over checks."""
        total = sum(criterion.weight for criterion in self.criteria)
        return {
            check.id: criterion.weight / total * 4 * check.weight / sum(c.weight for c in criterion.checks)
            for criterion in self.criteria
            for check in criterion.checks
        }


UNTOUCHED_FROM, UNTOUCHED_SHARE = 2.0, 0.25  # of a card that nobody edited


def untouched(mean: float) -> float:
    """The score of a card that nobody edited, by the mean of its levels."""
    return mean - (1 - UNTOUCHED_SHARE) * max(0.0, mean - UNTOUCHED_FROM)


def _plain(c: Criterion) -> list[object]:
    checks = [[check.id, check.question, check.advice, check.weight] for check in c.checks]
    return [c.id, c.title, c.question, c.weight, c.anchors, checks]


@cache
def load_rubric() -> Rubric:
    """Load the rubric of this version of Cardiograph."""
    return read_rubric(RUBRIC_FILE.read_text(encoding="utf-8"))


def read_rubric(text: str) -> Rubric:
    """Read a rubric from TOML. Raises `UsageError` where it breaks a rule."""
    try:
        raw = tomllib.loads(text)
        rubric = Rubric(
            version=int(raw["version"]),
            question=str(raw["question"]),
            criteria=tuple(_criterion(entry) for entry in raw["criteria"]),
            sections=tuple(_section(name, entry) for name, entry in raw["sections"].items()),
        )
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"rubric.toml: not TOML: {error}") from error
    except KeyError as error:
        raise UsageError(f"rubric.toml: {error} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"rubric.toml: {error}") from error
    for fault in _faults(rubric):
        raise UsageError(f"rubric.toml: {fault}")
    return rubric


def _criterion(raw: Mapping[str, Any]) -> Criterion:
    checks = tuple(
        Check(str(c["id"]), str(c["question"]), str(c["advice"]), float(c["weight"]), str(c["words"]))
        for c in raw["checks"]
    )
    anchors = tuple(str(anchor) for anchor in raw["anchors"])
    return Criterion(
        str(raw["id"]), str(raw["title"]), str(raw["question"]), float(raw["weight"]), anchors, checks
    )


def _section(name: str, raw: Mapping[str, Any]) -> RubricSection:
    headings = tuple(str(phrase) for key, phrases in raw.items() if key != "title" for phrase in phrases)
    return RubricSection(name, str(raw["title"]), headings)


def _faults(rubric: Rubric) -> Iterable[str]:
    """Describe what breaks the rules, most basic first."""
    ids = [c.id for c in rubric.criteria] + [c.id for c in rubric.checks]
    yield from (f"id '{name}' is used {n} times" for name, n in Counter(ids).items() if n > 1)
    for criterion in rubric.criteria:
        if len(criterion.anchors) != len(LEVELS):
            yield f"criterion '{criterion.id}' has {len(criterion.anchors)} anchors instead of {len(LEVELS)}"
        if not 2 <= len(criterion.checks) <= 5:
            yield f"criterion '{criterion.id}' has {len(criterion.checks)} checks instead of 2 to 5"
    every: list[Criterion | Check] = [*rubric.criteria, *rubric.checks]
    for weighted in every:
        if not 0 < weighted.weight < float("inf"):
            yield f"weight of '{weighted.id}' is not a positive number"
        if not weighted.question.strip():
            yield f"question of '{weighted.id}' is empty"
    yield from (f"section '{part.id}' has no headings" for part in rubric.sections if not part.headings)


def as_markdown(rubric: Rubric) -> str:
    """Write the criteria and their checks as a table; docs/rubric.md contains it, and a test compares them."""
    lines = ["| Criterion (weight) | Check | Question | Weight |", "|---|---|---|---|"]
    for criterion in rubric.criteria:
        name = f"**{criterion.title}** ({criterion.weight:g})"
        for check in criterion.checks:
            lines.append(f"| {name} | `{check.id}` | {check.question} | {check.weight:g} |")
            name = ""
    return "\n".join(lines)
