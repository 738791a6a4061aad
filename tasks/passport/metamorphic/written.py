"""What is put into cards: `written.toml` read once."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "written.toml"
ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Wording:
    """One text of a topic, with a heading of the same language (empty: it stands without one).

    `is_later`: written after the checklist was last mended, which nobody mended for it.
    """

    language: str
    heading: str
    text: str
    is_later: bool = False


@dataclass(frozen=True, slots=True)
class Topic:
    """What a card can say, in several wordings; the fields are explained in `written.toml`.

    `headings` are English and of the same meaning. `translated` says in other languages what `wordings[0]` says.
    """

    name: str
    rises: frozenset[str]
    may: frozenset[str]
    is_opening: bool
    headings: tuple[str, ...]
    wordings: tuple[Wording, ...]
    translated: tuple[Wording, ...]


@cache
def topics() -> tuple[Topic, ...]:
    """All of them, in the order of the file."""
    return tuple(map(_topic, tomllib.loads(_FILE.read_text(encoding="utf-8"))["topics"]))


def _topic(raw: dict[str, Any]) -> Topic:
    headings = tuple(raw.get("headings", ()))
    heading = headings[0] if headings else ""
    return Topic(
        name=raw["name"],
        rises=frozenset(raw["rises"]),
        may=frozenset(raw["may"]),
        is_opening=raw.get("place") == "opening",
        headings=headings,
        wordings=(
            *(Wording(ENGLISH, heading, text.strip("\n")) for text in raw["texts"]),
            *(Wording(ENGLISH, heading, text.strip("\n"), is_later=True) for text in raw.get("later", ())),
        ),
        translated=tuple(
            Wording(language, title, text.strip("\n"))
            for language, (title, text) in raw.get("translated", {}).items()
        ),
    )
