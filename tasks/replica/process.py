"""A replica in a child process: the Hub of the tests, the benchmarks and the demo."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from tasks.engine.child import running_child, wait_until
from tasks.errors import CorpusInvalid, HubUnreachable, UsageError
from tasks.replica.serving import Serving

START_WITHIN_S = 120.0
_ERRORS = {"corpus": CorpusInvalid, "usage": UsageError}


@contextmanager
def running_replica(corpus: Path, **options: Any) -> Iterator[str]:
    """Serve the corpus on a free loopback port while inside; the URL to give as `HF_ENDPOINT` or `endpoint=`.

    The options are those of `Serving`. The child ends with the block, and with this process if that is killed.
    Raises `CorpusInvalid` or `UsageError` as the child does, and `HubUnreachable` with the last line of its output
    where it ends or does not report an address.
    """
    serving = Serving(corpus.resolve(), **options)
    with (
        tempfile.TemporaryFile() as log,
        running_child("tasks.replica", [serving.to_json()], log=log) as child,
    ):
        wait_until(lambda: bool(_first_message(log)), child, within_s=START_WITHIN_S)
        message = _first_message(log)
        if "error" in message:
            raise _ERRORS[message["error"]](message["message"])
        if "url" not in message:
            last = _output(log).decode(errors="replace").strip().rpartition("\n")[2] or "it printed nothing"
            raise HubUnreachable(f"the replica did not start: {last}")
        yield message["url"]


def _first_message(log: IO[bytes]) -> dict[str, str]:
    """The child's first whole line of JSON; empty as long as there is none."""
    for line in _output(log).splitlines(keepends=True):
        if line.startswith(b"{") and line.endswith(b"\n"):
            message: dict[str, str] = orjson.loads(line)
            return message
    return {}


def _output(log: IO[bytes]) -> bytes:
    """What is in the log, read without moving the position at which the child writes."""
    return os.pread(log.fileno(), 1_000_000, 0)
