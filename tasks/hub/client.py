"""The door to the Hub: its listing, and one request a card.

What the Hub's answers mean; how they are asked for is `wire.py`. Never asks for a query file such as config.json:
that would count as a download of the model.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import quote, urlencode, urljoin, urlsplit

import orjson
from huggingface_hub import get_token
from pydantic import SecretStr

from tasks.errors import CardUnreadable, HubError, TokenRefused
from tasks.hub.listing import EXPAND
from tasks.hub.transport import HubResponse, Wire, blob_sha1
from tasks.records import CardRead, CardRef, Selection
from tasks.settings import OFFICIAL_HUB, Settings, settings

EMPTY_HASH = hashlib.sha256(b"").hexdigest()

_SORTS = {"downloads": "downloads", "likes": "likes", "trending": "trendingScore", "created": "createdAt"}
_PAGE_ROWS = 1000
_DISABLED = "Access to this resource is disabled."


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the listing: its raw rows, and path and query of the next one."""

    rows: list[object]
    next_url: str | None


class Hub:
    """One Hub, with its session, its token and its paces; shared by the threads of a process."""

    def __init__(self, endpoint: str, limits: Settings, token: SecretStr | None) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._limits = limits
        self._wire = Wire(self.endpoint, limits, token)

    def close(self) -> None:
        """Hang up."""
        self._wire.close()

    def share_with(self, others_in_flight: int) -> None:
        """Other processes use the same quota, with so many requests under way at the most."""
        self._wire.share_with(others_in_flight)

    def requests_by_status(self) -> dict[int, int]:
        """Answers so far by HTTP status; 0 counts requests that were not answered."""
        return self._wire.requests_by_status()

    def first_page_url(self, selection: Selection) -> str:
        """Where a walk of the listing begins."""
        # By creation date nothing moves while we walk; a top N is short enough not to.
        sort = "createdAt" if selection.limit is None else _SORTS[selection.sort]
        query = [("sort", sort), ("limit", str(min(selection.limit or _PAGE_ROWS, _PAGE_ROWS)))]
        query += [("direction", "1")] if selection.limit is None else [("direction", "-1")]
        query += [("filter", tag) for tag in selection.filters]
        query += [("author", selection.author)] if selection.author else []
        query += [("expand", field) for field in EXPAND]
        return f"{self.endpoint}/api/models?{urlencode(query)}"

    def page(self, url: str) -> Page:
        """One page of the listing. Raises `HubError` where the Hub does not give it."""
        answer = self._wire.get(urljoin(self.endpoint, url), "api", what="the listing")
        if answer.status != 200:
            raise self._refused(answer, "the listing")
        rows = _json(answer.body)
        if not isinstance(rows, list):
            raise HubError(
                f"{self.endpoint} answers the listing with something else; is it a Hub? Check --hub"
            )
        return Page(rows, _next_url(answer.headers))

    def model(self, model_id: str) -> object:
        """The listing's row of one named model. Raises `CardUnreadable` where there is none."""
        query = urlencode([("expand", field) for field in EXPAND])
        answer = self._wire.get(f"{self.endpoint}/api/models/{quote(model_id)}?{query}", "api", what=model_id)
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

    def _read_card(self, ref: CardRef, snapshot: date, now: datetime) -> CardRead:
        headers = {"If-None-Match": f'"{ref.etag}"'} if ref.etag and ref.card_hash else {}
        answer = self._read(self._cheap_url(ref), ref, headers)
        requests = answer.requests
        if answer.status in (400, 404, 405) and "x-error-code" not in answer.headers:
            # A Hub without that route: the literal one costs a redirect more.
            answer = self._read(self._plain_url(ref), ref, headers)
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
            etag=blob_sha1(answer.headers),
            card_hash=hashlib.sha256(answer.body).hexdigest(),
            card_text=decode(answer.body) if answer.body else None,
            requests=requests,
            read_at=now,
        )

    def _read(self, url: str, ref: CardRef, headers: Mapping[str, str]) -> HubResponse:
        limit = self._limits.card_bytes_max
        return self._wire.get(url, "resolvers", what=ref.model_id, headers=headers, bytes_max=limit)

    def _plain_url(self, ref: CardRef) -> str:
        return f"{self.endpoint}/{quote(ref.model_id)}/resolve/{ref.sha}/README.md"

    def _cheap_url(self, ref: CardRef) -> str:
        """The route without a redirect; an id of one segment has only the plain one, and is not redirected there."""
        if "/" not in ref.model_id:
            return self._plain_url(ref)
        return f"{self.endpoint}/api/resolve-cache/models/{quote(ref.model_id)}/{ref.sha}/README.md"

    def _refused(self, answer: HubResponse, what: str) -> HubError:
        if answer.status in (401, 403):
            return TokenRefused(
                f"{self.endpoint} refuses {what} (HTTP {answer.status}: {_message(answer)}); check HF_TOKEN, "
                "or log in anew with `hf auth login`"
            )
        return HubError(f"{self.endpoint} refuses {what} (HTTP {answer.status}: {_message(answer)})")

    def _unreadable(self, model_id: str, answer: HubResponse) -> Exception:
        message = _message(answer)
        if answer.status == 401 and "credentials" in message.lower():
            return self._refused(answer, model_id)
        if _DISABLED in message:
            reason = "disabled"
        else:
            reason = _REASONS.get(answer.headers.get("x-error-code", ""), f"http_{answer.status}")
        return CardUnreadable(model_id, reason, f"HTTP {answer.status}: {message}", is_final=True)


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


def leave_hubs() -> None:
    """Close every door that was opened."""
    for endpoint in list(_hubs):
        leave_hub(endpoint)


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


def _next_url(headers: Mapping[str, str]) -> str | None:
    """Path and query of the next page. Its host is left out: a run that goes on may find the same Hub on another
    port, and no token follows a link to another host."""
    found = re.search(r'<([^>]+)>\s*;\s*rel="next"', headers.get("link", ""))
    return urlsplit(found[1])._replace(scheme="", netloc="").geturl() if found else None


def _message(answer: HubResponse) -> str:
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
