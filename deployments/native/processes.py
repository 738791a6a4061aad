"""Process trees, from Linux's /proc."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")


def descendants(of: int) -> list[int]:
    """All descendants of a process, nearest first; without zombies, but with what those started."""
    children: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for pid, parent, state in processes():
        children[parent].append((pid, state))
    found: list[int] = []
    generation = [of]
    while generation:
        born = [child for parent in generation for child in children[parent]]
        found += [pid for pid, state in born if state != "Z"]
        generation = [pid for pid, _ in born]
    return found


def signal_all(pids: Iterable[int], number: int) -> None:
    """Send the signal to each process that still exists."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def processes() -> Iterable[tuple[int, int, str]]:
    """Process id, parent's id, state: fields 1, 4 and 3 of proc_pid_stat(5)."""
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError):
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                yield int(entry.name), int(parent), state
