"""A Hub that attacks: where its redirects lead, how much and how slowly it answers, and listings without an end."""

from __future__ import annotations

import gzip
import ssl
import subprocess
import tempfile
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep

import orjson
import pytest
from pydantic import SecretStr

from tasks.errors import CardUnreadable, HubError, HubUnreachable
from tasks.hub.account import ask_account
from tasks.hub.client import Hub, hub_at, leave_hub, walk
from tasks.hub.library import bound_library
from tasks.hub.reach import AddressRefused, Reach, is_private
from tasks.hub.source import Source
from tasks.hub.steps import list_models
from tasks.hub.transport import BodyBroken, PacedClient, headers_of
from tasks.hub.walking import pages_of, place_in_listing
from tasks.operations.doctor import clock_ahead_of
from tasks.progress import listening
from tasks.records import CardRef, Selection
from tasks.settings import Settings
from tasks.storage.lake import Lake
from tasks.work.run import Run

TODAY = date(2026, 11, 16)
SHA = "0123456789abcdef0123456789abcdef01234567"
REF = CardRef("ada/one", SHA)
LIMITS = Settings(hub_tries=2, hub_backoff_s=0.0)
TOKEN = "hf_a-token-for-the-hub-alone"

Answer = Callable[["Attacker"], None]


class Attacker(BaseHTTPRequestHandler):
    """Answers every request as it is told to, and keeps path and headers of each."""

    protocol_version = "HTTP/1.1"
    answer: Answer
    seen: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        self.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        with suppress(OSError):
            type(self).answer(self)

    do_HEAD = do_GET  # noqa: N815 - the name is the server's

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def attacker(
    answer: Answer, certificate: Path | None = None
) -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """The address of an attacker on loopback, by https where it has a certificate, and the requests that it got."""
    kind: type[Attacker] = type("AttackerHere", (Attacker,), {"seen": [], "answer": staticmethod(answer)})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as http:
        http.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            http.socket = context.wrap_socket(http.socket, server_side=True)
        thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http{'s' * bool(certificate)}://127.0.0.1:{http.server_address[1]}", kind.seen
        http.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 127.0.0.1 in one file, signed by itself."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    words = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(
        ["openssl", *words.split(), "-keyout", path, "-out", path.with_suffix(".crt")],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


def to(target: str) -> Answer:
    return lambda request: request.send(302, location=target)


def rows_page(names: list[str], next_url: str | None = None) -> Answer:
    body = orjson.dumps([{"id": name, "sha": SHA} for name in names])
    link = {"link": f'<{next_url}>; rel="next"'} if next_url else {}
    return lambda request: request.send(200, body, **link)


@contextmanager
def hub_of(url: str, token: str | None = None, **limits: object) -> Iterator[Hub]:
    with closing(Hub(url, LIMITS.model_copy(update=limits), SecretStr(token) if token else None)) as hub:
        yield hub


# --------------------------------------------------------------------------------------------- redirects


def test_a_card_that_is_sent_on_to_a_service_of_this_machine_is_a_failure_with_a_reason() -> None:
    with (
        attacker(lambda request: request.send(200, b"the secrets of a metadata service")) as (inside, asked),
        attacker(to(f"{inside}/latest/meta-data")) as (url, _),
        hub_of(url) as hub,
    ):
        card = hub.read_card(REF, TODAY)
    assert (card.status, card.reason, card.is_final, card.card_text) == (
        "failed",
        "redirect_refused",
        True,
        None,
    )
    assert asked == []


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://evil.example/x",
        "https://hf.co.evil.example/",
        "file:///x",
    ],
)
def test_a_listing_is_not_followed_to_another_host(target: str) -> None:
    with attacker(to(target)) as (url, seen), hub_of(url) as hub:
        with pytest.raises(HubError, match="its listing cannot be read: sent to"):
            next(walk(hub, Selection()))
        assert len(seen) == 1


