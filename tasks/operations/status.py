"""The state of a home: what is published, held back, running, failed, and scheduled next.

Reads the published warehouse and the lake's small objects; changes nothing.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from tasks.engine.state import ScheduledRun, read_engine
from tasks.errors import CardiographError
from tasks.operations.gate import quarantine_reasons
from tasks.sentences.judges import abilities_words
from tasks.storage.lake import Lake
from tasks.storage.warehouse import Warehouse, frame
from tasks.work.leases import WRITER, holder_of, is_gone, read_lease
from tasks.work.orders import WorkStage, is_of_part, stage_of


@dataclass(frozen=True, slots=True)
class Published:
    """The latest snapshot that is shown, and the file that holds it; times are UTC."""

    snapshot: date
    judge: str
    fingerprint: str
    judge_abilities: str
    models: int
    cards: int
    median_score: float | None
    days_late: int
    age_days: int
    published_at: datetime
    warehouse_bytes: int


@dataclass(frozen=True, slots=True)
class OpenStage:
    """A stage with open parts: how many, how many of them are claimed, and by whom."""

    snapshot: str
    stage: str
    parts: int
    claimed: int
    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunState:
    """The process that coordinates a snapshot now. `is_gone`: it was on this machine, and has ended."""

    snapshot: str | None
    holder: str | None
    is_gone: bool


@dataclass(frozen=True, slots=True)
class FailureCount:
    """Failures of the latest snapshot, by stage and reason."""

    stage: str
    reason: str
    n: int
    example: str


@dataclass(frozen=True, slots=True)
class State:
    """Everything at once. `coming`, the scheduled runs, is null where PREFECT_API_URL is not set.

    `is_broken`: something is published, and cannot be read.
    """

    home: Path
    lake: str
    published: Published | None
    quarantined: Mapping[str, tuple[str, ...]]
    run: RunState | None
    stages: tuple[OpenStage, ...]
    failures: tuple[FailureCount, ...]
    coming: tuple[ScheduledRun, ...] | None
    problems: tuple[str, ...] = ()
    is_broken: bool = False


T = TypeVar("T")


def read_state(home: Path, now: datetime) -> State:
    """The state of a home at a time (UTC). What cannot be read is left out, and `problems` says why."""
    warehouse, lake = Warehouse(home), Lake(home)
    problems: list[str] = []

    def known(read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except CardiographError as error:
            problems.append(str(error))
            return otherwise

    has_server = bool(os.environ.get("PREFECT_API_URL"))
    published = known(lambda: _published(warehouse, now), None)
    is_broken = bool(problems)
    return State(
        home=home,
        lake=lake.location,
        published=published,
        is_broken=is_broken,
        quarantined=known(lambda: _quarantined(warehouse), {}),
        run=known(lambda: _current_run(lake), None),
        stages=known(lambda: open_stages(lake), ()),
        failures=known(lambda: _failures(warehouse), ()),
        coming=known(lambda: read_engine().scheduled if has_server else None, None),
        problems=tuple(dict.fromkeys(problems)),
    )


def _latest(warehouse: Warehouse) -> dict[str, Any] | None:
    """`snapshot` and `fingerprint` of what is published; null where nothing is."""
    if not warehouse.published.exists():
        return None
    warehouse.check_current()
    with warehouse.read() as db:
        return next(iter(frame(db, "out/latest_judged").to_dicts()), None)


def _published(warehouse: Warehouse, now: datetime) -> Published | None:
    if (latest := _latest(warehouse)) is None:
        return None
    with warehouse.read() as db:
        (origin,) = frame(db, "out/provenance", **latest).to_dicts()
        (counts,) = frame(db, "out/counts", **latest).to_dicts()
    file = warehouse.published.stat()
    return Published(
        **{name: origin[name] for name in ("snapshot", "judge", "fingerprint", "days_late")},
        **{name: counts[name] for name in ("models", "cards", "median_score")},
        judge_abilities=abilities_words(origin["settings"]),
        age_days=(now.date() - origin["snapshot"]).days,
        published_at=datetime.fromtimestamp(file.st_mtime, UTC).replace(tzinfo=None),
        warehouse_bytes=file.st_size,
    )


def _quarantined(warehouse: Warehouse) -> dict[str, tuple[str, ...]]:
    """Why each snapshot that is held back is."""
    if not warehouse.published.exists():
        return {}
    return {str(day): why for day, why in quarantine_reasons(warehouse.home).items()}


def _failures(warehouse: Warehouse) -> tuple[FailureCount, ...]:
    """The failures of the latest snapshot."""
    if (latest := _latest(warehouse)) is None:
        return ()
    with warehouse.read() as db:
        rows = frame(db, "out/failures", snapshot=latest["snapshot"]).to_dicts()
    return tuple(FailureCount(row["stage"], row["reason"], row["n"], row["subjects"][0]) for row in rows)


def _current_run(lake: Lake) -> RunState | None:
    lease = read_lease(lake, WRITER)
    if lease is None:
        return None
    holder = lease.get("holder")
    return RunState(lease.get("snapshot"), holder, is_gone(holder))


def open_stages(lake: Lake) -> tuple[OpenStage, ...]:
    """Stages with open orders, from the names of the lake's small objects."""
    orders, claims = _by_stage(lake.entries("orders")), _by_stage(lake.entries("claims"))
    return tuple(
        OpenStage(
            str(stage.snapshot),
            stage.key,
            parts=len(parts),
            claimed=len(claims[stage]),
            holders=tuple(sorted({holder for name in claims[stage] if (holder := holder_of(lake, name))})),
        )
        for stage, parts in sorted(orders.items(), key=lambda item: item[0].folder)
    )


def _by_stage(names: Iterable[str]) -> dict[WorkStage, list[str]]:
    """Names of orders, or of the claims on them, by stage."""
    stages: dict[WorkStage, list[str]] = defaultdict(list)
    for name in names:
        if is_of_part(name) and (stage := stage_of(name)):
            stages[stage].append(name)
    return stages
