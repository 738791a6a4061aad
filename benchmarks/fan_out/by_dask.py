"""One Prefect task per part, on a Dask cluster: a scheduler and workers beside Prefect's own."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from prefect import flow, task

from benchmarks.fan_out.part import Ground, do_part
from benchmarks.fan_out.processes import running, until


@task
def one_part(folder: str, number: int, seconds: float) -> None:
    """The part."""
    do_part(folder, number, seconds)


@flow
def all_parts(ground_text: str) -> None:
    """Every part as a future of the cluster."""
    ground = Ground.read(ground_text)
    futures = [one_part.submit(str(ground.folder), number, ground.seconds) for number in range(ground.parts)]
    for future in futures:
        future.wait()


@contextmanager
def standing(ground: Ground) -> Iterator[None]:
    """A cluster whose workers have all registered, each with a nanny, as `dask worker` starts it."""
    dask = [sys.executable, "-m", "dask"]
    told = _scheduler_file(ground.folder)
    options = ["--host", "127.0.0.1", "--scheduler-file", str(told), "--no-dashboard"]
    with ExitStack() as stack:
        scheduler = [*dask, "scheduler", "--port", "0", *options]
        stack.enter_context(running(scheduler, ground.folder / "scheduler.log"))
        until(told.exists, "the Dask scheduler")
        worker = [*dask, "worker", "--nthreads", "1", "--local-directory", str(ground.folder), *options]
        for _ in range(ground.workers):
            stack.enter_context(running(worker, ground.folder / "workers.log"))
        with _client(told) as client:
            client.wait_for_workers(ground.workers, timeout=60)
        yield


def coordinate(ground: Ground) -> None:
    """Run the flow on the cluster."""
    address = json.loads(_scheduler_file(ground.folder).read_text(encoding="utf-8"))["address"]
    runner = importlib.import_module("prefect_dask").DaskTaskRunner(address=address)
    all_parts.with_options(task_runner=runner)(ground.text())


def _scheduler_file(folder: Path) -> Path:
    return folder / "dask-scheduler.json"


def _client(scheduler_file: Path):  # type: ignore[no-untyped-def]  # of a library that may be absent
    return importlib.import_module("distributed").Client(scheduler_file=str(scheduler_file))
