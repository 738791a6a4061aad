"""Texts that stand where something should be said: `unfilled.toml` read once."""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

_FILE = Path(__file__).with_name("unfilled.toml")
_CHARACTERS_MAX = 90
_LABEL = re.compile(r"[^:：\n]{1,42}[:：]\s?(?!//)")
_ENDS = re.compile(r"^[\W_]+|[\W_]+$")

Unfilled = Literal["left_open", "nothing"]


@cache
def _patterns() -> dict[Unfilled, re.Pattern[str]]:
    file = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    kinds: tuple[Unfilled, ...] = ("nothing", "left_open")
    return {
        kind: re.compile("|".join(f"(?:{p})" for each in file[kind].values() for p in each)) for kind in kinds
    }


def unfilled(block: str) -> Unfilled | None:
    """How a paragraph, a list item or a label with its value says nothing; `None` where it says something."""
    return _unfilled(block) if len(block) < _CHARACTERS_MAX else None


@lru_cache(maxsize=65_536)
def _unfilled(block: str) -> Unfilled | None:
    folded = block.casefold()
    bare = _ENDS.sub("", folded)
    if not bare:
        return "nothing"
    label = _LABEL.match(folded)
    return _whole(bare) or (_whole(_ENDS.sub("", folded[label.end() :])) if label else None)


def _whole(text: str) -> Unfilled | None:
    return next((kind for kind, pattern in _patterns().items() if pattern.fullmatch(text)), None)
