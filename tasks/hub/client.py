"""The door to the Hub: its listing, and one request per card.

This module knows what the Hub's answers mean; `transport.py` sends the requests. Neither requests a query file
such as config.json: that would count as a download of the model.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from urllib.parse import quote, urlencode, urljoin, urlsplit

import orjson
from huggingface_hub import get_token
from pydantic import SecretStr

from tasks.cards.decoding import decode
from tasks.clock import utc_now
from tasks.errors import CardUnreadable, HubError, TokenRefused
from tasks.hub.listing import EXPAND
from tasks.hub.transport import HubResponse, PacedClient, blob_sha1
from tasks.records import CardRead, CardRef, Selection
from tasks.settings import OFFICIAL_HUB, Settings, settings

EMPTY_HASH = hashlib.sha256(b"").hexdigest()

_SORTS = {"downloads": "downloads", "likes": "likes", "trending": "trendingScore", "created": "createdAt"}
_PAGE_ROWS = 1000
_PAGES_WITHOUT_NEWS_MAX = 3  # rows move during a walk, but not by thousands
_EXPAND_QUERY = [("expand", field) for field in EXPAND]
_DISABLED = "Access to this resource is disabled."
_REASONS = {
    "disabled": "disabled",
    "GatedRepo": "gated",
    "RepoNotFound": "not_found",
    "RevisionNotFound": "revision_gone",
    "EntryNotFound": "not_found",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the listing: its raw rows, and path and query of the next one."""

    rows: list[object]
    next_url: str | None


class Hub(PacedClient):
    """One Hub: its listing and its cards."""

    def first_page_url(self, selection: Selection) -> str:
        """Where a walk of the listing begins."""
        # By creation date nothing moves while we walk; a top N is too short for it to matter.
        is_whole = selection.limit is None
        query = [
            ("sort", "createdAt" if is_whole else _SORTS[selection.sort]),
            ("limit", str(min(selection.limit or _PAGE_ROWS, _PAGE_ROWS))),
            ("direction", "1" if is_whole else "-1"),
            *(("filter", tag) for tag in selection.filters),
            *([("author", selection.author)] if selection.author else []),
            *_EXPAND_QUERY,
        ]
        return f"{self.endpoint}/api/models?{urlencode(query)}"

    def page(self, url: str) -> Page:
        """Read one page of the listing. Raises `HubError` where the Hub refuses it or sends something else."""
        try:
            answer = self.get(urljoin(self.endpoint, url), "api", what="the listing")
        except CardUnreadable as error:
            if error.is_final:
                raise HubError(f"{self.endpoint}: its listing cannot be read: {error.detail}") from error
            raise
        if answer.status != 200:
            raise self._refused(answer, "the listing")
        rows = _json(answer.body)
        if not isinstance(rows, list):
            raise HubError(f"{self.endpoint} does not answer with a listing; is it a Hub? Check --hub")
        if len(rows) > _PAGE_ROWS:
            raise HubError(
                f"{self.endpoint} answers with a page of {len(rows):,} models where {_PAGE_ROWS:,} were requested; is "
                "it a Hub? Check --hub"
            )
        return Page(rows, _next_url(answer.headers))

    def model(self, model_id: str) -> object:
        """Read the listing's row of one named model. Raises `CardUnreadable` where there is none."""
        url = f"{self.endpoint}/api/models/{quote(model_id)}?{urlencode(_EXPAND_QUERY)}"
        answer = self.get(url, "api", what=model_id)
        if answer.status != 200:
            raise self._unreadable(model_id, answer)
        return _json(answer.body)

    def read_card(self, ref: CardRef, snapshot: date) -> CardRead:
        """Read a README; whatever happens to one card becomes its record. Raises only what ends the run."""
        record = partial(CardRead, snapshot, ref.model_id, ref.sha, read_at=utc_now())
        try:
            return self._read_card(ref, record)
        except CardUnreadable as error:
            return record("failed", reason=error.reason, detail=error.detail, is_final=error.is_final)

    def _read_card(self, ref: CardRef, record: Callable[..., CardRead]) -> CardRead:
        headers = {"If-None-Match": f'"{ref.etag}"'} if ref.etag and ref.card_hash else {}
        read = partial(
            self.get,
            bucket="resolvers",
            what=ref.model_id,
            headers=headers,
            bytes_max=self._limits.card_bytes_max,
        )
        answer = read(self._cheap_url(ref))
        requests = answer.requests
        if answer.status in (400, 404, 405) and "x-error-code" not in answer.headers:
            # A Hub without that route: the plain one costs one redirect more.
            answer = read(self._plain_url(ref))
            requests += answer.requests
        record = partial(record, requests=requests)
        if answer.status == 304:
            status = "empty" if ref.card_hash == EMPTY_HASH else "card"
            return record(status, etag=ref.etag, card_hash=ref.card_hash)
        if answer.status == 404 and answer.headers.get("x-error-code") == "EntryNotFound":
            return record("none")
        if answer.status != 200:
            raise self._unreadable(ref.model_id, answer)
        return record(
            "card" if answer.body else "empty",
            etag=blob_sha1(answer.headers),
            card_hash=hashlib.sha256(answer.body).hexdigest(),
            card_text=decode(answer.body) if answer.body else None,
        )

    def _plain_url(self, ref: CardRef) -> str:
        return f"{self.endpoint}/{quote(ref.model_id)}/resolve/{ref.sha}/README.md"

    def _cheap_url(self, ref: CardRef) -> str:
        """The route without a redirect; an id of one segment has only the plain route, which does not redirect it."""
        if "/" not in ref.model_id:
            return self._plain_url(ref)
        return f"{self.endpoint}/api/resolve-cache/models/{quote(ref.model_id)}/{ref.sha}/README.md"

    def _refused(self, answer: HubResponse, what: str) -> HubError:
        problem = f"{self.endpoint} refuses {what} (HTTP {answer.status}: {_message(answer)})"
        if answer.status in (401, 403):
            return TokenRefused(f"{problem}; check HF_TOKEN, or log in again with `hf auth login`")
        return HubError(problem)

    def _unreadable(self, model_id: str, answer: HubResponse) -> Exception:
        message = _message(answer)
        if answer.status == 401 and "credentials" in message.lower():
            return self._refused(answer, model_id)
        code = "disabled" if _DISABLED in message else answer.headers.get("x-error-code", "")
        if answer.status == 401 and not code:
            code = "RepoNotFound"  # so the Hub answers for a name that does not exist, or that we may not know of
        reason = _REASONS.get(code, f"http_{answer.status}")
        return CardUnreadable(model_id, reason, f"HTTP {answer.status}: {message}", is_final=True)


