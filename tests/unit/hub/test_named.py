"""Models that are named one by one, and names that are misspelt."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest

from tasks.errors import UsageError
from tasks.hub.client import hub_at, leave_hub
from tasks.hub.walking import keep_listing
from tasks.progress import listening
from tasks.records import Selection
from tasks.storage.lake import Lake

WEEK = date(2026, 11, 16)


class LikeTheHub(BaseHTTPRequestHandler):
    """One model; for any other name the answer of the Hub, which tells nobody what is private."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        is_there = self.path.startswith("/api/models/ada/one?")
        answer = (
            {"id": "ada/one", "sha": "0" * 40} if is_there else {"error": "Invalid username or password."}
        )
        body = orjson.dumps(answer)
        self.send_response(200 if is_there else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), LikeTheHub) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{http.server_address[1]}"
        yield url
        leave_hub(url)
        http.shutdown()
        thread.join()


def test_a_misspelt_model_among_others_is_named_at_once_and_is_a_failure(url: str, tmp_path: Path) -> None:
    remarks: list[str] = []
    with listening(lambda *_: None, remarks.append):
        keep_listing(Lake(tmp_path), WEEK, hub_at(url), Selection(models=("ada/one", "ada/oen", "not an id")))
    assert remarks == [
        f"2 of 3 named models are not at {url}: ada/oen, not an id; check the spelling (owner/name), or the access of "
        "the token"
    ]
    (part,) = Lake(tmp_path).parts(f"list_failures/{WEEK}")
    rows = Lake(tmp_path).columns(part, ["subject", "reason"]).to_pylist()
    assert [(row["subject"], row["reason"]) for row in rows] == [
        ("ada/oen", "not_found"),
        ("not an id", "not_an_id"),
    ]


def test_nothing_but_misspelt_models_is_refused_and_leaves_no_trace(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=rf"--models: not at {url}: ada/oen; check the spelling"):
        keep_listing(Lake(tmp_path), WEEK, hub_at(url), Selection(models=("ada/oen",)))
    assert Lake(tmp_path).parts(f"listing/{WEEK}") == []
