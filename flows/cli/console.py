"""What the commands share at a terminal: JSON for programs, plain tables and short time-outs for people.

Rich colours its output only on a terminal, and honours NO_COLOR.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from datetime import date

import typer
from rich.markup import escape
from rich.table import Table


def print_json(value: object) -> None:
    """Print indented JSON: dates in ISO format, other values that JSON has no type for as text."""
    typer.echo(json.dumps(value, indent=2, default=_plain))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def plain_table(*columns: str, title: str | None = None, left: Collection[str] = ()) -> Table:
    """A table without lines; the first column and those in `left` are aligned left, the others right.

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
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number == 0 or name in left else "right", overflow="fold")
    return table


def fail_fast() -> None:
    """Shorten the time-outs of lake and Prefect: a person waits, and a run's patience would keep them waiting."""
    os.environ.setdefault("CARDIOGRAPH_LAKE_PATIENCE_S", "3")
    os.environ.setdefault("PREFECT_API_REQUEST_TIMEOUT", "5")
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "0")


def count(n: float) -> str:
    """`1,234`."""
    return f"{n:,.0f}"


def size(n: float) -> str:
    """`12 KB`, `3.4 MB`, `6.4 GB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if n >= factor:
            return f"{n / factor:,.1f} {unit}"
    return f"{n / 1e3:,.0f} KB"
