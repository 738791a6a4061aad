"""The process that answers one question in SQL over a DuckDB file; `asking` starts it, and limits and ends it.

It imports nothing but DuckDB and Arrow: it starts with every question. A process of its own, because settings of DuckDB
alone do not hold. Where external access is off, a file of the database itself may still be written, so that `COPY`
to its path replaces it; memory of a single value is not counted (`repeat('x', 3000000000)`); and a single function call
is not interrupted. The lock on the settings would also be one of every other connection of the process to the file.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from tasks.engine.child import exit_with_parent

if TYPE_CHECKING:
    Connection = duckdb.DuckDBPyConnection

ROWS, OUTCOME, SPILL = "rows.arrow", "outcome.json", "spill"  # in the folder that the process works in

_BATCH_ROWS = 2048
_INTERRUPT_GRACE_S = 2.0
_UNCOUNTED_BYTES = 256_000_000  # of the interpreter and its libraries
_TABLES = re.compile(r"\s*(?:\(|(?:pivot|unpivot|from|select|with|values)\b)", re.IGNORECASE)
_EXPLAIN = re.compile(r"\s*explain(?:\s+analyze)?(?:\s*\([^()]*\))?\s+", re.IGNORECASE)

# After these nothing on the machine can be reached but what is open. The order matters: the last one locks them.
_LOCKS = (
    "set python_enable_replacements = false",  # else a table may be a variable of this program
    "set allow_community_extensions = false",
    "set autoinstall_known_extensions = false",
    "set autoload_known_extensions = false",
    "set allow_persistent_secrets = false",
    "set enable_external_access = false",
    "set lock_configuration = true",
)


class NotAsked(ValueError):
    """The statement is not one question."""


def main() -> None:
    """Answer the question on the first line of standard input: its rows and its outcome become files."""
    asked: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    exit_with_parent()
    _limit(asked)
    try:
        outcome: dict[str, object] = {"is_whole": _answer(asked)}
    except (NotAsked, duckdb.Error, pa.ArrowException, MemoryError, OSError) as error:
        outcome = {"error": type(error).__name__, "message": str(error)}
    Path(OUTCOME).write_text(json.dumps(outcome), encoding="utf-8")
    os._exit(0)  # what a cut answer has not computed is not waited for


def _limit(asked: Mapping[str, Any]) -> None:
    """Have the kernel end this process, whatever it is doing: by its time, its memory and the size of its files."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # whatever the parent makes of it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    signal.setitimer(signal.ITIMER_REAL, asked["seconds"] + _INTERRUPT_GRACE_S)
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 2 * max(asked["spill_bytes"], asked["bytes"])),
        # DuckDB keeps to `memory_bytes` in what it counts; as much again is left for what it does not.
        (resource.RLIMIT_DATA, 2 * asked["memory_bytes"] + _UNCOUNTED_BYTES),
    ):
        resource.setrlimit(kind, (most, most))


def _answer(asked: Mapping[str, Any]) -> bool:
    """Write the rows of the question; whether they are all of them."""
    with locked(asked) as db:
        check(db, asked["sql"])
        timer = threading.Timer(asked["seconds"], db.interrupt)
        timer.daemon = True
        timer.start()
        reader = db.execute(asked["sql"]).to_arrow_reader(_BATCH_ROWS)
        is_whole = _write(reader, asked["rows"], asked["bytes"])
        timer.cancel()
        return is_whole


def locked(asked: Mapping[str, Any]) -> Connection:
    db = duckdb.connect(
        asked["database"],
        read_only=True,
        config={
            "memory_limit": f"{asked['memory_bytes']}B",
            "threads": asked["threads"],
            "temp_directory": SPILL,
            "max_temp_directory_size": f"{asked['spill_bytes']}B",
        },
    )
    db.execute("set enable_progress_bar = false")
    for lock in _LOCKS:
        db.execute(lock)
    return db


def check(db: Connection, sql: str) -> None:
    """Raise `NotAsked` for anything but one question: what is written cannot do more than read.

    A kind of statement says little in two cases: `explain analyze` also runs a `copy`, and a `pivot` that has to look
    up its columns first is `MULTI`, with a `copy` around it too.
    """
    statements = db.extract_statements(sql)
    if len(statements) != 1:
        raise NotAsked("write one statement, not several" if statements else "there is no statement in it")
    kind = statements[0].type.name
    if kind == "EXPLAIN" and (begins := _EXPLAIN.match(sql)):
        check(db, sql[begins.end() :])
    elif kind == "MULTI":
        if not _is_table(db, sql):
            raise NotAsked(
                "this pivot is part of more than a query; name its columns (pivot … on … in (…)), or leave it out"
            )
    elif kind != "SELECT":
        raise NotAsked(
            f"{kind.lower().replace('_', ' ')} is not allowed: a query can only read (select, from, with, describe, "
            "show, summarize, pivot, and explain in front of these); --output writes its rows to a file"
        )


def _is_table(db: Connection, sql: str) -> bool:
    """Whether a statement may stand in parentheses in place of a table: no `copy` and no `create` may."""
    if not _TABLES.match(sql):
        return False
    try:
        return len(db.extract_statements(f"from (\n{sql.rstrip().rstrip(';')}\n)")) == 1
    except duckdb.Error:
        return False


def _write(reader: pa.RecordBatchReader, rows_max: int, bytes_max: int) -> bool:
    """Write what fits; whether that is everything. Of columns with one name, later ones get a number."""
    schema = pa.schema(
        [f.with_name(n) for f, n in zip(reader.schema, _distinct(reader.schema.names), strict=True)]
    )
    rows = written = 0
    with Path(ROWS).open("wb") as file, pa.ipc.new_stream(file, schema) as stream:
        for batch in reader:
            fits = batch.slice(0, rows_max - rows)
            written += fits.nbytes
            if written > bytes_max:
                return False
            stream.write_batch(pa.RecordBatch.from_arrays(fits.columns, schema=schema))
            rows += len(fits)
            if len(fits) < len(batch):
                return False
    return True


def _distinct(names: list[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        distinct, n = name, 1
        while distinct in found:
            distinct, n = f"{name}_{n}", n + 1
        found.append(distinct)
    return found


if __name__ == "__main__":
    main()
