"""Read the published warehouse continuously while processes are killed, as an analyst's dashboard would."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from tasks.storage.warehouse import statement, statements

_BETWEEN_S = 0.4


def flaws_of(path: Path) -> list[str]:
    """Statements of sql/checks that a published warehouse violates."""
    with duckdb.connect(path, read_only=True, config={"threads": 1}) as db:
        return [name for name in statements("checks") if db.sql(statement(name)).fetchall()]


def snapshots_in(path: Path) -> int:
    """The number of snapshots in a published warehouse."""
    with duckdb.connect(path, read_only=True, config={"threads": 1}) as db:
        ((count,),) = db.execute("select count(distinct snapshot) from panel").fetchall()
    return int(count)


@dataclass(slots=True)
class Watcher:
    """Reads the published files until stopped. One that existed must never be missing, broken or have less in it.

    `places` is called each time: a folder of a round may be mounted and filled after the start.
    """

    places: Callable[[], Sequence[Path]]
    reads: int = 0
    errors: list[str] = field(default_factory=list)
    _most: dict[Path, int] = field(default_factory=dict)
    _checked: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _done: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Start reading, on a thread."""
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Read once more, then stop."""
        self._done.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        while True:
            is_last = self._done.wait(_BETWEEN_S)
            self.look()
            if is_last:
                return

    def look(self) -> None:
        """Read each file once."""
        for path in self.places():
            self._look_at(path)

    def _look_at(self, path: Path) -> None:
        try:
            info = path.stat()
            count = snapshots_in(path)
            # A published file is replaced, never changed: a version that passed need not be checked again.
            version = (info.st_ino, info.st_mtime_ns)
            flaws = flaws_of(path) if self._checked.get(path) != version else []
            self._checked[path] = version
        except FileNotFoundError:
            if path in self._most:
                self.errors.append(f"{path}: existed, and is gone")
            return
        except duckdb.Error as error:
            self.errors.append(f"{path}: {str(error).splitlines()[0]}")
            return
        self.reads += 1
        self.errors += [f"{path}: violates {flaw}" for flaw in flaws]
        if count < self._most.get(path, 0):
            self.errors.append(f"{path}: {count} snapshots, after {self._most[path]}")
        self._most[path] = max(count, self._most.get(path, 0))
