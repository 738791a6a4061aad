"""The only door to judge servers: replicas behind one limit of requests in flight, one of them dying is survived.

Speaks the OpenAI-compatible HTTP of vLLM. One background thread with one event loop serves the threads of a run.
A server's fault is never put down to a card: what fails while its server is ill is asked again elsewhere, and only
what fails on servers that are well becomes that card's failure.
"""

from __future__ import annotations

import asyncio
import random
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import inf
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, TypeVar

import httpx2
import orjson

from tasks.errors import JudgeError, JudgeRefused, JudgesDiffer, JudgeUnreachable, UsageError
from tasks.judges.vllm.served import (
    API_KEY,
    Served,
    ServesAnother,
    bad_url,
    base_url,
    concurrency_for,
    counters,
    introduced,
    is_local,
    json_object,
    process_start,
    readable,
    retry_after,
)
from tasks.settings import Settings

__all__ = ["Fleet", "RequestFailed", "Served"]

T = TypeVar("T")
R = TypeVar("R")

_BODY_BYTES_MAX = 8_000_000
_CONTROL_BYTES_MAX = 2_000_000  # of /metrics and the like
_EXCERPT_CHARACTERS = 300
_CONTROL_TIMEOUT_S = 10.0  # a server that is well says so sooner
_LONGEST_WAIT_S = 30.0
_LONGEST_PROBE_PAUSE_S = 5.0
_PROBE_PAUSE_S = 0.1


_TRANSPORT_ERRORS = (httpx2.NetworkError, httpx2.ProtocolError, httpx2.ProxyError, httpx2.ConnectTimeout)
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)
_BUSY = frozenset({429, 503})
_TOO_LONG = re.compile(r"context length|max_model_len|maximum model length|too long", re.IGNORECASE)


