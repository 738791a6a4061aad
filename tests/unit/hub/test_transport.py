"""Answers that the replica does not give: packed bodies, other hosts, offline mode; over real HTTP."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from tasks.errors import CardUnreadable, HubUnreachable
from tasks.hub.transport import Wire, git_blob_sha1
from tasks.settings import Settings

CARD = b"# A card\n" * 50
LIMITS = Settings(hub_tries=2, hub_backoff_s=0.0)


class Odd(BaseHTTPRequestHandler):
    """A server whose path says how it answers; keeps the headers that it was sent."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, dict[str, str]]]
    elsewhere: str

    def do_GET(self) -> None:
        self.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        if self.path == "/moved":
            self._send(302, b"", ("location", f"{self.elsewhere}/packed"))
        elif self.path == "/round":
            self._send(302, b"", ("location", "/round"))
        elif self.path == "/bomb":
            self._send(200, gzip.compress(b"a" * 10_000_000), ("content-encoding", "gzip"))
        elif self.path == "/silent":
            self.close_connection = True  # hangs up without a word
        elif self.path == "/torn":
            self._send(200, gzip.compress(CARD)[:-10], ("content-encoding", "gzip"))
        else:
            etag = f'"{git_blob_sha1(CARD)}"'
            self._send(200, gzip.compress(CARD), ("content-encoding", "gzip"), ("etag", etag))

    def _send(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("content-length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[tuple[str, type[Odd]]]:
    odd: type[Odd] = type("OddHere", (Odd,), {"seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), odd) as http:
        port = http.server_address[1]
        odd.elsewhere = f"http://localhost:{port}"
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{port}", odd
        http.shutdown()
        thread.join()


@pytest.fixture
def wire(server: tuple[str, type[Odd]]) -> Iterator[Wire]:
    wire = Wire(server[0], LIMITS, SecretStr("hf_secret"))
    yield wire
    wire.close()


def test_a_packed_body_is_unpacked_before_it_is_checked(wire: Wire) -> None:
    answer = wire.get(f"{wire.endpoint}/packed", "resolvers", what="ada/one")
    assert (answer.status, answer.body, answer.requests) == (200, CARD, 1)


def test_a_small_body_that_unpacks_to_a_large_one_is_too_large(wire: Wire) -> None:
    with pytest.raises(CardUnreadable, match="too_large"):
        wire.get(f"{wire.endpoint}/bomb", "resolvers", what="ada/one", bytes_max=100_000)


def test_a_torn_packed_body_is_tried_again_and_then_a_failure(
    wire: Wire, server: tuple[str, type[Odd]]
) -> None:
    with pytest.raises(CardUnreadable, match="the gzip stream ends early, after 2 tries"):
        wire.get(f"{wire.endpoint}/torn", "resolvers", what="ada/one")
    assert len(server[1].seen) == 2


def test_the_token_does_not_follow_a_redirect_to_another_host(
    wire: Wire, server: tuple[str, type[Odd]]
) -> None:
    answer = wire.get(f"{wire.endpoint}/moved", "resolvers", what="ada/one")
    (_, at_home), (_, elsewhere) = server[1].seen
    assert (answer.body, answer.requests) == (CARD, 2)
    assert at_home["authorization"] == "Bearer hf_secret"
    assert "authorization" not in elsewhere
    assert elsewhere["host"].startswith("localhost")


def test_redirects_in_a_circle_end(wire: Wire) -> None:
    with pytest.raises(CardUnreadable, match="redirects"):
        wire.get(f"{wire.endpoint}/round", "resolvers", what="ada/one")


def test_offline_mode_of_the_client_library_is_honoured(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.hub.transport.is_offline_mode", lambda: True)
    with pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE"):
        wire.get(f"{wire.endpoint}/packed", "resolvers", what="ada/one")


def test_a_card_that_is_never_answered_is_its_own_fault_while_the_hub_answers_others(
    wire: Wire, server: tuple[str, type[Odd]]
) -> None:
    assert wire.get(f"{wire.endpoint}/packed", "resolvers", what="ada/one").status == 200
    with pytest.raises(CardUnreadable, match="after 2 tries") as caught:
        wire.get(f"{wire.endpoint}/silent", "resolvers", what="ada/two")
    assert not caught.value.is_final
    assert [path for path, _ in server[1].seen][-3:] == ["/silent", "/silent", "/api/models?limit=1"]
