"""Progress of the work: tasks report it, and whatever displays it listens. On a worker nothing listens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tasks import stopping

Listener = Callable[[str, int, int | None], None]
Reader = Callable[[str], None]

_listeners: list[Listener] = []
_readers: list[Reader] = []


def advance(stage: str, by: int = 1) -> None:
    """Report that `by` more units of the stage are done. Raises `Stopped` where the process has been asked to end."""
    stopping.check()
    if by:
        for listener in _listeners:
            listener(stage, by, None)


def expect(stage: str, total: int | None) -> None:
    """Report that the stage begins, with its total number of units; None where that is unknown.

    A stage may begin again, for a second judge: its count begins again, too.
    """
    for listener in _listeners:
        listener(stage, 0, total)


def remark(message: str) -> None:
    """Report what a person who waits should know: a long wait, and what for. It goes into the log, too."""
    logging.getLogger("prefect.cardiograph").warning("%s", message)
    for reader in _readers:
        reader(message)


@contextmanager
def listening(listener: Listener, reader: Reader | None = None) -> Iterator[None]:
    """Call `listener(stage, advanced_by, total)` for all progress inside; 0 units and a total where a stage begins.

    `reader` is called with the remarks.
    """
    readers = [reader] if reader else []
    _listeners.append(listener)
    _readers.extend(readers)
    try:
        yield
    finally:
        _listeners.remove(listener)
        for one in readers:
            _readers.remove(one)
