"""A child process that lives no longer than its parent, not even when the parent is killed with -9.

The child holds the reading end of a pipe whose writing end only the parent has: the kernel closes it with the
parent, however the parent ends, and the child's watching thread sees the end of file. Portable, no polling.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic, sleep
from typing import IO

_POLL_S = 0.05


def exit_with_parent() -> None:
    """Called by the child: end as on SIGTERM once standard input is closed."""

    def watch() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="exit-with-parent", daemon=True).start()


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running_child(
    module: str,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    log: IO[bytes] | None = None,
    stop_within_s: float = 10.0,
) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m module arguments…`, stopped on leaving; its output goes to `log` (nowhere without one)."""
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=log or subprocess.DEVNULL,
        stderr=subprocess.STDOUT if log else subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
        start_new_session=True,  # Ctrl-C is for the parent, which then stops the child in order
    )
    try:
        yield child
    finally:
        stop(child, within_s=stop_within_s)


def stop(child: subprocess.Popen[bytes], *, within_s: float) -> None:
    """Ask it to end, and insist after `within_s` seconds."""
    child.terminate()
    try:
        child.wait(within_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdin:
        child.stdin.close()


def wait_until(ready: Callable[[], bool], child: subprocess.Popen[bytes], *, within_s: float) -> bool:
    """Whether `ready()` came true in time; false at once when the child has ended."""
    deadline = monotonic() + within_s
    while monotonic() < deadline and child.poll() is None:
        if ready():
            return True
        sleep(_POLL_S)
    return False
