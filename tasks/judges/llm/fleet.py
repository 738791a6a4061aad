"""The replicas of a judge behind one limit of requests in flight; the loss of a replica costs no card.

Speaks the OpenAI-compatible HTTP of vLLM. One event loop, in a thread of its own, serves all threads of a run. A fault
of a server is never blamed on a card: what fails while its server is ill is sent again elsewhere, and only what fails
on healthy servers is that card's failure.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack
from dataclasses import dataclass
from queue import SimpleQueue
from time import monotonic
from typing import TypeVar

import orjson
from anyio import CancelScope, create_task_group, sleep_forever
from anyio.abc import TaskStatus
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tasks.errors import JudgeError, JudgeRefused, UsageError
from tasks.judges.llm.client import (
    EXCERPT_CHARACTERS,
    NOT_SENT,
    TRANSPORT_ERRORS,
    JudgeClient,
    ServerReply,
    base_url,
    described,
    json_object,
    key_refused,
    retry_after,
)
from tasks.judges.llm.health import JudgeReplica, ReplicaHealth
from tasks.judges.llm.metrics import concurrency_for, summed
from tasks.judges.llm.served import Served, readable
from tasks.settings import Settings

T = TypeVar("T")
R = TypeVar("R")

_LONGEST_WAIT_S = 30.0
_BUSY = frozenset({429, 503})
_TOO_LONG = re.compile(r"context length|max_model_len|maximum model length|too long", re.IGNORECASE)
_CLOSED = "the connection to the judge's servers was closed before the work was done; run again"


class RequestFailed(Exception):
    """This one request failed, after its tries, on healthy servers. `reason` is one word for grouping."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail[:EXCERPT_CHARACTERS]
        super().__init__(f"{self.reason}: {self.detail}")


@dataclass
class RequestTries:
    """The problems of one request so far; noting one gives the seconds to wait, or RequestFailed after the last try."""

    limits: Settings
    last: JudgeReplica | None = None
    failed: int = 0
    lost: int = 0
    busy_since: float | None = None

    def note_failure(self, reason: str, problem: str) -> float:
        """The request failed on a healthy server."""
        self.failed += 1
        if self.failed >= self.limits.judge_tries:
            raise RequestFailed(reason, f"{problem} (after {self.failed} tries)")
        # Full jitter: the retries of many requests must not be in step.
        return random.uniform(0, self.limits.judge_backoff_s * 2 ** (self.failed - 1))

    def note_loss(self, problem: str, *, was_sent: bool = True) -> float:
        """The server went away during the request: not the request's fault unless it happens many times."""
        self.lost += was_sent
        if self.lost > 2 * self.limits.judge_tries:
            raise RequestFailed("server_lost", f"{self.lost} times, last: {problem}")
        return random.uniform(0, self.limits.judge_backoff_s * self.lost) if self.lost > 1 else 0.0

    def note_busy(self, reason: str, problem: str) -> None:
        """The server is overloaded. That is not the request's fault: it waits as long as for a lost server."""
        self.busy_since = self.busy_since or monotonic()
        if monotonic() - self.busy_since > self.limits.judge_patience_s:
            raise RequestFailed(reason, problem)


