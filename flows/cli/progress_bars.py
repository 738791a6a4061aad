"""Progress on standard error: bars on a terminal, lines in a log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic

from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.spinner import Spinner
from rich.text import Text

from flows.cli.console import Console, echo
from tasks.progress import Listener, listening

_LABELS = {
    "list": "listing models",
    "read": "reading cards",
    "describe": "parsing texts",
    "learn": "reading cards for boilerplate",
    "start": "starting the judge",
    "canaries": "trying the judge on canaries",
    "judge": "judging texts",
    "explain": "explaining scores",
    "calibrate": "testing the judge",
    "attack": "attacking the judge",
    "fit": "fitting to the labels",
    "analyse": "estimating findings",
    "embed": "embedding texts",
    "map": "drawing the map",
}
_LINE_EVERY_S = 10.0


def _bars(progress: Progress, title: str, waiting: TaskID | None = None) -> Listener:
    """One bar per stage, added whenever the stage begins: each judge of a panel has its own.

    The first takes the place of `waiting`.
    """
    bars: dict[str, TaskID] = {}

    def advance(stage: str, by: int, total: int | None) -> None:
        if waiting in progress.task_ids:
            progress.remove_task(waiting)
        if not by or stage not in bars:
            bars[stage] = progress.add_task(f"{title}  {_LABELS.get(stage, stage)}", total=total)
        progress.advance(bars[stage], by)

    return advance


def _lines(title: str) -> Listener:
    """For a log: one line when a stage begins and one when it ends, between them at most one every ten seconds."""
    done: dict[str, int] = {}
    totals: dict[str, int | None] = {}
    printed_at = monotonic()
    lock = Lock()

    def advance(stage: str, by: int, total: int | None) -> None:
        nonlocal printed_at
        with lock:
            is_new = not by or stage not in done
            done[stage] = by if is_new else done[stage] + by
            totals[stage] = total if is_new else totals[stage]
            if is_new or done[stage] == totals[stage] or monotonic() - printed_at > _LINE_EVERY_S:
                printed_at = monotonic()
                of = "" if totals[stage] is None else f" of {totals[stage]:,}"
                _print_line(f"{title}  {_LABELS.get(stage, stage)}: {done[stage]:,}{of}")

    return advance


def _print_line(line: str) -> None:
    echo(line, err=True)


@contextmanager
def busy(words: str, *, in_log: bool = False) -> Iterator[None]:
    """Say at once, on a terminal, what takes a while, its imports included. Bars inside would write over it.

    A log gets a line where `in_log` is set: what takes long may also be watched there.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        if in_log:
            _print_line(f"{words} …")
        yield
        return
    # Not `console.status`, of which the first frame comes from a thread, that waits for imports of this one.
    with Live(Spinner("dots", Text(f"{words} …")), console=console, transient=True):
        yield


@contextmanager
def progress_bars(title: str) -> Iterator[None]:
    """Show the progress of everything inside, on standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        _print_line(f"{title}  starting")
        with listening(_lines(title), lambda remark: _print_line(f"{title}  {remark}")):
            yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        waiting = progress.add_task(f"{title}  starting", total=None)

        def say(remark: str) -> None:
            console.print(f"{title}  {remark}", markup=False)

        with listening(_bars(progress, title, waiting), say):
            yield
