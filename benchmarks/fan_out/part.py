"""The part that all candidates do, and the folder that records who does what."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Self


@dataclass(frozen=True, slots=True)
class Ground:
    """The parameters of a trial. The last two are for pulling: the seconds of silence after which a worker counts as
    dead, and whether it may look up process ids, as it does where all workers share a machine.
    """

    folder: Path
    parts: int
    seconds: float
    workers: int
    lease_s: float
    is_one_machine: bool = False

    def text(self) -> str:
        """As JSON, for a command line."""
        return json.dumps({**asdict(self), "folder": str(self.folder)})

    @classmethod
    def read(cls, text: str) -> Self:
        """What `text` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "folder": Path(fields["folder"])})

    @property
    def ideal_s(self) -> float:
        """The time that the parts take if orchestration costs nothing."""
        return self.parts * self.seconds / self.workers


@dataclass(frozen=True, slots=True)
class Attempt:
    """A process that began a part, at a time of the machine's monotonic clock."""

    number: int
    pid: int
    began: float


def do_part(folder: str, number: int, seconds: float) -> int:
    """Wait, as for the Hub, then write a file; if several do the same part, the first file stays."""
    _leave(Path(folder) / "attempts" / f"{number}-{os.getpid()}-{monotonic():.6f}")
    sleep(seconds)
    _leave(Path(folder) / "done" / str(number))
    return number


def is_done(folder: Path, number: int) -> bool:
    """Whether the part's file is there."""
    return (folder / "done" / str(number)).exists()


def attempts(folder: Path) -> list[Attempt]:
    """All attempts, in order of time."""
    found = [path.name.split("-") for path in (folder / "attempts").glob("[0-9]*")]
    begun = [Attempt(int(number), int(pid), float(began)) for number, pid, began in found]
    return sorted(begun, key=lambda attempt: attempt.began)


def done(folder: Path) -> dict[int, float]:
    """The parts that are done, and when."""
    return {
        int(path.name): float(path.read_text(encoding="utf-8")) for path in (folder / "done").glob("[0-9]*")
    }


def _leave(path: Path) -> None:
    """Write a file with the time in it, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", encoding="utf-8") as file:
        file.write(str(monotonic()))
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)
