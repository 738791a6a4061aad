"""Processes that the benchmark starts, kills with all that they started, and never leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import Popen
from time import monotonic, sleep

from tasks.engine.child import running_child

POLL_S = 0.05


@contextmanager
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Popen[bytes]]:
    """Run the command under a supervisor that ends with this process; afterwards none of its processes is left."""
    with log.open("ab") as file:
        descendants: list[int] = []
        with running_child(
            "tasks.engine.child", command, environment=environment, with_secrets=True, log=file
        ) as child:
            try:
                yield child
            finally:
                descendants = tree(child.pid)
        kill(descendants)


def tree(root: int) -> list[int]:
    """A process and all its descendants, also those in sessions of their own."""
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    children: dict[int, list[int]] = {}
    for line in listing.stdout.splitlines():
        pid, parent = map(int, line.split())
        children.setdefault(parent, []).append(pid)
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def kill(pids: Sequence[int]) -> None:
    """Kill processes with -9, as when a machine loses power."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def until(ready: Callable[[], bool], what: str, within_s: float = 120.0) -> None:
    """Wait until it is ready; TimeoutError names what was not."""
    deadline = monotonic() + within_s
    while not ready():
        if monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {within_s:.0f} s")
        sleep(POLL_S)
