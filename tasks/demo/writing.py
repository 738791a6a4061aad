"""Phrase banks, seeded choice, and the one place where facts are filled into a finished text."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
_FACT = re.compile(r"\$([a-z_]+)")


@cache
def bank(name: str) -> dict[str, Any]:
    """Read `tasks/demo/<name>.toml`, once per process."""
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))


def trade(key: str) -> dict[str, Any]:
    """One table of `trades.toml`."""
    return next(entry for entry in bank("trades")["trade"] if entry["key"] == key)


def rng_for(seed: int, index: int, purpose: str) -> Random:
    """Give each model and purpose its own generator: a new section never changes the others."""
    return Random(f"{seed}/{index}/{purpose}")


def draw(rng: Random, weights: Mapping[T, float]) -> T:
    """Draw one key, by weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def some(rng: Random, items: Sequence[T], k: int) -> list[T]:
    """Draw up to `k` different items and keep the order of the bank."""
    chosen = set(rng.sample(range(len(items)), min(k, len(items))))
    return [item for place, item in enumerate(items) if place in chosen]


def render(text: str, facts: Mapping[str, str]) -> str:
    """Fill in every `$fact` of `text`, twice because a fact may name another; unknown ones stay."""
    for _ in range(2):
        text = _FACT.sub(lambda found: facts.get(found[1], found[0]), text)
    return text


def tiers(rng: Random, phrases: Mapping[str, Sequence[str]], level: int) -> list[str]:
    """Choose one paragraph per tier: the hurried tier alone at level 2, else tier 3 up to the level's own."""
    chosen = [2] if level == 2 else range(3, level + 1)
    return [rng.choice(phrases[f"t{tier}"]) for tier in chosen if phrases.get(f"t{tier}")]


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a pipe table; the first column is aligned left, the others right."""
    rule = [":---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, rule, *rows])


def code_block(code: str, language: str = "python") -> str:
    """Fence `code`."""
    return f"```{language}\n{code.strip()}\n```"


def bullets(items: Sequence[str]) -> str:
    """Write a list, one item per line."""
    return "\n".join(f"- {item}" for item in items)
