"""The neighbours of a model on the map: cards that say much the same, and what the better documented ones say more.

All of it is of the latest map and by the scores of its report's judge. `out_neighbours` knows a text by its most
downloaded model, so that a hundred copies of one card are one neighbour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import polars as pl

from tasks.cards.one_line import one_line
from tasks.embedders.reading import BODY_CHARACTERS_MIN
from tasks.errors import UsageError
from tasks.rubric import Check, Rubric, load_rubric
from tasks.storage.warehouse import Warehouse, frame

BEST = 3
_SUGGESTED = 3
_CLOSE_FROM = 0.5  # a slip or two; below it difflib's guesses look like noise
_TYPED_CHARACTERS = 200  # no name on the Hub is longer, and comparing takes its time
_ASKED = "Does the card "


@dataclass(frozen=True, slots=True)
class MapModel:
    """A model on the map, with the checks of the rubric that its card passes and fails, and the sections it fills.

    `kind` is null for a card that is of none, `kind_name` for a kind that nobody has named.
    """

    model_id: str
    author: str | None
    score: float | None
    likes: int | None
    downloads: int | None
    kind: int | None
    kind_name: str | None
    archetype: str | None
    passed: list[str]
    failed: list[str]
    sections: list[str]


@dataclass(frozen=True, slots=True)
class NearModel:
    """A model whose card is near: its place, 1 for the nearest, and the cosine of the two texts' vectors."""

    place: int
    similarity: float
    model: MapModel


@dataclass(frozen=True, slots=True)
class Difference:
    """A check that better documented neighbours pass and the card fails, or a section that they fill and it does not.

    `group` is the title of the criterion, or `Sections`; `words` is the check's question or the section's title, and
    `advice` the rubric's for the publisher, null for a section. `models` are the neighbours that do it.
    """

    what: Literal["check", "section"]
    id: str
    group: str
    words: str
    advice: str | None
    models: list[str]


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """A model and what is near to it, the nearest first.

    `better` are the ids of those that score higher, the best first, and `differences` what they have and it has not.
    """

    snapshot: date
    model: MapModel
    near: list[NearModel]
    better: list[str]
    differences: list[Difference]

    @property
    def best(self) -> list[NearModel]:
        """The best documented of those that score higher, at most three."""
        by_id = {near.model.model_id: near for near in self.near}
        return [by_id[name] for name in self.better[:BEST]]


@dataclass(frozen=True, slots=True)
class LatestMap:
    """The map that is shown: its snapshot, and how many texts and kinds are on it."""

    snapshot: date
    texts: int
    kinds: int


def latest_map(home: Path) -> LatestMap:
    """The latest map of a home; `UsageError` where it has none, or where its warehouse is of another version."""
    warehouse = Warehouse(home)
    warehouse.check_current()
    with warehouse.read() as db:
        rows = frame(db, "out/latest_atlas").to_dicts()
    if not rows:
        raise UsageError(f"no map in {home}; install cardiograph[atlas] and run `cardiograph snapshot`")
    return LatestMap(**rows[0])


def neighbourhood(home: Path, model_id: str, n: int) -> Neighbourhood:
    """A model of the latest map and at most `n` models near to it.

    `UsageError` where there is no map, or where the model has no place on it: unknown, without a card, or too short.
    """
    snapshot = latest_map(home).snapshot
    with Warehouse(home).read() as db:
        placed = frame(db, "out/placed_model", model_id=model_id).to_dicts()
        rows = frame(db, "out/nearest_models", model_id=model_id, n=n) if placed else pl.DataFrame()
    if not placed:
        raise UsageError(_why_unplaced(home, model_id, snapshot))
    return compare(snapshot, MapModel(**placed[0]), near_models(rows), load_rubric())


def near_models(rows: pl.DataFrame) -> list[NearModel]:
    """The rows of `out/nearest_models` as records."""
    return [
        NearModel(row.pop("place"), row.pop("similarity"), MapModel(**row))
        for row in rows.iter_rows(named=True)
    ]


def compare(snapshot: date, model: MapModel, near: Sequence[NearModel], rubric: Rubric) -> Neighbourhood:
    """Hold a model against those near to it: who is better documented, and by what."""
    better = better_than(model, near)
    return Neighbourhood(
        snapshot, model, list(near), [m.model_id for m in better], differences(model, better, rubric)
    )


