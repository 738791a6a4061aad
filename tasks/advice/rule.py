"""What a rule is, and what it finds: a notice with its line, what to do, and where it is certain a fix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from tasks.advice.subject import Subject
from tasks.cards.evidence import Evidence, evidence_of
from tasks.cards.front_matter import Metadata
from tasks.cards.one_line import one_line
from tasks.cards.places import CardPlaces, places_of

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class LineEdit:
    """Lines `first` to `last` of the card, both included, become `lines`; nothing is replaced where last < first."""

    first: int
    last: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """What a rule found: where (a line of the card, from 1), what is the matter, and what to do about it.

    `fix`: edits that are certain to be right, so that a program may make them.
    """

    rule: str
    severity: Severity
    line: int
    message: str
    advice: str
    fix: tuple[LineEdit, ...] = ()


@dataclass(frozen=True)
class Reading:
    """A card as rules see it. `base_cards`: front matter of base models by their id, as far as it is known."""

    subject: Subject
    evidence: Evidence
    places: CardPlaces
    base_cards: Mapping[str, Metadata] = field(default_factory=dict)

    @property
    def metadata(self) -> Metadata:
        """The front matter."""
        return self.evidence.card.metadata

    def values(self, key: str) -> list[str]:
        """The strings under a key of the front matter, whether one or a list, without blanks around them."""
        value = self.metadata.get(key)
        entries = value if isinstance(value, list) else [value]
        return [entry.strip() for entry in entries[:1000] if isinstance(entry, str) and entry.strip()]

    @cached_property
    def prose_lines(self) -> list[tuple[int, str]]:
        """The lines of the body outside of code, with their numbers."""
        codes = {n for code in self.places.codes for n in range(code.line, code.last + 1)}
        start = self.places.front[1] + 1 if self.places.front else 1
        return [(n, line) for n, line in enumerate(self.places.lines, 1) if n >= start and n not in codes]


def read(subject: Subject, base_cards: Mapping[str, Metadata] | None = None) -> Reading:
    """Parse a card for the rules. Total."""
    return Reading(subject, evidence_of(subject.text), places_of(subject.text), base_cards or {})


# Line, what is the matter, what to do; and edits where they are certain.
RuleHit = tuple[int, str, str] | tuple[int, str, str, tuple[LineEdit, ...]]
Look = Callable[[Reading], Iterable[RuleHit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its id, how grave a breach is, a title for lists, and why it matters, for its page in the docs.

    `look` yields what it finds.
    """

    id: str
    severity: Severity
    title: str
    why: str
    look: Look

    def notices(self, reading: Reading) -> list[Notice]:
        """What the rule finds in a card, in the order of lines."""
        found = [Notice(self.id, self.severity, *each) for each in self.look(reading)]
        return sorted(found, key=lambda notice: notice.line)


def plain_value(value: Any) -> str:
    """A value of the front matter in a message: bounded, on one line."""
    text = value if isinstance(value, str) else repr(value)
    return one_line(" ".join(text.split()), 60)
