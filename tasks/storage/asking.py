"""THE door for SQL that people bring: the command's, and that of any page or tool that takes statements.

A question is answered from the published warehouse by a process of its own (`answering`). That process can read this
file and nothing else, holds no secret, and is bounded in time, memory, rows, bytes and the disk that it spills to.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tasks.engine.child import stop
from tasks.errors import QueryFailed
from tasks.settings import settings
from tasks.storage.answering import OUTCOME, ROWS
from tasks.storage.saved import saved_queries
from tasks.storage.warehouse import Warehouse, statement

_START_S = 30.0  # most time to start, on a busy machine
_CODE = Path(__file__).parents[2]
# All that the process gets of the environment: it cannot show a token that it does not have.
_ENVIRONMENT = ("PATH", "PYTHONHOME", "PYTHONPATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")


@dataclass(frozen=True, slots=True)
class AskLimits:
    """The bounds of one question.

    DuckDB spills to disk before what it counts reaches `memory_bytes`; at twice as much the process is refused more.
    """

    seconds: float
    rows: int
    bytes: int
    memory_bytes: int
    spill_bytes: int
    threads: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a question; `is_whole`: all of them, not the first that fitted the limits."""

    rows: pl.DataFrame
    is_whole: bool


def ask_limits() -> AskLimits:
    """The limits as the settings have them."""
    found = settings()
    return AskLimits(
        seconds=found.query_seconds,
        rows=found.query_rows,
        bytes=found.query_mb * 1_000_000,
        memory_bytes=found.query_memory_mb * 1_000_000,
        spill_bytes=found.query_spill_mb * 1_000_000,
        threads=found.duckdb_threads,
    )


def ask(home: Path, question: str, limits: AskLimits | None = None) -> Answer:
    """The rows of a saved query, by its name, or of one statement that reads the published warehouse of a home.

    Raises `QueryFailed` with the limit that was met or with DuckDB's own message, and `UsageError` where the home has
    no warehouse.
    """
    limits = limits or ask_limits()
    sql = statement(f"saved/{question}") if question in saved_queries() else question
    warehouse = Warehouse(home)
    with warehouse.read(), _folder() as folder:  # a file that cannot be read is reported as everywhere else
        asked = {"database": str(warehouse.published.resolve()), "sql": sql, **asdict(limits)}
        outcome = _outcome(asked, folder)
        if error := outcome.get("error"):
            raise QueryFailed(_words(error, outcome["message"], limits))
        return Answer(pl.read_ipc_stream((folder / ROWS).read_bytes()), outcome["is_whole"])


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that only this user may enter, for rows and spilled data; gone with the question."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="cardiograph-query-", ignore_cleanup_errors=True)
    except OSError as error:
        raise QueryFailed(
            f"no temporary folder can be made ({error.strerror}); set TMPDIR to one that can be written to"
        ) from error
    with folder as name:
        yield Path(name)


def _outcome(asked: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What the process reports; where it ended without a report, the signal that ended it as its error."""
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join([str(_CODE), *filter(None, [environment.get("PYTHONPATH")])])
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "tasks.storage.answering"],
        cwd=folder,  # it imports nothing from the user's folder, and no relative name leads there
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        if child.stdin:  # left open: the process ends when it closes
            with suppress(BrokenPipeError):
                child.stdin.write(json.dumps(asked).encode() + b"\n")
                child.stdin.flush()
        code = child.wait(asked["seconds"] + _START_S)
    except subprocess.TimeoutExpired:
        code = -signal.SIGALRM
    finally:
        stop(child, within_s=1.0)
    if code == 0:
        outcome: dict[str, Any] = json.loads((folder / OUTCOME).read_bytes())
        return outcome
    return {"error": signal.Signals(-code).name if code < 0 else f"exit code {code}", "message": ""}


_TOO_LONG = ("InterruptException", "SIGALRM")
_TOO_MUCH_MEMORY = ("OutOfMemoryException", "MemoryError", "SIGABRT", "SIGKILL")
_TOO_MUCH_DISK = ("max_temp_directory_size", "File too large", "No space left on device")


def _words(error: str, message: str, limits: AskLimits) -> str:
    """One line about what went wrong. Of DuckDB's words the first paragraph: the statement itself follows it."""
    if error in _TOO_LONG:
        return f"took more than {limits.seconds:g} s; ask for less, or raise CARDIOGRAPH_QUERY_SECONDS"
    if any(words in message for words in _TOO_MUCH_DISK):
        return (
            f"needs more than {limits.spill_bytes / 1e6:,.0f} MB of disk for rows that do not fit into memory, or the "
            f"disk of {tempfile.gettempdir()} is full; ask for less, or raise CARDIOGRAPH_QUERY_SPILL_MB"
        )
    if error in _TOO_MUCH_MEMORY:
        return (
            f"needs more than {limits.memory_bytes / 1e6:,.0f} MB of memory; ask for less, or raise "
            "CARDIOGRAPH_QUERY_MEMORY_MB"
        )
    words = " ".join(message.strip().partition("\n\n")[0].split())
    return words or f"the process that answers ended by {error}; ask for less"
