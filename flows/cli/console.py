"""What the commands share at a terminal: JSON for programs, plain tables and short time-outs for people.

Everything that a command prints goes through `Console`, `echo` or `write_data`: strangers wrote much of it, and here,
at the one exit, it loses what could drive the terminal. Rich colours its output only on a terminal, and honours
NO_COLOR.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date

import rich.console
import typer
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from tasks.cards.one_line import harmless, one_line
from tasks.errors import UsageError
from tasks.sentences.numbers import MINUS, decimal

CELL_CHARACTERS = 60


class Console(rich.console.Console):
    """Rich's console, for texts from strangers: what it prints cannot drive the terminal, but for its own colours."""

    def render(
        self, renderable: rich.console.RenderableType, options: rich.console.ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Its segments; only Rich's own control segments keep control characters."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=harmless(segment.text))


def echo(message: object = "", *, err: bool = False, colour: str | None = None) -> None:
    """Print a line, on standard error where it is not a result."""
    typer.secho(harmless(str(message)), err=err, fg=colour)


def write_data(content: bytes) -> None:
    """Write a result as it is; on a terminal, without what could drive it."""
    if sys.stdout.isatty():
        content = harmless(content.decode(errors="replace")).encode()
    sys.stdout.buffer.write(content)


def print_traceback(error: BaseException) -> None:
    """As Python does for an error that nothing expected; its message may contain what strangers wrote."""
    sys.stderr.write(harmless("".join(traceback.format_exception(error))))


def print_json(value: object) -> None:
    """Print indented JSON: records as objects, dates in ISO format, other values that JSON has no type for as text."""
    echo(json.dumps(value, indent=2, default=_plain))


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def plain_table(columns: str = "", *, title: str | None = None) -> Table:
    """A table without lines. `columns` are separated by blanks; `_` is a blank in one, `>` at its end aligns it right.

    Without columns it has no header either: the caller adds its columns.
    """
    table = Table(
        title=title and escape(title),
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
        show_header=bool(columns),
    )
    for column in columns.split():
        name = column.rstrip(">").replace("_", " ").strip()
        table.add_column(name, justify="right" if column.endswith(">") else "left", overflow="fold")
    return table


def print_table(title: str, columns: str, rows: Iterable[Sequence[str]]) -> None:
    """Print a plain table of texts from strangers.

    Rich reads brackets as markup and :words: as pictures: cells go in as `Text`, which it prints as it is.
    """
    table = plain_table(columns, title=title)
    for cells in rows:
        table.add_row(*(Text(one_line(cell, CELL_CHARACTERS)) for cell in cells))
    Console(highlight=False, emoji=False).print(table)


def date_in(text: str, subject: str) -> date:
    """A date as a person writes it; `subject` names it in the error. Raises `UsageError`."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{subject}: not a date; write it as 2026-11-16") from error


def fail_fast() -> None:
    """Shorten the time-outs of lake and Prefect: a person waits, and a run's patience would keep them waiting."""
    os.environ.setdefault("CARDIOGRAPH_LAKE_PATIENCE_S", "3")
    os.environ.setdefault("PREFECT_API_REQUEST_TIMEOUT", "5")
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "0")


def count(n: float) -> str:
    """`1,234`."""
    return decimal(n, 0)


def figure(n: float | None, form: str = ",") -> str:
    """The number in a format; a dash where there is none."""
    return "–" if n is None else f"{n:{form}}".replace("-", MINUS)


def size(n: float) -> str:
    """`12 KB`, `3.4 MB`, `6.4 GB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if n >= factor:
            return f"{n / factor:,.1f} {unit}"
    return f"{n / 1e3:,.0f} KB"