_hubs: dict[str, Hub] = {}
_hubs_lock = threading.Lock()


def hub_at(endpoint: str) -> Hub:
    """The process's one door to this Hub, opened on first use: its threads share the connections and the pace."""
    with _hubs_lock:
        if endpoint not in _hubs:
            limits = settings()
            _hubs[endpoint] = Hub(endpoint, limits, token_for(endpoint, limits))
        return _hubs[endpoint]


def leave_hub(endpoint: str) -> None:
    """Close the door to this Hub, if it was ever opened."""
    with _hubs_lock:
        if hub := _hubs.pop(endpoint, None):
            hub.close()


def leave_hubs() -> None:
    """Close every door that was opened."""
    for endpoint in list(_hubs):
        leave_hub(endpoint)


def token_for(endpoint: str, limits: Settings) -> SecretStr | None:
    """The token from the usual places, for the Hubs that may see it: the official one, and those of the settings.

    Whoever starts a run names its Hub; who may see this machine's token is the machine's to say.
    """
    trusted = {hub.strip().rstrip("/") for hub in limits.trusted_hubs.split(",")} - {""} | {OFFICIAL_HUB}
    if endpoint.rstrip("/") not in trusted:
        return None
    if limits.hub_token:
        return limits.hub_token
    token = get_token()
    return SecretStr(token) if token else None


def _next_url(headers: Mapping[str, str]) -> str | None:
    """Path and query of the next page, without its host.

    A resumed run may find the same Hub on another port, and no token follows a link to another host.
    """
    link = re.search(r'<([^>]+)>\s*;\s*rel="next"', headers.get("link", ""))
    return "/" + urlsplit(link[1])._replace(scheme="", netloc="").geturl().lstrip("/") if link else None


def _message(answer: HubResponse) -> str:
    """The error message of the Hub, on one bounded line."""
    text = answer.headers.get("x-error-message") or answer.body[:200].decode("utf-8", errors="replace")
    return " ".join(text.split())[:200]


def _json(body: bytes) -> object:
    try:
        content: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise HubError(f"the Hub's answer is not JSON ({error}); check --hub") from error
    return content


def walk(hub: Hub, selection: Selection, url: str | None = None) -> Iterator[Page]:
    """The listing's pages, from `url` or from the beginning.

    Raises `HubError` where the listing goes round: a page that leads to itself, or several in a row without one new
    row. What was read before is kept.
    """
    url = url or hub.first_page_url(selection)
    seen = SeenRows()
    pages_without_news = 0
    while url:
        page = hub.page(url)
        pages_without_news = 0 if seen.add(page.rows) else pages_without_news + 1
        leads_to_itself = page.next_url and urljoin(hub.endpoint, page.next_url) == urljoin(hub.endpoint, url)
        if leads_to_itself or (page.next_url and pages_without_news >= _PAGES_WITHOUT_NEWS_MAX):
            raise HubError(
                f"{hub.endpoint}: its listing goes round: {url[:200]} sends on to pages that were read before; is it "
                "a Hub? Check --hub"
            )
        yield page
        url = page.next_url


class SeenRows:
    """Whether rows of a listing are new, in memory that does not grow: a Bloom filter with one hash.

    Of three million rows one in forty is wrongly called known, which no page of many rows is as a whole.
    """

    _BITS = 2**27

    def __init__(self) -> None:
        self._bits = bytearray(self._BITS // 8)

    def add(self, rows: Iterable[object]) -> int:
        """Remember the rows; returns how many were new."""
        return sum(map(self._is_new, rows))

    def _is_new(self, row: object) -> bool:
        name = row.get("id", row) if isinstance(row, dict) else row
        digest = hashlib.blake2b(repr(name).encode(errors="replace"), digest_size=8).digest()
        place = int.from_bytes(digest, "big") % self._BITS
        mask = 1 << (place % 8)
        is_new = not self._bits[place // 8] & mask
        self._bits[place // 8] |= mask
        return is_new
