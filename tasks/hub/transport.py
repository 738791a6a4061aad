"""GET requests to one Hub: paced, bounded in time, size and reach, and retried where that may help."""

from __future__ import annotations

import math
import random
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from time import monotonic
from typing import Any, Literal

import httpx2
from huggingface_hub import is_offline_mode
from huggingface_hub.utils import RateLimitInfo, build_hf_headers, parse_ratelimit_headers
from pydantic import SecretStr

from tasks.errors import CardUnreadable, HubUnreachable, UsageError
from tasks.hub.pacing import Pace, Quota, QuotaRefused
from tasks.hub.reach import AddressRefused, Reach
from tasks.progress import remark
from tasks.replica.protocol import git_blob_sha1
from tasks.settings import Settings
from tasks.stopping import check, pause

QuotaBucket = Literal["api", "resolvers"]

_BLOB_SHA1 = re.compile(r'"([0-9a-f]{40})"')
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504, 520, 522, 524})
_HOPS_MAX = 5  # a request and the redirects that it leads to
_LONGEST_WAIT_S = 8.0


@dataclass(frozen=True, slots=True)
class HubResponse:
    """A whole answer; `requests` counts the redirects that led to it too."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    requests: int


class BodyBroken(Exception):
    """A body that is incomplete or not the expected one; a retry may help."""


class BodyTooLarge(Exception):
    """A body beyond the limit in bytes."""


class PacedClient:
    """The connections to one Hub; shared by the threads of a process, which share its pace too."""

    def __init__(self, endpoint: str, limits: Settings, token: SecretStr | None) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._limits = limits
        self._paces: dict[QuotaBucket, Pace] = {
            "api": Pace(report=partial(_report_wait, self.endpoint)),
            "resolvers": Pace(report=partial(_report_wait, self.endpoint)),
        }
        self._reach = Reach(self.endpoint, hosts_of(limits.hub_hosts))
        self._peers = Peers(self._reach)
        hf_headers = build_hf_headers(
            token=token.get_secret_value() if token else False, library_name="cardiograph"
        )
        self._headers = httpx2.Headers({**hf_headers, "accept-encoding": "gzip"})
        threads = limits.hub_threads
        try:
            self._client = httpx2.Client(
                limits=httpx2.Limits(
                    max_connections=threads, max_keepalive_connections=threads, keepalive_expiry=None
                ),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # no cookie is kept
            )
        except (ImportError, ValueError) as error:
            raise UsageError(
                f"the proxy of this environment cannot be used ({error}); set HTTPS_PROXY to an http:// address, or "
                "unset ALL_PROXY"
            ) from error
        self._silent_in_a_row = 0
        self._answered_at: float | None = None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def share_with(self, others_in_flight: int) -> None:
        """Leave room for other processes that use the same quota and have up to so many requests in flight."""
        for pace in self._paces.values():
            pace.others_in_flight = others_in_flight

    def get(
        self,
        url: str,
        bucket: QuotaBucket,
        *,
        what: str,
        headers: Mapping[str, str] | None = None,
        bytes_max: int | None = None,
    ) -> HubResponse:
        """GET with redirects, pace and retries; `what` names the subject of an error.

        `bytes_max` bounds the unpacked body; by default as a page of the listing.

        Raises `CardUnreadable` once every try failed, the body is larger than `bytes_max`, or a redirect leads where
        no Hub may send us; `HubUnreachable` once the Hub no longer answers anything, or grants no request.
        """
        bytes_max = bytes_max or self._limits.hub_page_bytes_max
        problem, reason = "no try was made", "transport"
        attempt = 0
        while attempt < self._limits.hub_tries:
            if attempt:
                # Full jitter: retries of many threads must not march in step.
                pause(random.uniform(0, min(self._limits.hub_backoff_s * 2**attempt, _LONGEST_WAIT_S)))
            attempt += 1
            check()
            try:
                answer = self._follow(url, bucket, headers or {}, bytes_max)
            except BodyTooLarge as error:
                self._note_answer()
                raise CardUnreadable(
                    what, "too_large", f"more than {bytes_max:,} bytes", is_final=True
                ) from error
            except AddressRefused as error:
                self._note_answer()
                raise CardUnreadable(what, "redirect_refused", f"sent to {error}", is_final=True) from error
            except QuotaRefused as error:
                raise HubUnreachable(
                    f"{self.endpoint} {error}; run again later: what was read is kept"
                ) from error
            except (httpx2.RequestError, httpx2.InvalidURL, BodyBroken) as error:
                problem, reason = f"{type(error).__name__}: {error}", "transport"
                self._note_silence(problem)
                if attempt == self._limits.hub_tries and self._is_away():
                    attempt = 1  # not this card's fault: wait for the Hub
                continue
            self._note_answer()
            if answer.status not in _TRANSIENT:
                return answer
            problem, reason = f"HTTP {answer.status}", f"http_{answer.status}"
        check()  # a card that a stop interrupts is not a failure
        raise CardUnreadable(what, reason, f"{problem}, after {self._limits.hub_tries} tries", is_final=False)

    def _follow(
        self, url: str, bucket: QuotaBucket, headers: Mapping[str, str], bytes_max: int
    ) -> HubResponse:
        """Send one request and follow its redirects, each paced, all within one deadline.

        The token goes to the Hub itself alone: it does not follow a redirect elsewhere, nor come back from there.
        """
        clock = TimeLeft(self._limits.hub_read_timeout_s, self._limits.hub_card_deadline_s)
        request = httpx2.Request("GET", url, headers={**self._headers, **headers})
        for hop in range(1, _HOPS_MAX + 1):
            response, body = self._send(request, bucket, bytes_max, clock)
            if not response.has_redirect_location:
                return HubResponse(response.status_code, response.headers, body, requests=hop)
            target = request.url.join(response.headers["location"])
            self._reach.check(str(target))
            kept = {name: value for name, value in request.headers.items() if name != "host"}
            if not self._reach.is_home(str(target)):
                kept.pop("authorization", None)
            request = httpx2.Request("GET", target, headers=kept)
        raise BodyBroken(f"more than {_HOPS_MAX} redirects")

    def _send(
        self, request: httpx2.Request, bucket: QuotaBucket, bytes_max: int, clock: TimeLeft
    ) -> tuple[httpx2.Response, bytes]:
        if is_offline_mode() and not is_on_this_machine(request.url.host):
            raise HubUnreachable(
                f"{request.url.host}: HF_HUB_OFFLINE is set; unset it to read a Hub elsewhere than on this machine"
            )
        pace = self._paces[bucket]
        pace.acquire()
        request.extensions["timeout"] = time_outs(self._limits, clock=clock)
        request.extensions["trace"] = self._peers.watch(request.url.host)
        with clock.running():
            try:
                response = self._client.send(request, stream=True)
            except BaseException:
                pace.lost()
                raise
            with closing(response):
                pace.answered(_quota(response))
                return response, _body(response, bytes_max)

    def _note_answer(self) -> None:
        self._silent_in_a_row, self._answered_at = 0, monotonic()

    def _note_silence(self, problem: str) -> None:
        """Stop the run where nothing answers any more, rather than call every card a failure."""
        self._silent_in_a_row += 1
        has_ended = (
            self._silent_in_a_row >= self._limits.hub_silence_max
            if self._answered_at is None
            else monotonic() - self._answered_at > self._limits.hub_patience_s
        )
        if has_ended:
            raise HubUnreachable(
                f"{self.endpoint} does not answer ({problem}); check the address and the network, then run again: "
                "what was read is kept"
            )

    def _is_away(self) -> bool:
        """Whether a Hub that has answered before no longer answers even a request that always has an answer."""
        if self._answered_at is None:
            return False
        try:
            self._follow(f"{self.endpoint}/api/models?limit=1", "api", {}, self._limits.hub_page_bytes_max)
        except httpx2.TransportError:
            return True
        except (httpx2.DecodingError, AddressRefused, BodyBroken, BodyTooLarge, QuotaRefused):
            pass  # an answer, though not a usable one
        self._answered_at = monotonic()
        return False


class TimeLeft:
    """The time-out of each read of one answer: the allowed silence, or the time left until the deadline if shorter.

    A socket asks for its time-out before every read. It takes an object's by `__index__`, which rounds it up to whole
    seconds. Time runs while `running`: not while a redirect waits for its turn.
    """

    def __init__(self, silence_s: float, whole_s: float) -> None:
        self._silence_s, self._whole_s = silence_s, whole_s
        self._left_s = whole_s
        self._started = monotonic()

    @contextmanager
    def running(self) -> Iterator[None]:
        self._started = monotonic()
        try:
            yield
        finally:
            self._left_s -= monotonic() - self._started

    def __index__(self) -> int:
        left_s = self._left_s - (monotonic() - self._started)
        if left_s <= 0:
            # Not a time-out of the socket: something answers, if too slowly.
            raise BodyBroken(f"the answer was not complete after {self._whole_s:g} s")
        return math.ceil(min(self._silence_s, left_s))


def time_outs(
    limits: Settings, whole_s: float | None = None, *, clock: TimeLeft | None = None
) -> dict[str, object]:
    """The time-outs of a request: of its connection, and of each read until its deadline."""
    silence_s = limits.hub_read_timeout_s
    clock = clock or TimeLeft(silence_s, whole_s or limits.hub_card_deadline_s)
    return {"connect": limits.hub_connect_timeout_s, "read": clock, "write": silence_s}


class Peers:
    """The addresses behind the names of a Hub and of what it sends us to, looked at before anything is sent."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._home_address: str | None = None

    def watch(self, host: str) -> Callable[[str, Mapping[str, Any]], None]:
        """What the client library calls at every step of a request, as its `trace` extension."""
        is_direct = False  # a connection to a proxy is the proxy's business

        def step(event: str, details: Mapping[str, Any]) -> None:
            nonlocal is_direct
            if event == "connection.connect_tcp.started":
                is_direct = details["host"] == host
            elif event == "connection.connect_tcp.complete" and is_direct:
                stream = details["return_value"]
                try:
                    self._check(host, stream.get_extra_info("server_addr")[0])
                except AddressRefused:
                    stream.close()
                    raise

        return step

    def _check(self, host: str, address: str) -> None:
        if self._reach.is_host(host):
            self._home_address = address
        self._reach.check_peer(host, address, self._home_address)


