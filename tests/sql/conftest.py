"""An empty warehouse, filled from tables written as text and compared with tables written as text.

A table is one line of column names and one line per row, cells between `|`. An empty cell is null and `''` an empty
string; lists are `[a, b]` and maps `{a=1.5}`, as DuckDB writes them. Columns not given take a default: see below.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tasks.storage.warehouse import statement

Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
Expect = Callable[[pl.DataFrame, str], None]

# The value of a column that may not be null where a case does not give it: by its name, else by its type.
BY_NAME = {
    "snapshot": "2026-01-05",
    "sha": "5ha",
    "hub": "https://hub.example",
    "selection": "all models",
    "status": "card",
    "has_readme": "true",
    "has_text": "true",
    "is_final": "true",
    "requests": "1",
    "facts_version": "1",
    "judge": "checklist",
    "fingerprint": "f1",
    "settings": "{}",
    "part": "cards/part.parquet",
    "reason": "odd",
    "detail": "as odd as can be",
}
BY_TYPE = {
    "DATE": "2026-01-05",
    "TIMESTAMP": "2026-01-05 06:00:00",
    "BOOLEAN": "false",
    "BIGINT": "0",
    "INTEGER": "0",
    "DOUBLE": "0",
    "VARCHAR": "''",
    "VARCHAR[]": "[]",
    "MAP(VARCHAR, DOUBLE)": "{}",
}


def parse(text: str) -> list[dict[str, str]]:
    """Read the rows of a text table, all cells as text."""
    head, *body = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return [dict(zip(head, cells, strict=True)) for cells in body]


def fill_table(db: duckdb.DuckDBPyConnection, table: str, text: str) -> None:
    """Insert the rows of a text table; columns that it leaves out take their default."""
    needed = {
        name: BY_NAME.get(name, BY_TYPE[kind])
        for name, kind, null, *_ in db.execute(f"describe {table}").fetchall()
        if null == "NO"
    }
    rows = [needed | with_author(table, row) for row in parse(text)]
    columns = list(rows[0])
    values = [None if row[c] == "" else "" if row[c] == "''" else row[c] for row in rows for c in columns]
    holes = ", ".join(["(" + ", ".join("?" for _ in columns) + ")"] * len(rows))
    db.execute(f"insert into {table} ({', '.join(columns)}) values {holes}", values)  # noqa: S608


def with_author(table: str, row: dict[str, str]) -> dict[str, str]:
    """Give a model named owner/name that owner, unless the case gives another."""
    if table == "base.listing" and "author" not in row:
        owner, slash, _ = row["model_id"].rpartition("/")
        return row | {"author": owner if slash else ""}
    return row


def shown(value: object) -> str:
    """Write a cell as a text table does; numbers to six digits."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return str(value) or "''"


def compare(found: pl.DataFrame, text: str) -> None:
    """Assert that `found` has the values of `text`, row by row, in the columns that `text` names."""
    head = [cell.strip() for cell in text.strip().splitlines()[0].split("|")]
    rows = [{name: shown(row[name]) for name in head} for row in found.iter_rows(named=True)]
    assert rows == parse(text)


@pytest.fixture
def db(empty_warehouse: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse."""
    path = shutil.copyfile(empty_warehouse, tmp_path / "warehouse.duckdb")
    with duckdb.connect(path) as connection:
        yield connection
    path.unlink()


@pytest.fixture(scope="session")
def fill() -> Fill:
    """`fill(db, "base.listing", table)` inserts the rows of a text table."""
    return fill_table


@pytest.fixture(scope="session")
def expect() -> Expect:
    """`expect(frame, table)` compares the columns that the text table names."""
    return compare


@pytest.fixture(scope="session")
def grain() -> Callable[[str], str]:
    """`grain("out/counts")` is the comment on top of a statement, in one line."""

    def read(name: str) -> str:
        lines = re.match(r"(--[^\n]*\n)*", statement(name))
        return " ".join(line.removeprefix("-- ") for line in lines[0].splitlines()) if lines else ""

    return read