def test_a_redirect_within_the_hub_is_followed_with_its_token() -> None:
    def renamed(request: Attacker) -> None:
        if "ada/one" in request.path:
            request.send(307, location=request.path.replace("ada/one", "ada/two"))
        else:
            request.send(200, b"# Two")

    with attacker(renamed) as (url, seen), hub_of(url, TOKEN) as hub:
        assert hub.read_card(REF, TODAY).card_text == "# Two"
    assert [headers["authorization"] for _, headers in seen] == [f"Bearer {TOKEN}"] * 2


def test_the_token_never_goes_out_in_clear(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    with (
        attacker(lambda request: request.send(200, b"# In clear")) as (plain, heard),
        attacker(to(f"{plain}/card"), certificate) as (url, seen),
        hub_of(url, TOKEN, hub_hosts="127.0.0.1") as hub,
    ):
        card = hub.read_card(REF, TODAY)
    assert (card.reason, heard) == ("redirect_refused", [])
    assert "it is not encrypted" in str(card.detail)
    assert seen[0][1]["authorization"] == f"Bearer {TOKEN}"


def test_a_host_that_this_machine_names_is_followed_without_the_token() -> None:
    with (
        attacker(lambda request: request.send(200, b"# From the store")) as (store, heard),
        attacker(to(store.replace("127.0.0.1", "localhost"))) as (url, _),
        hub_of(url, TOKEN, hub_hosts="localhost") as hub,
    ):
        assert hub.read_card(REF, TODAY).card_text == "# From the store"
    assert ["authorization" in headers for _, headers in heard] == [False]


@pytest.mark.parametrize(
    "url",
    [
        "https://huggingface.co/api/resolve-cache/x",
        "https://cdn-lfs.hf.co/x",
        "https://cdn-lfs-us-1.hf.co/x",
        "https://cdn-lfs-eu-1.huggingface.co/x",
        "https://cas-bridge.xethub.hf.co/x",
        "https://transfer.xethub-eu.hf.co/x",
        "https://us.aws.cdn.hf.co/x",
        "https://us-east1.us.gcp.cdn.hf.co/x",
    ],
)
def test_the_hub_and_its_stores_are_within_reach(url: str) -> None:
    Reach("https://huggingface.co").check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://huggingface.co/x",
        "https://huggingface.co:8443/x",
        "https://huggingface.co@evil.example/x",
        "https://user:word@huggingface.co/x",
        "https://cdn-lfs.hf.co.evil.example/x",
        "https://evilcdn.hf.co/x",
        "https://someone.hf.space/x",
        "https://s3.hf.co/bucket/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://2130706433/x",
        "https://metadata.google.internal/x",
        "ftp://huggingface.co/x",
        "//",
    ],
)
def test_all_else_is_out_of_reach(url: str) -> None:
    with pytest.raises(AddressRefused):
        Reach("https://huggingface.co").check(url)


def test_the_name_of_a_store_that_leads_into_a_private_network_gets_no_request() -> None:
    with (
        attacker(lambda request: request.send(200, b"inside")) as (url, seen),
        closing(PacedClient("https://huggingface.co", LIMITS, None)) as client,
        pytest.raises(
            CardUnreadable, match=r"redirect_refused: sent to localhost: its address 127.* is a private one"
        ),
    ):
        client.get(url.replace("127.0.0.1", "localhost"), "resolvers", what="ada/one")
    assert seen == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.7", True),
        ("169.254.169.254", True),
        ("100.64.0.1", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("::ffff:127.0.0.1", True),
        ("fd00::1", True),
        ("0.0.0.0", True),  # noqa: S104 - an address to recognise
        ("224.0.0.1", True),
        ("not an address", True),
        ("18.165.0.1", False),
        ("2600:9000::1", False),
    ],
)
def test_private_addresses_are_known(address: str, expected: bool) -> None:
    assert is_private(address) is expected


# ------------------------------------------------------------------------------------------ bytes and seconds


