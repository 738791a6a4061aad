"""The part that all candidates do alike, and the folder where it can be seen who is at what."""

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
    """What a candidate is given. The last two are for pulling: the silence that it calls dead, and whether it may
    see by a process's number that it is, as it does where all workers share a machine.
    """

    folder: Path
    parts: int
    seconds: float
    workers: int
    lease_s: float
    is_one_machine: bool = False

    def text(self) -> str:
        """To travel on a command line."""
        return json.dumps({**asdict(self), "folder": str(self.folder)})

    @classmethod
    def read(cls, text: str) -> Self:
        """What `text` wrote."""
        said = json.loads(text)
        return cls(**{**said, "folder": Path(said["folder"])})

    @property
    def ideal_s(self) -> float:
        """What the parts take where orchestration costs nothing."""
        return self.parts * self.seconds / self.workers


@dataclass(frozen=True, slots=True)
class Attempt:
    """A process that began a part, at a moment of the machine's monotonic clock."""

    number: int
    pid: int
    began: float


def do_part(folder: str, number: int, seconds: float) -> int:
    """Wait as the Hub makes one wait, then leave a file; of several that do the same part the first one's stays."""
    _leave(Path(folder) / "attempts" / f"{number}-{os.getpid()}-{monotonic():.6f}")
    sleep(seconds)
    _leave(Path(folder) / "done" / str(number))
    return number


def is_done(folder: Path, number: int) -> bool:
    """Whether the part's file is there."""
    return (folder / "done" / str(number)).exists()


def attempts(folder: Path) -> list[Attempt]:
    """Whoever began a part, in order."""
    found = [path.name.split("-") for path in (folder / "attempts").glob("[0-9]*")]
    told = [Attempt(int(number), int(pid), float(began)) for number, pid, began in found]
    return sorted(told, key=lambda attempt: attempt.began)


def done(folder: Path) -> dict[int, float]:
    """Parts done, and when."""
    return {
        int(path.name): float(path.read_text(encoding="utf-8")) for path in (folder / "done").glob("[0-9]*")
    }


def _leave(path: Path) -> None:
    """A file with the moment in it, there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", encoding="utf-8") as file:
        file.write(str(monotonic()))
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)
