"""Processes under Linux's /proc, found by a mark in their environment."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from deployments.native.processes import processes

_PROC = Path("/proc")
FLOW_RUN = "PREFECT__FLOW_RUN_ID"  # Prefect sets it for the process of every flow run that a worker starts
MARK = "CHAOS_MARK"  # in the environment of every process that is started here: the harness's process id


def environment_of(pid: int) -> dict[str, str]:
    """The environment that the process was started with; empty if it has ended or belongs to another user."""
    try:
        text = (_PROC / str(pid) / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return {}
    return dict(pair.partition("=")[::2] for pair in text.split("\0") if "=" in pair)


def command_of(pid: int) -> str:
    """The command line, for people."""
    with suppress(OSError):
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:160]
    return "gone"


def ours(name: str = MARK, value: str | None = None) -> list[int]:
    """Processes that descend from this harness, orphaned or not, and have such a variable.

    Those of another topology on this machine are left out.
    """
    mine = str(os.getpid())
    return [
        pid
        for pid, _, state in processes()
        if pid != os.getpid()
        and state not in "ZX"
        and (variables := environment_of(pid)).get(MARK) == mine
        and name in variables
        and value in (None, variables[name])
    ]
