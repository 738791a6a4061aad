"""The one run that plans a snapshot and lands it: its locks, its orders, its crew.

Of all processes at work on a lake one coordinates: it holds the lock of its home, so that nobody else writes the
warehouse there, and the writer's lease of the lake, so that nobody else plans. The others are its crew. Flows inside
one another share a run: `coordinating` again, within, gives the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import sleep

from tasks.errors import WriterBusy
from tasks.settings import settings
from tasks.storage.lake import Lake
from tasks.storage.publishing import fetch_published
from tasks.storage.warehouse import Warehouse, make_home
from tasks.work.crew import Crew, CrewRequest, crew_for
from tasks.work.leases import Leases, Watch, holder_of, is_gone, new_holder, read_lease
from tasks.work.orders import Puller, WorkKind

WRITER = "writer"

_LOOK_EVERY_S = 0.5
# Between writing the lease and looking whose it is: longer than two writers that start together take.
_SETTLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """A run under way: where it is, what it is about, and who helps."""

    home: Path
    snapshot: date
    leases: Leases
    crew: Crew

    @property
    def lake(self) -> Lake:
        """The lake that its orders are in."""
        return Lake(self.home)

    def puller(self, kinds: Collection[WorkKind]) -> Puller:
        """What takes orders of some kinds off the list."""
        return Puller(self.lake, self.leases, self.snapshot, kinds)

    def check(self) -> None:
        """Raise `WriterBusy` where another coordinator took over, as it may from one that was cut off."""
        if holder_of(self.lake, WRITER) != self.leases.holder:
            raise WriterBusy(
                f"another run has taken over {self.lake.location} while this one was cut off; it goes on with the work"
            )


_running: dict[Path, Run] = {}


def is_coordinating(home: Path) -> bool:
    """Whether this process coordinates a snapshot in this home."""
    return home.resolve() in _running


@contextmanager
def coordinating(home: Path, snapshot: date, wanted: CrewRequest | None = None) -> Iterator[Run]:
    """Coordinate the snapshot; the outermost block lands what the lake holds, and hires the crew that is wanted."""
    key = home.resolve()
    if key in _running:
        yield _running[key]
        return
    warehouse = Warehouse(home)
    with ExitStack() as stack:
        stack.enter_context(warehouse.writer())
        leases = Leases(warehouse.lake, new_holder(), settings().lease_s)
        stack.callback(leases.close)
        take_over(warehouse.lake, leases, snapshot)
        fetch_published(warehouse.lake, warehouse.published)
        warehouse.begin()
        crew = stack.enter_context(crew_for(home, snapshot, wanted or CrewRequest()))
        _running[key] = Run(home, snapshot, leases, crew)
        stack.callback(_running.pop, key)
        yield _running[key]


def take_over(lake: Lake, leases: Leases, snapshot: date) -> None:
    """Become the lake's writer, waiting out the lease of one that died. `WriterBusy` where one is at work."""
    watch = Watch()
    first: str | None = None
    while (tag := lake.entries(WRITER).get(WRITER)) is not None:
        unchanged_s = watch.look({WRITER: tag})[WRITER]
        first = first or tag
        if tag != first:
            raise _busy(lake)
        if unchanged_s >= leases.lease_s or is_gone(holder_of(lake, WRITER)):
            break
        sleep(_LOOK_EVERY_S)
    settle_s = _SETTLE_S if lake.is_remote or settings().lake else 0.0
    if not leases.take(WRITER, is_stale=tag is not None, settle_s=settle_s, snapshot=str(snapshot)):
        raise _busy(lake)


def _busy(lake: Lake) -> WriterBusy:
    return WriterBusy(
        f"another run is writing to {lake.location} ({holder_of(lake, WRITER)}); wait for it, or choose another lake"
    )


@contextmanager
def at_work_for(
    home: Path, snapshot: date, kinds: Collection[WorkKind]
) -> Iterator[tuple[Puller, Callable[[], bool]]]:
    """Be of a snapshot's crew: what takes orders, and what tells when nobody coordinates it any more."""
    make_home(home)
    lake, watch = Lake(home), Watch()
    leases = Leases(lake, new_holder(), settings().lease_s)

    def is_over() -> bool:
        return not is_coordinated(lake, snapshot, watch, leases.lease_s)

    try:
        yield Puller(lake, leases, snapshot, kinds), is_over
    finally:
        leases.close()


def is_coordinated(lake: Lake, snapshot: date, watch: Watch, lease_s: float) -> bool:
    """Whether a coordinator of the snapshot is alive."""
    unchanged_s = watch.look(lake.entries(WRITER)).get(WRITER)
    if unchanged_s is None or unchanged_s >= lease_s:
        return False
    lease = read_lease(lake, WRITER)
    return lease is not None and lease.get("snapshot") == str(snapshot) and not is_gone(lease.get("holder"))
