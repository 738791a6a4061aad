"""The course of one model over the snapshots of a home: its score, likes and downloads, and what changed its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from tasks.cards.one_line import one_line
from tasks.errors import UsageError
from tasks.storage.warehouse import Warehouse, frame


@dataclass(frozen=True, slots=True)
class Week:
    """A model in one snapshot.

    `has_new_card`: its card differs from that of the snapshot before; `gained` and `lost` are the checks that it passes
    since then, and passes no more, both empty where another judge scored. `is_comparable`: the judge is the same.
    """

    snapshot: date
    downloads: int | None
    likes: int | None
    card_status: str
    judge: str | None
    score: float | None
    has_new_card: bool = False
    is_comparable: bool = True
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def course_of(home: Path, model_id: str) -> list[Week]:
    """The weeks of a model, the oldest first. Raises `UsageError` where no snapshot of the home lists it."""
    warehouse = Warehouse(home)
    warehouse.check_current()
    with warehouse.read() as db:
        rows = frame(db, "out/model_history", model_id=model_id).to_dicts()
    if not rows:
        raise UsageError(
            f"no snapshot in {home} lists {one_line(model_id)}; `cardiograph query 'from models'` shows the latest"
        )
    return weeks_of(rows)


def weeks_of(rows: Sequence[Mapping[str, Any]]) -> list[Week]:
    """The weeks of rows in the order of snapshots, each compared with the one before."""
    first = _week(rows[0])
    return [first, *(_after(before, now) for before, now in pairwise(rows))]


def _week(row: Mapping[str, Any], **compared: Any) -> Week:
    names = ("snapshot", "downloads", "likes", "card_status", "judge", "score")
    return Week(**{name: row[name] for name in names}, **compared)


def _after(before: Mapping[str, Any], now: Mapping[str, Any]) -> Week:
    is_comparable = before["fingerprint"] == now["fingerprint"]
    is_new = now["card_hash"] != before["card_hash"]
    if not is_comparable or not is_new:
        return _week(now, has_new_card=is_new, is_comparable=is_comparable)
    gained = tuple(check for check in now["passed"] if check in before["failed"])
    lost = tuple(check for check in now["failed"] if check in before["passed"])
    return _week(now, has_new_card=True, gained=gained, lost=lost)
