"""Requests that wait for a server's answer, and which of them wait in vain.

The clock alone does not tell: at the end of a long queue every request waits long. A request waits in vain where its
server makes no progress, neither an answer to anybody nor a token that it counts; or where so many requests that were
sent later have been answered that this one must be lost. No wait is without end: counters that move help for a while,
and with each answer the requests ahead of another become fewer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from time import monotonic

_CHECKS = 10  # within the time allowed without progress
_CHECK_EVERY_MAX_S = 15.0
# An engine answers short requests before longer ones; it is not so that one is overtaken by four times all the others.
_OVERTAKEN_TIMES, _OVERTAKEN_MIN = 4, 32
_UNANSWERED_TIMES = 12  # the time allowed without progress: so long may counters move without an answer


class WaitedInVain(Exception):
    """The server does not work on this request, nor perhaps on any."""


@dataclass(eq=False)
class Wait:
    """One request that waits. `ahead`: the server's answers when all requests sent before it are answered."""

    sent_at: float
    ahead: int
    overtaken_max: int
    timer: asyncio.Timeout
    problem: str = ""

    def give_up(self, problem: str) -> None:
        """End the wait."""
        self.problem = problem
        self.timer.reschedule(0)


@dataclass(eq=False)
class Waits:
    """The requests that wait for one server. `timeout_s`: how long it may make no progress."""

    timeout_s: float
    answers: int = 0
    answered_at: float = -inf
    _waiting: set[Wait] = field(default_factory=set)
    _counted: float = 0.0
    _counted_at: float = -inf  # when counters were last read
    _moved_at: float = -inf  # the counters have moved since

    @property
    def check_every_s(self) -> float:
        """Time between two checks."""
        return min(self.timeout_s / _CHECKS, _CHECK_EVERY_MAX_S)

    @asynccontextmanager
    async def waiting(self, *, is_for_engine: bool) -> AsyncIterator[None]:
        """Wait inside for an answer; leaving without an error is one. Raises WaitedInVain.

        What is not for the engine, such as counting tokens, is answered even where the engine hangs: no progress.
        """
        others = len(self._waiting)
        overtaken_max = max(_OVERTAKEN_MIN, _OVERTAKEN_TIMES * others)
        wait = Wait(monotonic(), self.answers + others, overtaken_max, asyncio.timeout(None))
        try:
            async with wait.timer:
                self._waiting.add(wait)
                try:
                    yield
                finally:
                    self._waiting.discard(wait)
        except TimeoutError:
            raise WaitedInVain(wait.problem) from None
        if is_for_engine:
            self.answers += 1
            self.answered_at = monotonic()

    def are_unanswered(self, now: float) -> bool:
        """Whether a request waits, and none was answered or sent since the last check: time to read the counters."""
        last = max(self.answered_at, min((wait.sent_at for wait in self._waiting), default=now))
        return now - last >= self.check_every_s

    def count(self, tokens: float, now: float) -> None:
        """Take over the server's counters; 0 where it does not count. If they moved, they may have long before now."""
        if tokens != self._counted:
            self._moved_at = self._counted_at
        self._counted, self._counted_at = tokens, now

    def give_up(self, now: float) -> None:
        """End all waits that are in vain."""
        for wait, problem in list(self._in_vain(now)):
            wait.give_up(problem)

    def _in_vain(self, now: float) -> Iterator[tuple[Wait, str]]:
        for wait in self._waiting:
            answered_at = max(wait.sent_at, self.answered_at)
            overtaken = self.answers - wait.ahead
            if now - max(answered_at, self._moved_at) >= self.timeout_s:
                yield (
                    wait,
                    f"no progress in {self.timeout_s:g} s: no answer to any request, and no token counted",
                )
            elif now - answered_at >= _UNANSWERED_TIMES * self.timeout_s:
                yield wait, f"no answer to any request in {now - answered_at:.0f} s, though it counts tokens"
            elif now - wait.sent_at >= self.timeout_s and overtaken >= wait.overtaken_max:
                yield wait, f"lost: {overtaken} requests that were sent later are answered"
