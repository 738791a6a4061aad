"""What an object store may answer: borne, taken for an answer, or reported at once."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tasks.errors import LakeError
from tasks.storage.store import BucketStore


class MoodyS3(ThreadingHTTPServer):
    """An object store that honours `If-None-Match` and answers its next requests as `moods` say.

    A mood is `<status> <code>`; `cut`: half a body, then the connection closes; `lost`: done, but without an answer;
    `silent`: nothing, until the client gives up. Without a mood left it does what it is asked.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.moods: deque[str] = deque()
        self.objects: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.lock = threading.Lock()
        self.released = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: MoodyS3
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            self.server.asked.append(self.command)
            mood = self.server.moods.popleft() if self.server.moods else ""
            status, answer = self._obey(body) if mood in ("", "cut", "lost") else (0, b"")
        if mood in ("silent", "lost"):
            self.server.released.wait(30 if mood == "silent" else 0)
            self.close_connection = True
        elif status:
            self._send(status, answer, is_cut=mood == "cut")
        else:
            number, _, code = mood.partition(" ")
            self._send(int(number), f"<Error><Code>{code}</Code><Key>hidden</Key></Error>".encode())

    do_GET = do_HEAD = do_PUT = do_DELETE = _answer  # noqa: N815 - names that http.server looks for

    def _obey(self, body: bytes) -> tuple[int, bytes]:
        objects = self.server.objects
        if self.command == "PUT":
            if self.headers.get("If-None-Match") == "*" and self.path in objects:
                return 412, b"<Error><Code>PreconditionFailed</Code></Error>"
            objects[self.path] = body
        if self.command == "DELETE":
            objects.pop(self.path, None)
            return 204, b""
        if self.path not in objects:
            return 404, b"<Error><Code>NoSuchKey</Code></Error>"
        return 200, objects[self.path] if self.command != "PUT" else b""

    def _send(self, status: int, body: bytes, *, is_cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.md5(body).hexdigest()}"')  # noqa: S324 - as S3 does
        self.send_header("Last-Modified", "Mon, 16 Nov 2026 06:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if is_cut else body)
        self.close_connection = self.close_connection or is_cut

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[MoodyS3]:
    """The object store, and an environment that leads to it."""
    with MoodyS3() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden-secret")
        monkeypatch.setattr("tasks.storage.store.bucket._WAIT_S", 0.01)
        yield server
        server.released.set()
        server.shutdown()


@pytest.fixture
def bucket(tmp_path: Path) -> BucketStore:
    return BucketStore("lakes", "weekly", scratch=tmp_path / "scratch")


def draft(bucket: BucketStore, body: bytes) -> None:
    with bucket.draft("cards/x.parquet") as file:
        file.write(body)


PASSING = [
    "500 InternalError",
    "503 SlowDown",
    "429 TooManyRequests",
    "400 RequestTimeout",
    "409 OperationAborted",
]


@pytest.mark.parametrize("mood", PASSING)
def test_what_passes_by_itself_is_borne(s3: MoodyS3, bucket: BucketStore, mood: str) -> None:
    for use in (
        partial(bucket.put, "writer", b"me"),
        partial(bucket.get, "writer"),
        partial(bucket.delete, "writer"),
    ):
        s3.moods.extend([mood, mood])
        use()
    assert s3.asked == ["PUT"] * 3 + ["GET"] * 3 + ["DELETE"] * 3


def test_a_body_that_breaks_off_is_asked_for_again(s3: MoodyS3, bucket: BucketStore, tmp_path: Path) -> None:
    bucket.put("published/warehouse.duckdb", b"0123456789" * 1000)
    s3.moods.extend(["cut", "cut"])
    assert bucket.get("published/warehouse.duckdb") == b"0123456789" * 1000
    s3.moods.extend(["cut", "cut"])
    assert bucket.fetch("published/warehouse.duckdb", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"0123456789" * 1000


def test_an_endpoint_that_says_nothing_is_left_after_a_while(
    s3: MoodyS3, bucket: BucketStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDIOGRAPH_LAKE_PATIENCE_S", "0.2")
    s3.moods.append("silent")
    with pytest.raises(LakeError, match=r"s3://lakes/weekly/writer: http://127.0.0.1:\d+ gives no answer"):
        bucket.get("writer")


def test_an_endpoint_that_goes_on_failing_is_reported(
    s3: MoodyS3, bucket: BucketStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDIOGRAPH_LAKE_PATIENCE_S", "0.2")
    s3.moods.extend(["503 SlowDown"] * 1000)
    with pytest.raises(LakeError, match=r"answers 503 SlowDown for 0.2 s; check that it is up") as failure:
        bucket.put("writer", b"me")
    assert len(s3.asked) > 2
    assert "hidden" not in str(failure.value)


@pytest.mark.parametrize(
    ("mood", "message"),
    [
        ("403 AccessDenied", "refuses (403 AccessDenied); check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ("401 Unauthorized", "refuses (401 Unauthorized); check AWS_ACCESS_KEY_ID"),
        ("403 RequestTimeTooSkewed", "set this machine's clock"),
        ("400 ExpiredToken", "renew AWS_SESSION_TOKEN"),
        ("400 AuthorizationHeaderMalformed", "correct AWS_REGION"),
        ("301 PermanentRedirect", "check AWS_ENDPOINT_URL and AWS_REGION"),
        ("404 NoSuchBucket", "make the bucket, or correct CARDIOGRAPH_LAKE"),
        ("405 MethodNotAllowed", "refuses (405 MethodNotAllowed); check AWS_ENDPOINT_URL"),
    ],
)
def test_what_is_refused_is_reported_at_once(
    s3: MoodyS3, bucket: BucketStore, mood: str, message: str
) -> None:
    s3.moods.append(mood)
    with pytest.raises(LakeError) as error:
        bucket.get("writer")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert "hidden" not in str(error.value)
    assert s3.asked == ["GET"]


def test_where_it_is_honoured_one_of_racing_drafts_is_taken_and_the_rest_refused(
    s3: MoodyS3, bucket: BucketStore
) -> None:
    together = threading.Barrier(6)

    def write(number: int) -> None:
        with bucket.draft("cards/x.parquet") as file:
            file.write(b"%d" % number)
            together.wait(30)
        taken.append(s3.objects["/lakes/weekly/cards/x.parquet"])

    taken: list[bytes] = []
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    assert len(set(taken)) == 1, "what was there once has changed"


def test_a_draft_whose_first_answer_was_lost_is_there_once(s3: MoodyS3, bucket: BucketStore) -> None:
    s3.moods.extend(["404 NoSuchKey", "lost"])
    draft(bucket, b"mine")
    assert (s3.asked, list(s3.objects.values())) == (["HEAD", "PUT", "PUT"], [b"mine"])


def test_a_conflict_under_way_is_waited_for(s3: MoodyS3, bucket: BucketStore) -> None:
    s3.moods.extend(["404 NoSuchKey", "409 ConditionalRequestConflict"])
    draft(bucket, b"mine")
    assert (s3.asked, list(s3.objects.values())) == (["HEAD", "PUT", "PUT"], [b"mine"])


def test_a_store_that_cannot_put_conditionally_is_put_to_without(s3: MoodyS3, bucket: BucketStore) -> None:
    s3.moods.extend(["404 NoSuchKey", "501 NotImplemented"])
    draft(bucket, b"mine")
    draft(bucket, b"another's")
    assert (s3.asked, list(s3.objects.values())) == (["HEAD", "PUT", "PUT", "HEAD"], [b"mine"])


def test_a_file_that_is_not_there_is_no_missing_object(
    s3: MoodyS3, bucket: BucketStore, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        bucket.send("published/report.html", tmp_path / "report.html")
