"""Figures on pages: tables in Markdown, written between marks, one block per model."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """Such as `2 cores, 24 GB`."""
    gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{os.cpu_count()} cores, {gib:.0f} GB"


def marks(subject: str) -> tuple[str, str]:
    """What stands before and after the figures of a subject."""
    return f"<!-- figures: {subject} -->", f"<!-- end of figures: {subject} -->"


def between(page: str, subject: str, text: str) -> str:
    """The page with this text in the place of the figures; SystemExit where it has no such place."""
    before, text_before, after = _parted(page, subject)
    del text_before
    begin, end = marks(subject)
    return f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}"


def with_block(page: str, subject: str, name: str, text: str) -> str:
    """The page with this text as the block of a model; the blocks of other models stay."""
    _, figures, _ = _parted(page, subject)
    parts = re.split(r"(?m)^#### (.+)$", figures)[1:]
    blocks = dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True)) | {name: text.strip()}
    return between(page, subject, "\n\n".join(f"#### {title}\n\n{block}" for title, block in blocks.items()))


def _parted(page: str, subject: str) -> tuple[str, str, str]:
    """What stands before, between and after the marks."""
    begin, end = marks(subject)
    before, found, rest = page.partition(begin)
    figures, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"the page has no place for these figures: {begin} … {end}")
    return before, figures, after


def write_between(path: Path, subject: str, text: str) -> None:
    """The same for a file."""
    path.write_text(between(path.read_text(encoding="utf-8"), subject, text), encoding="utf-8")
