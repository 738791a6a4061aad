"""The run that plans a snapshot and lands it: its locks, its orders, its crew.

Of all processes that work on a lake, one coordinates: it holds the lock of its home, so that no other process writes
the warehouse there, and the writer's lease of the lake, so that no other process plans. The others are its crew.
Nested flows share a run: `coordinating` inside `coordinating` yields the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tasks.engine.schedule import date_of_run
from tasks.errors import WriterBusy
from tasks.settings import settings
from tasks.stopping import pause
from tasks.storage.lake import Lake
from tasks.storage.publishing import fetch_published
from tasks.storage.warehouse import make_home
from tasks.work.crew import Crew, crew_for
from tasks.work.leases import WRITER, Leases, Watch, holder_of, is_gone, new_holder, read_lease
from tasks.work.orders import Puller, WorkKind
from tasks.work.request import CrewRequest
from tasks.work.run import Run

_LOOK_EVERY_S = 0.5
# Between writing the lease and checking whose it is: longer than the race of two writers that start together.
_SETTLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Coordination(Run):
    """A run with the leases and the crew of the process that coordinates it."""

    leases: Leases
    crew: Crew

    def puller(self, kinds: Collection[WorkKind]) -> Puller:
        """What claims orders of these kinds."""
        return Puller(self.lake, self.leases, self.snapshot, kinds)

    def check(self) -> None:
        """Raise `WriterBusy` where another coordinator took over: it may, from one that could not renew its lease."""
        if holder_of(self.lake, WRITER) != self.leases.holder:
            raise WriterBusy(
                f"another run took over {self.lake.location} while this one was cut off; it continues the work"
            )


_running: dict[Path, Coordination] = {}


def is_coordinating(home: Path | None) -> bool:
    """Whether this process coordinates a snapshot in this home, or that of the settings."""
    return (home or settings().home).resolve() in _running


@contextmanager
def coordinating(
    home: Path | None, snapshot: date | None = None, request: CrewRequest | None = None
) -> Iterator[Coordination]:
    """Coordinate a snapshot; the outermost block lands what the lake holds, and starts the crew of the request.

    Without a home it is that of the settings, without a date that of the schedule, or today (UTC). Raises `WriterBusy`
    where another process, or this one for another snapshot, is at work on the home.
    """
    home = home or settings().home
    key = home.resolve()
    if outer := _running.get(key):
        if snapshot not in (None, outer.snapshot):
            raise WriterBusy(
                f"this process works on the snapshot of {outer.snapshot} in {home}; take that of {snapshot} after it"
            )
        yield outer
        return
    run = Run(home, snapshot or date_of_run())
    lake, warehouse = run.lake, run.warehouse
    with ExitStack() as stack:
        stack.enter_context(warehouse.writer())
        leases = Leases(lake, new_holder(), settings().lease_s)
        stack.callback(leases.close)
        take_over(lake, leases, run.snapshot)
        fetch_published(lake, warehouse.published)
        warehouse.begin()
        crew = stack.enter_context(crew_for(run, request or CrewRequest()))
        _running[key] = Coordination(home, run.snapshot, leases, crew)
        stack.callback(_running.pop, key)
        yield _running[key]


def take_over(lake: Lake, leases: Leases, snapshot: date) -> None:
    """Become the lake's writer, waiting out the lease of a dead one. Raises `WriterBusy` where one is alive."""
    watch = Watch()
    first: str | None = None
    while (tag := lake.entries(WRITER).get(WRITER)) is not None:
        unchanged_s = watch.look({WRITER: tag})[WRITER]
        first = first or tag
        if tag != first:
            raise _busy(lake)
        if unchanged_s >= leases.lease_s or is_gone(holder_of(lake, WRITER)):
            break
        pause(_LOOK_EVERY_S)
    settle_s = _SETTLE_S if lake.is_remote or settings().lake else 0.0
    if not leases.take(WRITER, is_stale=tag is not None, settle_s=settle_s, snapshot=str(snapshot)):
        raise _busy(lake)


def _busy(lake: Lake) -> WriterBusy:
    return WriterBusy(
        f"another run is writing to {lake.location} ({holder_of(lake, WRITER)}); wait for it, or choose another lake"
    )


@contextmanager
def at_work_for(run: Run, kinds: Collection[WorkKind]) -> Iterator[tuple[Puller, Callable[[], bool]]]:
    """Join a snapshot's crew: yields what takes orders, and whether nobody coordinates the snapshot any more."""
    make_home(run.home)
    watch, leases = Watch(), Leases(run.lake, new_holder(), settings().lease_s)

    def is_over() -> bool:
        return not is_coordinated(run.lake, run.snapshot, watch, leases.lease_s)

    try:
        yield Puller(run.lake, leases, run.snapshot, kinds), is_over
    finally:
        leases.close()


def is_coordinated(lake: Lake, snapshot: date, watch: Watch, lease_s: float) -> bool:
    """Whether a coordinator of the snapshot is alive."""
    unchanged_s = watch.look(lake.entries(WRITER)).get(WRITER)
    if unchanged_s is None or unchanged_s >= lease_s:
        return False
    lease = read_lease(lake, WRITER)
    return lease is not None and lease.get("snapshot") == str(snapshot) and not is_gone(lease.get("holder"))
