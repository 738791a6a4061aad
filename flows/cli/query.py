"""`cardiograph query`: a person's SQL, or a saved query, over the published warehouse."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.cli.completion import complete_query
from flows.cli.console import CELL_CHARACTERS
from flows.cli.options import AsJson, Home
from tasks.cards.one_line import one_line
from tasks.errors import QueryFailed, UsageError

if TYPE_CHECKING:
    import polars as pl

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
    as_json: AsJson = False,
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
    """
    output_format = "json" if as_json else output_format
    if list_saved:
        table = Table(show_header=False, box=None)
        for name, comment in _saved_queries().items():
            table.add_row(name, comment)
        Console().print(table)
        return
    if sql is None:
        raise UsageError(
            "give a statement or the name of a saved query; `cardiograph query --list` lists them"
        )
    if output_format == "parquet" and output is None and sys.stdout.isatty():
        raise UsageError("Parquet is not for a terminal; add --output FILE, or redirect")
    rows = _rows_of(home, sql)
    if output_format == "table" and output is None:
        _print_table(rows)
        return
    try:
        with output.open("wb") if output else sys.stdout.buffer as file:
            file.write(_encoded(rows, output_format))
    except OSError as error:
        raise UsageError(f"--output {output}: {error.strerror}") from error


def _saved_queries() -> dict[str, str]:
    """Names of the saved queries, and the comment that each begins with."""
    from tasks.storage.warehouse import statement, statements

    names = [name.removeprefix("saved/") for name in statements("saved")]
    return {name: statement(f"saved/{name}").splitlines()[0].removeprefix("-- ") for name in names}


def _rows_of(home: Path, sql: str) -> pl.DataFrame:
    """The rows of a statement or a saved query. Raises `QueryFailed` with DuckDB's own message."""
    import duckdb
    import polars as pl

    from tasks.storage.warehouse import Warehouse, statement

    saved = _saved_queries()
    if sql in saved:
        sql = statement(f"saved/{sql}")
    elif " " not in sql.strip():
        raise UsageError(f"no saved query is called {sql}; choose from: {', '.join(saved)}")
    with Warehouse(home).read() as db:
        try:
            relation = db.sql(sql)
            rows: pl.DataFrame = relation.pl() if relation is not None else pl.DataFrame()
        except duckdb.Error as error:
            raise QueryFailed(str(error).strip()) from error
    return rows


def _encoded(rows: pl.DataFrame, output_format: RowFormat) -> bytes:
    """Rows as CSV, JSON (an array of objects) or Parquet. Nested values are JSON text in a CSV."""
    import io

    import orjson
    import polars as pl

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
    return flat.write_csv().encode()


def _print_table(rows: pl.DataFrame) -> None:
    def cell(value: object) -> str:
        """One value, bounded, without escape sequences that drive a terminal."""
        if value is None:
            return ""
        return one_line(f"{value:.4g}" if isinstance(value, float) else str(value), CELL_CHARACTERS)

    table = Table()
    for name, dtype in rows.schema.items():
        table.add_column(escape(name), justify="right" if dtype.is_numeric() else "left", overflow="fold")
    for row in rows.head(_TABLE_ROWS).iter_rows():
        table.add_row(*(escape(cell(value)) for value in row))
    Console().print(table)
    if rows.height > _TABLE_ROWS:
        typer.echo(f"{_TABLE_ROWS} of {rows.height:,} rows; add `limit`, or --format csv for all", err=True)
