"""The door to where the lake lies: a folder, local or shared by machines, or a bucket of an object store.

A store knows names and bytes, not Parquet. On each kind a file is there whole or not at all, and of two that
are drafted for one name the first stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Protocol

from tasks.errors import UsageError
from tasks.settings import settings
from tasks.storage.store.bucket import BucketStore
from tasks.storage.store.files import told
from tasks.storage.store.folder import Folder

__all__ = ["BucketStore", "Folder", "Store", "store_at", "told"]


class Store(Protocol):
    """What holds the lake. Names are paths with `/`, relative to it."""

    @property
    def location(self) -> str:
        """Where it is, for people."""

    @property
    def is_remote(self) -> bool:
        """Whether files must be copied to be read."""

    def exists(self) -> bool:
        """Whether anything was ever written."""

    def has(self, name: str) -> bool:
        """Whether the name is taken."""

    def entries(self, prefix: str) -> dict[str, str]:
        """The name itself and all under it as a folder, each with a tag that changes with every put."""

    def get(self, name: str) -> bytes | None:
        """The bytes under a name, none where there is no such name."""

    def put(self, name: str, body: bytes) -> None:
        """Put bytes in the place of what the name held."""

    def delete(self, name: str) -> None:
        """Free a name; one that is free already is fine."""

    def draft(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file to write; it is there under the name once the block ends well, unless the name is taken by then."""

    def send(self, name: str, path: Path) -> None:
        """Put a local file, of any size, in the place of what the name held."""

    def fetch(self, name: str, path: Path) -> bool:
        """Copy to a local file, there once it is whole; returns whether there is such a name."""

    def files(self, names: Sequence[str]) -> AbstractContextManager[tuple[Path, list[Path]]]:
        """Local files with what the names hold, and the folder that the names are relative to."""

    def sweep(self) -> None:
        """Remove what killed processes left half-written; what a live one is writing stays."""


def store_at(home: Path) -> Store:
    """The store of a home's lake: where the settings say, else in the home."""
    location = settings().lake
    if location is None:
        return Folder(home / "lake")
    if location.startswith("s3://"):
        bucket, _, prefix = location.removeprefix("s3://").strip("/").partition("/")
        if bucket:
            return BucketStore(bucket, prefix, scratch=home / ".scratch")
    if "://" in location:
        raise UsageError(f"CARDIOGRAPH_LAKE={location}: a lake is a folder or s3://bucket/prefix")
    return Folder(Path(location).expanduser())
