"""The replica as an ASGI application: routes a request, counts it, and sends the answer, intact or spoilt."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tasks.replica.answers import (
    BAD_TOKEN,
    NO_SUCH_PAGE,
    Refused,
    ReplicaRequest,
    ReplicaResponse,
    error_answer,
    json_answer,
)
from tasks.replica.corpus import Corpus
from tasks.replica.faults import Faults, RequestFault, cut, server_error
from tasks.replica.listing import Listing
from tasks.replica.quotas import Quotas, bucket_of
from tasks.replica.resolve import commit_of, file_answer, file_request, place_of
from tasks.replica.rows import Rows
from tasks.replica.stats import Stats
from tasks.replica.writing import BODY_BYTES_MAX, READ_ONLY, ReplicaAccount, Writing

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

# Key in the ASGI scope under which the server passes the transport, to end a connection with.
TRANSPORT = "cardiograph.transport"

_DRIP_PIECES = 50
_CLOSED_WITHIN_S = 5.0


@dataclass(slots=True)
class Replica:
    """One served corpus with its quotas, faults and counts. An instance belongs to one event loop."""

    corpus: Corpus
    quotas: Quotas = field(default_factory=Quotas)
    faults: Faults = field(default_factory=Faults)
    latency_ms: float = 0.0
    accounts: Mapping[str, ReplicaAccount] = field(default_factory=dict)
    no_discussions: frozenset[str] = frozenset()
    stats: Stats = field(default_factory=Stats)
    listing: Listing = field(init=False)
    writing: Writing = field(init=False)

    def __post_init__(self) -> None:
        self.writing = Writing(self.corpus, self.accounts, self.no_discussions)
        self.listing = Listing(Rows(self.corpus), self.faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = ReplicaRequest.of(scope)
        if request.raw_path.startswith("/-/replica/"):
            await _deliver(self._control(request), send)
            return
        with self.stats.flight():
            fault, detail = self.faults.draw(request.method, request.target)
            body = await _body(receive) if request.method == "POST" else b""
            answer = await self._answer(request, body, server_error(detail) if fault == "5xx" else None)
            if self.latency_ms:
                await asyncio.sleep(self.latency_ms / 1000)
            match self._count(request, answer, fault):
                case "drop":
                    await _hang_up(scope, receive)
                case "truncate":
                    await _start(answer, send)
                    part = cut(answer.body, detail)
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                    await _hang_up(scope, receive)
                case "slow":
                    await _drip(answer, send, self.faults.slow_s)
                case "length":
                    await _deliver(replace(answer, body=cut(answer.body, detail)), send)
                case _:
                    await _deliver(answer, send)

    async def _answer(
        self, request: ReplicaRequest, body: bytes | None, instead: ReplicaResponse | None
    ) -> ReplicaResponse:
        """The answer under the quotas, with the headers that report them. `body`: None where it is too large."""
        bucket = bucket_of(request.raw_path)
        self.stats.buckets[bucket] += 1
        window, may_pass = self.quotas.take(request.identity, bucket)
        if window and not may_pass:
            return self.quotas.refusal(window).plus(*self.quotas.headers(window))
        try:
            answer = instead or await self._route(request, body)
        except Refused as refused:
            answer = refused.answer
        return answer.plus(*self.quotas.headers(window)) if window else answer

    async def _route(self, request: ReplicaRequest, body: bytes | None) -> ReplicaResponse:
        if request.method not in ("GET", "HEAD", "POST"):
            return READ_ONLY
        if request.token is not None and not request.has_valid_token:
            return BAD_TOKEN
        if request.method == "POST":
            return self.writing.post(request, body)
        if target := file_request(request.segments):
            self.stats.files[target.file] += 1
            return file_answer(self.corpus, request, target)
        if about := self.writing.route(request.segments):
            return self.writing.get(request, *about)
        if request.segments[:2] == ("api", "models"):
            return await self._models(request, request.segments[2:])
        if request.segments == ("api", "whoami-v2"):
            return self._whoami(request)
        return self._page(request)

    async def _models(self, request: ReplicaRequest, rest: tuple[str, ...]) -> ReplicaResponse:
        if not rest:
            # In a thread: a page takes tens of milliseconds, during which files should still be served.
            return await asyncio.to_thread(self.listing.page, request)
        model_id, revision = _model_and_revision(rest)
        if model_id is None:
            return NO_SUCH_PAGE
        after = f"/revision/{rest[-1]}" if revision else ""
        query = f"?{request.raw_query}" if request.raw_query else ""
        moved_to = f"/api/models/{{id}}{after}{query}"
        place = place_of(self.corpus, model_id, moved_to, has_token=request.has_valid_token)
        commit = commit_of(self.corpus, place, revision or "main")
        return self.listing.info(request, place, commit)

    def _whoami(self, request: ReplicaRequest) -> ReplicaResponse:
        if not request.has_valid_token:
            return error_answer(401, "Invalid username or password.")
        is_pro = self.quotas.plan == "pro"
        account = self.writing.account(request)
        role = "write" if account else "read"
        auth = {"type": "access_token", "accessToken": {"displayName": "replica", "role": role}}
        name = account.name if account else "replica"
        orgs = [{"type": "org", "name": each} for each in account.organisations] if account else []
        return json_answer({"type": "user", "name": name, "isPro": is_pro, "orgs": orgs, "auth": auth})

    def _page(self, request: ReplicaRequest) -> ReplicaResponse:
        if request.segments[0] == "api" or len(request.segments) > 2:
            return NO_SUCH_PAGE
        text = f"A replica of {self.corpus.name} as of {self.corpus.snapshot}: {self.corpus.models.height} models."
        if request.segments != ("",):
            place_of(self.corpus, "/".join(request.segments), "/{id}", has_token=request.has_valid_token)
        return ReplicaResponse(200, text.encode(), (("content-type", "text/plain; charset=utf-8"),))

    def _control(self, request: ReplicaRequest) -> ReplicaResponse:
        """`/-/replica/…`: not part of the Hub, not counted, never faulty."""
        if (request.method, request.raw_path) == ("GET", "/-/replica/stats"):
            return json_answer({**self.stats.report(), "windows": self.quotas.report()})
        if (request.method, request.raw_path) == ("POST", "/-/replica/reset"):
            for counted in (self.stats, self.quotas, self.faults):
                counted.reset()
            return ReplicaResponse(204)
        return NO_SUCH_PAGE

    def _count(
        self, request: ReplicaRequest, answer: ReplicaResponse, fault: RequestFault | None
    ) -> RequestFault | None:
        """Count the answer as it will be sent; the fault, if it can affect this answer at all."""
        has_body = request.method == "GET" and len(answer.body) > 0
        applies = {"5xx": answer.status >= 500, "drop": True, "length": has_body and answer.is_file}
        fault = fault if fault and applies.get(fault, has_body) else None
        self.stats.routes[_route_name(request)] += 1
        self.stats.statuses["dropped" if fault == "drop" else str(answer.status)] += 1
        self.stats.body_bytes += len(answer.body) if request.method == "GET" else 0
        if fault:
            self.stats.faults[fault] += 1
        return fault


async def _body(receive: Receive) -> bytes | None:
    """The body of a request; None once it is too large, and nothing more of it is read then."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            return None
        if not message.get("more_body", False):
            return bytes(body)


