"""The command against a server: start it, read its summary, look into what it stored; and the server itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).parents[2]


# A judge of random or tiny weights does not judge. Where something else is tested, nobody asks whether it does.
UNASKED = {"CARDIOGRAPH_JUDGE_CANARIES": "off", "CARDIOGRAPH_GATE_JUDGING_LEAST": "1000000"}


def snapshot(home: Path, corpus: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    """The command, started."""
    command = ["snapshot", "--hub", corpus, "--all", "--home", home, "--judge", "vllm", "--json", *options]
    return subprocess.Popen(
        [sys.executable, "-m", "flows.cli", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "CARDIOGRAPH_JUDGE_PART_CARDS": "32", **UNASKED, **environment},
    )


def finished(run: subprocess.Popen[str]) -> dict[str, Any]:
    """Its summary after a successful end."""
    out, err = run.communicate(timeout=600)
    assert run.returncode == 0, err
    assert "Traceback" not in err
    return dict(json.loads(out)[0])


@contextmanager
def recorded(judge: Any, **added: object) -> Iterator[list[dict[str, Any]]]:
    """The answers that a judge gets meanwhile, as its servers send them; `added` goes into each request."""
    client, replies = judge.fleet.client, list[dict[str, Any]]()
    post = client.post

    async def recording(url: str, body: bytes) -> Any:
        reply = await post(url, json.dumps({**json.loads(body), **added}).encode())
        replies.append(json.loads(reply.body))
        return reply

    client.post = recording
    try:
        yield replies
    finally:
        client.post = post


def rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as db:
        return db.execute(sql).fetchall()


def asked(url: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
    """A server's answer; with a payload it is posted."""
    body = None if payload is None else json.dumps(payload).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as reply:
        return dict(json.load(reply))
