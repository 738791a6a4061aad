"""GET requests to one Hub: paced, bounded in time and size, tried again where that may help, and counted.

Speaks httpcore, the layer below the client library's session: that has no time-outs, and a card costs a third less
CPU without the cookies, redirects and authentication flows that no request here needs (`benchmarks/crawl.py`).
"""

from __future__ import annotations

import hashlib
import random
import re
import threading
import zlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Literal
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore2
from huggingface_hub import is_offline_mode
from huggingface_hub.utils import RateLimitInfo, build_hf_headers, parse_ratelimit_headers
from pydantic import SecretStr

from tasks.errors import CardUnreadable, HubUnreachable
from tasks.hub.pacing import Pace, Quota
from tasks.settings import Settings

QuotaBucket = Literal["api", "resolvers"]

_BLOB_SHA1 = re.compile(r'"([0-9a-f]{40})"')
_MAY_PASS = frozenset({408, 429, 500, 502, 503, 504, 520, 522, 524})
_TRANSPORT_ERRORS = (
    httpcore2.NetworkError,
    httpcore2.TimeoutException,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_MAX = 5
_LONGEST_WAIT_S = 8.0


@dataclass(frozen=True, slots=True)
class HubResponse:
    """A whole answer; `requests` counts the redirects that led to it too."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    requests: int


class BodyBroken(Exception):
    """A body that is not the whole one; trying again may help."""


class Wire:
    """The connections to one Hub; shared by the threads of a process, which share its pace too."""

    def __init__(self, endpoint: str, limits: Settings, token: SecretStr | None) -> None:
        self.endpoint = endpoint
        self._limits = limits
        self._paces: dict[QuotaBucket, Pace] = {"api": Pace(), "resolvers": Pace()}
        told = build_hf_headers(
            token=token.get_secret_value() if token else False, library_name="cardiograph"
        )
        self._headers = {**told, "host": urlsplit(endpoint).netloc, "accept-encoding": "gzip"}
        self._timeout = {
            "connect": limits.hub_connect_timeout_s,
            "read": limits.hub_read_timeout_s,
            "write": limits.hub_read_timeout_s,
            "pool": None,
        }
        self._pool = _pool(endpoint, limits.hub_threads)
        self._counts: dict[int, int] = defaultdict(int)
        self._counting = threading.Lock()
        self._silent_in_a_row = 0
        self._answered_at: float | None = None

    def close(self) -> None:
        """Hang up."""
        self._pool.close()

    def share_with(self, others_in_flight: int) -> None:
        """Other processes use the same quota, with so many requests under way at the most."""
        for pace in self._paces.values():
            pace.others_in_flight = others_in_flight

    def requests_by_status(self) -> dict[int, int]:
        """Answers so far by HTTP status; 0 counts requests that were not answered."""
        with self._counting:
            return dict(sorted(self._counts.items()))

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

        Raises `CardUnreadable` once every try failed or the body is larger than `bytes_max`, `HubUnreachable`
        once nothing answers any more.
        """
        problem, reason = "no try was made", "transport"
        attempt = 0
        while attempt < self._limits.hub_tries:
            if attempt:
                # Full jitter: retries of many threads must not march in step.
                sleep(random.uniform(0, min(self._limits.hub_backoff_s * 2**attempt, _LONGEST_WAIT_S)))
            attempt += 1
            try:
                answer = self._follow(url, bucket, {**self._headers, **(headers or {})}, bytes_max)
            except (*_TRANSPORT_ERRORS, BodyBroken) as error:
                problem, reason = f"{type(error).__name__}: {error}", "transport"
                self._note_silence(problem)
                if attempt == self._limits.hub_tries and self._is_away():
                    attempt = 1  # not this card's fault: wait for the Hub
                continue
            self._silent_in_a_row, self._answered_at = 0, monotonic()
            if answer is None:
                raise CardUnreadable(what, "too_large", f"more than {bytes_max:,} bytes", is_final=True)
            if answer.status not in _MAY_PASS:
                return answer
            problem, reason = f"HTTP {answer.status}", f"http_{answer.status}"
        raise CardUnreadable(what, reason, f"{problem}, after {self._limits.hub_tries} tries", is_final=False)

    def _follow(
        self, url: str, bucket: QuotaBucket, headers: dict[str, str], bytes_max: int | None
    ) -> HubResponse | None:
        """One request and the redirects it leads to, each paced; None for a body beyond `bytes_max`."""
        home = urlsplit(self.endpoint).netloc
        for requests in range(1, _REDIRECTS_MAX + 1):
            answer = self._request(url, bucket, headers, requests, bytes_max)
            location = answer.headers.get("location") if answer else None
            if answer is None or answer.status not in _REDIRECTS or not location:
                return answer
            url = urljoin(url, location)
            if urlsplit(url).netloc != home:
                # To a store of large files: its URL is signed, and the token is none of its business.
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
                headers["host"] = urlsplit(url).netloc
        raise BodyBroken(f"more than {_REDIRECTS_MAX} redirects")

    def _request(
        self, url: str, bucket: QuotaBucket, headers: dict[str, str], requests: int, bytes_max: int | None
    ) -> HubResponse | None:
        if is_offline_mode():
            raise HubUnreachable(f"{self.endpoint}: HF_HUB_OFFLINE is set; unset it to read a Hub")
        pace = self._paces[bucket]
        pace.acquire()
        try:
            with self._pool.stream(
                "GET", url, headers=list(headers.items()), extensions={"timeout": self._timeout}
            ) as response:
                told = {name.decode().lower(): value.decode("latin-1") for name, value in response.headers}
                body = self._body(response, bytes_max)
        except BaseException:
            pace.lost()
            self._count(0)
            raise
        pace.answered(_quota(response.status, told))
        self._count(response.status)
        if body is not None and told.get("content-encoding") == "gzip":
            body = _unzipped(body, bytes_max)
        if body is None:
            return None
        expected = blob_sha1(told) if response.status == 200 else None
        if expected and git_blob_sha1(body) != expected:
            raise BodyBroken("the body is not the one that its ETag names")
        return HubResponse(response.status, told, body, requests)

    def _body(self, response: httpcore2.Response, bytes_max: int | None) -> bytes | None:
        """The body as sent, bounded in time and size; None beyond `bytes_max`."""
        deadline = monotonic() + self._limits.hub_card_deadline_s
        body = bytearray()
        for chunk in response.iter_stream():
            body += chunk
            if bytes_max is not None and len(body) > bytes_max:
                return None
            if monotonic() > deadline:
                raise BodyBroken(f"no end after {self._limits.hub_card_deadline_s:g} s")
        return bytes(body)

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
        """Whether a Hub that has answered before answers nothing now, asked for something that it always has."""
        if self._answered_at is None:
            return False
        try:
            self._request(f"{self.endpoint}/api/models?limit=1", "api", self._headers, 1, None)
        except _TRANSPORT_ERRORS:
            return True
        except BodyBroken:
            pass  # an answer, if a poor one
        self._answered_at = monotonic()
        return False

    def _count(self, status: int) -> None:
        with self._counting:
            self._counts[status] += 1


def git_blob_sha1(body: bytes) -> str:
    """The name git gives to a file's content, which is the Hub's ETag."""
    return hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()


def blob_sha1(headers: Mapping[str, str]) -> str | None:
    """The blob that an answer's ETag names; null for the ETag of a large file, which is another hash."""
    found = _BLOB_SHA1.search(headers.get("etag", ""))
    return found[1] if found else None


def _unzipped(body: bytes, bytes_max: int | None) -> bytes | None:
    """The body unpacked, never beyond `bytes_max`: a small answer can unpack to anything."""
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = stream.decompress(body, 0 if bytes_max is None else bytes_max + 1)
    except zlib.error as error:
        raise BodyBroken(f"not the gzip stream that it says: {error}") from error
    if bytes_max is not None and len(plain) > bytes_max:
        return None
    if not stream.eof:
        raise BodyBroken("the gzip stream ends early")
    return plain


def rate_limit(headers: Mapping[str, str]) -> RateLimitInfo | None:
    """What an answer says of its bucket, limit and window included; null where it says nothing."""
    return parse_ratelimit_headers(headers) if "ratelimit" in headers else None


def _quota(status: int, headers: Mapping[str, str]) -> Quota | None:
    info = rate_limit(headers)
    if info is None:
        return None
    return Quota(0 if status == 429 else info.remaining, float(info.reset_in_seconds))


def _pool(endpoint: str, connections: int) -> httpcore2.ConnectionPool:
    """Connections to the Hub, through the proxy that the environment names for it."""
    parts = urlsplit(endpoint)
    proxies = {} if proxy_bypass(parts.hostname or "") else getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy:
        return httpcore2.HTTPProxy(proxy, max_connections=connections, max_keepalive_connections=connections)
    return httpcore2.ConnectionPool(max_connections=connections, max_keepalive_connections=connections)