async def _start(answer: ReplicaResponse, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.wire_headers()})


async def _deliver(answer: ReplicaResponse, send: Send) -> None:
    await _start(answer, send)
    await send({"type": "http.response.body", "body": answer.body})


async def _drip(answer: ReplicaResponse, send: Send, over_s: float) -> None:
    """Send the whole body in small pieces over so many seconds: never silent for long."""
    await _start(answer, send)
    piece = max(1, len(answer.body) // _DRIP_PIECES)
    for start in range(0, len(answer.body), piece):
        end = start + piece
        await asyncio.sleep(over_s * piece / len(answer.body))
        is_last = end >= len(answer.body)
        await send({"type": "http.response.body", "body": answer.body[start:end], "more_body": not is_last})


async def _hang_up(scope: Scope, receive: Receive) -> None:
    """Close the connection after what was sent, and wait until it is gone, so that the server does not complain."""
    transport: asyncio.Transport = scope["extensions"][TRANSPORT]
    transport.close()
    try:
        async with asyncio.timeout(_CLOSED_WITHIN_S):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        transport.abort()


def _model_and_revision(rest: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Parse what follows `/api/models/`: an id of one or two segments, and a revision where one is named."""
    if len(rest) in (3, 4) and rest[-2] == "revision":
        return "/".join(rest[:-2]), rest[-1]
    return ("/".join(rest), None) if len(rest) <= 2 else (None, None)


def _route_name(request: ReplicaRequest) -> str:
    """The name under which the statistics count a request."""
    if target := file_request(request.segments):
        return target.route
    written = {"commit", "preupload", "discussions", "auth-check"} & set(request.segments[3:])
    if request.segments[:2] == ("api", "models"):
        return "listing" if len(request.segments) == 2 else min(written, default="model")
    if request.segments == ("api", "validate-yaml"):
        return "validate"
    return "whoami" if request.segments == ("api", "whoami-v2") else "other"
