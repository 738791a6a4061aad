"""The canaries, read from their files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tasks.records import CardText

_TEXTS = Path(__file__).parent / "texts"
LEVELS = {1: "template", 2: "thin", 3: "middling", 4: "exemplary"}


@dataclass(frozen=True, slots=True)
class Canary:
    """A made-up card; `level` is how good its documentation is, from 1 to 4."""

    language: str
    level: int
    text: str

    @property
    def name(self) -> str:
        """Such as `de exemplary`."""
        return f"{self.language} {LEVELS[self.level]}"

    @property
    def card_text(self) -> CardText:
        """The card as a judge gets it."""
        return CardText(hashlib.sha256(self.text.encode()).hexdigest(), self.text)


@cache
def load_canaries() -> tuple[Canary, ...]:
    """Every canary, by language and level."""
    return tuple(
        Canary(path.parent.name, int(path.stem), path.read_text(encoding="utf-8"))
        for path in sorted(_TEXTS.glob("*/*.md"))
    )


@cache
def canaries_digest() -> str:
    """16 hex digits over all texts and levels: a trial by other canaries says nothing about these."""
    listed = repr([(canary.name, canary.card_text.card_hash) for canary in load_canaries()])
    return hashlib.sha256(listed.encode()).hexdigest()[:16]
