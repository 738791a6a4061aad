"""Which faults hit which round, when and for how long: everything follows from the seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal

from benchmarks.chaos.faults import FAULTS, Fault, Hit

FAULTS_MAX = 3
_LLM_SHARE = 0.25  # share of the rounds with a judge model, besides those that need one for a fault


@dataclass(frozen=True, slots=True)
class Plan:
    """One round: what it runs on, and what hits it."""

    number: int
    lake: Literal["s3", "folder"]
    judge: Literal["checklist", "vllm"]
    hits: tuple[Hit, ...]


def plans(seed: int, names: Sequence[str]) -> Iterator[Plan]:
    """Endless rounds. Faults are drawn from a shuffled deck, so that none is left out for long."""
    rng = random.Random(seed)
    deck = _deck(rng, names)
    for number in count(1):
        drawn = {name: FAULTS[name] for name in (next(deck) for _ in range(rng.randint(1, FAULTS_MAX)))}
        needs = set().union(*(fault.needs for fault in drawn.values()))
        has_llm = "judge" in needs or rng.random() < _LLM_SHARE
        is_folder = "s3" not in needs and number % 2 == 0
        yield Plan(
            number,
            lake="folder" if is_folder else "s3",
            judge="vllm" if has_llm else "checklist",
            hits=tuple(sorted((_hit(rng, fault) for fault in drawn.values()), key=lambda hit: hit.at_share)),
        )


def _deck(rng: random.Random, names: Sequence[str]) -> Iterator[str]:
    while True:
        cards = list(names)
        rng.shuffle(cards)
        yield from cards


def _hit(rng: random.Random, fault: Fault) -> Hit:
    return Hit(
        fault.name, rng.uniform(*fault.when), rng.uniform(*fault.lasts_s), rng.randrange(3), rng.random()
    )