def _body(response: httpx2.Response, bytes_max: int) -> bytes:
    """The unpacked body.

    Raises `BodyTooLarge` as soon as it exceeds `bytes_max`, packed or unpacked, and `BodyBroken` where it is
    incomplete. Unpacked here, because the client library unpacks a chunk as a whole, and packings in packings.
    """
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "gzip"):
        raise BodyBroken(f"packed as {packing[:40]!r}, which was not requested")
    unpacker = zlib.decompressobj(wbits=31) if packing == "gzip" else None
    sent, body = 0, bytearray()
    for chunk in response.iter_raw():
        sent += len(chunk)
        try:
            body += unpacker.decompress(chunk, bytes_max - len(body) + 1) if unpacker else chunk
        except zlib.error as error:
            raise BodyBroken(f"not a gzip stream ({error})") from error
        if max(sent, len(body)) > bytes_max:
            raise BodyTooLarge
    if unpacker and sent and (not unpacker.eof or unpacker.unused_data):
        raise BodyBroken("the gzip stream is incomplete, or other bytes follow it")
    expected = blob_sha1(response.headers) if response.status_code == 200 else None
    if expected and git_blob_sha1(body) != expected:
        raise BodyBroken("the body does not match its ETag")
    return bytes(body)


def hosts_of(text: str) -> frozenset[str]:
    """The hosts of a list that is separated by commas."""
    return frozenset(host for part in text.split(",") if (host := part.strip().lower()))


