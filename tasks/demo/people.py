"""Invented authors: labs, converters who own hundreds of models, and everybody else, each with habits."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Literal

from tasks.demo.writing import bank, draw

AuthorKind = Literal["lab", "converter", "indie"]
KINDS: tuple[AuthorKind, ...] = ("lab", "converter", "indie")

# How unequally models are spread over the authors of a kind: weight of rank r is r ** -exponent.
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
    """`index` numbers authors across kinds: it is the cluster of the popularity model."""

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
        """An author of that kind; the first ones own the most."""
        return rng.choices(self.by_kind[kind], cum_weights=self.weights[kind])[0]

    @property
    def size(self) -> int:
        return sum(len(authors) for authors in self.by_kind.values())


def found_society(models: int, rng: Random) -> Society:
    """As many authors as a hub of that many models would have."""
    wanted: dict[AuthorKind, int] = {
        "lab": max(2, round(LABS_PER_ROOT_MODEL * models**0.5)),
        "converter": max(2, round(models**CONVERTERS_EXPONENT)),
        "indie": max(8, round(INDIES_PER_MODEL * models)),
    }
    by_kind: dict[AuthorKind, tuple[Author, ...]] = {}
    taken: set[str] = set()
    for kind, count in wanted.items():
        names = [_new_name(kind, rng, taken) for _ in range(count)]
        start = sum(len(authors) for authors in by_kind.values())
        by_kind[kind] = tuple(Author(start + i, name, kind, _habits(rng)) for i, name in enumerate(names))
    return Society(by_kind, {kind: _weights(kind, count) for kind, count in wanted.items()})


def _weights(kind: AuthorKind, count: int) -> tuple[float, ...]:
    return tuple(accumulate((rank + 1) ** -INEQUALITY[kind] for rank in range(count)))


def _habits(rng: Random) -> Habits:
    return Habits(
        headings=draw(rng, HEADING_STYLES),
        order=rng.choice(ORDERS),
        top_level=rng.choices((1, 2, 3), (0.8, 0.15, 0.05))[0],
        flow_lists=rng.random() < 0.25,
        signs_off=rng.random() < 0.2,
    )


def _new_name(kind: AuthorKind, rng: Random, taken: set[str]) -> str:
    """A name nobody has yet, capitals ignored; numbers come in when the words run out."""
    for attempt in range(200):
        name = _name(kind, rng) if attempt < 20 else f"{_name(kind, rng)}{rng.randrange(10_000)}"
        if name.lower() not in taken:
            break
    taken.add(name.lower())
    return name


def _name(kind: AuthorKind, rng: Random) -> str:
    words = bank("names")
    if kind == "lab":
        return f"{rng.choice(words['lab_heads'])}{rng.choice(words['lab_tails'])}"
    if kind == "converter":
        return f"{rng.choice(words['converter_heads'])}{rng.choice(words['converter_tails'])}"
    return _handle(rng, rng.choice(words["handle_firsts"]), rng.choice(words["handle_seconds"]))


def _handle(rng: Random, first: str, second: str) -> str:
    number = rng.randrange(2, 100)
    return rng.choice(
        (
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
    )
