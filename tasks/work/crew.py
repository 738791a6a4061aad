"""The processes that help a coordinator: on this machine, or flow runs on the workers of a work pool.

A member that ends while there is work is replaced, a limited number of times; meanwhile others do its parts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed

from tasks.engine.child import running_child
from tasks.engine.prefect_api import ask_server, unless_away
from tasks.errors import CrewLost, UsageError
from tasks.settings import settings
from tasks.work.orders import WorkKind
from tasks.work.request import CrewRequest
from tasks.work.run import Run

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, State

CARD_KINDS: tuple[WorkKind, ...] = ("read", "describe", "assess", "judge", "explain", "embed")
JUDGE_KINDS: tuple[WorkKind, ...] = ("identify", "prove", "judge", "explain")
REPLACEMENTS_MAX = 3  # of each member, in one stage
_LOOK_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Member:
    """One process of the crew: `has_ended` returns how it ended, null while it runs or waits; `dismiss` stops it."""

    has_ended: Callable[[], str | None]
    dismiss: Callable[[], object] = lambda: None
    is_started: bool = True


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
                self._replaced[number] += member.is_started
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


def _starter_here(stack: ExitStack, run: Run, kinds: Sequence[WorkKind]) -> Callable[[], Member]:
    def start() -> Member:
        log = stack.enter_context((run.home / "crew.log").open("ab"))
        words = [str(run.snapshot), str(run.home.resolve()), *kinds]
        child = stack.enter_context(running_child("flows.crew", words, with_secrets=True, log=log))
        # It needs no dismissal: it ends with the stack.
        return Member(lambda: None if (code := child.poll()) is None else f"exit code {code}")

    return start


def _state_of(flow_run: UUID) -> State[Any] | None:
    """The state on the server; null while the server is away, crashed where the server has lost the run."""
    try:
        return ask_server(lambda client: client.read_flow_run(flow_run).state, otherwise=None)
    except ObjectNotFound:
        return Crashed(message="Prefect's server has no record of it any more")


def _end_of(flow_run: UUID) -> str | None:
    state = _state_of(flow_run)
    return f"{state.name}: {state.message or 'no message'}" if state and state.is_final() else None


def _cancel(flow_run: UUID) -> None:
    """Cancel a run that no worker has begun; one that works notices that the snapshot is done."""
    state = _state_of(flow_run)
    if state and (state.is_scheduled() or state.is_pending()):
        done: State[Any] = Cancelled(message="the snapshot is done without it")
        ask_server(lambda client: client.set_flow_run_state(flow_run, done, force=True), otherwise=None)


def _starter_in_pool(pool: str, snapshot: date, kinds: Sequence[WorkKind]) -> Callable[[], Member]:
    def start() -> Member:
        try:
            run = unless_away(lambda: _crew_run(pool, snapshot, kinds), otherwise=None)
        except ObjectNotFound as error:
            raise UsageError(
                f"no deployment crew/{pool} on this Prefect server; run `cardiograph deploy` first"
            ) from error
        if run is None:
            return Member(lambda: "Prefect's server was away", is_started=False)
        return Member(partial(_end_of, run.id), partial(_cancel, run.id))

    return start


def _crew_run(pool: str, snapshot: date, kinds: Sequence[WorkKind]) -> FlowRun:
    from prefect.deployments import run_deployment

    parameters = {"snapshot_date": str(snapshot), "kinds": list(kinds)}
    # An asynchronous caller would get a coroutine.
    return cast("FlowRun", run_deployment(f"crew/{pool}", parameters=parameters, timeout=0, as_subflow=False))
