"""The replica as an ASGI application: routes a request, counts it, and delivers the answer, whole or spoilt."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tasks.replica.answers import (
    Refused,
    ReplicaRequest,
    ReplicaResponse,
    bad_token,
    error_answer,
    json_answer,
    no_such_page,
)
from tasks.replica.corpus import Corpus
from tasks.replica.faults import Faults, RequestFault, cut, server_error
from tasks.replica.listing import Listing
from tasks.replica.quotas import Quotas, bucket_of
from tasks.replica.resolve import commit_of, file_answer, file_wanted, place_of
from tasks.replica.rows import Rows
from tasks.replica.stats import Stats

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

# Where the server's protocol leaves the way to end a connection.
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
    stats: Stats = field(default_factory=Stats)
    listing: Listing = field(init=False)

    def __post_init__(self) -> None:
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
            answer = await self._answer(request, server_error(detail) if fault == "5xx" else None)
            if self.latency_ms:
                await asyncio.sleep(self.latency_ms / 1000)
            is_spoilt = self._count(request, answer, fault)
            if is_spoilt and fault:
                await self._spoil(fault, detail, answer, scope, receive, send)
            else:
                await _deliver(answer, send)

    async def _answer(self, request: ReplicaRequest, instead: ReplicaResponse | None) -> ReplicaResponse:
        """The answer under the quotas, with the headers that every answer has."""
        bucket = bucket_of(request.raw_path)
        self.stats.buckets[bucket] += 1
        window, may_pass = self.quotas.take(request.identity, bucket)
        if window and not may_pass:
            return self.quotas.refusal(window).plus(*self.quotas.headers(window))
        try:
            answer = instead or await self._route(request)
        except Refused as refused:
            answer = refused.answer
        return answer.plus(*self.quotas.headers(window)) if window else answer

    async def _route(self, request: ReplicaRequest) -> ReplicaResponse:
        if request.method not in ("GET", "HEAD"):
            return error_answer(405, "A replica is read-only", None, ("allow", "GET, HEAD"))
        if request.token is not None and not request.has_valid_token:
            return bad_token()
        if wanted := file_wanted(request.segments):
            self.stats.files[wanted.file] += 1
            return file_answer(self.corpus, request, wanted)
        if request.segments[:2] == ("api", "models"):
            return await self._models(request, request.segments[2:])
        if request.segments == ("api", "whoami-v2"):
            return self._whoami(request)
        return self._page(request)

    async def _models(self, request: ReplicaRequest, rest: tuple[str, ...]) -> ReplicaResponse:
        if not rest:
            # In a thread: a page takes tens of milliseconds, during which files should go on being served.
            return await asyncio.to_thread(self.listing.page, request)
        model_id, revision = _model_and_revision(rest)
        if model_id is None:
            return no_such_page()
        after = f"/revision/{rest[-1]}" if revision else ""
        query = f"?{request.raw_query}" if request.raw_query else ""
        place = place_of(self.corpus, model_id, f"/api/models/{{id}}{after}{query}")
        commit = commit_of(self.corpus, place, revision or "main")
        return self.listing.info(request, place, commit)

    def _whoami(self, request: ReplicaRequest) -> ReplicaResponse:
        if not request.has_valid_token:
            return error_answer(401, "Invalid username or password.")
        is_pro = self.quotas.plan == "pro"
        auth = {"type": "access_token", "accessToken": {"displayName": "replica", "role": "read"}}
        return json_answer({"type": "user", "name": "replica", "isPro": is_pro, "orgs": [], "auth": auth})

    def _page(self, request: ReplicaRequest) -> ReplicaResponse:
        if request.segments[0] == "api" or len(request.segments) > 2:
            return no_such_page()
        text = f"A replica of {self.corpus.name} as of {self.corpus.snapshot}: {self.corpus.models.height} models."
        if request.segments != ("",):
            place_of(self.corpus, "/".join(request.segments), "/{id}")
        return ReplicaResponse(200, text.encode(), (("content-type", "text/plain; charset=utf-8"),))

    def _control(self, request: ReplicaRequest) -> ReplicaResponse:
        """`/-/replica/…`: no part of the Hub, not counted, never faulty."""
        if (request.method, request.raw_path) == ("GET", "/-/replica/stats"):
            return json_answer({**self.stats.report(), "windows": self.quotas.report()})
        if (request.method, request.raw_path) == ("POST", "/-/replica/reset"):
            for counted in (self.stats, self.quotas, self.faults):
                counted.reset()
            return ReplicaResponse(204)
        return no_such_page()

    def _count(self, request: ReplicaRequest, answer: ReplicaResponse, fault: RequestFault | None) -> bool:
        """Count the answer as it will be; whether the fault can meet it at all."""
        has_body = request.method == "GET" and len(answer.body) > 0
        applies = {"5xx": answer.status >= 500, "drop": True, "length": has_body and answer.is_file}
        is_spoilt = applies.get(fault, has_body) if fault else False
        self.stats.routes[_route_name(request)] += 1
        self.stats.statuses["dropped" if fault == "drop" else str(answer.status)] += 1
        self.stats.body_bytes += len(answer.body) if request.method == "GET" else 0
        if fault and is_spoilt:
            self.stats.faults[fault] += 1
        return is_spoilt

    async def _spoil(
        self,
        fault: RequestFault,
        detail: float,
        answer: ReplicaResponse,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        match fault:
            case "5xx":
                await _deliver(answer, send)
            case "length":
                await _deliver(replace(answer, body=cut(answer.body, detail)), send)
            case "slow":
                await _drip(answer, send, self.faults.slow_s)
            case "truncate":
                await _start(answer, send)
                await send(
                    {"type": "http.response.body", "body": cut(answer.body, detail), "more_body": True}
                )
                await _hang_up(scope, receive)
            case "drop":
                await _hang_up(scope, receive)


async def _start(answer: ReplicaResponse, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.wire_headers()})


async def _deliver(answer: ReplicaResponse, send: Send) -> None:
    await _start(answer, send)
    await send({"type": "http.response.body", "body": answer.body})


async def _drip(answer: ReplicaResponse, send: Send, over_s: float) -> None:
    """The whole body in small pieces: never silent for long, and never done soon."""
    await _start(answer, send)
    piece = max(1, len(answer.body) // _DRIP_PIECES)
    for at in range(0, len(answer.body), piece):
        await asyncio.sleep(over_s * piece / len(answer.body))
        is_last = at + piece >= len(answer.body)
        await send(
            {"type": "http.response.body", "body": answer.body[at : at + piece], "more_body": not is_last}
        )


async def _hang_up(scope: Scope, receive: Receive) -> None:
    """Close the connection after what was sent, and wait until it is gone: the server then says nothing about it."""
    transport: asyncio.Transport = scope["extensions"][TRANSPORT]
    transport.close()
    try:
        async with asyncio.timeout(_CLOSED_WITHIN_S):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        transport.abort()


def _model_and_revision(rest: tuple[str, ...]) -> tuple[str | None, str | None]:
    """What follows `/api/models/`: an id of one or two segments, and a revision where one is named."""
    for at in (1, 2):
        if len(rest) == at + 2 and rest[at] == "revision":
            return "/".join(rest[:at]), rest[at + 1]
    return ("/".join(rest), None) if len(rest) <= 2 else (None, None)


def _route_name(request: ReplicaRequest) -> str:
    """The name under which the statistics count a request."""
    if wanted := file_wanted(request.segments):
        return wanted.door
    if request.segments[:2] == ("api", "models"):
        return "listing" if len(request.segments) == 2 else "model"
    return "whoami" if request.segments == ("api", "whoami-v2") else "other"
