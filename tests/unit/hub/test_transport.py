"""Answers that the replica does not give: packed bodies, other hosts, offline mode; over real HTTP."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep

import pytest
from pydantic import SecretStr

from tasks.errors import CardUnreadable, HubUnreachable, UsageError
from tasks.hub.transport import PacedClient, is_on_this_machine
from tasks.replica.protocol import git_blob_sha1
from tasks.settings import Settings

CARD = b"# A card\n" * 50
LIMITS = Settings(hub_tries=2, hub_backoff_s=0.0, hub_hosts="localhost, hub.example")


class Odd(BaseHTTPRequestHandler):
    """A server that answers by the path of the request, and keeps the headers that it received."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, dict[str, str]]]
    home: str
    elsewhere: str
    slow = False

    def do_GET(self) -> None:
        self.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        if self.path == "/dripping-headers" or self.slow:
            self.close_connection = True
            with suppress(OSError):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nx-drip: ")
                for _ in range(100):
                    self.wfile.write(b"a")
                    sleep(0.1)
        elif self.path == "/moved":
            self._send(302, b"", ("location", f"{self.elsewhere}/packed"))
        elif self.path == "/round":
            self._send(302, b"", ("location", "/round"))
        elif self.path == "/bomb":
            self._send(200, gzip.compress(b"a" * 10_000_000), ("content-encoding", "gzip"))
        elif self.path == "/moved-and-back":
            self._send(302, b"", ("location", f"{self.elsewhere}/back"))
        elif self.path == "/back":
            self._send(302, b"", ("location", f"{self.home}/packed"))
        elif self.path == "/swallowed":
            self._send(200, gzip.compress(CARD) + bytes(200_000), ("content-encoding", "gzip"))
        elif self.path == "/stalled":
            self.send_response(200)
            self.send_header("content-length", str(len(CARD)))
            self.end_headers()
            self.wfile.write(CARD[:100])
            sleep(8)
        elif self.path == "/nowhere":
            self._send(302, b"", ("location", "http://["))
        elif self.path == "/silent":
            self.close_connection = True  # no answer at all
        elif self.path == "/torn":
            self._send(200, gzip.compress(CARD)[:-10], ("content-encoding", "gzip"))
        else:
            etag = f'"{git_blob_sha1(CARD)}"'
            cookie = ("set-cookie", "seen=1; Path=/")
            self._send(200, gzip.compress(CARD), ("content-encoding", "gzip"), ("etag", etag), cookie)

    def _send(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("content-length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[tuple[str, type[Odd]]]:
    odd: type[Odd] = type("OddHere", (Odd,), {"seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), odd) as http:
        port = http.server_address[1]
        odd.home, odd.elsewhere = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield odd.home, odd
        http.shutdown()
        thread.join()


@pytest.fixture
def client(server: tuple[str, type[Odd]]) -> Iterator[PacedClient]:
    client = PacedClient(server[0], LIMITS, SecretStr("hf_secret"))
    yield client
    client.close()


def test_a_packed_body_is_unpacked_before_it_is_checked(client: PacedClient) -> None:
    answer = client.get(f"{client.endpoint}/packed", "resolvers", what="ada/one")
    assert (answer.status, answer.body, answer.requests) == (200, CARD, 1)


def test_a_small_body_that_unpacks_to_a_large_one_is_too_large(client: PacedClient) -> None:
    with pytest.raises(CardUnreadable, match="too_large"):
        client.get(f"{client.endpoint}/bomb", "resolvers", what="ada/one", bytes_max=100_000)


def test_a_torn_packed_body_is_tried_again_and_then_a_failure(
    client: PacedClient, server: tuple[str, type[Odd]]
) -> None:
    with pytest.raises(
        CardUnreadable, match="the gzip stream is incomplete, or other bytes follow it, after 2 tries"
    ):
        client.get(f"{client.endpoint}/torn", "resolvers", what="ada/one")
    assert len(server[1].seen) == 2


def test_the_token_does_not_follow_a_redirect_to_another_host(
    client: PacedClient, server: tuple[str, type[Odd]]
) -> None:
    answer = client.get(f"{client.endpoint}/moved", "resolvers", what="ada/one")
    (_, at_home), (_, elsewhere) = server[1].seen
    assert (answer.body, answer.requests) == (CARD, 2)
    assert at_home["authorization"] == "Bearer hf_secret"
    assert "authorization" not in elsewhere
    assert elsewhere["host"].startswith("localhost")


def test_the_token_does_not_come_back_when_another_host_redirects_home(
    client: PacedClient, server: tuple[str, type[Odd]]
) -> None:
    assert client.get(f"{client.endpoint}/moved-and-back", "resolvers", what="ada/one").requests == 3
    assert ["authorization" in headers for _, headers in server[1].seen] == [True, False, False]


def test_cookies_are_not_kept(client: PacedClient, server: tuple[str, type[Odd]]) -> None:
    # A redirect home is the request that would carry one.
    for path in ("packed", "moved-and-back", "packed"):
        client.get(f"{client.endpoint}/{path}", "resolvers", what="ada/one")
    assert not any("cookie" in headers for _, headers in server[1].seen)


def test_bytes_after_the_packed_body_count_too(client: PacedClient) -> None:
    with pytest.raises(CardUnreadable, match="too_large"):
        client.get(f"{client.endpoint}/swallowed", "resolvers", what="ada/one", bytes_max=100_000)


def test_headers_that_drip_for_ever_meet_the_deadline(server: tuple[str, type[Odd]]) -> None:
    hasty = LIMITS.model_copy(update={"hub_card_deadline_s": 0.5, "hub_tries": 1})
    begun = monotonic()
    with (
        closing(PacedClient(server[0], hasty, None)) as client,
        pytest.raises(CardUnreadable, match=r"not complete after 0\.5 s"),
    ):
        client.get(f"{client.endpoint}/dripping-headers", "resolvers", what="ada/one")
    assert monotonic() - begun < 5


def test_a_body_that_stalls_meets_the_silence_allowed_long_before_the_deadline(
    server: tuple[str, type[Odd]],
) -> None:
    limits = LIMITS.model_copy(update={"hub_read_timeout_s": 1.0, "hub_card_deadline_s": 60, "hub_tries": 1})
    begun = monotonic()
    with (
        closing(PacedClient(server[0], limits, None)) as client,
        pytest.raises(CardUnreadable, match="ReadTimeout"),
    ):
        client.get(f"{client.endpoint}/stalled", "resolvers", what="ada/one")
    assert monotonic() - begun < 5


def test_a_hub_that_answers_too_slowly_fails_cards_and_does_not_stop_the_run(
    server: tuple[str, type[Odd]], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = LIMITS.model_copy(update={"hub_card_deadline_s": 0.5, "hub_tries": 1})
    with closing(PacedClient(server[0], limits, None)) as client:
        assert client.get(f"{client.endpoint}/packed", "resolvers", what="ada/one").status == 200
        monkeypatch.setattr(server[1], "slow", True)
        for name in ("ada/two", "ada/three"):
            with pytest.raises(CardUnreadable, match=r"not complete after 0\.5 s"):
                client.get(f"{client.endpoint}/packed", "resolvers", what=name)


def test_a_redirect_to_an_address_that_is_none_is_a_failure_of_the_card(client: PacedClient) -> None:
    with pytest.raises(CardUnreadable, match=r"transport|redirect"):
        client.get(f"{client.endpoint}/nowhere", "resolvers", what="ada/one")


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "ftp://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_named_with_the_remedy(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(UsageError, match="ALL_PROXY"):
        PacedClient("http://127.0.0.1:1", LIMITS, None)


def test_redirects_in_a_circle_end(client: PacedClient) -> None:
    with pytest.raises(CardUnreadable, match="redirects"):
        client.get(f"{client.endpoint}/round", "resolvers", what="ada/one")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the client library is after `HF_HUB_OFFLINE=1`, which it reads once."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.mark.usefixtures("offline")
def test_offline_means_no_network_and_a_replica_needs_none(client: PacedClient) -> None:
    assert client.get(f"{client.endpoint}/packed", "resolvers", what="ada/one").status == 200
    assert client.get(f"{client.endpoint}/moved", "resolvers", what="ada/one").status == 200


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("host", ["huggingface.co", "10.0.0.7", "[2001:db8::1]", "localhost.example"])
def test_offline_mode_of_the_client_library_is_honoured(host: str) -> None:
    client = PacedClient(f"https://{host}", LIMITS, None)
    with closing(client), pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE"):
        client.get(f"{client.endpoint}/packed", "resolvers", what="ada/one")


@pytest.mark.usefixtures("offline")
def test_a_redirect_from_this_machine_into_the_network_is_not_followed_offline(
    client: PacedClient, server: tuple[str, type[Odd]]
) -> None:
    server[1].elsewhere = "http://hub.example"
    with pytest.raises(HubUnreachable, match=r"hub\.example: HF_HUB_OFFLINE"):
        client.get(f"{client.endpoint}/moved", "resolvers", what="ada/one")


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("128.0.0.1", False),
        ("", False),
    ],
)
def test_this_machine_is_known_by_its_loopback(host: str, is_here: bool) -> None:
    assert is_on_this_machine(host) is is_here


def test_a_card_without_answer_is_its_own_fault_while_the_hub_answers_others(
    client: PacedClient, server: tuple[str, type[Odd]]
) -> None:
    assert client.get(f"{client.endpoint}/packed", "resolvers", what="ada/one").status == 200
    with pytest.raises(CardUnreadable, match="after 2 tries") as caught:
        client.get(f"{client.endpoint}/silent", "resolvers", what="ada/two")
    assert not caught.value.is_final
    assert [path for path, _ in server[1].seen][-3:] == ["/silent", "/silent", "/api/models?limit=1"]


def test_the_proxy_of_the_environment_is_used(
    server: tuple[str, type[Odd]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server[0])
    with closing(PacedClient("http://hub.example", LIMITS, None)) as client:
        assert client.get("http://hub.example/packed", "resolvers", what="ada/one").body == CARD
    assert server[1].seen[0][0] == "http://hub.example/packed"
