"""The token of the Hub: whoever starts a run names the Hub to read, and cannot have the token sent there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tasks.hub.account import ask_account
from tasks.hub.client import hub_at, leave_hub, walk
from tasks.records import Selection
from tasks.settings import settings

TOKEN = "hf_of_this_machine"


class Stranger(ThreadingHTTPServer):
    """A server that somebody named as the Hub; it keeps what it is sent."""

    def __init__(self) -> None:
        self.authorizations: list[str | None] = []
        kept = self.authorizations

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kept.append(self.headers.get("authorization"))
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"[]")

            def log_message(self, *_: object) -> None:
                """Nothing on the terminal."""

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stranger]:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.delenv("CARDIOGRAPH_TRUSTED_HUBS", raising=False)
    with Stranger() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            leave_hub(server.url)
            server.shutdown()
            thread.join()


def read(url: str) -> None:
    assert list(walk(hub_at(url), Selection(limit=5)))
    ask_account(url, settings())


def test_a_server_that_a_parameter_names_as_the_hub_is_not_sent_the_token(stranger: Stranger) -> None:
    read(stranger.url)
    assert stranger.authorizations == [None, None]


def test_a_server_that_a_setting_of_the_machine_names_is_sent_it(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDIOGRAPH_TRUSTED_HUBS", f"https://hub.example, {stranger.url}/")
    read(stranger.url)
    assert stranger.authorizations == [f"Bearer {TOKEN}"] * 2
