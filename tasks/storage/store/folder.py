"""A store that is a folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO

from tasks.storage.store.files import absent, disk_errors, sweep, unreadable, whole_file


class Folder:
    """A folder of this machine, or one that several machines share."""

    is_remote = False

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def location(self) -> str:
        return str(self.root)

    def exists(self) -> bool:
        return self.root.is_dir()

    def has(self, name: str) -> bool:
        return (self.root / name).exists()

    def entries(self, prefix: str) -> dict[str, str]:
        found = {}
        for path in self._files(self.root / prefix):
            with suppress(FileNotFoundError):  # deleted meanwhile
                found[path.relative_to(self.root).as_posix()] = _tag(path)
        return dict(sorted(found.items()))

    def get(self, name: str) -> bytes | None:
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unreadable(self.root / name, error) from error

    def put(self, name: str, body: bytes) -> None:
        with whole_file(self.root / name) as file:
            file.write(body)

    def delete(self, name: str) -> None:
        with disk_errors(self.root / name):
            (self.root / name).unlink(missing_ok=True)

    def draft(self, name: str) -> AbstractContextManager[IO[bytes]]:
        return whole_file(self.root / name, keep=True)

    def send(self, name: str, path: Path) -> None:
        with path.open("rb") as source, whole_file(self.root / name) as file:
            shutil.copyfileobj(source, file, _COPY_BYTES)

    def fetch(self, name: str, path: Path) -> bool:
        try:
            source = (self.root / name).open("rb")
        except FileNotFoundError:
            return False
        with source, whole_file(path) as file:
            shutil.copyfileobj(source, file, _COPY_BYTES)
        return True

    @contextmanager
    def files(self, names: Sequence[str]) -> Iterator[tuple[Path, list[Path]]]:
        for name in names:
            if not self.has(name):
                raise absent(self.location, name)
        yield self.root, [self.root / name for name in names]

    def sweep(self) -> None:
        sweep(self.root)

    def _files(self, place: Path) -> Iterator[Path]:
        for path in (place, *place.rglob("*")):
            if not path.name.startswith(".") and path.is_file():
                yield path


_COPY_BYTES = 1 << 20


def _tag(path: Path) -> str:
    """Two files put under one name in sequence may share a clock tick, but never an inode."""
    stat = path.stat()
    return f"{stat.st_mtime_ns}-{stat.st_size}-{stat.st_ino}"
