"""The door to where the lake lies: a folder, local or shared by machines, or a bucket of an object store.

A store knows names and bytes, not Parquet. On each kind a file is there whole or not at all, and of two that
are drafted for one name the first stays. A bucket is any that speaks S3; its credentials come from the
environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`), as do `AWS_ENDPOINT_URL` and
`AWS_REGION`, and are in no message.
"""

from __future__ import annotations

import errno
import fcntl
import os
import random
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import IO, Protocol, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from tasks.errors import LakeError, UsageError
from tasks.settings import settings

T = TypeVar("T")


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
            return Bucket(bucket, prefix, scratch=home / ".scratch")
    if "://" in location:
        raise UsageError(f"CARDIOGRAPH_LAKE={location}: a lake is a folder or s3://bucket/prefix")
    return Folder(Path(location).expanduser())


class Folder:
    """A store that is a folder of this machine, or one that several share."""

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
            raise _unreadable(self.root / name, error) from error

    def put(self, name: str, body: bytes) -> None:
        with whole_file(self.root / name) as file:
            file.write(body)

    def delete(self, name: str) -> None:
        with told(self.root / name):
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
                raise _absent(self.location, name)
        yield self.root, [self.root / name for name in names]

    def sweep(self) -> None:
        _sweep(self.root)

    def _files(self, place: Path) -> Iterator[Path]:
        for path in (place, *place.rglob("*")):
            if not path.name.startswith(".") and path.is_file():
                yield path


_COPY_BYTES = 1 << 20


def _tag(path: Path) -> str:
    """Two files put one after the other under a name share a tick of the clock at times, an inode never."""
    stat = path.stat()
    return f"{stat.st_mtime_ns}-{stat.st_size}-{stat.st_ino}"


@contextmanager
def whole_file(target: Path, *, keep: bool = False) -> Iterator[IO[bytes]]:
    """A file to write, put in its place once the block ends well; with `keep` the first one stays."""
    with _temporary(target) as (path, file):
        yield file
        with told(target):
            _sync(file)
            (_place_first if keep else Path.replace)(path, target)


