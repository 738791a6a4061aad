"""Files that are whole or not there, and what killed processes leave of them."""

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


@contextmanager
def whole_file(target: Path, *, keep: bool = False) -> Iterator[IO[bytes]]:
    """A file to write, put in its place once the block ends well; with `keep` the first one stays."""
    with temporary_file(target) as (path, file):
        yield file
        with told(target):
            sync(file)
            (_place_first if keep else Path.replace)(path, target)


@contextmanager
def temporary_file(target: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A file beside the target, gone with the block unless it was given another name."""
    with ExitStack() as opened:
        with told(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            path, file = _own_temporary(target)
        opened.callback(path.unlink, missing_ok=True)
        opened.callback(_close, file)
        yield path, file


def sync(file: IO[bytes]) -> None:
    """Have the bytes on the disk before the name is: a power cut must not leave a part that is empty."""
    file.flush()
    os.fsync(file.fileno())


def _own_temporary(target: Path) -> tuple[Path, IO[bytes]]:
    """A temporary file beside the target, locked for as long as it is open: the lock tells sweepers that it lives."""
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
    """On a full disk closing fails too; what is told is the first failure."""
    with suppress(OSError):
        file.close()


def _lock(descriptor: int) -> None:
    """Show sweepers that a live process holds this; on a file system without locks nothing is swept either."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def sweep(root: Path) -> None:
    """Remove the temporary files and folders under a folder whose makers are gone."""
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
def told(target: Path) -> Iterator[None]:
    """What the disk refuses, in one line."""
    try:
        yield
    except OSError as error:
        remedy = "free some space" if error.errno == errno.ENOSPC else "check the folder's permissions"
        raise LakeError(
            f"cannot write {target}: {error.strerror or error}; {remedy} and run again"
        ) from error


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A folder that goes with the block, or is swept once its maker is gone."""
    with told(parent):
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
