"""The neighbours of a model on the map: cards with similar texts, and what the better documented ones contain.

All of it is of the latest map and by the scores of its report's judge. In `out_neighbours` a text stands for its most
downloaded model, so that a hundred copies of one card are one neighbour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tasks.cards.one_line import one_line
from tasks.embedders.reading import BODY_CHARACTERS_MIN
from tasks.errors import UsageError
from tasks.rubric import Check, Rubric, load_rubric
from tasks.storage.warehouse import Warehouse, frame

if TYPE_CHECKING:
    from tasks.storage.warehouse import Database

BEST = 3
_SUGGESTED = 3
_CLOSE_FROM = 0.5  # one or two typing errors; below it difflib's guesses look like noise
_TYPED_CHARACTERS = 200  # no name on the Hub is longer, and comparing takes time
_QUESTION = "Does the card "


@dataclass(frozen=True, slots=True)
class MapModel:
    """A model on the map, with the checks of the rubric that its card passes and fails, and the sections it fills.

    `kind` is null for a card that is of none, `kind_name` for a kind without a name.
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
    """A model whose card is near: its rank, 1 for the nearest, and the cosine of the two texts' vectors."""

    place: int
    similarity: float
    model: MapModel


@dataclass(frozen=True, slots=True)
class Difference:
    """A check that better documented neighbours pass and the card fails, or a section that they fill and it does not.

    `group` is the title of the criterion, or `Sections`; `words` is the check's question or the section's title;
    `advice` is the rubric's advice for the publisher, null for a section; `models` are the neighbours that do it.
    """

    what: Literal["check", "section"]
    id: str
    group: str
    words: str
    advice: str | None
    models: list[str]


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """A model and its neighbours, the nearest first.

    `better` are the ids of those that score higher, the best first; `differences` are what they have and it lacks.
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


def latest_map(home: Path) -> date:
    """The snapshot of the latest map of a home.

    `UsageError` where there is none, or where the warehouse has another version.
    """
    warehouse = Warehouse(home)
    warehouse.check_current()
    with warehouse.read() as db:
        rows = frame(db, "out/latest_atlas").to_dicts()
    if not rows:
        raise UsageError(f"no map in {home}; install cardiograph[atlas] and run `cardiograph snapshot`")
    snapshot: date = rows[0]["snapshot"]
    return snapshot


def neighbourhood(home: Path, model_id: str, n: int) -> Neighbourhood:
    """A model of the latest map and at most `n` neighbours.

    `UsageError` where there is no map, or where the model is not on it: unknown, without a card, or with a short one.
    """
    snapshot = latest_map(home)
    with Warehouse(home).read() as db:
        placed = frame(db, "out/placed_model", model_id=model_id).to_dicts()
        if not placed:
            raise UsageError(_why_unplaced(db, model_id, snapshot))
        rows = frame(db, "out/nearest_models", model_id=model_id, n=n).to_dicts()
    near = [NearModel(row.pop("place"), row.pop("similarity"), MapModel(**row)) for row in rows]
    return compare(snapshot, MapModel(**placed[0]), near, load_rubric())


def compare(snapshot: date, model: MapModel, near: list[NearModel], rubric: Rubric) -> Neighbourhood:
    """Compare a model with its neighbours: which are better documented, and by what."""
    better = better_than(model, near)
    names = [other.model_id for other in better]
    return Neighbourhood(snapshot, model, near, names, differences(model, better, rubric))


def better_than(model: MapModel, near: Iterable[NearModel]) -> list[MapModel]:
    """The models that score higher, the best first, of equals the nearest; none for a model without a score."""
    if model.score is None:
        return []
    scored = [(n.model.score, n) for n in near if n.model.score is not None and n.model.score > model.score]
    return [n.model for _, n in sorted(scored, key=lambda pair: (-pair[0], pair[1].place))]


def differences(model: MapModel, better: Sequence[MapModel], rubric: Rubric) -> list[Difference]:
    """What others have and the model lacks: what most of them have comes first, of equals what weighs more.

    A check counts if the card fails it, not if its judge left it out. Sections come after checks.
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
    return sorted([*checks, *sections], key=lambda found: (found.what, -len(found.models)))


def _by_weight(rubric: Rubric) -> list[tuple[str, Check]]:
    """Every check with the title of its criterion, in the order of what passing it adds to the score."""
    weighed = [
        (criterion.weight * check.weight / sum(c.weight for c in criterion.checks), criterion.title, check)
        for criterion in rubric.criteria
        for check in criterion.checks
    ]
    return [(title, check) for _, title, check in sorted(weighed, key=lambda item: -item[0])]


def in_words(difference: Difference, better: int) -> str:
    """A failed check as a sentence: `3 of 5 better neighbours do name the data …; this card does not.`"""
    n = len(difference.models)
    subject = f"{n} of {better} better neighbour{'' if better == 1 else 's'} {'does' if n == 1 else 'do'}"
    if difference.words.startswith(_QUESTION):
        what = difference.words.removeprefix(_QUESTION).removesuffix("?")
        return f"{subject} {what}; this card does not."
    return f"{subject} better here: {difference.words}"


def close_names(typed: str, names: Sequence[str]) -> list[str]:
    """At most three names that resemble what was typed, with or without their owner."""
    lower = {name.lower(): name for name in reversed(names)}
    bare = {name.lower().rpartition("/")[2]: name for name in reversed(names)}
    found = [
        table[match]
        for table in (lower, bare)
        for match in get_close_matches(typed.lower(), table, _SUGGESTED, _CLOSE_FROM)
    ]
    return list(dict.fromkeys(found))[:_SUGGESTED]


def _why_unplaced(db: Database, model_id: str, snapshot: date) -> str:
    """Why a model is not on the map, and what to do, in one line."""
    name, typed = one_line(model_id), model_id[:_TYPED_CHARACTERS]
    if listed := frame(db, "out/unplaced_model", model_id=model_id).to_dicts():
        status, passages = listed[0]["card_status"], listed[0]["passages"]
        if status == "card":
            status = "unread" if passages is None else "short" if passages == 0 else "later"
        return _UNPLACED[status].format(name=name, snapshot=snapshot)
    names = frame(db, "out/close_names", typed=typed)["model_id"].to_list()
    if close := close_names(typed, names):
        return f"no model {name} in the map of {snapshot}; did you mean: {', '.join(map(one_line, close))}"
    return f"no model {name} in the map of {snapshot}; `cardiograph query 'from out_atlas'` lists its models"


_UNPLACED = {
    "none": "{name} has no card in the snapshot of {snapshot}, so it is not on the map; write a README.md",
    "empty": "the card of {name} is empty in the snapshot of {snapshot}, so it is not on the map; write a README.md",
    "failed": "the card of {name} could not be read for the snapshot of {snapshot}; "
    "`cardiograph query 'from failures'` shows why",
    "pending": "the card of {name} has not been read for the snapshot of {snapshot}; run `cardiograph snapshot` again",
    "short": "the card of {name} is too short to be placed on the map: "
    f"it has under {BODY_CHARACTERS_MIN} characters; write more",
    "unread": "the card of {name} has no embedding; run `cardiograph snapshot` again",
    "later": "the card of {name} is newer than the map of {snapshot}; run `cardiograph snapshot` again",
}