@contextmanager
def _temporary(target: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A file beside the target, gone with the block unless it was given another name."""
    with ExitStack() as opened:
        with told(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            path, file = _own_temporary(target)
        opened.callback(path.unlink, missing_ok=True)
        opened.callback(_close, file)
        yield path, file


def _sync(file: IO[bytes]) -> None:
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


def _sweep(root: Path) -> None:
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


def _absent(location: str, name: str) -> LakeError:
    return LakeError(f"{location}/{name} is not there; restore the part and run again")


def _unreadable(path: Path, error: OSError) -> LakeError:
    return LakeError(f"cannot read {path}: {error.strerror or error}; check the folder and run again")


# Silence for so long is taken for a dead connection, or a dead endpoint. One request's upload counts as silence:
# 16 MiB in a minute asks for 2.3 Mbit/s.
_CONNECT_S = 10.0
_SILENCE_S = 60.0
# Waits between two tries, in seconds: the first, and what doubling ends at.
_WAIT_S = 0.2
_WAIT_MAX_S = 10.0
# Files are sent whole up to this size, because only such a request can ask that the first one stays.
_WHOLE_BYTES = 16 << 20
_CHUNK_BYTES = 8 << 20
_COPIES_AT_ONCE = 8


class Bucket:
    """A store in an object store that speaks S3. What it writes is made in a local folder first.

    What may pass by itself is borne until `lake_patience_s`; what is refused is told at once. Where the object
    store does not honour `If-None-Match`, two writers of one name within the same moment may both be taken, and
    the later one stays.
    """

    is_remote = True

    def __init__(self, bucket: str, prefix: str, *, scratch: Path) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._scratch = scratch

    @property
    def location(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def exists(self) -> bool:
        return bool(self._ask("", lambda s3: next(iter(obstore.list(s3, chunk_size=1)), None)))

    def has(self, name: str) -> bool:
        return self._ask(name, lambda s3: obstore.head(s3, name)) is not None

    def entries(self, prefix: str) -> dict[str, str]:
        found = self._ask(prefix, lambda s3: _listed(s3, prefix)) or []
        tags = {meta["path"]: f"{meta['e_tag']} {meta['last_modified'].isoformat()}" for meta in found}
        return dict(sorted(tags.items()))

    def get(self, name: str) -> bytes | None:
        return self._ask(name, lambda s3: bytes(obstore.get(s3, name).bytes()))

    def put(self, name: str, body: bytes) -> None:
        self._ask(name, lambda s3: obstore.put(s3, name, body, use_multipart=False))

    def delete(self, name: str) -> None:
        self._ask(name, lambda s3: obstore.delete(s3, name))

    @contextmanager
    def draft(self, name: str) -> Iterator[IO[bytes]]:
        with _temporary(self._scratch / Path(name).name) as (path, file):
            yield file
            with told(path):
                file.flush()
            if not self.has(name):
                self._ask(name, lambda s3: _put_first(s3, name, path))

    def send(self, name: str, path: Path) -> None:
        self._ask(name, lambda s3: _put_file(s3, name, path))

    def fetch(self, name: str, path: Path) -> bool:
        with told(path), _temporary(path) as (temporary, file):
            is_there = self._pour(name, file)
            if is_there:
                _sync(file)
                temporary.replace(path)
        return is_there

    @contextmanager
    def files(self, names: Sequence[str]) -> Iterator[tuple[Path, list[Path]]]:
        with _temporary_folder(self._scratch) as root, ThreadPoolExecutor(_COPIES_AT_ONCE) as pool:
            paths = [root / name for name in names]
            for name, is_there in zip(names, pool.map(self._copy, names, paths), strict=True):
                if not is_there:
                    raise _absent(self.location, name)
            yield root, paths

    def sweep(self) -> None:
        _sweep(self._scratch)

    def _copy(self, name: str, path: Path) -> bool:
        with told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                return self._pour(name, file)

    def _pour(self, name: str, file: IO[bytes]) -> bool:
        """Write what the name holds into a file; whether there is such a name."""
        return bool(self._ask(name, lambda s3: _pour(obstore.get(s3, name), file)))

    def _ask(self, name: str, call: Callable[[S3Store], T]) -> T | None:
        """What the call returns, none where it finds no such name; tried again until all patience is gone."""
        patience_s = settings().lake_patience_s
        server = _server(self.location)
        client = _client(self._bucket, self._prefix, server, min(_SILENCE_S, max(patience_s, 1.0)), _aws())
        deadline, wait_s = time.monotonic() + patience_s, _WAIT_S
        while True:
            try:
                return call(client)
            except (BaseError, FileNotFoundError) as error:
                answer = _answer(error)
                if answer.is_missing:
                    return None
                left_s = deadline - time.monotonic()
                if not answer.may_pass or left_s <= 0:
                    told_after_s = patience_s if answer.may_pass else None
                    # Without the library's own text, which a log would carry on with for pages.
                    raise LakeError(f"{self._told(name)}: {answer.told(server, told_after_s)}") from None
            time.sleep(min(left_s, wait_s * random.uniform(0.5, 1.0)))  # workers shall not knock in step
            wait_s = min(2 * wait_s, _WAIT_MAX_S)

    def _told(self, name: str) -> str:
        return f"{self.location}/{name}".rstrip("/")


def _listed(s3: S3Store, prefix: str) -> Sequence[obstore.ObjectMeta]:
    """S3 lists a name either as a folder or not at all, so the object of that very name is asked for."""
    return obstore.list(s3, prefix or None).collect() or ([obstore.head(s3, prefix)] if prefix else [])


def _put_file(s3: S3Store, name: str, path: Path) -> None:
    obstore.put(s3, name, path, chunk_size=_CHUNK_BYTES, max_concurrency=4)


def _put_first(s3: S3Store, name: str, path: Path) -> None:
    """Put a file unless the name is taken; where that cannot be asked for, the caller has looked just before."""
    if path.stat().st_size > _WHOLE_BYTES:
        return _put_file(s3, name, path)
    try:
        obstore.put(s3, name, path, mode="create", use_multipart=False)
    except AlreadyExistsError as error:
        if _answer(error).code == "ConditionalRequestConflict":  # another request is not through yet
            raise
    except BaseError as error:
        if _answer(error).status != HTTPStatus.NOT_IMPLEMENTED:
            raise
        _put_file(s3, name, path)


def _pour(found: obstore.GetResult, file: IO[bytes]) -> bool:
    """Write an object's bytes into a file that may hold the beginning from an earlier try."""
    file.seek(0)
    file.truncate()
    for chunk in found.stream(min_chunk_size=_CHUNK_BYTES):
        file.write(chunk)
    return True


@contextmanager
def _temporary_folder(parent: Path) -> Iterator[Path]:
    """A folder that goes with the block, or is swept once its maker is gone."""
    with told(parent):
        parent.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(dir=parent, prefix=".copies-", suffix=".tmp"))
    with ExitStack() as opened:
        opened.callback(shutil.rmtree, path, ignore_errors=True)
        _lock(opened.enter_context(_opened(path)))
        yield path