def headers_of(url: str, within_s: float) -> Mapping[str, str]:
    """The headers with which a server answers a HEAD request in that time. OSError where it does not."""
    request = httpx2.Request("HEAD", url)
    request.extensions["timeout"] = {
        "connect": within_s, "read": TimeLeft(within_s, within_s), "write": within_s
    }  # fmt: skip
    try:
        is_remote = not is_on_this_machine(request.url.host)  # no proxy reaches this machine's loopback
        with (
            httpx2.Client(trust_env=is_remote) as client,
            closing(client.send(request, stream=True)) as response,
        ):
            return response.headers
    except (httpx2.RequestError, httpx2.InvalidURL, BodyBroken) as error:
        raise OSError(str(error)) from error


def is_on_this_machine(host: str) -> bool:
    """Whether a host is this machine's loopback, where a replica serves: reached without any network."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def blob_sha1(headers: Mapping[str, str]) -> str | None:
    """The blob that an answer's ETag names; null for the ETag of a large file, which is another hash."""
    found = _BLOB_SHA1.search(headers.get("etag", ""))
    return found[1] if found else None


def rate_limit(headers: Mapping[str, str]) -> RateLimitInfo | None:
    """What an answer reports of its bucket, limit and window included; null where it reports nothing."""
    return parse_ratelimit_headers(headers) if "ratelimit" in headers else None


def _report_wait(endpoint: str, seconds: float) -> None:
    remark(f"{endpoint}: its quota is used up for now; the next request is sent in {math.ceil(seconds)} s")


def _quota(response: httpx2.Response) -> Quota | None:
    info = rate_limit(response.headers)
    if info is None:
        return None
    return Quota(0 if response.status_code == 429 else info.remaining, float(info.reset_in_seconds))
