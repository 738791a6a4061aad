"""Processes as Linux shows them under /proc: who descends from whom, and who carries a mark in its environment."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
FLOW_RUN = "PREFECT__FLOW_RUN_ID"  # Prefect tells it to the process of every flow run that a worker starts


def all_processes() -> dict[int, int]:
    """Parents by process; what has ended and waits to be reaped is left out."""
    found = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                if state not in "ZX":
                    found[int(folder.name)] = int(parent)
    return found


def family(root: int) -> list[int]:
    """A process and all that descend from it, sessions of their own included; the root first."""
    children = defaultdict(list)
    for pid, parent in all_processes().items():
        children[parent].append(pid)
    found = [root]
    for pid in found:
        found += children[pid]
    return found


def environment_of(pid: int) -> dict[str, str]:
    """What the process was started with; empty where it is gone or somebody else's."""
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


def marked(name: str, value: str | None = None) -> list[int]:
    """Processes with this variable in their environment, this one left out."""
    return [
        pid
        for pid in all_processes()
        if pid != os.getpid()
        and (found := environment_of(pid).get(name)) is not None
        and value in (None, found)
    ]


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each that is still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
