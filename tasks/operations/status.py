"""How things stand: what is published, what is held back, what is under way, what failed, what comes next.

Reads the published warehouse and the lake's small objects; changes nothing.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from tasks.engine.state import ScheduledRun, read_engine
from tasks.errors import CardiographError, WarehouseError
from tasks.operations.gate import measure_words, quarantine
from tasks.storage.lake import Lake
from tasks.storage.warehouse import Warehouse, frame
from tasks.work.leases import holder_of, is_gone, read_lease

_WRITER = "writer"


@dataclass(frozen=True, slots=True)
class Published:
    """The latest snapshot that people see, and the file that they read; times are UTC."""

    snapshot: date
    judge: str
    fingerprint: str
    models: int
    cards: int
    median_score: float | None
    days_late: int
    age_days: int
    published_at: datetime
    warehouse_bytes: int


@dataclass(frozen=True, slots=True)
class OpenStage:
    """A stage with parts still to be done: how many, how many of them somebody is at, and who."""

    snapshot: str
    stage: str
    parts: int
    claimed: int
    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunState:
    """Who coordinates a snapshot now. `is_gone`: a process of this machine that is no more."""

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
    """Everything at once. `coming` is null where no Prefect server of its own is set."""

    home: Path
    lake: str
    published: Published | None
    quarantined: Mapping[str, tuple[str, ...]]
    run: RunState | None
    stages: tuple[OpenStage, ...]
    failures: tuple[FailureCount, ...]
    coming: tuple[ScheduledRun, ...] | None
    problems: tuple[str, ...] = ()


T = TypeVar("T")


def read_state(home: Path, now: datetime) -> State:
    """How a home stands at a time (UTC). What cannot be asked is left out, and `problems` says why."""
    warehouse, lake = Warehouse(home), Lake(home)
    problems: list[str] = []

    def known(read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except CardiographError as error:
            problems.append(str(error))
            return otherwise

    is_readable = known(lambda: _is_readable(warehouse), False)
    has_server = bool(os.environ.get("PREFECT_API_URL"))
    return State(
        home=home,
        lake=lake.location,
        published=known(lambda: _published(warehouse, now) if is_readable else None, None),
        quarantined=known(lambda: _quarantined(home) if is_readable else {}, {}),
        run=known(lambda: _run(lake), None),
        stages=known(lambda: open_stages(lake), ()),
        failures=known(lambda: _failures(warehouse) if is_readable else (), ()),
        coming=known(lambda: read_engine().scheduled if has_server else None, None),
        problems=tuple(dict.fromkeys(problems)),
    )


def _is_readable(warehouse: Warehouse) -> bool:
    if not warehouse.published.exists():
        return False
    if not warehouse.is_current():
        raise WarehouseError(
            f"{warehouse.published} was made by another version of Cardiograph; run "
            f"`cardiograph rebuild --home {warehouse.home}` first"
        )
    return True


def _published(warehouse: Warehouse, now: datetime) -> Published | None:
    with warehouse.read() as db:
        judged = frame(db, "out/latest_judged").to_dicts()
        if not judged:
            return None
        (origin,) = frame(db, "out/provenance", **judged[0]).to_dicts()
        (counts,) = frame(db, "out/counts", **judged[0]).to_dicts()
    file = warehouse.published.stat()
    return Published(
        snapshot=origin["snapshot"],
        judge=origin["judge"],
        fingerprint=origin["fingerprint"],
        models=counts["models"],
        cards=counts["cards"],
        median_score=counts["median_score"],
        days_late=origin["days_late"],
        age_days=(now.date() - origin["snapshot"]).days,
        published_at=datetime.fromtimestamp(file.st_mtime, UTC).replace(tzinfo=None),
        warehouse_bytes=file.st_size,
    )


def _quarantined(home: Path) -> dict[str, tuple[str, ...]]:
    return {
        str(snapshot): tuple(map(measure_words, measures)) for snapshot, measures in quarantine(home).items()
    }


def _failures(warehouse: Warehouse) -> tuple[FailureCount, ...]:
    with warehouse.read() as db:
        judged = frame(db, "out/latest_judged").to_dicts()
        if not judged:
            return ()
        rows = frame(db, "out/failures", snapshot=judged[0]["snapshot"]).to_dicts()
    return tuple(FailureCount(row["stage"], row["reason"], row["n"], row["subjects"][0]) for row in rows)


def _run(lake: Lake) -> RunState | None:
    lease = read_lease(lake, _WRITER)
    if lease is None:
        return None
    holder = lease.get("holder")
    return RunState(lease.get("snapshot"), holder, is_gone(holder))


def open_stages(lake: Lake) -> tuple[OpenStage, ...]:
    """Stages with open orders, as the lake's small objects tell."""
    orders = Counter(_stage_of(name) for name in lake.entries("orders") if name.count("/") == 3)
    claims = _by_stage(lake.entries("claims"))
    return tuple(
        OpenStage(
            snapshot,
            stage,
            parts,
            len(claims[snapshot, stage]),
            tuple(sorted({holder for name in claims[snapshot, stage] if (holder := holder_of(lake, name))})),
        )
        for (snapshot, stage), parts in sorted(orders.items())
    )


def _stage_of(name: str) -> tuple[str, str]:
    """Snapshot and stage of `orders/<snapshot>/<stage>/<part>.json`, or of the claim on it."""
    _, snapshot, stage, _ = name.split("/", 3)
    return snapshot, stage


def _by_stage(names: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in names:
        if name.count("/") == 3:
            found[_stage_of(name)].append(name)
    return found
