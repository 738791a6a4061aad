"""Files that are whole or absent, and the removal of what killed processes leave."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from tasks.errors import LakeError

FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def whole_file(target: Path, *, keep: bool = False) -> Iterator[IO[bytes]]:
    """A file to write; it takes the target's name once the block ends well. With `keep` the first one stays."""
    with temporary_file(target) as (path, file):
        yield file
        with disk_errors(target):
            sync(file)
            (_place_first if keep else Path.replace)(path, target)


@contextmanager
def temporary_file(target: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A file beside the target, removed at the end of the block unless it was renamed."""
    with ExitStack() as opened:
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            path, file = _own_temporary(target)
        opened.callback(path.unlink, missing_ok=True)
        opened.callback(_close, file)
        yield path, file


def sync(file: IO[bytes]) -> None:
    """Put the bytes on the disk before the name: a power cut must not leave an empty part."""
    file.flush()
    os.fsync(file.fileno())


def _own_temporary(target: Path) -> tuple[Path, IO[bytes]]:
    """A temporary file beside the target, locked while it is open: the lock shows sweepers that it is in use."""
    while True:
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
        file = temporary.open("xb")
        _lock(file.fileno())
        if temporary.exists():
            return temporary, file
        file.close()  # swept between opening and locking


def _place_first(temporary: Path, target: Path) -> None:
    """Give the file its name unless the name is taken; a hard link refuses that in one step, a rename does not."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if not target.exists():
            temporary.replace(target)


_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def _close(file: IO[bytes]) -> None:
    """On a full disk closing fails too; the first failure is reported."""
    with suppress(OSError):
        file.close()


def _lock(descriptor: int) -> None:
    """Show sweepers that a live process holds this; on a file system without locks nothing is swept."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def sweep(root: Path) -> None:
    """Remove temporary files and folders whose processes have ended."""
    for leftover in root.rglob(".*.tmp"):
        with suppress(OSError), _opened(leftover) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held by its maker: an OSError
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A descriptor to lock; shared file systems lock only files that are open for writing."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def disk_errors(target: Path) -> Iterator[None]:
    """Report what the disk refuses as one `LakeError` that names the target."""
    try:
        yield
    except OSError as error:
        remedy = "free some space" if error.errno in FULL else "check the folder's permissions"
        raise LakeError(
            f"cannot write {target}: {error.strerror or error}; {remedy} and run again"
        ) from error


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A folder that is removed at the end of the block, or swept once its process has ended."""
    with disk_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(dir=parent, prefix=".copies-", suffix=".tmp"))
    with ExitStack() as opened:
        opened.callback(shutil.rmtree, path, ignore_errors=True)
        _lock(opened.enter_context(_opened(path)))
        yield path


def absent(location: str, name: str) -> LakeError:
    return LakeError(f"{location}/{name} is not there; restore the part and run again")


def unreadable(path: Path, error: OSError) -> LakeError:
    return LakeError(f"cannot read {path}: {error.strerror or error}; check the folder and run again")