@dataclass(frozen=True, slots=True)
class _Answer:
    """What an object store said: status 0 where it said nothing, `code` as S3 names its errors."""

    status: int
    code: str
    detail: str

    @property
    def is_missing(self) -> bool:
        return self.status == HTTPStatus.NOT_FOUND and self.code != "NoSuchBucket"

    @property
    def may_pass(self) -> bool:
        if self.status == 0:
            return "HTTP error" in self.detail
        return (
            self.status in _PASSING
            or self.code in _PASSING_CODES
            or (self.status >= HTTPStatus.INTERNAL_SERVER_ERROR and self.status != HTTPStatus.NOT_IMPLEMENTED)
        )

    def told(self, server: str, patience_s: float | None = None) -> str:
        """One line with the remedy, and with nothing of the request in it."""
        said = " ".join(filter(None, [str(self.status or ""), self.code])) or self.detail
        if patience_s is not None:
            gives = f"answers {said}" if self.status else f"gives no answer ({said})"
            return f"{server} {gives} for {patience_s:g} s; see that it is up and reachable, and run again"
        for codes, remedy in _REMEDIES.items():
            if self.code in codes or self.status in codes:
                return f"{server} refuses ({said}); {remedy}"
        return f"{server} refuses ({said}); check AWS_ENDPOINT_URL and AWS_REGION"


_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
_PASSING_CODES = {"RequestTimeout", "SlowDown", "ConditionalRequestConflict", "OperationAborted"}
_REMEDIES: dict[tuple[str | int, ...], str] = {
    ("NoSuchBucket",): "make the bucket, or correct CARDIOGRAPH_LAKE",
    ("RequestTimeTooSkewed",): "set this machine's clock",
    ("ExpiredToken",): "renew AWS_SESSION_TOKEN and the keys that belong to it",
    ("PermanentRedirect", "AuthorizationHeaderMalformed"): "correct AWS_REGION",
    (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN): (
        "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, what they are allowed, and this machine's clock"
    ),
}


def _answer(error: Exception) -> _Answer:
    """Read from the text, for the library has no better: the first lines, before its own dump begins."""
    text = str(error).partition("\n\nDebug source")[0]
    status, code = _STATUS.search(text), _CODE.search(text)
    if isinstance(error, FileNotFoundError) and not status:
        raise error  # a local file, not an object
    detail = text.rpartition(" - ")[2].removeprefix("Generic S3 error: ")
    return _Answer(int(status[1]) if status else 0, code[1] if code else "", " ".join(detail.split()))


_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")


def _aws() -> tuple[tuple[str, str], ...]:
    """The environment that the client is made from."""
    return tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))


def _server(location: str) -> str:
    """The object store's address. Raises `UsageError` where the environment cannot lead to one."""
    if not any(all(os.environ.get(name) for name in names) for names in _IDENTITIES):
        raise UsageError(
            f"{location} needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment "
            "(and AWS_ENDPOINT_URL where it is not Amazon's)"
        )
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"):
        if address := os.environ.get(name):
            url = urlsplit(address)
            if url.scheme not in ("http", "https") or not url.hostname or url.username:
                raise UsageError(f"{name} is no address such as https://s3.example.org; correct it")
            return address.rstrip("/")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return f"https://s3.{region}.amazonaws.com"


# What says who asks; without one the library would look for the metadata service of a cloud machine.
_IDENTITIES = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE",),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI",),
)


@cache
def _client(
    bucket: str, prefix: str, server: str, silence_s: float, aws: tuple[tuple[str, str], ...]
) -> S3Store:
    """One client, with its connections, for all threads; `aws` is read from the environment by the library."""
    try:
        return S3Store(
            bucket,
            prefix=prefix,
            config={"aws_endpoint_url_s3": server, "disable_bulk_delete": True},
            client_options={
                "allow_http": True,
                "connect_timeout": timedelta(seconds=min(_CONNECT_S, silence_s)),
                "read_timeout": timedelta(seconds=silence_s),
                "timeout": timedelta(days=1),  # of a whole answer: the published warehouse may be large
            },
            retry_config={"max_retries": 0},  # `_ask` tries again, and tells in the end
        )
    except BaseError as error:
        raise UsageError(f"the AWS_… variables cannot be used: {_answer(error).detail}") from None
