"""One order per part in the lake, pulled by any free worker: `tasks/work/orders.py`; each part is a task run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from time import sleep
from uuid import uuid4

from prefect import flow, task

from benchmarks.fan_out.part import Ground, do_part, is_done
from benchmarks.fan_out.processes import running
from tasks.storage.lake import Lake
from tasks.work.leases import Leases, new_holder
from tasks.work.orders import Order, Puller, Shared, WorkStage, close_stage, open_stage

STAGE = WorkStage(date(2026, 11, 16), "describe")
_IDLE_S = 0.2  # between two polls without an order


@task
def one_part(folder: str, number: int, seconds: float) -> None:
    """The part."""
    do_part(folder, number, seconds)


@flow
def crew(ground_text: str, *, is_over_once_done: bool = False) -> None:
    """Pull and do parts; the coordinator until all are done, the others until they are stopped."""
    ground = Ground.read(ground_text)
    lake = Lake(ground.folder)
    leases = Leases(lake, _holder(ground), ground.lease_s)
    puller = Puller(lake, leases, STAGE.snapshot, ["describe"])
    while not (is_over_once_done and _all_done(ground)):
        order = puller.next()
        if order is None:
            sleep(_IDLE_S)
            continue
        if not is_done(ground.folder, int(order.part)):
            one_part(str(ground.folder), int(order.part), ground.seconds)
        puller.done(order)
    leases.close()


@contextmanager
def standing(ground: Ground) -> Iterator[None]:
    """All workers but one: the coordinator pulls too."""
    command = [sys.executable, "-m", "benchmarks.fan_out.coordinate", "crew", ground.text()]
    with ExitStack() as stack:
        for _ in range(ground.workers - 1):
            stack.enter_context(running(command, ground.folder / "workers.log"))
        yield


def coordinate(ground: Ground) -> None:
    """Write the orders, and pull with the others until none is left."""
    lake = Lake(ground.folder)
    open_stage(lake, STAGE, Shared(), [Order(STAGE, str(number)) for number in range(ground.parts)])
    crew(ground.text(), is_over_once_done=True)
    close_stage(lake, STAGE)


def _holder(ground: Ground) -> str:
    """Each process claims parts as a machine of its own, unless the trial is about one machine."""
    return new_holder() if ground.is_one_machine else f"machine-{uuid4().hex[:8]}:{os.getpid()}:0"


def _all_done(ground: Ground) -> bool:
    return all(is_done(ground.folder, number) for number in range(ground.parts))
