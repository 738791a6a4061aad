"""Tables and JSON on a terminal. Texts in them come from strangers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tasks.cards.one_line import one_line

CELL_CHARACTERS = 60


def print_table(title: str, columns: str, rows: Iterable[Sequence[str]]) -> None:
    """Print a table. `columns` are separated by blanks; `_` is a blank in one, `>` at its end aligns it right.

    Rich reads brackets as markup and :words: as pictures: cells go in as `Text`, which it prints as it is.
    """
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for column in columns.split():
        name = column.rstrip(">").replace("_", " ")
        table.add_column(name, justify="right" if column.endswith(">") else "left", overflow="fold")
    for cells in rows:
        table.add_row(*(Text(one_line(cell, CELL_CHARACTERS)) for cell in cells))
    Console(highlight=False).print(table)


def print_json(value: object) -> None:
    """Print dataclasses, lists and dictionaries as JSON, dates in ISO 8601."""
    typer.echo(json.dumps(value, indent=2, default=_plain))


def _plain(value: Any) -> object:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value.isoformat()
