"""Invented authors: labs, converters with hundreds of models each, and individuals. Each has habits."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from random import Random
from typing import Literal

from tasks.demo.writing import bank, draw

AuthorKind = Literal["lab", "converter", "indie"]
KINDS: tuple[AuthorKind, ...] = ("lab", "converter", "indie")

# How unequally models are spread over the authors of a kind: the weight of rank r is r ** -exponent.
INEQUALITY: dict[AuthorKind, float] = {"lab": 0.8, "converter": 1.3, "indie": 0.7}
LABS_PER_ROOT_MODEL = 0.6
CONVERTERS_EXPONENT = 0.3
INDIES_PER_MODEL = 0.45

HEADING_STYLES = {"plain": 0.62, "emoji": 0.14, "bold": 0.1, "numbered": 0.06, "upper": 0.08}
ORDERS = (
    ("purpose", "start", "training", "evaluation", "limits"),
    ("purpose", "evaluation", "start", "training", "limits"),
    ("purpose", "limits", "start", "training", "evaluation"),
    ("purpose", "training", "evaluation", "start", "limits"),
    ("purpose", "start", "evaluation", "limits", "training"),
)


@dataclass(frozen=True, slots=True)
class Habits:
    """What stays the same across one author's cards."""

    headings: str
    order: tuple[str, ...]
    top_level: int
    flow_lists: bool
    signs_off: bool


@dataclass(frozen=True, slots=True)
class Author:
    """One author. `index` numbers authors across kinds: it is the cluster of the popularity model."""

    index: int
    name: str
    kind: AuthorKind
    habits: Habits


@dataclass(frozen=True, slots=True)
class Society:
    """All authors by kind, with cumulative weights for drawing one."""

    by_kind: dict[AuthorKind, tuple[Author, ...]]
    weights: dict[AuthorKind, tuple[float, ...]]

    def draw(self, rng: Random, kind: AuthorKind) -> Author:
        """Draw an author of that kind; the first ones own the most."""
        return rng.choices(self.by_kind[kind], cum_weights=self.weights[kind])[0]


def found_society(models: int, rng: Random) -> Society:
    """Invent as many authors as a hub of that many models would have."""
    numbers: dict[AuthorKind, int] = {
        "lab": max(2, round(LABS_PER_ROOT_MODEL * models**0.5)),
        "converter": max(2, round(models**CONVERTERS_EXPONENT)),
        "indie": max(8, round(INDIES_PER_MODEL * models)),
    }
    society = Society({}, {})
    index, taken = itertools.count(), set[str]()
    for kind, number in numbers.items():
        names = [_new_name(kind, rng, taken) for _ in range(number)]
        society.by_kind[kind] = tuple(Author(next(index), name, kind, _habits(rng)) for name in names)
        weights = ((rank + 1) ** -INEQUALITY[kind] for rank in range(number))
        society.weights[kind] = tuple(itertools.accumulate(weights))
    return society


def _habits(rng: Random) -> Habits:
    return Habits(
        headings=draw(rng, HEADING_STYLES),
        order=rng.choice(ORDERS),
        top_level=rng.choices((1, 2, 3), (0.8, 0.15, 0.05))[0],
        flow_lists=rng.random() < 0.25,
        signs_off=rng.random() < 0.2,
    )


def _new_name(kind: AuthorKind, rng: Random, taken: set[str]) -> str:
    """Find a name that is not yet taken, capitals ignored; a number is added when the words run out."""
    for attempt in range(200):
        name = _name(kind, rng) if attempt < 20 else f"{_name(kind, rng)}{rng.randrange(10_000)}"
        if name.lower() not in taken:
            break
    taken.add(name.lower())
    return name


def _name(kind: AuthorKind, rng: Random) -> str:
    words = bank("names")
    if kind != "indie":
        return f"{rng.choice(words[f'{kind}_heads'])}{rng.choice(words[f'{kind}_tails'])}"
    first, second = rng.choice(words["handle_firsts"]), rng.choice(words["handle_seconds"])
    number = rng.randrange(2, 100)
    forms = (
        f"{first}-{second}",
        f"{first}{second}",
        f"{first}_{second}",
        f"{first.title()}{second.title()}",
        f"{first}{second}{number}",
        f"{second}-{first}-{number}",
        f"the{second}{number}",
        f"{first[0]}-{second}{number}",
        f"{first}-{second}-ml",
    )
    return rng.choice(forms)
