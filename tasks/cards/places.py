"""Where things stand in a card text: the line of each heading, block of code and key of the front matter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyromark

from tasks.cards.front_matter import FENCE_CLOSE, FENCE_OPEN
from tasks.cards.parse import BODY_CHARACTERS_MAX
from tasks.cards.unseen import MARKDOWN_OPTIONS

_KEY = re.compile(r"(?:([\w-]+)|\"([^\"\n]{1,80})\"|'([^'\n]{1,80})')\s*:(?:\s|$)")


@dataclass(frozen=True, slots=True)
class HeadingPlace:
    """A Markdown heading: its line, its level (1 to 6) and its text."""

    line: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class CodePlace:
    """A block of code: its first and last line, fences included, the language of its fence, and its text."""

    line: int
    last: int
    language: str
    text: str


@dataclass(frozen=True)
class CardPlaces:
    """The lines of a card text, numbered from 1 as editors do, and what stands where.

    `front` are the lines of the two fences of the front matter; null where there is none that ends.
    """

    lines: tuple[str, ...]
    front: tuple[int, int] | None
    keys: Mapping[str, int]
    headings: tuple[HeadingPlace, ...]
    codes: tuple[CodePlace, ...]

    @cached_property
    def _folded(self) -> tuple[str, ...]:
        return tuple(line.casefold() for line in self.lines)

    def line_with(self, words: str, *, after: int = 0) -> int | None:
        """The first line behind line `after` that holds the words, in any case."""
        wanted = words.casefold()
        return next((n for n, line in enumerate(self._folded[after:], after + 1) if wanted in line), None)

    def line_of_key(self, key: str) -> int:
        """The line of a key of the front matter; else that of its last fence, or the first line of the card."""
        return self.keys.get(key) or (self.front[1] if self.front else 1)

    def line_of_value(self, key: str, value: str) -> int:
        """The line at or below a key that holds the value, or else the key's."""
        start = self.line_of_key(key)
        found = self.line_with(value, after=start - 1)
        return found if found and self.front and found < self.front[1] else start


def places_of(text: str) -> CardPlaces:
    """Total: any text has places. A body beyond what the parser reads has lines, and nothing on them."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = tuple(text.split("\n"))
    front, body_at = _front_of(text)
    keys: dict[str, int] = {}
    if front:
        for n, line in enumerate(lines[front[0] : front[1] - 1], front[0] + 1):
            if found := _KEY.match(line):
                keys.setdefault(next(filter(None, found.groups())), n)
    headings, codes = _walk(text[body_at : body_at + BODY_CHARACTERS_MAX], text.count("\n", 0, body_at))
    return CardPlaces(lines, front, keys, tuple(headings), tuple(codes))


def _front_of(text: str) -> tuple[tuple[int, int] | None, int]:
    """The lines of the fences, and where the body begins."""
    opening = FENCE_OPEN.match(text.removeprefix("\ufeff"))
    skipped = len(text) - len(text.removeprefix("\ufeff"))
    closing = FENCE_CLOSE.search(text, opening.end() + skipped) if opening else None
    if not opening or not closing:
        return None, 0
    first = text.count("\n", 0, opening.end() + skipped) + 1
    return (first, text.count("\n", 0, closing.start() + 1) + 1), closing.end()


def _walk(body: str, lines_before: int) -> tuple[list[HeadingPlace], list[CodePlace]]:
    source = body.encode(errors="replace")
    headings: list[HeadingPlace] = []
    codes: list[CodePlace] = []
    texts: list[str] | None = None
    line, at = lines_before + 1, 0
    level, language = 0, ""
    for event, where in pyromark.events_with_range(source.decode(), options=MARKDOWN_OPTIONS):
        if not isinstance(event, dict):
            continue
        kind: str
        value: Any
        ((kind, value),) = event.items()
        if kind in ("Text", "Code"):
            if texts is not None:
                texts.append(value)
            continue
        name = next(iter(value)) if isinstance(value, dict) else value
        if name not in ("Heading", "CodeBlock"):
            continue
        if kind == "Start":
            line += source.count(b"\n", at, where["start"])
            at = where["start"]
            texts = []
            level, language = _level_and_language(value)
        elif kind == "End" and texts is not None:
            if name == "Heading":
                headings.append(HeadingPlace(line, level, " ".join("".join(texts).split())))
            else:
                last = line + source[at : where["end"]].rstrip(b"\n").count(b"\n")
                codes.append(CodePlace(line, last, language, "".join(texts)))
            texts = None
    return headings, codes


def _level_and_language(tag: Any) -> tuple[int, str]:
    """The level of a heading, 0 for code, and the first word of a fence in small letters, empty for all else."""
    if "Heading" in tag:
        return int(tag["Heading"]["level"][1]), ""
    kind = tag["CodeBlock"]
    fence = kind["Fenced"] if isinstance(kind, dict) else ""
    return 0, (fence.split() or [""])[0].lower()
