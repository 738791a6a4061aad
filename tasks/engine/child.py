"""Child processes that live no longer than their parent, not even when the parent is killed with -9.

The child holds the reading end of a pipe whose writing end only the parent has. The kernel closes it with the parent,
however the parent ends, and a thread of the child sees the end of file. Portable, no polling.

A command that does not watch its parent, or starts processes of its own, runs under a supervisor that does:
`python -m tasks.engine.child COMMAND…`, started by `running_child("tasks.engine.child", COMMAND)`. When the
supervisor is stopped or its parent is gone, it ends the command's whole process group.

However a parent ends, no child outlives it by more than `ORPHAN_GRACE_S` and a moment.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from queue import SimpleQueue
from time import monotonic, sleep
from typing import IO

from tasks import stopping

# For a child that runs Python, and those that it runs: or a `tasks.py` in the working directory would be imported
# instead of ours.
SAFE_PATH = {"PYTHONSAFEPATH": "1"}
STOP_GRACE_S = 8.0  # time for a supervised command to end in order
ORPHAN_GRACE_S = 4.0  # the same for a child whose parent is gone

_POLL_S = 0.05
_HURRY_S = 0.5  # time for a child to end in order where its parent has been asked to end
_STOPPED = 128 + signal.SIGTERM
_NOT_FOUND = 127  # the exit code of shells

# By the names that secrets have everywhere, and by the form of an address with a password in it. A proxy's stays: the
# child may need it, and it opens no more than what this process reaches.
_SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASSW|CREDENTIAL|AUTH_STRING|(?:^|_)KEYS?(?:_|$)|^AWS_", re.IGNORECASE
)
_SECRET_VALUE = re.compile(r"://[^/@\s]*:[^/@\s]+@")
_PROXY = re.compile(r"_PROXY$", re.IGNORECASE)


def exit_with_parent(*, within_s: float | None = ORPHAN_GRACE_S) -> threading.Event:
    """Called by the child: end as if by SIGTERM once standard input is closed, and so many seconds later anyhow.

    Null is for a supervisor, which must not end before its command. Returns the event that the parent is gone.
    """
    is_orphan = threading.Event()

    def watch() -> None:
        # Not through the buffered reader: at exit the interpreter waits for the thread that holds its lock.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        is_orphan.set()
        os.kill(os.getpid(), signal.SIGTERM)
        if within_s is not None:
            sleep(within_s)
            os._exit(_STOPPED)

    threading.Thread(target=watch, name="exit-with-parent", daemon=True).start()
    return is_orphan


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that hold no token, key or password, as far as name and value show it."""
    return {
        name: value
        for name, value in environment.items()
        if not _SECRET_NAME.search(name) and (_PROXY.search(name) or not _SECRET_VALUE.search(value))
    }


@contextmanager
def running_child(
    module: str,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    with_secrets: bool = False,
    log: IO[bytes] | None = None,
    stop_within_s: float = 10.0,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m module arguments…`, stopped on leaving; its output goes to `log`, or is discarded.

    Its environment is this process's, without the secrets unless it needs them, and `environment`. Nothing is imported
    from the working directory.
    """
    inherited = os.environ if with_secrets else without_secrets(os.environ)
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=log or subprocess.DEVNULL,
        stderr=subprocess.STDOUT if log else subprocess.DEVNULL,
        env={**inherited, **SAFE_PATH, **(environment or {})},
        start_new_session=True,  # Ctrl-C is for the parent, which then stops the child in order
    )
    # One that is killed could not end its command.
    watched = nullcontext() if _is_supervisor(child) else stopping.watched(child)
    try:
        with watched:
            yield child
    finally:
        stop(child, within_s=stop_within_s)


def stop(child: subprocess.Popen[bytes], *, within_s: float) -> None:
    """Ask the child to end, and kill it after `within_s` seconds: sooner where this process has been asked to end."""
    is_hurried = stopping.is_requested()
    child.terminate()
    try:
        child.wait(min(within_s, _HURRY_S) if is_hurried else within_s)
    except subprocess.TimeoutExpired:
        if not (is_hurried and _is_supervisor(child)):  # which ends its command on its own
            child.kill()
            child.wait()
    if child.stdin:
        child.stdin.close()


def _is_supervisor(child: subprocess.Popen[bytes]) -> bool:
    return isinstance(child.args, list) and child.args[1:3] == ["-m", "tasks.engine.child"]


def wait_until(ready: Callable[[], bool], child: subprocess.Popen[bytes], *, within_s: float) -> bool:
    """Whether `ready()` became true in time; false as soon as the child has ended."""
    deadline = monotonic() + within_s
    while monotonic() < deadline and child.poll() is None:
        if ready():
            return True
        stopping.pause(_POLL_S)
    return False


def answers(url: str, *, within_s: float = 5.0) -> bool:
    """Whether a GET of the URL is answered with 200."""
    import http.client  # supervisors do not need it
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=within_s) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def supervise(command: Sequence[str], *, grace_s: float = STOP_GRACE_S) -> int:
    """Run a command until it or this process's parent ends, then end all that it started; returns its exit code.

    Call it in the main thread of a process of its own, whose standard input is the parent's pipe.
    """
    ends: SimpleQueue[int] = SimpleQueue()
    signal.signal(signal.SIGTERM, lambda *_: ends.put(_STOPPED))
    is_orphan = exit_with_parent(within_s=None)
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)  # noqa: T201 - into the log
        return _NOT_FOUND
    threading.Thread(target=lambda: ends.put(child.wait()), name="exit-code", daemon=True).start()
    code = ends.get()
    _end_group(child.pid, lambda: min(grace_s, ORPHAN_GRACE_S) if is_orphan.is_set() else grace_s)
    return code if code >= 0 else 128 - code


def _end_group(group: int, grace_s: Callable[[], float]) -> None:
    """Ask every process of the group to end, and kill the group after `grace_s()` seconds, which may become fewer."""
    with suppress(ProcessLookupError, PermissionError):  # macOS refuses where only zombies are left
        os.killpg(group, signal.SIGTERM)
        asked = monotonic()
        while monotonic() - asked < grace_s():
            sleep(_POLL_S)
            os.killpg(group, 0)  # raises once the group is empty
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(supervise(sys.argv[1:]))
