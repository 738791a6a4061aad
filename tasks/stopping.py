"""How a process ends when it is asked to: by Ctrl-C (SIGINT) or by SIGTERM.

A process that heeds signals is stopped in three steps. At once, whatever waits is woken and raises `Stopped`, which
unwinds the main thread and the others: leases are given back, children stopped. After `ASK_AFTER_S` the children that
are left are asked to end. After `END_AFTER_S` they are killed, and the process ends, whatever its threads still do. A
second Ctrl-C skips to the last step. So nothing may depend on an orderly end: a run that is stopped may lose what
`kill -9` would, and no more.

A thread of its own sees to that, told by the C code of Python: the main thread may be busy in a library, or wait for a
child, which signals do not interrupt once Polars was used. What holds Python's own lock for long delays even this
thread.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

ASK_AFTER_S = 1.0
END_AFTER_S = 1.5

_LINE = "cardiograph: stopped; run the same command to resume\n"
_SHOW_CURSOR = "\x1b[?25h\n"  # a progress bar hides it
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """The process was asked to end. Not an `Exception`: nothing must take it for the failure of a card."""


@dataclass(slots=True)
class _Process:
    """This process, which has one set of signals, and so one stop; `first` is the signal that stops it."""

    first: int | None = None
    is_raised: bool = False
    is_heeding: bool = False
    requested: threading.Event = field(default_factory=threading.Event)
    ending: threading.Lock = field(default_factory=threading.Lock)
    callbacks: list[Callable[[], object]] = field(default_factory=list)
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)


_process = _Process()


def is_requested() -> bool:
    """Whether the process has been asked to end."""
    return _process.first is not None


def check() -> None:
    """Raise `Stopped` where the process has been asked to end."""
    if is_requested():
        raise Stopped


def pause(seconds: float) -> None:
    """Sleep; raise `Stopped` as soon as the process is asked to end."""
    if not _process.is_heeding:  # and nothing would set the event
        time.sleep(max(seconds, 0.0))
    elif _process.requested.wait(max(seconds, 0.0)):
        raise Stopped


@contextmanager
def on_stop(callback: Callable[[], object]) -> Iterator[None]:
    """Call `callback` in a thread of its own if the process is asked to end during the block: to wake what waits."""
    _process.callbacks.append(callback)
    try:
        yield
    finally:
        _process.callbacks.remove(callback)


@contextmanager
def watched(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Have the child asked to end, then killed, where a stop of this process cannot wait for the end of the block."""
    _process.children.append(child)
    try:
        yield
    finally:
        _process.children.remove(child)


@contextmanager
def heeded() -> Iterator[None]:
    """Heed SIGINT and SIGTERM: the block then ends by `Stopped`, and the process with one line and 130 or 143.

    For the main thread of a command. Whatever leaves the block after a signal, that is how the process ends.
    """
    told, tell = socket.socketpair()
    tell.setblocking(False)
    threading.Thread(target=_see_to_it, args=(told,), name="stopping", daemon=True).start()
    usual = {number: signal.signal(number, _raise) for number in _SIGNALS}
    usual_fd = signal.set_wakeup_fd(tell.fileno(), warn_on_full_buffer=False)
    _process.is_heeding = True
    try:
        yield
    finally:
        if is_requested():
            end()
        _process.is_heeding = False
        signal.set_wakeup_fd(usual_fd)
        for number, handler in usual.items():
            signal.signal(number, handler)
        tell.close()  # which ends the thread


def end() -> NoReturn:
    """End the process now, with what is left of its children."""
    _process.ending.acquire()  # and never released: the first caller ends the process
    for child in list(_process.children):
        child.kill()
    # Not through `sys.stderr`, whose lock another thread may hold; a closed terminal is no reason to stay.
    with suppress(OSError):
        os.write(2, (_SHOW_CURSOR if os.isatty(2) else "").encode() + _LINE.encode())
    # Without the interpreter's own end, which waits for threads, and in which Prefect reports what it could not send.
    os._exit(128 + (_process.first or signal.SIGTERM))


def _raise(number: int, _: FrameType | None) -> None:
    """Unwind the main thread, once: a second signal must not disturb what the first one began."""
    _process.first = _process.first or number
    if not _process.is_raised:
        _process.is_raised = True
        raise Stopped


def _see_to_it(told: socket.socket) -> None:
    """Wait for a signal, then see the process to its end."""
    with told:
        while (number := _signal_in(told, None)) not in _SIGNALS:
            if number is None:
                return
        _process.first = _process.first or number
        _process.requested.set()
        for callback in list(_process.callbacks):
            threading.Thread(target=callback, name="stopping", daemon=True).start()
        started = time.monotonic()
        if not _is_hurried(told, started + ASK_AFTER_S):
            for child in list(_process.children):
                child.terminate()
            _is_hurried(told, started + END_AFTER_S)
    end()


def _is_hurried(told: socket.socket, until: float) -> bool:
    """Wait; true as soon as Ctrl-C is pressed again. A SIGTERM changes nothing: Prefect repeats the one it gets."""
    while (left_s := until - time.monotonic()) > 0:
        if _signal_in(told, left_s) == signal.SIGINT:
            return True
    return False


def _signal_in(told: socket.socket, within_s: float | None) -> int | None:
    """The next signal; null where none comes in time, or none can come any more."""
    told.settimeout(within_s)
    try:
        byte = told.recv(1)
    except TimeoutError:
        return None
    return byte[0] if byte else None