class RequestFailed(Exception):
    """This one request failed, after its tries, on servers that are well. `reason` is one word for grouping."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class _NotYet(Exception):
    """A server does not answer, or not as one that has started."""


@dataclass(eq=False)
class _Replica:
    """One replica as the fleet sees it now; only the event loop touches it."""

    url: str
    is_up: bool = False
    is_anothers: bool = False  # serves a model that is not asked for
    in_flight: int = 0
    busy_until: float = 0.0
    marks: set[str] = field(default_factory=set)  # that its answers bear
    problem: str = "it has not been asked yet"
    probing: asyncio.Task[None] | None = None
    check: asyncio.Task[bool] | None = None
    began: float | None = None
    counted: dict[str, float] = field(default_factory=dict)  # by its own counters, last time
    counted_before: dict[str, float] = field(default_factory=dict)  # until it was started anew


@dataclass
class _Tries:
    """What one request has been through."""

    failed: int = 0
    lost: int = 0
    busy_since: float | None = None
    last: _Replica | None = None


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: httpx2.Headers
    body: bytes | None  # null beyond the bound


class Fleet:
    """Servers that serve the same judge; a context manager, shared by threads.

    Entering asks every server what it serves and waits `judge_patience_s` for the first to answer. Where `model` is
    named, servers of other models are left alone: they are another judge's. Raises `UsageError` for URLs that are
    none, `JudgeUnreachable`, `JudgeRefused` where no server serves `model` or one does not accept the key,
    `JudgesDiffer` where two do not serve the same.
    """

    def __init__(self, urls: Sequence[str], *, model: str | None, limits: Settings) -> None:
        self._servers = [_Replica(url) for url in dict.fromkeys(map(_checked, urls))]
        if not self._servers:
            raise UsageError("no judge server is named; name one with --judge-url")
        self._asked_for = model
        self._limits = limits
        self._headers = _headers(limits)
        self.replicas = len(self._servers)
        self.requests = 0
        self.served: Served
        self.concurrency = 0
        self._broken: JudgeError | None = None
        self._dark_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="judge-fleet", daemon=True)
        self._is_running = threading.Event()

    # -------------------------------------------------------------------------------- the thread and its loop

    def __enter__(self) -> Fleet:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Enter, for who cannot use a `with`; nothing is left open where it raises."""
        with ExitStack() as stack:
            self._thread.start()
            stack.callback(self.close)
            self._is_running.wait()
            self._wait_for(self._open())
            stack.pop_all()

    def close(self) -> None:
        """Cancel what is in flight and hang up."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._live())

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._news = asyncio.Event()
        self._client = self._new_client()
        self._is_running.set()
        await self._stopping.wait()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.aclose()

    def _new_client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            headers=self._headers,
            # The time of a whole answer is bounded where it is asked for; connecting is quick or in vain.
            timeout=httpx2.Timeout(None, connect=min(_CONTROL_TIMEOUT_S, self._limits.judge_timeout_s)),
            # Hang up before vLLM does, after its 5 s: a connection that it is closing loses a request.
            limits=httpx2.Limits(keepalive_expiry=3.0),
            trust_env=not all(is_local(server.url) for server in self._servers),
        )

    def _wait_for(self, work: Coroutine[Any, Any, R]) -> R:
        """Its result, waited for by another thread than the loop's."""
        done: SimpleQueue[asyncio.Task[R]] = SimpleQueue()

        def begin() -> None:
            self._loop.create_task(work).add_done_callback(done.put)

        self._loop.call_soon_threadsafe(begin)
        return self._take(done)

    def _take(self, done: SimpleQueue[asyncio.Task[R]]) -> R:
        """The next result. JudgeError where none will come, because another thread closed the fleet."""
        while True:
            try:
                task = done.get(timeout=1.0)
            except Empty:
                if self._thread.is_alive():
                    continue
            else:
                if not task.cancelled():
                    return task.result()
            raise JudgeError("the connection to the judge's servers was closed under the work; run again")

    # ----------------------------------------------------------------------------------------- what it is for

    def call(self, path: str, payload: Mapping[str, object]) -> dict[str, object]:
        """One `post` from a thread, outside of any stream and its limit."""
        return self._wait_for(self.post(path, payload))

    def stream(self, work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> Iterator[R]:
        """`work(item)` of all items, as they come: at most `concurrency` at a time over all streams of this fleet.

        `items` is read in the calling thread, little further than needed. What `work` raises is raised here; then, or
        when the caller stops early, what is in flight is cancelled.
        """
        window = self.concurrency + max(8, self.concurrency // 4)
        done: SimpleQueue[asyncio.Task[R]] = SimpleQueue()
        tasks: set[asyncio.Task[R]] = set()
        outstanding = 0
        try:
            for item in items:
                self._loop.call_soon_threadsafe(self._begin, work, item, tasks, done)
                outstanding += 1
                # One in, one out: whoever reads the results never lets the servers run dry.
                if outstanding >= window or not done.empty():
                    yield self._take(done)
                    outstanding -= 1
            for _ in range(outstanding):
                yield self._take(done)
        finally:
            # By the loop, after all that has been begun; not waited for: a generator may be closed anywhere.
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(_cancel, tasks)

    def _begin(
        self,
        work: Callable[[T], Awaitable[R]],
        item: T,
        tasks: set[asyncio.Task[R]],
        done: SimpleQueue[asyncio.Task[R]],
    ) -> None:
        async def in_turn() -> R:
            async with self._slots:  # first come, first served
                return await work(item)

        def finish(task: asyncio.Task[R]) -> None:
            tasks.discard(task)
            if not task.cancelled():
                task.exception()  # whoever stopped early does not want to hear of it
            done.put(task)

        task = self._loop.create_task(in_turn())
        tasks.add(task)
        task.add_done_callback(finish)

    async def post(self, path: str, payload: Mapping[str, object]) -> dict[str, object]:
        """The JSON object that a server answers to a POST; to be awaited by what `stream` works.

        Raises `RequestFailed` for this request alone, `JudgeRefused`, `JudgesDiffer` and `JudgeUnreachable` for all.
        """
        body = _encoded(payload)
        tries = _Tries()
        while True:
            server = await self._pick(tries.last)
            tries.last = server
            try:
                async with asyncio.timeout(self._limits.judge_timeout_s):
                    reply = await self._send(server, path, body)
            except TimeoutError:
                await self._take_silence(server, tries)
            except _TRANSPORT_ERRORS as error:
                await self._lose(server, tries, _words(error), was_sent=not isinstance(error, _NOT_SENT))
            else:
                if reply.status != 200:
                    await self._take_badly(server, reply, tries)
                elif self._is_known(server, answer := _object(reply.body)):
                    return answer

    def metrics(self) -> dict[str, float]:
        """Counters of all servers since this fleet first asked and before, summed; never falling.

        prompt_tokens, generation_tokens, prefix_cache_queries, prefix_cache_hits, preemptions; empty where no server
        counts. One that is down keeps what it counted last, one started anew goes on from there.
        """
        return self._wait_for(self._count_all())

    # ------------------------------------------------------------------------------------- one request's ways

    async def _pick(self, avoided: _Replica | None) -> _Replica:
        """The live server with the fewest requests in flight, another than `avoided` where there is one."""
        while True:
            if self._broken:
                raise type(self._broken)(*self._broken.args)  # many will raise it, in many threads
            if alive := [server for server in self._servers if server.is_up]:
                now = monotonic()
                if ready := [server for server in alive if server.busy_until <= now]:
                    others = [server for server in ready if server is not avoided]
                    return min(others or ready, key=lambda server: server.in_flight)
                soonest = min(server.busy_until for server in alive)
                await self._pause(soonest - now + random.uniform(0, self._limits.judge_backoff_s))
            else:
                await self._wait_for_news()

    async def _wait_for_news(self) -> None:
        news = self._news
        await news.wait()

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(min(max(seconds, 0.0), _LONGEST_WAIT_S))

    async def _send(self, server: _Replica, path: str, body: bytes) -> _Reply:
        server.in_flight += 1
        self.requests += 1
        try:
            return await self._ask("POST", server.url + path, _BODY_BYTES_MAX, body)
        finally:
            server.in_flight -= 1

    async def _ask(self, method: str, url: str, bytes_max: int, body: bytes | None = None) -> _Reply:
        """One request, its answer read up to `bytes_max`."""
        async with self._client.stream(method, url, content=body) as response:
            got = bytearray()
            async for chunk in response.aiter_raw():
                got += chunk
                if len(got) > bytes_max:
                    return _Reply(response.status_code, response.headers, None)
            return _Reply(response.status_code, response.headers, bytes(got))

    def _is_known(self, server: _Replica, answer: Mapping[str, object]) -> bool:
        """Whether the server is the one that introduced itself: it may have been started anew while nobody asked.

        vLLM marks its answers with a fingerprint of engine and model; where it changes, the server is asked anew who
        it is, and the answer is not used.
        """
        mark = answer.get("system_fingerprint")
        if not isinstance(mark, str) or mark in server.marks:
            return True
        is_first = not server.marks
        server.marks.add(mark)
        if not is_first:
            self._mark_down(server, "it was started anew")
        return is_first

    async def _take_badly(self, server: _Replica, reply: _Reply, tries: _Tries) -> None:
        """An answer without a result: raise what it means, or return where the request may be sent again."""
        reason, said = f"http_{reply.status}", self._excerpt(reply.body)
        if reply.status < 500 and reply.status not in (408, 429):
            raise self._refusal(server, reply.status, said)
        if reply.status >= 500 and not await self._is_well(server):
            await self._lose(server, tries, f"HTTP {reply.status}: {said}")
        elif reply.status in _BUSY:
            self._hold(server, reply)
            self._note_busy(tries, reason, said)
        else:
            await self._try_again(tries, reason, said)

    async def _take_silence(self, server: _Replica, tries: _Tries) -> None:
        problem = f"no answer in {self._limits.judge_timeout_s:g} s"
        if await self._is_well(server):
            await self._try_again(tries, "timeout", problem)
        else:
            await self._lose(server, tries, problem)

    def _refusal(self, server: _Replica, status: int, said: str) -> Exception:
        """What a final status means: for all cards, or for this one."""
        if status in (401, 403):
            return _key_refused(server.url, status)
        if status == 404 or status < 400:
            return JudgeRefused(
                f"{server.url} answers HTTP {status} ({said}): check --judge-url and --judge-model"
            )
        if status == 413 or _TOO_LONG.search(said):
            return RequestFailed("too_long", said)
        return RequestFailed(f"http_{status}", said)

    async def _try_again(self, tries: _Tries, reason: str, problem: str) -> None:
        """Return after a pause, or raise after the last try."""
        tries.failed += 1
        if tries.failed >= self._limits.judge_tries:
            raise RequestFailed(reason, f"{problem} (after {tries.failed} tries)"[:_EXCERPT_CHARACTERS])
        # Full jitter: retries of many requests must not march in step.
        await self._pause(random.uniform(0, self._limits.judge_backoff_s * 2 ** (tries.failed - 1)))

    async def _lose(self, server: _Replica, tries: _Tries, problem: str, *, was_sent: bool = True) -> None:
        """The server went away under the request: no fault of the request, unless it happens again and again."""
        self._mark_down(server, problem)
        tries.lost += was_sent
        if tries.lost > 2 * self._limits.judge_tries:
            raise RequestFailed("server_lost", f"{tries.lost} times, last: {problem}"[:_EXCERPT_CHARACTERS])
        if tries.lost > 1:
            await self._pause(random.uniform(0, self._limits.judge_backoff_s * tries.lost))

    def _note_busy(self, tries: _Tries, reason: str, said: str) -> None:
        """Too much at once is no fault of the request; it waits as long as for a server that is gone."""
        tries.busy_since = tries.busy_since or monotonic()
        if monotonic() - tries.busy_since > self._limits.judge_patience_s:
            raise RequestFailed(reason, said)

    def _hold(self, server: _Replica, reply: _Reply) -> None:
        """Send it nothing for as long as it asks for, within reason."""
        wait = retry_after(reply.headers.get("retry-after"), self._limits.judge_backoff_s)
        wait = min(wait, _LONGEST_WAIT_S) + random.uniform(0, self._limits.judge_backoff_s)
        server.busy_until = monotonic() + wait

    def _excerpt(self, body: bytes | None) -> str:
        said = readable((body or b"")[:4096].decode(errors="replace"))
        key = self._limits.judge_api_key
        if key and key.get_secret_value():
            said = said.replace(key.get_secret_value(), "…")
        return said[:_EXCERPT_CHARACTERS]

    # ------------------------------------------------------------------------------------- health of servers

    def _mark_down(self, server: _Replica, problem: str) -> None:
        """Send it nothing until a probe finds it well; which may be at once."""
        server.problem = problem
        server.is_up = False
        if not any(other.is_up for other in self._servers) and self._dark_since is None:
            self._dark_since = monotonic()
        if server.probing is None or server.probing.done():
            server.probing = self._loop.create_task(self._probe(server))

    async def _probe(self, server: _Replica) -> None:
        """Ask until it is back with the judge that it had, or the patience of the whole fleet is at its end."""
        pause = _PROBE_PAUSE_S
        while self._broken is None:
            if await self._is_well(server) and await self._is_back(server):
                return
            if self._is_out_of_patience():
                self._break(self._unreachable())
                return
            await self._pause(min(pause * random.uniform(0.5, 1), self._patience_left()))
            pause = min(2 * pause, _LONGEST_PROBE_PAUSE_S)

    async def _is_back(self, server: _Replica) -> bool:
        try:
            served = await self._introduce(server)
            self._compare(served, server)
        except _NotYet as error:
            server.problem = str(error)
            return False
        except JudgeError as error:
            self._break(error)
            return True
        server.is_up = True
        self._dark_since = None
        self._tell_news()
        return True

    async def _is_well(self, server: _Replica) -> bool:
        """Whether /health says so, asked once for all who want to know at the moment."""
        if server.check is None or server.check.done():
            server.check = self._loop.create_task(self._health(server))
        return await asyncio.shield(server.check)

    async def _health(self, server: _Replica) -> bool:
        try:
            reply = await self._get(server, "/health")
        except _NotYet as error:
            server.problem = str(error)
            return False
        return reply.status < 500  # one without /health answers, too

    def _is_out_of_patience(self) -> bool:
        return self._patience_left() <= 0

    def _patience_left(self) -> float:
        """Seconds; without end while any server lives."""
        if self._dark_since is None:
            return inf
        return self._limits.judge_patience_s - (monotonic() - self._dark_since)

    def _unreachable(self) -> JudgeUnreachable:
        who = "; ".join(f"{server.url}: {server.problem}" for server in self._servers)
        return JudgeUnreachable(
            f"no judge server answers since {self._limits.judge_patience_s:g} s ({who[:600]}); check --judge-url, "
            "start the server, and run again: what was judged is kept"
        )

    def _break(self, error: JudgeError) -> None:
        """For good: whoever waits, and whoever comes, is told."""
        self._broken = self._broken or error
        self._tell_news()

    def _tell_news(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    # ------------------------------------------------------------------------------------- who the servers are

    async def _open(self) -> None:
        """Ask all servers who they are, until one answers; the others may come later."""
        self._dark_since = monotonic()
        found: list[tuple[_Replica, Served]] = []
        pause = _PROBE_PAUSE_S
        while not found:
            answers = await asyncio.gather(*map(self._introduced, self._servers))
            found = [(server, served) for server, served in answers if isinstance(served, Served)]
            self._leave_alone([refusal for _, refusal in answers if isinstance(refusal, ServesAnother)])
            if not found and self._is_out_of_patience():
                raise self._unreachable()
            if not found:
                await self._pause(min(pause, self._patience_left()))
                pause = min(2 * pause, _LONGEST_PROBE_PAUSE_S)
        self._first, self.served = found[0]
        for server, served in found:
            self._compare(served, server)
            server.is_up = True
        self._dark_since = None
        self._share_out([served.kv_tokens for _, served in found])
        for server in self._servers:
            if not server.is_up:
                self._mark_down(server, server.problem)

    def _share_out(self, caches: Sequence[int | None]) -> None:
        """How many requests are in flight at the most, over all servers and threads."""
        known = [tokens for tokens in caches if tokens]
        each = self._limits.judge_concurrency or concurrency_for(min(known) if known else None)
        self.concurrency = each * self.replicas
        self._slots = asyncio.Semaphore(self.concurrency)

    async def _introduced(self, server: _Replica) -> tuple[_Replica, Served | ServesAnother | None]:
        try:
            return server, await self._introduce(server)
        except _NotYet as error:
            server.problem = str(error)
            return server, None
        except ServesAnother as refusal:
            server.is_anothers = True
            return server, refusal

    def _leave_alone(self, refusals: Sequence[ServesAnother]) -> None:
        """Forget the servers of other judges; ServesAnother where there are no others."""
        self._servers = [server for server in self._servers if not server.is_anothers]
        self.replicas = len(self._servers)
        if not self._servers:
            raise refusals[0]

    async def _introduce(self, server: _Replica) -> Served:
        """Who this server says it is. Raises `_NotYet` where it does not answer, `JudgeRefused` where it may not."""
        listing = await self._get(server, "/v1/models")
        if listing.status in (401, 403):
            raise _key_refused(server.url, listing.status)
        if listing.status >= 500 or listing.status == 429:
            raise _NotYet(f"HTTP {listing.status}")
        version, metrics = await self._get(server, "/version"), await self._get(server, "/metrics")
        return introduced(
            server.url,
            _object_or_empty(listing),
            _object_or_empty(version),
            (metrics.body or b"").decode(errors="replace"),
            self._asked_for,
        )

    def _compare(self, served: Served, server: _Replica) -> None:
        """JudgesDiffer where it is another judge than the first server that answered."""
        for name in ("model", "root", "engine", "context_tokens"):
            if (here := getattr(served, name)) != (there := getattr(self.served, name)):
                other = "it had" if server is self._first else f"{self._first.url} has"
                raise JudgesDiffer(
                    f"{server.url} has {name} {here}, {other} {there}: replicas must serve the same model on the "
                    "same engine, and the same as long as a run lasts"
                )

    async def _get(self, server: _Replica, path: str) -> _Reply:
        try:
            async with asyncio.timeout(_CONTROL_TIMEOUT_S):
                return await self._ask("GET", server.url + path, _CONTROL_BYTES_MAX)
        except TimeoutError:
            raise _NotYet(f"no answer in {_CONTROL_TIMEOUT_S:g} s") from None
        except _TRANSPORT_ERRORS as error:
            raise _NotYet(_words(error)) from error

    # ------------------------------------------------------------------------------------------------ counters

    async def _count_all(self) -> dict[str, float]:
        await asyncio.gather(*(self._count(server) for server in self._servers if server.is_up))
        total: dict[str, float] = {}
        for server in self._servers:
            for name, count in server.counted.items():
                total[name] = total.get(name, 0.0) + count + server.counted_before.get(name, 0.0)
        return total

    async def _count(self, server: _Replica) -> None:
        try:
            reply = await self._get(server, "/metrics")
        except _NotYet:
            return
        told = (reply.body or b"").decode(errors="replace") if reply.status == 200 else ""
        began, counted = process_start(told), counters(told)
        if began != server.began:
            if server.began is not None:
                self._mark_down(server, "it was started anew")  # as what, the probe asks
            for name, count in server.counted.items():
                server.counted_before[name] = server.counted_before.get(name, 0.0) + count
            server.began = began
        server.counted = counted


def _checked(url: str) -> str:
    plain = base_url(url)
    try:
        httpx2.URL(plain)
    except httpx2.InvalidURL as error:
        raise bad_url(url, readable(str(error))) from error
    return plain


def _headers(limits: Settings) -> dict[str, str]:
    plain = {"content-type": "application/json", "accept-encoding": "identity"}
    key = limits.judge_api_key.get_secret_value() if limits.judge_api_key else ""
    if not key:
        return plain
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise UsageError(
            f"{API_KEY} holds characters that no key has; set it again, without blanks or line ends"
        )
    return {**plain, "authorization": f"Bearer {key}"}


def _key_refused(url: str, status: int) -> JudgeRefused:
    return JudgeRefused(
        f"{url} answers HTTP {status}: it does not accept the key; set {API_KEY} to one it does"
    )


def _encoded(payload: Mapping[str, object]) -> bytes:
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError as error:  # a lone surrogate, say
        raise RequestFailed("not_sendable", readable(str(error))[:_EXCERPT_CHARACTERS]) from error


def _object(body: bytes | None) -> dict[str, object]:
    try:
        return json_object(body)
    except ValueError as error:
        raise RequestFailed("not_json", readable(str(error))[:_EXCERPT_CHARACTERS]) from error


def _object_or_empty(reply: _Reply) -> dict[str, object]:
    try:
        return json_object(reply.body) if reply.status == 200 else {}
    except ValueError:
        return {}


def _words(error: Exception) -> str:
    return readable(f"{type(error).__name__}: {error}")[:_EXCERPT_CHARACTERS]


def _cancel(tasks: set[asyncio.Task[R]]) -> None:
    for task in list(tasks):
        task.cancel()
