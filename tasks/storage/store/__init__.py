"""Where the lake is stored: in a folder, local or shared by machines, or in a bucket of an object store.

A store knows names and bytes, not Parquet. In every kind of store a file is whole or absent, and of two drafts for one
name the first stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Protocol

from tasks.errors import UsageError
from tasks.settings import settings
from tasks.storage.store.bucket import BucketStore
from tasks.storage.store.files import disk_errors
from tasks.storage.store.folder import Folder

__all__ = ["BucketStore", "Folder", "Store", "disk_errors", "store_at"]


class Store(Protocol):
    """What holds the lake. Names are paths with `/`, relative to it."""

    @property
    def location(self) -> str:
        """Its path or address, for people."""

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
        """The bytes under a name; null where there is no such name."""

    def put(self, name: str, body: bytes) -> None:
        """Write bytes under a name, replacing what it held."""

    def delete(self, name: str) -> None:
        """Delete a name; one that does not exist is fine."""

    def draft(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file to write; it gets the name once the block ends well, unless the name is taken by then."""

    def send(self, name: str, path: Path) -> None:
        """Write a local file of any size under a name, replacing what it held."""

    def fetch(self, name: str, path: Path) -> bool:
        """Copy to a local file, which appears once it is complete; returns whether there is such a name."""

    def files(self, names: Sequence[str]) -> AbstractContextManager[tuple[Path, list[Path]]]:
        """Local files with what the names hold, and the folder that the names are relative to."""

    def sweep(self) -> None:
        """Remove what killed processes left half-written; what a live process is writing stays."""


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
