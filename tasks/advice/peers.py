"""What the warehouse of a home knows about a card's surroundings: peers, what goes with popularity, neighbours.

All of it is association: what is common among popular or well documented models, never what a change would cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tasks.advice.subject import Subject
from tasks.atlas.neighbours import BEST, neighbourhood
from tasks.cards.front_matter import Metadata, split_front_matter
from tasks.errors import UsageError
from tasks.hub.source import model_pages
from tasks.storage.warehouse import Warehouse, frame

_PEERS_MIN = 10  # fewer are no group to be compared with


@dataclass(frozen=True, slots=True)
class PeerGroup:
    """The scored models that are alike in `alike`, without the model itself; `below` of them score lower."""

    alike: str
    models: int
    below: int
    median_score: float


@dataclass(frozen=True, slots=True)
class GoesWith:
    """A check that goes with an outcome at equal controls: its rank correlation, with a 95 % interval over authors."""

    check: str
    outcome: str
    among: str
    estimate: float
    ci_low: float
    ci_high: float
    n: int


@dataclass(frozen=True, slots=True)
class Example:
    """A better documented model: `link` to its page, null where it has none; `passes` of the checks that fail here."""

    model_id: str
    link: str | None
    score: float
    passes: list[str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`by_map`: whether the examples are the card's neighbours on the map, or the best of its peers."""

    snapshot: date
    peers: PeerGroup | None = None
    goes_with: list[GoesWith] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    by_map: bool = False


def card_in(home: Path, model_id: str) -> Subject | None:
    """The card of a model in the latest snapshot of a home; null where it is not there or has no text."""
    warehouse = _current(home)
    if warehouse is None:
        return None
    with warehouse.read() as db:
        rows = frame(db, "out/card_of_model", model_id=model_id).to_dicts()
    if not rows or rows[0]["card_text"] is None:
        return None
    return Subject(name=model_id, text=rows[0]["card_text"], model_id=model_id)


def base_cards_in(home: Path, model_ids: Sequence[str]) -> dict[str, Metadata]:
    """The front matter of models in the latest snapshot, by their ids."""
    warehouse = _current(home) if model_ids else None
    if warehouse is None:
        return {}
    with warehouse.read() as db:
        rows = frame(db, "out/cards_of_models", model_ids=list(model_ids)).rows()
    return {model_id: split_front_matter(text)[0].metadata for model_id, text in rows}


def surroundings(
    home: Path, subject: Subject, metadata: Metadata, score: float | None, failed: Sequence[str]
) -> Surroundings | None:
    """What the latest snapshot of a home says about models like this one; null where there is none."""
    warehouse = _current(home)
    if warehouse is None:
        return None
    library, tag = _text(metadata, "library_name"), _text(metadata, "pipeline_tag")
    with warehouse.read() as db:
        latest = frame(db, "out/latest_snapshot").rows()
        if not latest:
            return None
        ((snapshot, hub),) = latest
        levels = frame(
            db,
            "out/peers",
            library=library,
            pipeline_tag=tag,
            model_id=subject.model_id,
            score=score,
        ).to_dicts()
        held = frame(db, "out/goes_with", library=library).to_dicts()
    level = next((each for each in levels if each["models"] >= _PEERS_MIN), None)
    peers = None
    if level and score is not None:
        peers = PeerGroup(level["alike"], level["models"], level["below"], level["median_score"])
    nearest = _nearest(home, subject.model_id)
    names = nearest or (level["best_documented"] if level else [])
    return Surroundings(
        snapshot=snapshot,
        peers=peers,
        goes_with=_closest([GoesWith(check=row.pop("check_id"), **row) for row in held], failed),
        examples=_examples(warehouse, names, score, failed, model_pages(hub)),
        by_map=bool(nearest),
    )


def _closest(held: Sequence[GoesWith], failed: Sequence[str]) -> list[GoesWith]:
    """Of the failed checks what goes *with* more of an outcome: of each the narrowest group, the strongest first."""
    found: dict[tuple[str, str], GoesWith] = {}
    for each in held:
        if each.check in failed and each.estimate > 0:
            found.setdefault((each.check, each.outcome), each)
    return sorted(found.values(), key=lambda each: -each.estimate)


def _nearest(home: Path, model_id: str | None) -> list[str]:
    """The best documented neighbours on the map; none where the model has no place on it."""
    if model_id is None:
        return []
    try:
        return [near.model.model_id for near in neighbourhood(home, model_id, 10).best]
    except UsageError:
        return []  # no map, or no place on it: the peers stand in


def _examples(
    warehouse: Warehouse,
    names: Sequence[str],
    score: float | None,
    failed: Sequence[str],
    pages: str | None,
) -> list[Example]:
    if not names:
        return []
    with warehouse.read() as db:
        rows = frame(db, "out/passed_checks", model_ids=list(names)).rows()
    return [
        Example(model_id, f"{pages}{model_id}" if pages else None, of, [c for c in failed if c in passed])
        for model_id, of, passed in rows
        if score is None or of > score
    ][:BEST]


def _current(home: Path) -> Warehouse | None:
    """The home's warehouse; null where none was published. Raises `UsageError` for one of another version."""
    warehouse = Warehouse(home)
    if not warehouse.published.exists():
        return None
    warehouse.check_current()
    return warehouse


def _text(metadata: Mapping[str, object], key: str) -> str | None:
    value = metadata.get(key)
    return value.strip() if isinstance(value, str) and value.strip() else None
