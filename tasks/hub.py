"""The door to the Hub: its listing, and one request a card.

Speaks through the client library's request hook (offline mode, request ids) on a session with time-outs, which
the library's own has not. Paced from the `RateLimit` headers; tries again only what may pass by itself. Never
asks for a query file such as config.json: that would count as a download of the model.
"""

from __future__ import annotations

import hashlib
import random
import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from time import monotonic, sleep
from typing import Any, Literal
from urllib.parse import quote, urljoin, urlsplit

import httpx2
import orjson
from huggingface_hub import get_token
from huggingface_hub.utils import build_hf_headers, get_session, parse_ratelimit_headers
from pydantic import SecretStr

from tasks.errors import CardUnreadable, HubError, HubUnreachable, TokenRefused
from tasks.listing import EXPAND
from tasks.pacing import Pace, Quota
from tasks.records import CardRead, Selection
from tasks.settings import OFFICIAL_HUB, Settings, settings

Bucket = Literal["api", "resolvers"]

EMPTY_HASH = hashlib.sha256(b"").hexdigest()

_SORTS = {"downloads": "downloads", "likes": "likes", "trending": "trendingScore", "created": "createdAt"}
_PAGE_ROWS = 1000
_BLOB_SHA1 = re.compile(r'"([0-9a-f]{40})"')
_DISABLED = "Access to this resource is disabled."
_MAY_PASS = frozenset({408, 429, 500, 502, 503, 504, 520, 522, 524})


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the listing: its raw rows, and where the next one is."""

    rows: list[object]
    next_url: str | None


@dataclass(frozen=True, slots=True)
class CardRef:
    """What to read: a model's README at a commit.

    `etag` and `card_hash` are those of an earlier README of the model, where one is known; `attempts` counts the
    reads of this commit that failed before.
    """

    model_id: str
    sha: str
    etag: str | None = None
    card_hash: str | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, read within the deadline."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    requests: int


class Hub:
    """One Hub, with its session, its token and its paces; shared by the threads of a process."""

    def __init__(self, endpoint: str, limits: Settings, token: SecretStr | None) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._limits = limits
        self._paces: dict[Bucket, Pace] = {"api": Pace(), "resolvers": Pace()}
        self._client = httpx2.Client(
            headers=build_hf_headers(
                token=token.get_secret_value() if token else False, library_name="cardiograph"
            ),
            event_hooks=get_session().event_hooks,  # the library's own: offline mode, request ids
            timeout=httpx2.Timeout(
                limits.hub_read_timeout_s, connect=limits.hub_connect_timeout_s, pool=None
            ),
            limits=httpx2.Limits(
                max_connections=limits.hub_threads, max_keepalive_connections=limits.hub_threads
            ),
        )
        self._counts: dict[int, int] = defaultdict(int)
        self._counting = threading.Lock()
        self._silent_in_a_row = 0

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def first_page_url(self, selection: Selection) -> str:
        """Where a walk of the listing begins."""
        # By creation date nothing moves while we walk; a top N is short enough not to.
        sort = "createdAt" if selection.limit is None else _SORTS[selection.sort]
        query = [("sort", sort), ("limit", str(min(selection.limit or _PAGE_ROWS, _PAGE_ROWS)))]
        query += [("direction", "1")] if selection.limit is None else [("direction", "-1")]
        query += [("filter", tag) for tag in selection.filters]
        query += [("author", selection.author)] if selection.author else []
        query += [("expand", field) for field in EXPAND]
        return str(httpx2.URL(f"{self.endpoint}/api/models", params=query))

    def page(self, url: str) -> Page:
        """One page of the listing. Raises `HubError` where the Hub does not give it."""
        answer = self._get(url, "api", what="the listing")
        if answer.status != 200:
            raise self._refused(answer, "the listing")
        rows = _json(answer.body)
        if not isinstance(rows, list):
            raise HubError(
                f"{self.endpoint} answers the listing with something else; is it a Hub? Check --hub"
            )
        return Page(rows, _next_url(answer.headers, url))

    def model(self, model_id: str) -> object:
        """The listing's row of one named model. Raises `CardUnreadable` where there is none."""
        url = httpx2.URL(
            f"{self.endpoint}/api/models/{quote(model_id)}", params=[("expand", field) for field in EXPAND]
        )
        answer = self._get(str(url), "api", what=model_id)
        if answer.status != 200:
            raise self._unreadable(model_id, answer)
        return _json(answer.body)

    def read_card(self, ref: CardRef, snapshot: date) -> CardRead:
        """Read a README; whatever happens to one card becomes its record. Raises only what ends the run."""
        now = datetime.now(UTC).replace(tzinfo=None)
        try:
            return self._read_card(ref, snapshot, now)
        except CardUnreadable as error:
            return CardRead(
                snapshot,
                ref.model_id,
                ref.sha,
                "failed",
                reason=error.reason,
                detail=error.detail,
                is_final=error.is_final,
                read_at=now,
            )

    def requests_by_status(self) -> dict[int, int]:
        """Answers so far by HTTP status; 0 counts requests that were not answered."""
        with self._counting:
            return dict(sorted(self._counts.items()))

    def _read_card(self, ref: CardRef, snapshot: date, now: datetime) -> CardRead:
        headers = {"If-None-Match": f'"{ref.etag}"'} if ref.etag and ref.card_hash else {}
        answer = self._get(self._cheap_url(ref), "resolvers", what=ref.model_id, headers=headers)
        requests = answer.requests
        if answer.status in (400, 404, 405) and "x-error-code" not in answer.headers:
            # A Hub without that route: the literal one costs a redirect more.
            answer = self._get(self._plain_url(ref), "resolvers", what=ref.model_id, headers=headers)
            requests += answer.requests
        if answer.status == 304:
            return CardRead(
                snapshot,
                ref.model_id,
                ref.sha,
                "empty" if ref.card_hash == EMPTY_HASH else "card",
                ref.etag,
                ref.card_hash,
                requests=requests,
                read_at=now,
            )
        if answer.status == 404 and answer.headers.get("x-error-code") == "EntryNotFound":
            return CardRead(snapshot, ref.model_id, ref.sha, "none", requests=requests, read_at=now)
        if answer.status != 200:
            raise self._unreadable(ref.model_id, answer)
        return CardRead(
            snapshot,
            ref.model_id,
            ref.sha,
            "card" if answer.body else "empty",
            etag=_blob_sha1(answer.headers),
            card_hash=hashlib.sha256(answer.body).hexdigest(),
            card_text=decode(answer.body) if answer.body else None,
            requests=requests,
            read_at=now,
        )

    def _plain_url(self, ref: CardRef) -> str:
        return f"{self.endpoint}/{quote(ref.model_id)}/resolve/{ref.sha}/README.md"

    def _cheap_url(self, ref: CardRef) -> str:
        """The route without a redirect; an id of one segment has only the plain one, and is not redirected there."""
        if "/" not in ref.model_id:
            return self._plain_url(ref)
        return f"{self.endpoint}/api/resolve-cache/models/{quote(ref.model_id)}/{ref.sha}/README.md"

    def _get(
        self, url: str, bucket: Bucket, *, what: str, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """GET with redirects, pace and retries. Raises `CardUnreadable` once every try failed."""
        problem = "no try was made"
        reason = "transport"
        for attempt in range(self._limits.hub_tries):
            if attempt:
                # Full jitter: retries of many threads must not march in step.
                sleep(random.uniform(0, min(self._limits.hub_backoff_s * 2**attempt, 8.0)))
            try:
                answer = self._follow(url, bucket, headers or {})
            except (httpx2.TransportError, httpx2.DecodingError, _BodyBroken) as error:
                problem, reason = f"{type(error).__name__}: {error}", "transport"
                self._note_silence(problem)
                continue
            self._silent_in_a_row = 0
            if answer.status not in _MAY_PASS:
                return answer
            problem, reason = f"HTTP {answer.status}", f"http_{answer.status}"
        raise CardUnreadable(what, reason, f"{problem}, after {self._limits.hub_tries} tries", is_final=False)

    def _follow(self, url: str, bucket: Bucket, headers: Mapping[str, str]) -> Answer:
        """One request and the redirects it leads to; each is paced."""
        for requests in range(1, 6):
            answer = self._request(url, bucket, headers, requests)
            location = answer.headers.get("location")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer
            url = urljoin(url, location)
            if urlsplit(url).netloc != urlsplit(self.endpoint).netloc:
                # To a store of large files: signed URL, no token, another quota.
                headers = {**headers, "Authorization": ""}
        raise _BodyBroken(f"more than {requests} redirects")

    def _request(self, url: str, bucket: Bucket, headers: Mapping[str, str], requests: int) -> Answer:
        pace = self._paces[bucket]
        pace.acquire()
        try:
            with self._client.stream("GET", url, headers=dict(headers)) as response:
                quota = parse_ratelimit_headers(response.headers)
                body = self._body(response)
        except BaseException:
            pace.lost()
            self._count(0)
            raise
        pace.answered(_quota(quota, response))
        self._count(response.status_code)
        return Answer(response.status_code, response.headers, body, requests)

    def _body(self, response: httpx2.Response) -> bytes:
        """The body, bounded in time and size, and checked against the blob's own hash."""
        deadline = monotonic() + self._limits.hub_card_deadline_s
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if monotonic() > deadline:
                raise _BodyBroken(f"no end after {self._limits.hub_card_deadline_s:g} s")
            if "resolve" in response.url.path and len(body) > self._limits.card_bytes_max:
                raise CardUnreadable(
                    str(response.url),
                    "too_large",
                    f"more than {self._limits.card_bytes_max:,} bytes",
                    is_final=True,
                )
        expected = _blob_sha1(response.headers)
        if response.status_code == 200 and expected and git_blob_sha1(body) != expected:
            raise _BodyBroken("the body is not the one that its ETag names")
        return bytes(body)

    def _note_silence(self, problem: str) -> None:
        """Stop the run where nothing answers any more, rather than call every card a failure."""
        self._silent_in_a_row += 1
        if self._silent_in_a_row >= self._limits.hub_silence_max:
            raise HubUnreachable(
                f"{self.endpoint} does not answer ({problem}); check the address and the network, then run again: "
                "what was read is kept"
            )

    def _refused(self, answer: Answer, what: str) -> HubError:
        if answer.status in (401, 403):
            return TokenRefused(
                f"{self.endpoint} refuses {what} (HTTP {answer.status}: {_message(answer)}); check HF_TOKEN, "
                "or log in anew with `hf auth login`"
            )
        return HubError(f"{self.endpoint} refuses {what} (HTTP {answer.status}: {_message(answer)})")

    def _unreadable(self, model_id: str, answer: Answer) -> Exception:
        message = _message(answer)
        if answer.status == 401 and "credentials" in message.lower():
            return self._refused(answer, model_id)
        if _DISABLED in message:
            reason = "disabled"
        else:
            reason = _REASONS.get(answer.headers.get("x-error-code", ""), f"http_{answer.status}")
        return CardUnreadable(model_id, reason, f"HTTP {answer.status}: {message}", is_final=True)

    def _count(self, status: int) -> None:
        with self._counting:
            self._counts[status] += 1


class _BodyBroken(Exception):
    """A body that is not the whole one; trying again may help."""


_REASONS = {
    "GatedRepo": "gated",
    "RepoNotFound": "not_found",
    "RevisionNotFound": "revision_gone",
    "EntryNotFound": "not_found",
}


_hubs: dict[str, Hub] = {}
_hubs_lock = threading.Lock()


def hub_at(endpoint: str) -> Hub:
    """The process's one door to this Hub, made on first use: its threads share the session and the pace."""
    with _hubs_lock:
        if endpoint not in _hubs:
            limits = settings()
            _hubs[endpoint] = Hub(endpoint, limits, token_for(endpoint, limits))
        return _hubs[endpoint]


def leave_hub(endpoint: str) -> None:
    """Close the door again, if it was ever opened."""
    with _hubs_lock:
        if hub := _hubs.pop(endpoint, None):
            hub.close()


def token_for(endpoint: str, limits: Settings) -> SecretStr | None:
    """The token from the usual places, for whom it is meant: the official Hub, or another over https or loopback."""
    host = urlsplit(endpoint)
    if (
        endpoint != OFFICIAL_HUB
        and host.scheme != "https"
        and host.hostname not in ("127.0.0.1", "localhost")
    ):
        return None
    if limits.hub_token:
        return limits.hub_token
    found = get_token()
    return SecretStr(found) if found else None


def decode(body: bytes) -> str:
    """Text of a README: by its byte order mark, else UTF-8 with U+FFFD for what is not."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", errors="replace")
    return body.decode("utf-8", errors="replace")


def git_blob_sha1(body: bytes | bytearray) -> str:
    """The name git gives to a file's content, which is the Hub's ETag."""
    return hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()


def _blob_sha1(headers: Mapping[str, str]) -> str | None:
    found = _BLOB_SHA1.search(headers.get("etag", ""))
    return found[1] if found else None


def _quota(info: Any, response: httpx2.Response) -> Quota | None:
    if info is None:
        return None
    remaining = 0 if response.status_code == 429 else info.remaining
    return Quota(remaining, float(info.reset_in_seconds))


def _next_url(headers: Mapping[str, str], url: str) -> str | None:
    found = re.search(r'<([^>]+)>\s*;\s*rel="next"', headers.get("link", ""))
    return urljoin(url, found[1]) if found else None


def _message(answer: Answer) -> str:
    """What the Hub says of an error, on one bounded line."""
    told = answer.headers.get("x-error-message") or answer.body[:200].decode("utf-8", errors="replace")
    return " ".join(told.split())[:200]


def _json(body: bytes) -> object:
    try:
        found: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise HubError(f"the Hub's answer is not JSON ({error}); check --hub") from error
    return found


def walk(hub: Hub, selection: Selection, url: str | None = None) -> Iterator[Page]:
    """The listing's pages, from `url` or from the beginning."""
    url = url or hub.first_page_url(selection)
    while url:
        page = hub.page(url)
        yield page
        url = page.next_url
