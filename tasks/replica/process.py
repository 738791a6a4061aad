"""A replica in a child process: the tests', the benchmarks' and the demo's Hub."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO

import orjson

from tasks.engine.child import running_child, wait_until
from tasks.errors import CorpusInvalid, HubUnreachable, UsageError
from tasks.replica.serving import Serving

START_WITHIN_S = 120.0
_ERRORS = {"corpus": CorpusInvalid, "usage": UsageError}


@contextmanager
def running_replica(
    corpus: Path,
    *,
    as_of: date | None = None,
    plan: str = "none",
    latency_ms: float = 0,
    faults: str | None = None,
    window_s: float = 300,
    quota_scale: float = 1.0,
    seed: int = 0,
) -> Iterator[str]:
    """Serve the corpus on a free loopback port while inside; the URL to give as `HF_ENDPOINT` or `endpoint=`.

    The child ends with the block, and with this process if that is killed. Raises `CorpusInvalid` or `UsageError`
    as the child does, `HubUnreachable` with its last words where it ends or stays silent otherwise.
    """
    serving = Serving(
        corpus=corpus.resolve(),
        as_of=as_of,
        plan=plan,
        latency_ms=latency_ms,
        faults=faults,
        window_s=window_s,
        quota_scale=quota_scale,
        seed=seed,
    )
    with (
        tempfile.TemporaryFile() as log,
        running_child("tasks.replica", [serving.to_json()], log=log) as child,
    ):
        wait_until(lambda: bool(_first_message(log)), child, within_s=START_WITHIN_S)
        yield _url(log)


def _url(log: IO[bytes]) -> str:
    message = _first_message(log)
    if "error" in message:
        raise _ERRORS[message["error"]](message["message"])
    if "url" not in message:
        last = _said(log).decode(errors="replace").strip().rpartition("\n")[2] or "it said nothing"
        raise HubUnreachable(f"the replica did not start: {last}")
    return message["url"]


def _first_message(log: IO[bytes]) -> dict[str, str]:
    """The child's first whole line of JSON; empty as long as there is none."""
    for line in _said(log).splitlines(keepends=True):
        if line.startswith(b"{") and line.endswith(b"\n"):
            message: dict[str, str] = orjson.loads(line)
            return message
    return {}


def _said(log: IO[bytes]) -> bytes:
    """What is in the log, without moving the position that the child writes at."""
    return os.pread(log.fileno(), 1_000_000, 0)
