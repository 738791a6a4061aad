"""A card cut into front matter and pieces of Markdown, line by line, so that one of them can be taken away.

Cutting knows layout alone: headings, code, tables, lists, paragraphs. It shares nothing with the checklist, which finds
evidence by its words. The pieces joined are the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.cards.front_matter import Metadata, split_front_matter

PieceKind = Literal["heading", "code", "table", "list", "prose", "blank"]

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_BOLD_LINE = re.compile(r" {0,3}(?:\*\*|__)[^*_]{1,80}(?:\*\*|__):?[ \t]*$")
_LIST = re.compile(r" {0,3}(?:[-*+]|\d{1,3}[.)])[ \t]+\S")
_DELIMITERS = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)*\|?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_INDENTED = re.compile(r"(?: {4}|\t)")

BOLD_LEVEL = 7  # of a line in bold that serves as a heading


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines of one kind. `level` is that of a heading, 0 for all else."""

    kind: PieceKind
    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class CutCard:
    """Front matter with its fences as written (or empty), what it says, and the pieces of the body."""

    front: str
    metadata: Metadata
    is_readable: bool
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The whole card."""
        return self.changed()

    def changed(self, *, front: str | None = None, pieces: Iterable[Piece] | None = None) -> str:
        """The text with other front matter or another body."""
        opening = self.front if front is None else front
        return opening + joined(self.pieces if pieces is None else pieces)


def joined(pieces: Iterable[Piece]) -> str:
    """The text of the pieces."""
    return "".join(piece.text for piece in pieces)


def cut(text: str) -> CutCard:
    """Cut a card; never raises. Line ends become those of Unix."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    front, body = split_front_matter(text)
    opening = text[: len(text) - len(body)]
    return CutCard(opening, front.metadata, not front.error, tuple(_pieces(body.splitlines(keepends=True))))


def is_plain(card: CutCard) -> bool:
    """Whether layout alone tells what is what: no HTML that holds text, no comment, no fence left open."""
    fences = [piece.text for piece in card.pieces if piece.kind == "code" and _FENCE.match(piece.text)]
    return not _MARKUP.search(joined(card.pieces)) and all(map(_is_closed, fences))


_MARKUP = re.compile(
    r"<(?:!--|/?(?:h[1-6]|table|pre|details|code|ul|ol|div|p|center|section|article|style|script)\b)",
    re.IGNORECASE,
)


def _is_closed(code: str) -> bool:
    lines = code.rstrip().split("\n")
    return len(lines) > 1 and bool(_FENCE.match(lines[-1]))


def _pieces(lines: Sequence[str]) -> list[Piece]:
    """One pass; a paragraph over a line of `=` or `-` is a heading."""
    found: list[Piece] = []
    at = 0
    while at < len(lines):
        kind, end, level = _piece_at(lines, at, found)
        found.append(Piece(kind, "".join(lines[at:end]), level))
        at = end
    return found


def _piece_at(lines: Sequence[str], at: int, before: Sequence[Piece]) -> tuple[PieceKind, int, int]:
    """Kind, end and level of the piece that begins at a line."""
    line = lines[at]
    if not line.strip():
        return "blank", at + 1, 0
    if fence := _FENCE.match(line):
        return "code", _fence_end(lines, at, fence[1]), 0
    if heading := _HEADING.match(line):
        return "heading", at + 1, len(heading[1])
    if _BOLD_LINE.match(line) and _is_alone(lines, at):
        return "heading", at + 1, BOLD_LEVEL
    if _INDENTED.match(line) and not (before and _last_filled(before) == "list"):
        return "code", _run_end(lines, at, lambda each: bool(_INDENTED.match(each))), 0
    if _begins_table(lines, at):
        return "table", _run_end(lines, at, lambda each: "|" in each), 0
    if _LIST.match(line):
        return "list", _list_end(lines, at), 0
    end = _paragraph_end(lines, at)
    if end < len(lines) and (rule := _UNDERLINE.match(lines[end])):
        return "heading", end + 1, 1 if rule[1][0] == "=" else 2
    return "prose", end, 0


def _last_filled(pieces: Sequence[Piece]) -> str:
    return next((piece.kind for piece in reversed(pieces) if piece.kind != "blank"), "")


def _is_alone(lines: Sequence[str], at: int) -> bool:
    """Whether blank lines, or the ends of the card, are around a line."""
    before, after = lines[at - 1] if at else "", lines[at + 1] if at + 1 < len(lines) else ""
    return not before.strip() and not after.strip()


def _fence_end(lines: Sequence[str], at: int, mark: str) -> int:
    for end in range(at + 1, len(lines)):
        closing = lines[end].strip()
        if closing and set(closing) == {mark[0]} and len(closing) >= len(mark):
            return end + 1
    return len(lines)


def _run_end(lines: Sequence[str], at: int, belongs: Callable[[str], bool]) -> int:
    end = at + 1
    while end < len(lines) and lines[end].strip() and belongs(lines[end]):
        end += 1
    return end


def _begins_other(line: str) -> bool:
    """Whether a line ends a paragraph or a list: a blank, a heading or a fence."""
    return not line.strip() or bool(_HEADING.match(line) or _FENCE.match(line))


def _list_end(lines: Sequence[str], at: int) -> int:
    return _run_end(lines, at, lambda each: not _begins_other(each))


def _paragraph_end(lines: Sequence[str], at: int) -> int:
    end = at + 1
    while end < len(lines) and not (
        _begins_other(lines[end])
        or _LIST.match(lines[end])
        or _UNDERLINE.match(lines[end])
        or _begins_table(lines, end)
    ):
        end += 1
    return end


def _begins_table(lines: Sequence[str], at: int) -> bool:
    return (
        at + 1 < len(lines)
        and "|" in lines[at]
        and "-" in lines[at + 1]
        and bool(_DELIMITERS.match(lines[at + 1]))
    )


# ------------------------------------------------------------------------------------------------------ sections


def title_end(pieces: Sequence[Piece]) -> int:
    """How many pieces the card's title takes, 0 where the card begins with something else."""
    first = next((at for at, piece in enumerate(pieces) if piece.kind != "blank"), None)
    return first + 1 if first is not None and pieces[first].kind == "heading" else 0


def opening_end(pieces: Sequence[Piece]) -> int:
    """Where the opening ends: at the first heading that is not the card's title."""
    start = title_end(pieces)
    return next((at for at in range(start, len(pieces)) if pieces[at].kind == "heading"), len(pieces))


def section_level(pieces: Sequence[Piece]) -> int:
    """The level of the card's sections: the highest heading but the title; 2 where there is none."""
    levels = [piece.level for piece in pieces[title_end(pieces) :] if piece.kind == "heading"]
    return min((level for level in levels if level < BOLD_LEVEL), default=2)


def section_starts(pieces: Sequence[Piece]) -> list[int]:
    """Where the card's sections begin, those within others not counted."""
    level, start = section_level(pieces), title_end(pieces)
    return [
        at for at in range(start, len(pieces)) if pieces[at].kind == "heading" and pieces[at].level <= level
    ]


def word_total(pieces: Iterable[Piece]) -> int:
    """Words of paragraphs and lists."""
    return sum(len(piece.text.split()) for piece in pieces if piece.kind in ("prose", "list"))
