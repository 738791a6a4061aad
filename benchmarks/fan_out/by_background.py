"""One background task per part: `task.delay()`, and task workers to which the server hands the runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from prefect import task

from benchmarks.fan_out.part import Ground, do_part
from benchmarks.fan_out.processes import running, until
from benchmarks.fan_out.server import ask


@task
def one_part(folder: str, number: int, seconds: float) -> None:
    """The part."""
    do_part(folder, number, seconds)


@contextmanager
def standing(ground: Ground) -> Iterator[None]:
    """Task workers that have subscribed."""
    serve = [sys.executable, "-m", "prefect", "task", "serve", "--module", __name__, "--limit", "1"]
    with ExitStack() as stack:
        for _ in range(ground.workers):
            stack.enter_context(running(serve, ground.folder / "workers.log"))
        until(lambda: len(ask("/task_workers/filter")) == ground.workers, "task workers")
        yield


def coordinate(ground: Ground) -> None:
    """Hand all parts to the server, and wait for each."""
    runs = [one_part.delay(str(ground.folder), number, ground.seconds) for number in range(ground.parts)]
    for run in runs:
        run.wait()
