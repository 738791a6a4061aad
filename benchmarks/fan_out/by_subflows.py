"""One deployment run per part, on a process pool: `run_deployment` and `prefect worker start --limit 1`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from prefect import flow
from prefect.deployments import arun_deployment
from prefect.deployments.runner import RunnerDeployment
from prefect.types.entrypoint import EntrypointType

from benchmarks.fan_out.part import Ground, do_part
from benchmarks.fan_out.processes import running, until
from benchmarks.fan_out.server import ask

POOL = "fan-out"
_POLL_S = 1.0  # how often each waiting parent asks the server; Prefect's default is 5 s


@flow
def one_part(folder: str, number: int, seconds: float) -> None:
    """The part, in a process of its own."""
    do_part(folder, number, seconds)


@flow
async def all_parts(ground_text: str) -> None:
    """One sub-flow run per part, all requested at once."""
    ground = Ground.read(ground_text)
    await asyncio.gather(
        *(
            arun_deployment(
                "one-part/part",
                parameters={"folder": str(ground.folder), "number": number, "seconds": ground.seconds},
                poll_interval=_POLL_S,
            )
            for number in range(ground.parts)
        )
    )


def deploy() -> None:
    """Create the deployment of a part on the server."""
    part = RunnerDeployment.from_flow(one_part, "part", entrypoint_type=EntrypointType.MODULE_PATH)
    part.apply(work_pool_name=POOL)


@contextmanager
def standing(ground: Ground) -> Iterator[None]:
    """A pool, a deployment, and workers that are online."""
    prefect = [sys.executable, "-m", "prefect"]
    create = [*prefect, "--no-prompt", "work-pool", "create", POOL, "--type", "process"]
    subprocess.run(create, check=True, stdout=subprocess.DEVNULL)
    # In a process of its own: Prefect reads its server's address once per process, and each trial has its own server.
    subprocess.run([sys.executable, "-c", f"from {__name__} import deploy; deploy()"], check=True)
    with ExitStack() as stack:
        for number in range(ground.workers):
            start = [*prefect, "worker", "start", "--pool", POOL, "--limit", "1", "--name", str(number)]
            stack.enter_context(running(start, ground.folder / "workers.log"))
        until(lambda: _online() == ground.workers, "Prefect workers")
        yield


def coordinate(ground: Ground) -> None:
    """Run the parent flow."""
    asyncio.run(all_parts(ground.text()))


def _online() -> int:
    return sum(worker["status"] == "ONLINE" for worker in ask(f"/work_pools/{POOL}/workers/filter"))
