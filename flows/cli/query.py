"""`cardiograph query`: a person's SQL, or a saved query, over the published warehouse."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import polars as pl
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tasks.errors import QueryFailed, UsageError
from tasks.storage.warehouse import Warehouse, statement, statements

_TABLE_ROWS = 40
_CELL_CHARACTERS = 60


def saved_queries() -> dict[str, str]:
    """Names of the saved queries, and the comment that each begins with."""
    names = [name.removeprefix("saved/") for name in statements("saved")]
    return {name: statement(f"saved/{name}").splitlines()[0].removeprefix("-- ") for name in names}


def list_queries() -> None:
    """Print the saved queries."""
    table = Table(show_header=False, box=None)
    for name, comment in saved_queries().items():
        table.add_row(name, comment)
    Console().print(table)


def print_query(home: Path, sql: str, output_format: str, output: Path | None) -> None:
    """Run a statement or a saved query and print its rows. Raises `QueryFailed` with DuckDB's own words."""
    if output_format == "parquet" and output is None and sys.stdout.isatty():
        raise UsageError("Parquet is not for a terminal; add --output FILE, or redirect")
    rows = rows_of(home, sql)
    if output_format == "table" and output is None:
        _print_table(rows)
        return
    try:
        with output.open("wb") if output else sys.stdout.buffer as file:
            file.write(encoded(rows, output_format))
    except OSError as error:
        raise UsageError(f"--output {output}: {error.strerror}") from error


def rows_of(home: Path, sql: str) -> pl.DataFrame:
    """The rows of a statement or a saved query."""
    saved = saved_queries()
    if sql in saved:
        sql = statement(f"saved/{sql}")
    elif " " not in sql.strip():
        raise UsageError(f"no saved query is called {sql}; there are: {', '.join(saved)}")
    with Warehouse(home).read() as db:
        try:
            relation = db.sql(sql)
            rows: pl.DataFrame = relation.pl() if relation is not None else pl.DataFrame()
        except duckdb.Error as error:
            raise QueryFailed(str(error).strip()) from error
    return rows


def encoded(rows: pl.DataFrame, output_format: str) -> bytes:
    """Rows as CSV, JSON (an array of objects) or Parquet. Nested values are JSON text in a CSV."""
    if output_format == "json":
        import orjson

        return orjson.dumps(rows.to_dicts(), default=str, option=orjson.OPT_INDENT_2) + b"\n"
    if output_format == "parquet":
        import io

        buffer = io.BytesIO()
        rows.write_parquet(buffer)
        return buffer.getvalue()
    nested = [name for name, dtype in rows.schema.items() if dtype.is_nested()]
    flat = rows.with_columns(pl.col(name).map_elements(_json, return_dtype=pl.String) for name in nested)
    return flat.write_csv().encode()


def _json(value: object) -> str:
    import orjson

    plain = value.to_list() if isinstance(value, pl.Series) else value
    return orjson.dumps(plain, default=str).decode()


def _print_table(rows: pl.DataFrame) -> None:
    table = Table()
    for name, dtype in rows.schema.items():
        table.add_column(escape(name), justify="right" if dtype.is_numeric() else "left", overflow="fold")
    for row in rows.head(_TABLE_ROWS).iter_rows():
        table.add_row(*(escape(_cell(value)) for value in row))
    Console().print(table)
    if rows.height > _TABLE_ROWS:
        typer.echo(f"{_TABLE_ROWS} of {rows.height:,} rows; add `limit`, or --format csv for all", err=True)


def _cell(value: object) -> str:
    """One value, printable and bounded: a card may hold escape sequences that drive a terminal."""
    if value is None:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    if len(text) > _CELL_CHARACTERS:
        text = text[: _CELL_CHARACTERS - 1] + "…"
    return "".join(character if character.isprintable() else "�" for character in text)
