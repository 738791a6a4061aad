"""The door to DuckDB and to `sql/`."""

from __future__ import annotations

from functools import cache

import duckdb
import polars as pl

from tasks.settings import SQL_DIR


@cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`, such as `out/counts`."""
    return (SQL_DIR / f"{name}.sql").read_text(encoding="utf-8")


def frame(db: duckdb.DuckDBPyConnection, name: str, **parameters: object) -> pl.DataFrame:
    """The rows of one file of `sql/`, with its `$parameters`."""
    return db.execute(statement(name), parameters).pl()
