"""The pen: phrase banks, seeded choice, and the one substitution of facts into a finished text."""

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
    """`tasks/demo/<name>.toml`, read once."""
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))


def rng_for(seed: int, index: int, purpose: str) -> Random:
    """A generator of its own for one model and purpose: adding a section never changes the others."""
    return Random(f"{seed}/{index}/{purpose}")


def draw(rng: Random, weights: Mapping[T, float]) -> T:
    """One key, by weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def some(rng: Random, items: Sequence[T], k: int) -> list[T]:
    """Up to `k` different items, in the order of the bank."""
    chosen = set(rng.sample(range(len(items)), min(k, len(items))))
    return [item for place, item in enumerate(items) if place in chosen]


def render(text: str, facts: Mapping[str, str]) -> str:
    """`text` with every `$fact` filled in, twice over because a fact may name another; unknown ones stay."""
    for _ in range(2):
        text = _FACT.sub(lambda found: facts.get(found[1], found[0]), text)
    return text


def tiers(rng: Random, phrases: Mapping[str, Sequence[str]], level: int) -> list[str]:
    """A paragraph a tier: the hurried one alone at level 2, else tier 3 and whatever the level adds."""
    if level <= 1:
        return []
    wanted = ["t2"] if level == 2 else [f"t{tier}" for tier in range(3, level + 1)]
    return [rng.choice(phrases[tier]) for tier in wanted if phrases.get(tier)]


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A pipe table; the first column aligned left, the others right."""
    rule = [":---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, rule, *rows])


def code_block(code: str, language: str = "python") -> str:
    """A fenced block."""
    return f"```{language}\n{code.strip()}\n```"


def bullets(items: Sequence[str]) -> str:
    """A list, one item a line."""
    return "\n".join(f"- {item}" for item in items)