class Fleet:
    """Servers of the same judge, shared by threads; a context manager.

    Entering asks every server what it serves and waits `judge_patience_s` for the first to answer. Where `model` is
    named, servers of other models are left out. Raises `UsageError` for an invalid URL, `JudgeUnreachable`,
    `JudgeRefused` where no server serves `model` or one does not accept the key, `JudgesDiffer` where two servers do
    not serve the same. `client` is what asks them; null for servers of vLLM.
    """

    def __init__(
        self, urls: Sequence[str], *, model: str | None, limits: Settings, client: JudgeClient | None = None
    ) -> None:
        urls = list(dict.fromkeys(map(base_url, urls)))
        if not urls:
            raise UsageError("no judge server is named; name one with --judge-url")
        self._limits = limits
        self.client = client or JudgeClient(urls, limits)
        self._health = ReplicaHealth(urls, model, self.client, limits)
        self._resources = ExitStack()
        self._portal: BlockingPortal
        self._slots: asyncio.Semaphore
        self.concurrency = 0
        self.requests = 0

    @property
    def served(self) -> Served:
        """What its servers serve."""
        return self._health.served

    @property
    def replicas(self) -> int:
        """The number of its servers."""
        return len(self._health.replicas)

    # ------------------------------------------------------------------------------- the event loop's lifetime

    def __enter__(self) -> Fleet:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Enter, for callers that cannot use `with`; nothing stays open where it raises."""
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal(name="judge-fleet"))
            stack.callback(self._portal.call, self._portal.stop, True)  # cancels what is in flight
            self._portal.start_task(self._stay_connected)
            self._portal.call(self._open)
            self._resources = stack.pop_all()

    def close(self) -> None:
        """Cancel what is in flight and hang up."""
        self._resources.close()

    async def _stay_connected(self, *, task_status: TaskStatus[None]) -> None:
        """Run the probes until the fleet is closed, then hang up."""
        try:
            async with create_task_group() as self._health.probes:
                task_status.started()
                await sleep_forever()
        finally:
            with CancelScope(shield=True):
                await self.client.aclose()

    async def _open(self) -> None:
        caches = [served.kv_tokens for served in await self._health.open() if served.kv_tokens]
        each = self._limits.judge_concurrency or concurrency_for(min(caches, default=None))
        self.concurrency = each * self.replicas
        self._slots = asyncio.Semaphore(self.concurrency)

    def _start(self, work: Callable[..., Awaitable[R]], *args: object) -> Future[R]:
        try:
            return self._portal.start_task_soon(work, *args)
        except RuntimeError as error:
            raise JudgeError(_CLOSED) from error

    # -------------------------------------------------------------------------------------- calls from threads

    def run(self, work: Callable[..., Awaitable[R]], *args: object) -> R:
        """`work(*args)` on the fleet's event loop, outside of any stream and its limit."""
        return _result(self._start(work, *args))

    def stream(self, work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> Iterator[R]:
        """`work(item)` of all items as they finish: at most `concurrency` at a time over all streams of this fleet.

        `items` is read in the calling thread, little further than needed. What `work` raises is raised here; then, or
        when the caller stops early, what is in flight is cancelled.
        """
        window = self.concurrency + max(8, self.concurrency // 4)
        done: SimpleQueue[Future[R]] = SimpleQueue()
        outstanding: set[Future[R]] = set()

        async def in_turn(item: T) -> R:
            async with self._slots:  # first come, first served
                return await work(item)

        def next_result() -> R:
            future = done.get()
            outstanding.discard(future)
            return _result(future)

        try:
            for item in items:
                future = self._start(in_turn, item)
                outstanding.add(future)
                future.add_done_callback(done.put)
                # One in, one out: a caller that reads the results never lets the servers run dry.
                if len(outstanding) >= window or not done.empty():
                    yield next_result()
            while outstanding:
                yield next_result()
        finally:
            for future in outstanding:
                future.cancel()

    def metrics(self) -> dict[str, float]:
        """Counters summed over all servers, also those that are down or were restarted; they never fall.

        prompt_tokens, generation_tokens, prefix_cache_queries, prefix_cache_hits, preemptions; empty where no server
        counts.
        """
        self.run(self._health.read_counters)
        totals = [replica.counters.total() for replica in self._health.replicas]
        return summed(count for total in totals for count in total.items())

    # --------------------------------------------------------------------------------------------- one request

    async def post(self, path: str, payload: Mapping[str, object]) -> dict[str, object]:
        """The JSON object that a server answers to a POST; to be awaited by the work of `stream` and `run`.

        Raises `RequestFailed` for this request alone, `JudgeRefused`, `JudgesDiffer` and `JudgeUnreachable` for all.
        """
        body = _encoded(payload)
        tries = RequestTries(self._limits)
        while True:
            replica = tries.last = await self._pick(tries.last)
            pause = 0.0
            try:
                async with asyncio.timeout(self._limits.judge_timeout_s):
                    reply = await self._send(replica, path, body)
            except TimeoutError:
                problem = f"no answer in {self._limits.judge_timeout_s:g} s"
                if await self._health.is_well(replica):
                    pause = tries.note_failure("timeout", problem)
                else:
                    pause = self._lose(replica, tries, problem)
            except TRANSPORT_ERRORS as error:
                pause = self._lose(replica, tries, described(error), was_sent=not isinstance(error, NOT_SENT))
            else:
                if reply.status != 200:
                    pause = await self._after_status(replica, tries, reply)
                elif self._health.is_same_server(replica, answer := _object(reply.body)):
                    return answer
            await _wait(pause)

    async def _pick(self, avoided: JudgeReplica | None) -> JudgeReplica:
        """The replica with the fewest requests in flight, other than `avoided` if possible."""
        while True:
            replicas, now = await self._health.replicas_up(), monotonic()
            if ready := [replica for replica in replicas if replica.busy_until <= now]:
                others = [replica for replica in ready if replica is not avoided]
                return min(others or ready, key=lambda replica: replica.in_flight)
            soonest = min(replica.busy_until for replica in replicas)
            await _wait(soonest - now + random.uniform(0, self._limits.judge_backoff_s))

    async def _send(self, replica: JudgeReplica, path: str, body: bytes) -> ServerReply:
        replica.in_flight += 1
        self.requests += 1
        try:
            return await self.client.post(replica.url + path, body)
        finally:
            replica.in_flight -= 1

    def _lose(
        self, replica: JudgeReplica, tries: RequestTries, problem: str, *, was_sent: bool = True
    ) -> float:
        self._health.mark_down(replica, problem)
        return tries.note_loss(problem, was_sent=was_sent)

    async def _after_status(self, replica: JudgeReplica, tries: RequestTries, reply: ServerReply) -> float:
        """Seconds to wait after a status that may pass by itself; raise what any other one means."""
        reason, message = f"http_{reply.status}", self.client.excerpt(reply.body)
        if reply.status < 500 and reply.status not in (408, 429):
            raise _refusal(replica.url, reply.status, message)
        if reply.status >= 500 and not await self._health.is_well(replica):
            return self._lose(replica, tries, f"HTTP {reply.status}: {message}")
        if reply.status not in _BUSY:
            return tries.note_failure(reason, message)
        # Send it nothing for as long as it asks, within reason.
        backoff_s = self._limits.judge_backoff_s
        hold_s = min(retry_after(reply.headers.get("retry-after"), backoff_s), _LONGEST_WAIT_S)
        replica.busy_until = monotonic() + hold_s + random.uniform(0, backoff_s)
        tries.note_busy(reason, message)
        return 0.0


def _result(future: Future[R]) -> R:
    try:
        return future.result()
    except CancelledError:
        raise JudgeError(_CLOSED) from None


async def _wait(seconds: float) -> None:
    await asyncio.sleep(min(max(seconds, 0.0), _LONGEST_WAIT_S))


def _refusal(url: str, status: int, message: str) -> Exception:
    """What a final status means: an error of all cards, or the failure of this one."""
    if status in (401, 403):
        return key_refused(url, status)
    if status == 404 or status < 400:
        return JudgeRefused(f"{url} answers HTTP {status} ({message}): check --judge-url and --judge-model")
    is_too_long = status == 413 or _TOO_LONG.search(message)
    return RequestFailed("too_long" if is_too_long else f"http_{status}", message)


def _encoded(payload: Mapping[str, object]) -> bytes:
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError as error:  # such as a lone surrogate
        raise RequestFailed("not_sendable", readable(str(error))) from error


def _object(body: bytes | None) -> dict[str, object]:
    try:
        return json_object(body)
    except ValueError as error:
        raise RequestFailed("not_json", readable(str(error))) from error
