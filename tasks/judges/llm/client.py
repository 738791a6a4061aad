"""The only door to the judge's servers: their addresses, bounded answers over HTTP, and no key in any message."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from urllib.parse import urlsplit

import httpx2

from tasks.errors import JudgeRefused, UsageError
from tasks.judges.llm.decoding import json_object
from tasks.judges.llm.served import readable
from tasks.settings import Settings

API_KEY = "CARDIOGRAPH_JUDGE_API_KEY"
EXCERPT_CHARACTERS = 300
TRANSPORT_ERRORS = (httpx2.NetworkError, httpx2.ProtocolError, httpx2.ProxyError, httpx2.ConnectTimeout)
NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_BODY_BYTES_MAX = 8_000_000
_CONTROL_BYTES_MAX = 2_000_000  # of /metrics and the like
_CONTROL_TIMEOUT_S = 10.0  # a healthy server answers sooner


class ServerNotReady(Exception):
    """A server does not answer, or not like one that has finished starting."""


@dataclass(frozen=True, slots=True)
class ServerReply:
    """A server's answer. `body` is null where it is larger than allowed."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def text(self) -> str:
        """The body as text; empty unless the status is 200."""
        return (self.body or b"").decode(errors="replace") if self.status == 200 else ""

    @property
    def fields(self) -> dict[str, object]:
        """The body's JSON object; empty where there is none or the status is not 200."""
        try:
            return json_object(self.body) if self.status == 200 else {}
        except ValueError:
            return {}


class JudgeClient:
    """Sends requests to any of the servers. UsageError where the key of the settings cannot be sent, or must not be."""

    marks_engine = (
        True  # `system_fingerprint` of an answer changes with engine and model alone, as vLLM's does
    )

    def __init__(self, urls: Sequence[str], limits: Settings) -> None:
        self._key = limits.judge_api_key.get_secret_value() if limits.judge_api_key else ""
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        if self._key:
            if not (self._key.isascii() and self._key.isprintable() and " " not in self._key):
                raise UsageError(
                    f"{API_KEY} contains characters that are not allowed; set it again, without blanks or line ends"
                )
            _check_keeps_secrets(urls)
            headers["authorization"] = f"Bearer {self._key}"
        self._http = httpx2.AsyncClient(
            headers=headers,
            # `Fleet.post` bounds the time of a whole answer; connecting is quick or futile.
            timeout=httpx2.Timeout(None, connect=min(_CONTROL_TIMEOUT_S, limits.judge_timeout_s)),
            # Hang up before vLLM does, after 5 s: a request on a connection that it is closing is lost.
            limits=httpx2.Limits(keepalive_expiry=3.0),
            trust_env=not all(map(is_local, urls)),
        )
        self.aclose = self._http.aclose

    async def post(self, url: str, body: bytes) -> ServerReply:
        """POST a request for the judge; raises one of `TRANSPORT_ERRORS`. The caller bounds the time."""
        return await self._ask("POST", url, _BODY_BYTES_MAX, body)

    async def get(self, url: str) -> ServerReply:
        """GET what a server reports about itself. ServerNotReady where it does not answer in time."""
        try:
            async with asyncio.timeout(_CONTROL_TIMEOUT_S):
                return await self._ask("GET", url, _CONTROL_BYTES_MAX)
        except TimeoutError:
            raise ServerNotReady(f"no answer in {_CONTROL_TIMEOUT_S:g} s") from None
        except TRANSPORT_ERRORS as error:
            raise ServerNotReady(described(error)) from error

    async def _ask(self, method: str, url: str, bytes_max: int, body: bytes | None = None) -> ServerReply:
        async with self._http.stream(method, url, content=body) as response:
            content = bytearray()
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > bytes_max:
                    return ServerReply(response.status_code, response.headers, None)
            return ServerReply(response.status_code, response.headers, bytes(content))

    def excerpt(self, body: bytes | None) -> str:
        """The beginning of a body on one line, without the key if a server repeats it."""
        text = readable((body or b"")[:4096].decode(errors="replace"))
        return (text.replace(self._key, "…") if self._key else text)[:EXCERPT_CHARACTERS]


def base_url(url: str) -> str:
    """The address without `/v1` and slashes at its end. UsageError where it is not an http(s) address."""
    plain = url.strip().rstrip("/").removesuffix("/v1").rstrip("/")
    if problem := _problem_of(plain):
        shown = readable("…@" + url.rpartition("@")[2] if "@" in url else url)[:200]  # without any password
        raise UsageError(f"--judge-url {shown}: {problem}; write an address like http://127.0.0.1:8000")
    return plain


def _problem_of(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        httpx2.URL(url)
    except (ValueError, httpx2.InvalidURL) as error:
        # The error may quote what stands before an @: a password.
        return "it is not an address" + ("" if "@" in url else f" ({readable(str(error))})")
    if parts.scheme not in ("http", "https") or not is_complete:
        return "it is not an http or https address"
    if "@" in parts.netloc:
        return f"it contains a user or a password; put the key into {API_KEY} instead"
    if parts.query or parts.fragment or re.search(r"\s", url):
        return "it contains a query, a fragment or a blank"
    return None


_PRIVATE_ENDINGS = (".local", ".internal", ".lan", ".home.arpa", ".localhost", ".localdomain")


def is_private(url: str) -> bool:
    """Whether only this machine or a private network reaches the address, as far as its spelling says.

    A name without a dot, or with an ending that is reserved for private use, is private; no name is looked up.
    """
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bool(host) and ("." not in host or host.endswith(_PRIVATE_ENDINGS))
    return address.is_private or address.is_loopback


def _check_keeps_secrets(urls: Sequence[str]) -> None:
    """UsageError where the key would be sent in the open: over plain http to a host that is not private."""
    for url in urls:
        if urlsplit(url).scheme == "http" and not is_private(url):
            raise UsageError(
                f"--judge-url {url}: the key of {API_KEY} would be sent unencrypted over the internet; use https, or "
                f"unset {API_KEY}"
            )


def is_local(url: str) -> bool:
    """Whether it is on this machine's loopback, which no proxy can reach."""
    return urlsplit(url).hostname in _LOOPBACK


def key_refused(url: str, status: int) -> JudgeRefused:
    """The error for a server that does not accept the key."""
    return JudgeRefused(
        f"{url} answers HTTP {status}: it does not accept the key; set {API_KEY} to a valid one"
    )


def described(error: Exception) -> str:
    """The error on one line."""
    return readable(f"{type(error).__name__}: {error}")[:EXCERPT_CHARACTERS]


def retry_after(value: str | None, default: float) -> float:
    """Seconds that a Retry-After header asks for, as a number or as a date; `default` where it is neither."""
    if value is None:
        return default
    if re.fullmatch(r"\s*\d{1,9}(\.\d*)?\s*", value):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except (ValueError, OverflowError):
        return default
