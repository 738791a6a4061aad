"""The replicas of a judge, each with its own limit of requests in flight; the loss of a replica costs no card.

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
from contextlib import ExitStack, suppress
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
    key_refused,
    retry_after,
)
from tasks.judges.llm.concurrency import START, AdaptiveLimit
from tasks.judges.llm.decoding import json_object
from tasks.judges.llm.health import JudgeReplica, ReplicaHealth
from tasks.judges.llm.metrics import concurrency_for, summed
from tasks.judges.llm.places import Places
from tasks.judges.llm.served import Served, readable
from tasks.judges.llm.waits import WaitedInVain
from tasks.settings import Settings
from tasks.stopping import check, on_stop

T = TypeVar("T")
R = TypeVar("R")

_LONGEST_WAIT_S = 30.0
_WAITING_FOR_A_LEAP = 96
_BUSY = frozenset({429, 503})
_FOR_ENGINE = frozenset({"/v1/chat/completions"})  # what takes its time; all else is answered beside it
_ANSWER_CHARACTERS = 1000  # about what an answer adds to the size of a request
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
        self._health = ReplicaHealth(urls, model, self.client, limits, on_change=self._offer)
        self._begun = 0
        self._turns: Places[None, bool] = Places(lambda _: self._begin(), lambda _: self._end())
        self._places = Places(self._take, self._give_back)
        self._resources = ExitStack()
        self._portal: BlockingPortal
        self.requests = 0

    @property
    def served(self) -> Served:
        """What its servers serve."""
        return self._health.served

    @property
    def replicas(self) -> int:
        """The number of its servers."""
        return len(self._health.replicas)

    @property
    def concurrency(self) -> int:
        """The most requests that they are given at once, as far as is known by now."""
        return sum(replica.limit.limit for replica in self._health.replicas)

    @property
    def _begun_max(self) -> int:
        """Items that are begun at once: a few more than may be in flight, because some wait for other things."""
        most = self.concurrency
        return most if self._limits.judge_concurrency else most + max(2, most // 4)

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
            stack.callback(self._cancel_all)
            stack.enter_context(on_stop(self._cancel_all))  # or threads would wait for answers
            self._portal.start_task(self._stay_connected)
            self._portal.call(self._open)
            self._resources = stack.pop_all()

    def close(self) -> None:
        """Cancel what is in flight and hang up."""
        self._resources.close()

    def _cancel_all(self) -> None:
        """Cancel what is in flight, and take nothing new."""
        with suppress(RuntimeError, CancelledError):  # done already
            self._portal.call(self._portal.stop, True)

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
        fixed, most = self._limits.judge_concurrency, concurrency_for(min(caches, default=None))
        for replica in self._health.replicas:
            replica.limit = (
                AdaptiveLimit(fixed, fixed, is_fixed=True) if fixed else AdaptiveLimit(START, most)
            )
            self._health.probes.start_soon(self._health.watch, replica)

    def _start(self, work: Callable[..., Awaitable[R]], *args: object) -> Future[R]:
        try:
            return self._portal.start_task_soon(work, *args)
        except RuntimeError as error:
            check()
            raise JudgeError(_CLOSED) from error

    # -------------------------------------------------------------------------------------- calls from threads

    def run(self, work: Callable[..., Awaitable[R]], *args: object) -> R:
        """`work(*args)` on the fleet's event loop."""
        return _result(self._start(work, *args))

    def stream(self, work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> Iterator[R]:
        """`work(item)` of all items as they finish, begun in their order, a few more than may be in flight.

        `items` is read in the calling thread, little further than needed. What `work` raises is raised here; then, or
        when the caller stops early, what is in flight is cancelled.
        """
        done: SimpleQueue[Future[R]] = SimpleQueue()
        outstanding: set[Future[R]] = set()

        async def in_turn(item: T) -> R:
            await self._turns.place(None)
            try:
                return await work(item)
            finally:
                self._end()
                self._turns.offer()

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
                if len(outstanding) >= self._begun_max + _WAITING_FOR_A_LEAP or not done.empty():
                    yield next_result()
            while outstanding:
                yield next_result()
        finally:
            for future in outstanding:
                future.cancel()

    def _begin(self) -> bool | None:
        """Begin an item, where not too many are begun."""
        if self._begun >= self._begun_max:
            return None
        self._begun += 1
        return True

    def _end(self) -> None:
        self._begun -= 1

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
        body, size = _encoded(payload), _size(payload)
        tries = RequestTries(self._limits)
        while True:
            is_for_engine = path in _FOR_ENGINE
            replica = tries.last = await self._place(tries.last) if is_for_engine else await self._any()
            pause = 0.0
            try:
                async with replica.waits.waiting(is_for_engine=is_for_engine):
                    reply = await self._send(replica, path, body, size if is_for_engine else None)
            except WaitedInVain as error:
                if await self._health.is_well(replica):
                    pause = tries.note_failure("timeout", str(error))
                else:
                    pause = self._lose(replica, tries, str(error))
            except TRANSPORT_ERRORS as error:
                pause = self._lose(replica, tries, described(error), was_sent=not isinstance(error, NOT_SENT))
            else:
                if reply.status != 200:
                    pause = await self._after_status(replica, tries, reply)
                elif self._health.is_same_server(replica, answer := _object(reply.body)):
                    return answer
            await _wait(pause)

    async def _any(self) -> JudgeReplica:
        """A replica for what costs its engine nothing."""
        return random.choice(await self._health.replicas_up())

    async def _place(self, avoided: JudgeReplica | None) -> JudgeReplica:
        """A replica with a place for one more request, taken."""
        await self._health.replicas_up()
        return await self._places.place(avoided)

    def _take(self, avoided: JudgeReplica | None) -> JudgeReplica | None:
        """A place at the least busy replica, other than `avoided` if possible; null where all are full."""
        now = monotonic()
        ready = [replica for replica in self._health.replicas if replica.has_place(now)]
        others = [replica for replica in ready if replica is not avoided]
        if not ready:
            return None
        replica = min(others or ready, key=lambda replica: replica.in_flight / replica.limit.limit)
        replica.in_flight += 1
        return replica

    def _give_back(self, replica: JudgeReplica) -> None:
        replica.in_flight -= 1

    def _offer(self) -> None:
        """A replica came back, or none ever will."""
        if self._health.is_over:
            self._places.refuse(self._health.fatal)
        else:
            self._places.offer()

    async def _send(self, replica: JudgeReplica, path: str, body: bytes, size: int | None) -> ServerReply:
        """The answer to a request; where it has a `size` it gives its place back and teaches the limit."""
        sent_at = monotonic()
        self.requests += 1
        if size is None:
            return await self.client.post(replica.url + path, body)
        try:
            reply = await self.client.post(replica.url + path, body)
            if reply.status == 200:
                was_full = replica.in_flight >= replica.limit.limit or self._places.are_wanted
                replica.limit.answered(sent_at, monotonic(), size, was_full=was_full)
            return reply
        finally:
            self._give_back(replica)
            self._places.offer()

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
        hold_s += random.uniform(0, backoff_s)
        replica.busy_until = monotonic() + hold_s
        asyncio.get_running_loop().call_later(hold_s, self._places.offer)
        replica.limit.overloaded(monotonic())
        tries.note_busy(reason, message)
        return 0.0


def _result(future: Future[R]) -> R:
    try:
        return future.result()
    except CancelledError:
        check()
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


def _size(payload: Mapping[str, object]) -> int:
    """Characters that no other request shares, and those of an answer: what a server computes for it alone."""
    messages = payload.get("messages")
    last = messages[-1] if isinstance(messages, Sequence) and messages else {}
    return len(str(last.get("content", ""))) + _ANSWER_CHARACTERS


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
