"""Values of strangers' files in a card's Markdown and YAML: what is odd in any way is left out, not mended.

A value that would have to be escaped is not worth its risk, and an altered one would not be what the file says.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tasks.cards.evidence import addresses_a_judge, holds_any
from tasks.cards.templates import placeholders
from tasks.cards.unfilled import unfilled

TEXT_CHARACTERS_MAX = 100
ITEMS_MAX = 12
ROWS_MAX = 40
_NUMBER_MAX = 10**18
# What could end a cell, a piece of code, a comment or a line; `isprintable` covers what cannot be seen.
_BREAKS_OUT = re.compile(r"[`|<>\\]|--!|\{\{|\]\(")
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_LOCAL = re.compile(
    r"(?:output|result|checkpoint|model|data|run|home|content|workspace|working|mnt|tmp|root|opt|kaggle|drive)s?/.*"
    r"|.*/(?:checkpoint-?\d+|final|best|last|merged|output|checkpoints?)",
    re.IGNORECASE,
)


def plain_text(value: Any, characters: int = TEXT_CHARACTERS_MAX) -> str | None:
    """A text that means nothing but itself within code and tables of Markdown; null for any other value."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if not text or len(text) > characters or not text.isprintable() or _BREAKS_OUT.search(text):
        return None
    is_blank = holds_any(text.casefold(), placeholders()) or unfilled(text) is not None
    return None if is_blank or addresses_a_judge(text) else text


def plain_number(value: Any) -> str | None:
    """A finite number as JSON has it; null for any other value, and for one that no file of a model means."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    is_finite = isinstance(value, int) or math.isfinite(value)
    return str(value) if is_finite and abs(value) < _NUMBER_MAX else None


def plain(value: Any) -> str | None:
    """A text in code, a number, yes or no, or a short list of them, for a list item or a cell; else null."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if (number := plain_number(value)) is not None:
        return number
    if (text := plain_text(value)) is not None:
        return f"`{text}`"
    if isinstance(value, list) and 0 < len(value) <= ITEMS_MAX:
        items = [None if isinstance(each, list) else plain(each) for each in value]
        return ", ".join(item for item in items if item) if all(items) else None
    return None


def repository(value: Any) -> str | None:
    """The id of a repository of the Hub, `owner/name`; null for what may be a folder on somebody's machine."""
    if not isinstance(value, str) or not _REPOSITORY.fullmatch(value) or _LOCAL.fullmatch(value):
        return None
    return None if value.endswith((".git", ".")) or "--" in value or ".." in value else value


def chosen(document: Mapping[str, Any], keys: Iterable[str]) -> list[tuple[str, str]]:
    """(key, plain value) of those keys that have one."""
    found = ((key, plain(document[key])) for key in keys if key in document)
    return [(key, value) for key, value in found if value is not None]


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The lines of a table. Cells hold plain values only."""
    return (
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in list(rows)[:ROWS_MAX]),
    )
