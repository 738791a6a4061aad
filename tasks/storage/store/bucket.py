"""A store that is a bucket, of any object store that speaks S3.

Its credentials come from the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`), as do
`AWS_ENDPOINT_URL` and `AWS_REGION`, and are in no message.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import IO, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from tasks.errors import LakeError, UsageError
from tasks.settings import settings
from tasks.stopping import pause
from tasks.storage.store.answers import answer_in
from tasks.storage.store.files import absent, disk_errors, sweep, sync, temporary_file, temporary_folder

T = TypeVar("T")

# After this silence a connection or an endpoint counts as dead. The upload of one request counts as silence: 16 MiB in
# a minute require 2.3 Mbit/s.
_CONNECT_S = 10.0
_SILENCE_S = 60.0
# Waits between two tries, in seconds: the first, and the longest after doubling.
_WAIT_S = 0.2
_WAIT_MAX_S = 10.0
# Files up to this size are sent in one request: only such a request can demand that the first one stays.
_WHOLE_BYTES = 16 << 20
_CHUNK_BYTES = 8 << 20
_COPIES_AT_ONCE = 8


class BucketStore:
    """A bucket of an object store that speaks S3. Files are completed in a local folder before they are sent.

    Passing errors are retried for `lake_patience_s`; refusals are reported at once. Where the object store does not
    honour `If-None-Match`, two writers of one name at the same moment may both succeed, and the later one stays.
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
        with temporary_file(self._scratch / Path(name).name) as (path, file):
            yield file
            with disk_errors(path):
                file.flush()
            if not self.has(name):
                self._ask(name, lambda s3: _put_first(s3, name, path))

    def send(self, name: str, path: Path) -> None:
        self._ask(name, lambda s3: _put_file(s3, name, path))

    def fetch(self, name: str, path: Path) -> bool:
        with disk_errors(path), temporary_file(path) as (temporary, file):
            is_there = self._pour(name, file)
            if is_there:
                sync(file)
                temporary.replace(path)
        return is_there

    @contextmanager
    def files(self, names: Sequence[str]) -> Iterator[tuple[Path, list[Path]]]:
        with temporary_folder(self._scratch) as root, ThreadPoolExecutor(_COPIES_AT_ONCE) as pool:
            paths = [root / name for name in names]
            for name, is_there in zip(names, pool.map(self._copy, names, paths), strict=True):
                if not is_there:
                    raise absent(self.location, name)
            yield root, paths

    def sweep(self) -> None:
        sweep(self._scratch)

    def _copy(self, name: str, path: Path) -> bool:
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                return self._pour(name, file)

    def _pour(self, name: str, file: IO[bytes]) -> bool:
        """Write what the name holds into a file; returns whether there is such a name."""
        return bool(self._ask(name, lambda s3: _pour(obstore.get(s3, name), file)))

    def _ask(self, name: str, call: Callable[[S3Store], T]) -> T | None:
        """What the call returns, null where there is no such name; retried until the patience ends."""
        patience_s = settings().lake_patience_s
        server = _server(self.location)
        client = _client(self._bucket, self._prefix, server, min(_SILENCE_S, max(patience_s, 1.0)), _aws())
        deadline, wait_s = time.monotonic() + patience_s, _WAIT_S
        while True:
            try:
                return call(client)
            except (BaseError, FileNotFoundError) as error:
                answer = answer_in(error)
                if answer.is_missing:
                    return None
                left_s = deadline - time.monotonic()
                if not answer.may_pass or left_s <= 0:
                    waited_s = patience_s if answer.may_pass else None
                    # `from None`: the library's own text would fill pages of a log.
                    raise LakeError(f"{self._full_name(name)}: {answer.message(server, waited_s)}") from None
            pause(min(left_s, wait_s * random.uniform(0.5, 1.0)))  # so that workers do not retry in step
            wait_s = min(2 * wait_s, _WAIT_MAX_S)

    def _full_name(self, name: str) -> str:
        return f"{self.location}/{name}".rstrip("/")


def _listed(s3: S3Store, prefix: str) -> Sequence[obstore.ObjectMeta]:
    """S3 lists a name only as a folder, so the object of exactly that name is requested, too."""
    return obstore.list(s3, prefix or None).collect() or ([obstore.head(s3, prefix)] if prefix else [])


def _put_file(s3: S3Store, name: str, path: Path) -> None:
    obstore.put(s3, name, path, chunk_size=_CHUNK_BYTES, max_concurrency=4)


def _put_first(s3: S3Store, name: str, path: Path) -> None:
    """Put a file unless the name is taken; where S3 cannot check that, the caller has checked just before."""
    if path.stat().st_size > _WHOLE_BYTES:
        return _put_file(s3, name, path)
    try:
        obstore.put(s3, name, path, mode="create", use_multipart=False)
    except AlreadyExistsError as error:
        if answer_in(error).code == "ConditionalRequestConflict":  # another request has not finished
            raise
    except BaseError as error:
        if answer_in(error).status != HTTPStatus.NOT_IMPLEMENTED:
            raise
        _put_file(s3, name, path)


def _pour(found: obstore.GetResult, file: IO[bytes]) -> bool:
    """Write an object's bytes into a file that may hold a part of them from an earlier try."""
    file.seek(0)
    file.truncate()
    for chunk in found.stream(min_chunk_size=_CHUNK_BYTES):
        file.write(chunk)
    return True


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
                raise UsageError(f"{name} is not an address such as https://s3.example.org; correct it")
            return address.rstrip("/")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return f"https://s3.{region}.amazonaws.com"


# Credentials; without any the library would look for the metadata service of a cloud machine.
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
            retry_config={"max_retries": 0},  # `_ask` tries again, and reports the last error
        )
    except BaseError as error:
        raise UsageError(f"the AWS_… variables cannot be used: {answer_in(error).detail}") from None
