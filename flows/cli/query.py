"""`cardiograph query`: a person's SQL, or a saved query, over the published warehouse."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from flows.cli.completion import complete_query
from flows.cli.console import CELL_CHARACTERS, Console, count, echo, write_data
from flows.cli.home import Home
from flows.cli.progress_bars import busy
from tasks.cards.one_line import one_line
from tasks.errors import QueryFailed, UsageError
from tasks.sentences.numbers import any_number
from tasks.storage.saved import saved_queries

if TYPE_CHECKING:
    import polars as pl

    from tasks.storage.asking import Answer

RowFormat = Literal["table", "csv", "json", "parquet"]

_TABLE_ROWS = 40


def query(
    home: Home,
    sql: Annotated[
        str | None,
        typer.Argument(
            metavar="SQL|NAME",
            help="A statement, or the name of a saved query.",
            autocompletion=complete_query,
        ),
    ] = None,
    list_saved: Annotated[bool, typer.Option("--list", help="List the saved queries.")] = False,
    output_format: Annotated[
        RowFormat, typer.Option("--format", metavar="FORMAT", help="table, csv, json or parquet.")
    ] = "table",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead.")] = None,
) -> None:
    """Query the published warehouse, read-only; works while a snapshot is being taken.

    \b
    cardiograph query --list
    cardiograph query best-documented
    cardiograph query "select author, max(score) from leaderboard group by all"
    cardiograph query --format parquet --output board.parquet "from leaderboard"

    \b
    Views: models, cards, verdicts, scores, leaderboard, panel, failures,
    families, judge_panel, judge_pairs, judging_rates, explanations, passports,
    canaries, labels, out_findings, snapshots, quarantined; of judges fitted
    to people: fitted_judges, fitted_weights, fitted_measures, fitted_scores;
    of the map: atlases, out_atlas, out_clusters, out_archetypes,
    out_neighbours, kind_events.
    `describe models` lists a view's columns.

    \b
    One statement that reads, in a minute and a gigabyte of memory; nothing
    else on the machine can be reached (docs/security.md). In a CSV, text that
    a spreadsheet would take for a formula gets an apostrophe in front.
    """
    output_format = "json" if as_json else output_format
    if list_saved:
        table = Table(show_header=False, box=None)
        for name, comment in saved_queries().items():
            table.add_row(name, comment)
        Console(emoji=False).print(table)
        return
    if sql is None:
        raise UsageError(
            "give a statement or the name of a saved query; `cardiograph query --list` lists them"
        )
    if output_format == "parquet" and output is None and sys.stdout.isatty():
        raise UsageError("Parquet is not for a terminal; add --output FILE, or redirect")
    if output and output.exists() and output.resolve() == (home / "warehouse.duckdb").resolve():
        raise UsageError(f"--output {output} is the warehouse itself; name another file")
    with busy("Asking"):
        answer = _answer(home, sql)
    if output_format == "table" and output is None:
        _print_table(answer)
        return
    if not answer.is_whole:
        raise QueryFailed(
            f"more than {count(answer.rows.height)} rows are too many for one answer; add `limit`, or raise "
            "CARDIOGRAPH_QUERY_ROWS and CARDIOGRAPH_QUERY_MB"
        )
    encoded = _encoded(answer.rows, output_format)
    if output is None:
        write_data(encoded)
        return
    try:
        output.write_bytes(encoded)
    except OSError as error:
        raise UsageError(f"--output {output}: {error.strerror}") from error


def _answer(home: Path, sql: str) -> Answer:
    """The rows of a statement or a saved query."""
    from tasks.storage.asking import ask

    saved = saved_queries()
    if sql not in saved and " " not in sql.strip():
        raise UsageError(f"no saved query is called {sql}; choose from: {', '.join(saved)}")
    return ask(home, sql)


def _encoded(rows: pl.DataFrame, output_format: RowFormat) -> bytes:
    """Rows as CSV, JSON (an array of objects) or Parquet. Nested values are JSON text in a CSV."""
    import io

    import orjson
    import polars as pl

    from tasks.spreadsheets import guarded_frame

    if output_format == "json":
        return orjson.dumps(rows.to_dicts(), default=str, option=orjson.OPT_INDENT_2) + b"\n"
    if output_format == "parquet":
        buffer = io.BytesIO()
        rows.write_parquet(buffer)
        return buffer.getvalue()

    def as_json(value: object) -> str:
        return orjson.dumps(value.to_list() if isinstance(value, pl.Series) else value, default=str).decode()

    nested = [name for name, dtype in rows.schema.items() if dtype.is_nested()]
    flat = rows.with_columns(pl.col(name).map_elements(as_json, return_dtype=pl.String) for name in nested)
    return guarded_frame(flat).write_csv().encode()


def _print_table(answer: Answer) -> None:
    rows, table = answer.rows, Table()
    for name, dtype in rows.schema.items():
        is_right = dtype.is_numeric()
        table.add_column(_cell(name), justify="right" if is_right else "left", overflow="fold")
    for row in rows.head(_TABLE_ROWS).iter_rows():
        table.add_row(*map(_cell, row))
    Console(highlight=False, emoji=False).print(table)
    if rows.height > _TABLE_ROWS or not answer.is_whole:
        of = f"{'' if answer.is_whole else 'more than '}{count(rows.height)}"
        echo(f"{min(rows.height, _TABLE_ROWS)} of {of} rows; add `limit`, or --format csv for all", err=True)


def _cell(value: object) -> Text:
    """One value, bounded, without escape sequences that drive a terminal."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Text(any_number(value))
    return Text("" if value is None else one_line(str(value), CELL_CHARACTERS))