def better_than(model: MapModel, near: Iterable[NearModel]) -> list[MapModel]:
    """Those that score higher, the best first and of equals the nearest; none for a model without a score."""
    if model.score is None:
        return []
    scored = [(n.model.score, n) for n in near if n.model.score is not None and n.model.score > model.score]
    return [n.model for _, n in sorted(scored, key=lambda pair: (-pair[0], pair[1].place))]


def differences(model: MapModel, better: Sequence[MapModel], rubric: Rubric) -> list[Difference]:
    """What others have and the model has not, what most of them have first, and of equals what weighs more.

    A check counts where the card fails it, not where its judge left it out. Sections come after checks.
    """
    checks = [
        Difference("check", check.id, group, check.question, check.advice, models)
        for group, check in _by_weight(rubric)
        if check.id in model.failed
        and (models := [other.model_id for other in better if check.id in other.passed])
    ]
    sections = [
        Difference("section", section.id, "Sections", section.title, None, models)
        for section in rubric.sections
        if section.id not in model.sections
        and (models := [other.model_id for other in better if section.id in other.sections])
    ]
    return [
        *sorted(checks, key=lambda d: -len(d.models)),
        *sorted(sections, key=lambda d: -len(d.models)),
    ]


def _by_weight(rubric: Rubric) -> list[tuple[str, Check]]:
    """Every check with the title of its criterion, by what passing it adds to the score."""
    weighed = [
        (criterion.weight * check.weight / sum(c.weight for c in criterion.checks), criterion.title, check)
        for criterion in rubric.criteria
        for check in criterion.checks
    ]
    return [(title, check) for _, title, check in sorted(weighed, key=lambda item: -item[0])]


def in_words(difference: Difference, better: int) -> str:
    """A check's difference in a sentence: `3 of 5 better neighbours do name the data …; this card does not.`"""
    n = len(difference.models)
    who = f"{n} of {better} better neighbour{'' if better == 1 else 's'}"
    does = "does" if n == 1 else "do"
    if difference.words.startswith(_ASKED):
        said = difference.words.removeprefix(_ASKED).removesuffix("?")
        return f"{who} {does} {said}; this card does not."
    return f"{who} {does} better here: {difference.words}"


def close_names(typed: str, names: Sequence[str]) -> list[str]:
    """At most three of the names that are written much like what was typed, with or without their owner."""
    lower = {name.lower(): name for name in reversed(names)}
    bare = {name.lower().rpartition("/")[2]: name for name in reversed(names)}
    found = [
        *[lower[match] for match in get_close_matches(typed.lower(), lower, _SUGGESTED, _CLOSE_FROM)],
        *[bare[match] for match in get_close_matches(typed.lower(), bare, _SUGGESTED, _CLOSE_FROM)],
    ]
    return list(dict.fromkeys(found))[:_SUGGESTED]


def _why_unplaced(home: Path, model_id: str, snapshot: date) -> str:
    """Why a model has no place on the map, and what to do, in one line."""
    name, typed = one_line(model_id), model_id[:_TYPED_CHARACTERS]
    with Warehouse(home).read() as db:
        listed = frame(db, "out/unplaced_model", model_id=model_id).to_dicts()
        names = [] if listed else frame(db, "out/close_names", typed=typed)["model_id"].to_list()
    if listed:
        why = _UNPLACED[_fate(listed[0]["card_status"], listed[0]["passages"])]
        return why.format(name=name, snapshot=snapshot)
    if close := close_names(typed, names):
        return f"no model {name} in the map of {snapshot}; there are: {', '.join(map(one_line, close))}"
    return f"no model {name} in the map of {snapshot}; `cardiograph query 'from out_atlas'` lists its models"


def _fate(card_status: str, passages: int | None) -> str:
    """Which of `_UNPLACED` holds."""
    if card_status == "card":
        return "unread" if passages is None else "short" if passages == 0 else "later"
    return card_status


_UNPLACED = {
    "none": "{name} has no card in the snapshot of {snapshot}, and no place on the map; write a README.md",
    "empty": "the card of {name} is empty in the snapshot of {snapshot}, and has no place on the map; "
    "write a README.md",
    "failed": "the card of {name} could not be read for the snapshot of {snapshot}; "
    "`cardiograph query 'from failures'` tells why",
    "pending": "the card of {name} has not been read for the snapshot of {snapshot}; run `cardiograph snapshot` again",
    "short": "the card of {name} is too short to be placed on the map: "
    f"it has under {BODY_CHARACTERS_MIN} characters; write more of it",
    "unread": "the card of {name} is not embedded; run `cardiograph snapshot` again",
    "later": "the card of {name} came after the map of {snapshot}; run `cardiograph snapshot` again",
}
