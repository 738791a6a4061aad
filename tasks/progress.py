"""Progress of the work: tasks report it, and whatever displays it listens. On a worker nothing listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tasks import stopping

Listener = Callable[[str, int, int | None], None]

_listeners: list[Listener] = []


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


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener(stage, advanced_by, total)` for all progress inside; 0 units and a total where a stage begins."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
