"""Edits made: what is certain to be right, in lines of the card, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import unified_diff

from tasks.advice.rule import LineEdit, Notice

_LINE_END = re.compile(r"\r\n|\r|\n")


def edited(text: str, edits: Iterable[LineEdit]) -> str:
    """The text with the edits made, from below so that lines keep their numbers; of two that overlap the first counts.

    Every other line keeps its own end, and a new line gets that of the text's first.
    """
    lines, ends = _LINE_END.split(text), [*_LINE_END.findall(text), ""]
    usual = ends[0] or "\n"
    floor = len(lines) + 1
    for edit in sorted(set(edits), key=lambda edit: (-edit.first, -edit.last)):
        if edit.last >= floor or edit.first > floor:
            continue
        lines[edit.first - 1 : edit.last] = edit.lines
        ends[edit.first - 1 : edit.last] = [usual] * len(edit.lines)
        floor = edit.first
    whole = [line + (end or usual) for line, end in zip(lines[:-1], ends[:-1], strict=True)]
    return "".join([*whole, *lines[-1:]])


def fixes_of(notices: Sequence[Notice]) -> list[LineEdit]:
    """The edits of all notices that have some."""
    return [edit for notice in notices for edit in notice.fix]


def difference(before: str, after: str, name: str) -> str:
    """A unified diff, empty where nothing changed; as git's, only a line feed ends a line, and its lack is told."""
    old, new = ([line for line in re.split(r"(?<=\n)", text) if line] for text in (before, after))
    lines = unified_diff(old, new, f"a/{name}", f"b/{name}")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
