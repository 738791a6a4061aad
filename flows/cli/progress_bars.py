"""Progress on the terminal: bars where a person looks, one line a finished stage where a log is written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tasks.progress import listening

_LABELS = {
    "list": "listing models",
    "read": "reading cards",
    "describe": "parsing texts",
    "start": "starting the judge",
    "judge": "judging texts",
    "explain": "explaining scores",
    "calibrate": "calibrating the judge",
    "analyse": "estimating findings",
    "embed": "embedding texts",
    "map": "drawing the map",
}


class _Bars:
    """One bar a stage, made when the stage begins."""

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._title = title
        self._bars: dict[str, TaskID] = {}

    def __call__(self, stage: str, by: int, total: int | None) -> None:
        if stage not in self._bars:
            label = f"{self._title}  {_LABELS.get(stage, stage)}"
            self._bars[stage] = self._progress.add_task(label, total=total)
        self._progress.advance(self._bars[stage], by)


class _Lines:
    """For a log: a line when a stage begins, and one every ten seconds."""

    _EVERY_S = 10.0

    def __init__(self, title: str) -> None:
        self._title = title
        self._done: dict[str, int] = {}
        self._totals: dict[str, int | None] = {}
        self._told_at = monotonic()
        self._lock = Lock()

    def __call__(self, stage: str, by: int, total: int | None) -> None:
        with self._lock:
            is_new = stage not in self._done
            self._done[stage] = self._done.get(stage, 0) + by
            if is_new:
                self._totals[stage] = total
            if is_new or monotonic() - self._told_at > self._EVERY_S:
                self._told_at = monotonic()
                of = f" of {whole:,}" if (whole := self._totals[stage]) is not None else ""
                told = f"{self._title}  {_LABELS.get(stage, stage)}: {self._done[stage]:,}{of}"
                print(told, file=sys.stderr, flush=True)  # noqa: T201 - a log line for people


@contextmanager
def progress_bars(title: str) -> Iterator[None]:
    """Show the progress of everything inside, on standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        with listening(_Lines(title)):
            yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress, listening(_Bars(progress, title)):
        yield