def gzip_of_blanks(bytes_unpacked: int) -> bytes:
    packer, million = zlib.compressobj(1, wbits=31), b" " * 1_000_000
    return b"".join(packer.compress(million) for _ in range(bytes_unpacked // 1_000_000)) + packer.flush()


def test_a_page_that_unpacks_to_gigabytes_is_refused_in_little_memory() -> None:
    bomb = gzip_of_blanks(1_000_000_000)
    with (
        attacker(lambda request: request.send(200, bomb, content_encoding="gzip")) as (url, seen),
        hub_of(url) as hub,
    ):
        tracemalloc.start()
        with pytest.raises(HubError, match="more than 32,000,000 bytes"):
            next(walk(hub, Selection()))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert len(seen) == 1
    assert most < 150_000_000


@pytest.mark.parametrize("packing", ["gzip, gzip", "deflate", "br", "zstd", "x-made-up"])
def test_a_packing_that_was_not_requested_is_not_unpacked(packing: str) -> None:
    bomb = gzip.compress(gzip_of_blanks(200_000_000))
    with (
        attacker(lambda request: request.send(200, bomb, content_encoding=packing)) as (url, _),
        hub_of(url) as hub,
    ):
        card = hub.read_card(REF, TODAY)
    assert (card.status, card.reason) == ("failed", "transport")
    assert "which was not requested" in str(card.detail)


def test_a_page_of_more_rows_than_requested_is_refused() -> None:
    with (
        attacker(lambda request: request.send(200, b"[" + b"{}," * 5000 + b"{}]")) as (url, _),
        hub_of(url) as hub,
        pytest.raises(HubError, match="a page of 5,001 models where 1,000 were requested"),
    ):
        next(walk(hub, Selection()))


def dripping(request: Attacker) -> None:
    """Header after header, each well within the silence allowed."""
    request.close_connection = True
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(200):
        request.wfile.write(b"x-%d: 1\r\n" % number)
        sleep(0.1)


def test_dripped_headers_meet_the_deadline_of_every_question() -> None:
    began = monotonic()
    with attacker(dripping) as (url, _):
        with hub_of(url, hub_card_deadline_s=0.5, hub_tries=1) as hub:
            with pytest.raises(CardUnreadable, match="not complete after"):
                next(walk(hub, Selection()))
            with pytest.raises(CardUnreadable, match="not complete after"):
                hub.model("ada/one")
            assert "not complete after" in str(hub.read_card(REF, TODAY).detail)
        with pytest.raises(HubUnreachable, match=r"not complete after 0\.5 s"):
            ask_account(url, LIMITS, within_s=0.5)
        with pytest.raises(OSError, match="not complete after"):
            headers_of(url, 0.5)
        with pytest.raises(Exception, match="does not answer"):
            clock_ahead_of(url, 0.5)
    assert monotonic() - began < 15


def test_redirects_share_one_deadline() -> None:
    def slow_round(request: Attacker) -> None:
        sleep(0.4)
        request.send(302, location=request.path + "x")

    began = monotonic()
    with attacker(slow_round) as (url, _), hub_of(url, hub_card_deadline_s=1.0, hub_tries=1) as hub:
        assert "not complete after 1 s" in str(hub.read_card(REF, TODAY).detail)
    assert monotonic() - began < 2.5


# --------------------------------------------------------------------------------------------------- waits


def test_a_quota_of_years_is_capped_reported_and_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.hub.pacing.LONGEST_WINDOW_S", 1.0)
    monkeypatch.setattr("tasks.hub.pacing.REPORTED_FROM_S", 0.5)
    years = {"ratelimit": '"api";r=0;t=999999999', "ratelimit_policy": '"fixed window";"api";q=500;w=300'}
    remarks: list[str] = []
    with (
        attacker(lambda request: request.send(200, b"[]", **years)) as (url, seen),
        hub_of(url) as hub,
        listening(lambda *_: None, remarks.append),
    ):
        for _ in range(3):
            hub.page("/api/models")
        with pytest.raises(HubUnreachable, match="has granted no request in 3 windows of its quota in a row"):
            hub.page("/api/models")
    assert len(seen) == 3
    assert [remark.partition(": ")[2].rstrip("0123456789 s") for remark in remarks] == [
        "its quota is used up for now; the next request is sent in"
    ] * 2


# ------------------------------------------------------------------------------------- listings without an end


def test_a_page_that_leads_to_itself_ends_the_walk() -> None:
    def itself(request: Attacker) -> None:
        rows_page(["ada/one"], f"http://somewhere.example{request.path}")(request)

    with (
        attacker(itself) as (url, seen),
        hub_of(url) as hub,
        pytest.raises(HubError, match="its listing goes round"),
    ):
        list(walk(hub, Selection()))
    assert len(seen) == 1


def test_pages_that_repeat_themselves_under_new_addresses_end_the_walk_and_leave_few_parts(
    tmp_path: Path,
) -> None:
    count = iter(range(10_000))

    def again(request: Attacker) -> None:
        rows_page([f"ada/{n}" for n in range(5)], f"/api/models?cursor={next(count)}")(request)

    run = Run(tmp_path, TODAY)
    with attacker(again) as (url, seen):
        source = Source(url, "a Hub that goes round", is_live=True)
        with pytest.raises(HubError, match="its listing goes round"):
            list_models.fn(run, source, Selection())
        leave_hub(url)
        assert hub_at(url).endpoint == url  # and it can be opened again
        leave_hub(url)
    assert len(seen) == 4
    assert place_in_listing(Lake(tmp_path), TODAY).pages == 3
    assert not Lake(tmp_path).has(f"snapshots/{TODAY}.parquet")


@pytest.mark.parametrize("rows", [[], ["ada/one"]])
def test_empty_pages_without_an_end_stop_too(rows: list[str]) -> None:
    count = iter(range(10_000))

    def more(request: Attacker) -> None:
        rows_page(rows, f"/api/models?cursor={next(count)}")(request)

    with (
        attacker(more) as (url, seen),
        hub_of(url) as hub,
        pytest.raises(HubError, match="its listing goes round"),
    ):
        list(walk(hub, Selection()))
    assert len(seen) <= 4


def test_models_made_up_for_ever_stop_at_the_most_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.hub.walking._PAGES_MAX", 7)
    count = iter(range(10_000))

    def endless(request: Attacker) -> None:
        number = next(count)
        rows_page([f"ada/{number}"], f"/api/models?cursor={number}")(request)

    with (
        attacker(endless) as (url, _),
        hub_of(url) as hub,
        pytest.raises(HubError, match="more than 7 pages"),
    ):
        list(pages_of(hub, TODAY, Selection(), place_in_listing(Lake(Path("nowhere")), TODAY)))


# ---------------------------------------------------------------------- the client library, which fetches models


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Download a model as the embedders do, from a Hub at this address."""
    from huggingface_hub import constants, set_client_factory, snapshot_download
    from huggingface_hub.utils._http import default_client_factory

    def download(url: str) -> None:
        monkeypatch.setattr(constants, "ENDPOINT", url)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", constants.HF_HUB_DISABLE_XET)
        bound_library(LIMITS.model_copy(update={"hub_file_deadline_s": 0.5, "hub_read_timeout_s": 5.0}))
        snapshot_download("ada/embedder", endpoint=url, cache_dir=cache, token=False)

    with tempfile.TemporaryDirectory() as cache:
        yield download
    set_client_factory(default_client_factory)


def test_the_client_library_is_not_sent_into_this_machine_either(library: Callable[[str], None]) -> None:
    with (
        attacker(lambda request: request.send(200, b"{}")) as (inside, asked),
        attacker(to(f"{inside}/latest")) as (url, _),
        pytest.raises(AddressRefused),
    ):
        library(url)
    assert asked == []


def test_the_client_library_meets_a_deadline_too(library: Callable[[str], None]) -> None:
    began = monotonic()
    with attacker(dripping) as (url, _), pytest.raises(BodyBroken, match="not complete after"):
        library(url)
    assert monotonic() - began < 10
