"""How a flow runs orders: pull one, run it as a task, take it off the list; until there are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

from prefect import Task, get_run_logger
from prefect.futures import PrefectFuture

from tasks.embedders.steps import embed_part
from tasks.errors import BudgetReached
from tasks.hub.quota import READS_AT_ONCE
from tasks.hub.steps import read_part
from tasks.judges.canaries.steps import prove_judge
from tasks.judges.steps import (
    assess_part,
    describe_part,
    explain_part,
    identify_judge,
    judge_part,
    judge_servers,
)
from tasks.progress import advance, expect
from tasks.work.coordinator import Coordination
from tasks.work.orders import Order, Puller, Shared, WorkKind, WorkStage, close_stage, open_stage, read_shared
from tasks.work.run import Run

PART_TASKS: dict[WorkKind, Task[[Run, Order, Shared], Any]] = {
    "identify": identify_judge,
    "prove": prove_judge,
    "read": read_part,
    "describe": describe_part,
    "assess": assess_part,
    "judge": judge_part,
    "explain": explain_part,
    "embed": embed_part,
}
# Parts of a kind that a process runs at once: a second one keeps the network busy while the first is written, and a
# judge model's servers need a full queue.
AT_ONCE: dict[WorkKind, int] = {
    "identify": 1,
    "prove": 1,
    "read": READS_AT_ONCE,
    "describe": 2,
    "assess": 2,
    "judge": 4,
    "explain": 2,
    "embed": 1,
}

_LOOK_EVERY_S = 0.5


@contextmanager
def opened_stages(run: Run, stages: dict[WorkStage, Shared], orders: Collection[Order]) -> Iterator[None]:
    """Offer orders to the crew while inside; what is left of them when a run fails stays for the next one."""
    for stage, shared in stages.items():
        open_stage(run.lake, stage, shared, [order for order in orders if order.stage == stage])
    yield
    for stage in stages:
        close_stage(run.lake, stage)


def run_orders(
    run: Coordination,
    stages: dict[WorkStage, Shared],
    orders: Collection[Order],
    *,
    elsewhere: Collection[WorkKind] = (),
) -> int:
    """Have the orders done by this process and its crew; returns how many cards or texts they were about.

    Kinds that are done `elsewhere` are left to the crew.
    """
    kinds = {stage.kind for stage in stages}
    puller = run.puller(kinds)
    waiting = {order.name: order for order in orders}

    def is_over() -> bool:
        run.check()
        for name in waiting.keys() - puller.open_orders - puller.mine.keys():
            order = waiting.pop(name)  # another process has done it
            for kind in order.stage.kinds:
                advance(kind, len(order.refs))
        left = {order.stage.kind for order in waiting.values()}
        run.crew.look_after(len(waiting), alone=bool(left) and left <= set(elsewhere))
        return not puller.open_orders

    for kind, total in _totals(orders).items():
        expect(kind, total)
    started = monotonic()
    run.crew.begin_stage()
    try:
        with opened_stages(run, stages, orders):
            done = pull(
                run, puller, is_over, on_done=lambda order: waiting.pop(order.name, None), exclude=elsewhere
            )
    except BudgetReached as reached:
        left, total = (_texts(filter(_is_asked, some)) for some in (waiting.values(), orders))
        rest = f"{left - reached.texts:,} of {total:,} texts are left; " if total else ""
        raise BudgetReached(
            f"{reached}; {rest}what was done is kept: run the same command again, with a budget for the rest"
        ) from reached
    if orders:
        message = "%s of %s: %d parts in %.1f s, %d of them by this process"
        names = ", ".join(sorted(kinds))
        get_run_logger().info(message, names, run.snapshot, len(orders), monotonic() - started, done)
    return _texts(orders)


def _is_asked(order: Order) -> bool:
    """Whether a judge is asked about its texts."""
    return order.stage.kind in ("judge", "explain")


def _texts(orders: Iterable[Order]) -> int:
    """Cards or texts of the orders."""
    return sum(len(order.refs) for order in orders)


def _totals(orders: Collection[Order]) -> Counter[WorkKind]:
    """Cards or texts of the orders, by kind of work; an order without any is not on a progress bar."""
    totals: Counter[WorkKind] = Counter()
    for order in orders:
        totals.update(dict.fromkeys(order.stage.kinds, len(order.refs)))
    return +totals


def pull(
    run: Run,
    puller: Puller,
    is_over: Callable[[], bool],
    *,
    on_done: Callable[[Order], object] = lambda _: None,
    exclude: Collection[WorkKind] = (),
) -> int:
    """Do orders, several at a time, until it is over; returns how many. The first that fails ends it.

    Where a judge's budget ends, those that run finish first, with what they have: BudgetReached for all of them.
    """
    finished: SimpleQueue[PrefectFuture[Any]] = SimpleQueue()
    running: dict[PrefectFuture[Any], Order] = {}
    done = 0
    reached: BudgetReached | None = None
    with judge_servers(run) as with_servers:
        puller.look()
        while True:
            over = reached is not None or is_over()
            while not over and (order := puller.next([*exclude, *_at_their_limit(running.values())])):
                if (future := _submit(run, puller, order, with_servers)) is None:
                    break
                running[future] = order
                future.add_done_callback(finished.put)
            if over and not running:
                if reached:
                    raise reached
                return done
            try:
                future = finished.get(timeout=_LOOK_EVERY_S)
            except Empty:
                continue
            order = running.pop(future)
            try:
                future.result()
            except BudgetReached as ended:  # the order stays claimed: what is left of it is for another run
                reached = BudgetReached(str(ended), ended.texts + (reached.texts if reached else 0))
                continue
            puller.done(order)
            on_done(order)
            done += 1


def _submit(
    run: Run, puller: Puller, order: Order, with_servers: Callable[[Shared], Shared]
) -> PrefectFuture[Any] | None:
    """Start an order; null where its stage was closed meanwhile."""
    shared = read_shared(run.lake, order.stage)
    if shared is None:
        puller.let_go(order)
        return None
    if order.stage.kind in ("prove", "judge", "explain"):
        shared = with_servers(shared)
    return PART_TASKS[order.stage.kind].submit(run, order, shared)


def _at_their_limit(orders: Collection[Order]) -> list[WorkKind]:
    """Kinds of which this process runs enough parts."""
    counts = Counter(order.stage.kind for order in orders)
    return [kind for kind, count in counts.items() if count >= AT_ONCE[kind]]
