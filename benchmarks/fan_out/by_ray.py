"""One Prefect task per part, on a Ray cluster: a head and nodes beside Prefect's own server and workers."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.fan_out.by_dask import all_parts
from benchmarks.fan_out.part import Ground
from benchmarks.fan_out.processes import running, until
from tasks.engine.child import free_port

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1", "RAY_DEDUP_LOGS": "0"}


@contextmanager
def standing(ground: Ground) -> Iterator[None]:
    """A head that does no parts, and nodes of one core each."""
    address = f"127.0.0.1:{free_port()}"
    _address_file(ground.folder).write_text(address, encoding="utf-8")
    start = [str(Path(sys.executable).with_name("ray")), "start", "--block", "--disable-usage-stats"]
    start += ["--node-ip-address", "127.0.0.1", "--object-store-memory", "80000000"]
    head = ["--head", "--port", address.rpartition(":")[2], "--num-cpus", "0", "--include-dashboard", "false"]
    # Ray keeps sockets in this folder, and the path of a socket must be short.
    head += ["--temp-dir", str(ground.folder / "ray")]
    with ExitStack() as stack:
        stack.enter_context(running([*start, *head], ground.folder / "head.log", _QUIET))
        until(lambda: "ray start --address" in _text(ground.folder / "head.log"), "the Ray head")
        for number in range(ground.workers):
            log = ground.folder / f"node-{number}.log"
            stack.enter_context(running([*start, "--address", address, "--num-cpus", "1"], log, _QUIET))
            until(lambda log=log: "Ray runtime started" in _text(log), "a Ray node")  # type: ignore[misc]
        yield


def coordinate(ground: Ground) -> None:
    """Run the flow on the cluster."""
    address = _address_file(ground.folder).read_text(encoding="utf-8")
    runner = importlib.import_module("prefect_ray").RayTaskRunner(
        address=address, init_kwargs={"log_to_driver": False}
    )
    all_parts.with_options(task_runner=runner)(ground.text())


def _address_file(folder: Path) -> Path:
    return folder / "ray-address"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
