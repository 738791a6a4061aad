"""Runs one command as a container engine would: when the command ends, nothing that it started is left.

    python -m deployments.native.supervisor --stop-signal 15 --grace 8 [--user postgres] -- COMMAND…

The command runs in a session of its own. Processes that it started and lost (a killed worker's flow runs, in
sessions of their own) become this process's children, and are killed when the command ends, however it ends. The
command is stopped when this process is stopped, or when the parent of this process is gone.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

from deployments.native.processes import descendants, signal_all
from tasks.engine.child import exit_with_parent

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_NOT_FOUND = 127  # the exit code of shells


def main(arguments: Sequence[str]) -> int:
    """Supervise until the command has ended; returns its exit code as a shell would."""
    options = _options(arguments)
    _adopt_orphans()
    child = _Child(options.stop_signal, options.grace)
    signal.signal(signal.SIGTERM, child.stop)
    exit_with_parent(within_s=None)
    try:
        child.start(options.command, options.user)
    except OSError as error:
        print(f"{options.command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        return _NOT_FOUND
    code = child.wait()
    _kill_the_rest()
    return code


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="supervisor", description=__doc__)
    parser.add_argument("--stop-signal", type=int, default=int(signal.SIGTERM))
    parser.add_argument("--grace", type=float, default=8.0, help="seconds to end in order")
    parser.add_argument("--user", help="run the command as this user")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(arguments)


def _adopt_orphans() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class _Child:
    """The command's process; if it is stopped before it has started, it ends as soon as it has."""

    def __init__(self, stop_signal: int, grace_s: float) -> None:
        self._stop_signal = stop_signal
        self._grace_s = grace_s
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopped = False

    def start(self, command: Sequence[str], user: str | None) -> None:
        # Its standard input stays open: some commands of ours end when it closes.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
        if self._is_stopped:
            self.stop()

    def stop(self, *_: object) -> None:
        """Send the stop signal, also to a paused process; after the grace period kill everything."""
        self._is_stopped = True
        if self._process is None:
            return
        running = descendants(os.getpid())
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, self._stop_signal)
        signal_all(running, signal.SIGCONT)
        killer = threading.Timer(self._grace_s, _kill_all)
        killer.daemon = True
        killer.start()

    def wait(self) -> int:
        """Wait for the command's exit code; reap orphans meanwhile."""
        assert self._process is not None  # noqa: S101 - started before
        while True:
            pid, status = os.wait()
            if pid == self._process.pid:
                self._process.returncode = code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code


def _kill_all() -> None:
    signal_all(descendants(os.getpid()), signal.SIGKILL)


def _kill_the_rest() -> None:
    with suppress(ChildProcessError):  # raised once no child is left
        while True:
            _kill_all()
            os.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
