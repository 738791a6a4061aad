"""What `atlas names` does: it lists the kinds of the latest map, or takes a person's names for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tasks.atlas.kind_names import NamedKind, keep_names, named_kinds
from tasks.cards.one_line import one_line
from tasks.errors import WriterBusy

if TYPE_CHECKING:
    from tasks.work.run import Run

_TERMS_SHOWN = 3
_CELL_CHARACTERS = 60


def print_names(home: Path, *, as_json: bool) -> None:
    """The kinds of the latest map, with their names and figures."""
    kinds = named_kinds(home)
    if as_json:
        typer.echo(json.dumps([asdict(kind) for kind in kinds], indent=2, default=_plain))
        return
    if not kinds:
        typer.echo("The latest map has no kinds.")
        return
    Console(highlight=False).print(_table(kinds))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _table(kinds: Sequence[NamedKind]) -> Table:
    """Names and terms come from cards: they go in as `Text`, which Rich takes as it is."""
    table = Table(
        title=f"Kinds of the map of {kinds[0].snapshot}",
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
    )
    left = {"name", "named by", "archetype", "telling terms"}
    for name in (
        "kind", "name", "named by", "archetype", "models", "share", "score", "gap", "stability", "telling terms",
    ):  # fmt: skip
        table.add_column(name, justify="left" if name in left else "right", overflow="fold")
    for kind in kinds:
        cells = (
            str(kind.kind),
            kind.name or "–",
            named_by_words(kind.named_by),
            kind.archetype,
            f"{kind.models:,}",
            f"{kind.models_share:.1%}",
            _figure(kind.median_score),
            _figure(kind.score_gap, "+"),
            _figure(kind.stability) + (" unstable" if kind.is_unstable else ""),
            ", ".join(one_line(term, 24) for term in kind.terms[:_TERMS_SHOWN]),
        )
        table.add_row(*(Text(one_line(cell, _CELL_CHARACTERS)) for cell in cells))
    return table


def _figure(value: float | None, sign: str = "") -> str:
    return "–" if value is None else f"{value:{sign}.2f}"


def named_by_words(named_by: str | None) -> str:
    """Who named it, for people: a judge model goes by the beginning of its fingerprint."""
    if named_by is None:
        return "–"
    return named_by if named_by in ("person", "terms") else f"judge {named_by[:8]}"


def take_names(home: Path, path: Path) -> None:
    """Keep a person's names, publish the warehouse with them, and write report and map again where they stand.

    The names are in the lake before the warehouse is asked for, so that no lock loses them.
    """
    from tasks.work.coordinator import coordinating

    fresh = keep_names(home, path, datetime.now(UTC).replace(tzinfo=None))
    if not fresh:
        typer.echo("These names stand already.")
        return
    named = f"{len(fresh)} kind{'' if len(fresh) == 1 else 's'}"
    try:
        with coordinating(home, named_kinds(home)[0].snapshot) as run:
            _publish(run)
    except WriterBusy:
        typer.echo(
            f"Another run is writing to {home}; the names of {named} will stand in what is published next."
        )
        return
    typer.echo(f"Named {named}.")


def _publish(run: Run) -> None:
    from tasks.atlas.steps import publish_atlas_page
    from tasks.report.steps import publish_report
    from tasks.work.steps import publish_warehouse

    publish_warehouse.fn(run)
    if run.map.exists():
        publish_atlas_page.fn(run)
    if run.report.exists():
        publish_report.fn(run)
