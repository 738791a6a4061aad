"""How far the work is: tasks say it, whoever shows it listens. On a worker nobody does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, int, int | None], None]

_listeners: list[Listener] = []


def advance(stage: str, by: int = 1) -> None:
    """So many more units of the stage are done."""
    for listener in _listeners:
        listener(stage, by, None)


def expect(stage: str, total: int | None) -> None:
    """The stage begins and has so many units; null where nobody knows."""
    for listener in _listeners:
        listener(stage, 0, total)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener(stage, advanced_by, total)` for all progress inside."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
