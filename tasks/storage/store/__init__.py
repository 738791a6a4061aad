"""Where the lake is stored: in a folder, local or shared by machines, or in a bucket of an object store.

A store knows names and bytes, not Parquet; `Lake` says what its methods do. Names are paths with `/`, relative to the
store. In every kind of store a file is whole or absent. A draft is a file to write: it gets its name once the block
ends well, unless the name is taken by then.
"""

from __future__ import annotations

from pathlib import Path

from tasks.errors import UsageError
from tasks.settings import settings
from tasks.storage.store.bucket import BucketStore
from tasks.storage.store.files import disk_errors
from tasks.storage.store.folder import Folder

__all__ = ["BucketStore", "Folder", "disk_errors", "store_at"]


def store_at(home: Path) -> Folder | BucketStore:
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
