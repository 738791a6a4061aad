"""Those who help a coordinator: processes of its own on this machine, or runs on the workers of a work pool.

A member that ends while there is work is replaced, so many times; its parts go to others meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, cast
from uuid import UUID

from tasks.engine.child import running_child
from tasks.errors import CrewLost, UsageError
from tasks.settings import settings
from tasks.work.orders import WorkKind

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, State

CARD_KINDS: tuple[WorkKind, ...] = ("read", "describe", "judge", "explain", "embed")
JUDGE_KINDS: tuple[WorkKind, ...] = ("identify", "judge", "explain")
REPLACEMENTS_MAX = 3  # of each member, in one stage
_LOOK_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class CrewRequest:
    """How many processes work at parts, the coordinator included, and in which pools; null: on this machine.

    `judge_pool` is where a judge model's parts are done, and nowhere else, by `judge_workers` processes.
    """

    workers: int = 1
    pool: str | None = None
    judge_pool: str | None = None
    judge_workers: int = 1


class Member(Protocol):
    """One of the crew."""

    def has_ended(self) -> str | None:
        """How it ended, in words; null while it has not, or waits for a worker."""
        ...

    def dismiss(self) -> None:
        """It is not needed any more."""
        ...


@dataclass(slots=True)
class Crew:
    """The members, and how to hire another in the place of one that ended."""

    wanted: CrewRequest
    hires: list[Callable[[], Member]]
    clock: Callable[[], float] = monotonic
    _members: list[Member] = field(default_factory=list)
    _replaced: list[int] = field(default_factory=list)
    _looked_at: float = 0.0
    _moved_at: float = 0.0
    _open_orders: int = 0

    def hire(self) -> None:
        """All of them."""
        self._members = [hire() for hire in self.hires]
        self._replaced = [0] * len(self.hires)

    def begin_stage(self) -> None:
        """Members that ended in another stage are no reason not to replace them in this one."""
        self._replaced = [0] * len(self.hires)
        self._moved_at = self.clock()

    def look_after(self, open_orders: int, *, alone: bool) -> None:
        """Replace who ended. `CrewLost` where `alone` says that nobody else does these parts, and none is left."""
        if self.clock() - self._looked_at < _LOOK_EVERY_S:
            return
        self._looked_at = self.clock()
        if open_orders != self._open_orders:
            self._moved_at = self._looked_at
        self._open_orders = open_orders
        if alone and self._looked_at - self._moved_at > settings().judge_start_within_s:
            raise CrewLost(
                f"nobody of pool {self.wanted.judge_pool} has done one of {open_orders} parts in "
                f"{settings().judge_start_within_s:g} s; start a worker (`prefect worker start --pool "
                f"{self.wanted.judge_pool}`), look at its log, and run again"
            )
        lost: list[str] = []
        for number, member in enumerate(self._members):
            end = member.has_ended()
            if end and self._replaced[number] >= REPLACEMENTS_MAX:
                lost.append(end)
            elif end:
                self._replaced[number] += not isinstance(member, _NotHired)
                self._members[number] = self.hires[number]()
                logging.getLogger("prefect.cardiograph").warning(
                    "a member of the crew ended (%s); replaced", end
                )
        if alone and lost and len(lost) == len(self._members):
            raise CrewLost(
                f"nobody is left in the crew for {open_orders} parts; the last one ended: {lost[-1]}. "
                "Look at its log, and run again"
            )

    def dismiss(self) -> None:
        """Nobody is needed any more."""
        for member in self._members:
            member.dismiss()


@contextmanager
def crew_for(home: Path, snapshot: date, wanted: CrewRequest) -> Iterator[Crew]:
    """The crew that is wanted, for as long as the block runs."""
    with ExitStack() as stack:
        hires: list[Callable[[], Member]] = []
        kinds = [kind for kind in CARD_KINDS if not (wanted.judge_pool and kind in JUDGE_KINDS)]
        for _ in range(wanted.workers - 1):
            if wanted.pool:
                hires.append(_hire_in_pool(wanted.pool, snapshot, kinds))
            else:
                hires.append(_hire_here(stack, home, snapshot, kinds))
        if wanted.judge_pool:
            hires += [_hire_in_pool(wanted.judge_pool, snapshot, JUDGE_KINDS)] * wanted.judge_workers
        crew = Crew(wanted, hires)
        stack.callback(crew.dismiss)
        crew.hire()
        yield crew


@dataclass(slots=True)
class _Process:
    """A member in a process of its own on this machine."""

    code: Callable[[], int | None]

    def has_ended(self) -> str | None:
        """Its exit code."""
        code = self.code()
        return None if code is None else f"exit code {code}"

    def dismiss(self) -> None:
        """It ends with the block that it was started in."""


def _hire_here(
    stack: ExitStack, home: Path, snapshot: date, kinds: Sequence[WorkKind]
) -> Callable[[], Member]:
    def hire() -> Member:
        log = stack.enter_context((home / "crew.log").open("ab"))
        words = [str(snapshot), str(home.resolve()), *kinds]
        return _Process(stack.enter_context(running_child("flows.crew", words, log=log)).poll)

    return hire


@dataclass(slots=True)
class _FlowRun:
    """A member that a work pool's worker runs."""

    flow_run_id: UUID

    def has_ended(self) -> str | None:
        """The state that its run ended in."""
        state = self._state()
        if state is None or not state.is_final():
            return None
        return f"{state.name}: {state.message or 'no message'}"

    def dismiss(self) -> None:
        """Take back what no worker has begun; who works sees for himself that the snapshot is done."""
        from prefect.states import Cancelled

        from tasks.engine.prefect_api import asked

        state = self._state()
        if state is not None and (state.is_scheduled() or state.is_pending()):
            done: State[Any] = Cancelled(message="the snapshot is done without it")
            asked(
                lambda client: client.set_flow_run_state(self.flow_run_id, done, force=True), otherwise=None
            )

    def _state(self) -> State[Any] | None:
        """As the server has it; null while it is away, and crashed where it knows nothing of the run any more."""
        from prefect.exceptions import ObjectNotFound
        from prefect.states import Crashed

        from tasks.engine.prefect_api import asked

        try:
            return asked(lambda client: client.read_flow_run(self.flow_run_id).state, otherwise=None)
        except ObjectNotFound:
            return Crashed(message="Prefect's server knows nothing of it any more")


@dataclass(frozen=True, slots=True)
class _NotHired:
    """A place that could not be filled because the server was away."""

    def has_ended(self) -> str:
        """At once: so that it is tried again."""
        return "Prefect's server was away"

    def dismiss(self) -> None:
        """There is nobody."""


def _hire_in_pool(pool: str, snapshot: date, kinds: Sequence[WorkKind]) -> Callable[[], Member]:
    def hire() -> Member:
        from prefect.exceptions import ObjectNotFound

        from tasks.engine.prefect_api import unless_away

        try:
            run = unless_away(lambda: _crew_run(pool, snapshot, kinds), otherwise=None)
        except ObjectNotFound as error:
            raise UsageError(
                f"no deployment crew/{pool} on this Prefect server; run `cardiograph deploy` first"
            ) from error
        return _FlowRun(run.id) if run else _NotHired()

    return hire


def _crew_run(pool: str, snapshot: date, kinds: Sequence[WorkKind]) -> FlowRun:
    from prefect.deployments import run_deployment

    asked_for = {"snapshot_date": str(snapshot), "kinds": list(kinds)}
    # Of an asynchronous caller it would give a coroutine.
    return cast("FlowRun", run_deployment(f"crew/{pool}", parameters=asked_for, timeout=0, as_subflow=False))
