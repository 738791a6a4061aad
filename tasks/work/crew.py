"""The processes that help a coordinator: on this machine, or flow runs on the workers of a work pool.

A member that ends while there is work is replaced, a limited number of times; meanwhile others do its parts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, cast
from uuid import UUID

from tasks.engine.child import running_child
from tasks.errors import CrewLost, UsageError
from tasks.settings import settings
from tasks.work.orders import WorkKind
from tasks.work.request import CrewRequest
from tasks.work.run import Run

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, State

CARD_KINDS: tuple[WorkKind, ...] = ("read", "describe", "judge", "explain", "embed")
JUDGE_KINDS: tuple[WorkKind, ...] = ("identify", "judge", "explain")
REPLACEMENTS_MAX = 3  # of each member, in one stage
_LOOK_EVERY_S = 10.0


class Member(Protocol):
    """One process of the crew."""

    def has_ended(self) -> str | None:
        """How it ended, in words; null while it runs or waits for a worker."""
        ...

    def dismiss(self) -> None:
        """Stop it: it is not needed any more."""
        ...


@dataclass(slots=True)
class Crew:
    """The members, and how to start each again."""

    request: CrewRequest
    starters: list[Callable[[], Member]]
    clock: Callable[[], float] = monotonic
    _members: list[Member] = field(default_factory=list)
    _replaced: list[int] = field(default_factory=list)
    _looked_at: float = 0.0
    _moved_at: float = 0.0
    _open_orders: int = 0

    def start(self) -> None:
        """Start every member."""
        self._members = [start() for start in self.starters]
        self._replaced = [0] * len(self.starters)

    def begin_stage(self) -> None:
        """Allow each member all its replacements again: what ended in another stage does not count in this one."""
        self._replaced = [0] * len(self.starters)
        self._moved_at = self.clock()

    def look_after(self, open_orders: int, *, alone: bool) -> None:
        """Replace members that ended. `CrewLost` where the crew does these parts `alone` and no member is left."""
        if self.clock() - self._looked_at < _LOOK_EVERY_S:
            return
        self._looked_at = self.clock()
        if open_orders != self._open_orders:
            self._moved_at = self._looked_at
        self._open_orders = open_orders
        if alone and self._looked_at - self._moved_at > settings().judge_start_within_s:
            raise CrewLost(
                f"pool {self.request.judge_pool} has done none of {open_orders} parts in "
                f"{settings().judge_start_within_s:g} s; start a worker (`prefect worker start --pool "
                f"{self.request.judge_pool}`), look at its log, and run again"
            )
        lost: list[str] = []
        for number, member in enumerate(self._members):
            end = member.has_ended()
            if end and self._replaced[number] >= REPLACEMENTS_MAX:
                lost.append(end)
            elif end:
                self._replaced[number] += not isinstance(member, _NotStarted)
                self._members[number] = self.starters[number]()
                logging.getLogger("prefect.cardiograph").warning(
                    "a member of the crew ended (%s); replaced", end
                )
        if alone and lost and len(lost) == len(self._members):
            raise CrewLost(
                f"no member of the crew is left for {open_orders} parts; the last one ended: {lost[-1]}. "
                "Look at its log, then run again"
            )

    def dismiss(self) -> None:
        """Stop every member."""
        for member in self._members:
            member.dismiss()


@contextmanager
def crew_for(run: Run, request: CrewRequest) -> Iterator[Crew]:
    """The crew of the request, for as long as the block runs."""
    with ExitStack() as stack:
        kinds = [kind for kind in CARD_KINDS if not (request.judge_pool and kind in JUDGE_KINDS)]
        if request.pool:
            start = _starter_in_pool(request.pool, run.snapshot, kinds)
        else:
            start = _starter_here(stack, run, kinds)
        starters = [start] * (request.workers - 1)
        if request.judge_pool:
            start = _starter_in_pool(request.judge_pool, run.snapshot, JUDGE_KINDS)
            starters += [start] * request.judge_workers
        crew = Crew(request, starters)
        stack.callback(crew.dismiss)
        crew.start()
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


def _starter_here(stack: ExitStack, run: Run, kinds: Sequence[WorkKind]) -> Callable[[], Member]:
    def start() -> Member:
        log = stack.enter_context((run.home / "crew.log").open("ab"))
        words = [str(run.snapshot), str(run.home.resolve()), *kinds]
        return _Process(stack.enter_context(running_child("flows.crew", words, log=log)).poll)

    return start


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
        """Cancel a run that no worker has begun; one that works sees by itself that the snapshot is done."""
        from prefect.states import Cancelled

        from tasks.engine.prefect_api import asked

        state = self._state()
        if state is not None and (state.is_scheduled() or state.is_pending()):
            done: State[Any] = Cancelled(message="the snapshot is done without it")
            asked(
                lambda client: client.set_flow_run_state(self.flow_run_id, done, force=True), otherwise=None
            )

    def _state(self) -> State[Any] | None:
        """Its state on the server; null while the server is away, crashed where the server has lost the run."""
        from prefect.exceptions import ObjectNotFound
        from prefect.states import Crashed

        from tasks.engine.prefect_api import asked

        try:
            return asked(lambda client: client.read_flow_run(self.flow_run_id).state, otherwise=None)
        except ObjectNotFound:
            return Crashed(message="Prefect's server has no record of it any more")


@dataclass(frozen=True, slots=True)
class _NotStarted:
    """A member that could not be started because the server was away."""

    def has_ended(self) -> str:
        """Ended at once, so that it is tried again."""
        return "Prefect's server was away"

    def dismiss(self) -> None:
        """Nothing to stop."""


def _starter_in_pool(pool: str, snapshot: date, kinds: Sequence[WorkKind]) -> Callable[[], Member]:
    def start() -> Member:
        from prefect.exceptions import ObjectNotFound

        from tasks.engine.prefect_api import unless_away

        try:
            run = unless_away(lambda: _crew_run(pool, snapshot, kinds), otherwise=None)
        except ObjectNotFound as error:
            raise UsageError(
                f"no deployment crew/{pool} on this Prefect server; run `cardiograph deploy` first"
            ) from error
        return _FlowRun(run.id) if run else _NotStarted()

    return start


def _crew_run(pool: str, snapshot: date, kinds: Sequence[WorkKind]) -> FlowRun:
    from prefect.deployments import run_deployment

    parameters = {"snapshot_date": str(snapshot), "kinds": list(kinds)}
    # An asynchronous caller would get a coroutine.
    return cast("FlowRun", run_deployment(f"crew/{pool}", parameters=parameters, timeout=0, as_subflow=False))
