"""When the next request may leave, so that the Hub's quota is used and never exceeded.

The Hub counts requests in fixed windows and reports in every answer how many are left and for how long
(`RateLimit`, `RateLimit-Policy`). A pace spreads them over the rest of the window, slightly faster than evenly so
that the window's last second is not needed. Where none is left, or nothing is known yet, one request goes ahead
as a scout and the others wait for its answer.

What a Hub reports is believed within reason: no window is longer than `LONGEST_WINDOW_S`, a wait that a person notices
is reported, and after `EMPTY_WINDOWS_MAX` windows in a row without a single request the pace gives up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

from tasks import stopping

AHEAD_OF_EVEN = 1.1
# The Hub reports whole seconds, perhaps rounded down: a window may last this much longer than reported.
ROUNDING_S = 1.0
# Slots missed while answers were slow may be caught up, this far back.
CATCH_UP_S = 1.0
LONGEST_WINDOW_S = 600.0  # twice the Hub's
EMPTY_WINDOWS_MAX = 3
REPORTED_FROM_S = 15.0
_POLL_S = 0.02


class QuotaRefused(Exception):
    """The Hub grants no request, however long one waits."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What an answer reports of its bucket: requests left, and seconds until the window ends."""

    remaining: int
    reset_in_s: float


@dataclass(slots=True)
class Pace:
    """The pace of one bucket of quota. Thread-safe; clock and pause can be replaced.

    `remaining` is the Hub's latest count and `in_flight` what it may not have counted yet; their difference is
    what may still be sent in this window. Where other processes use the same quota, `others_in_flight` is the most
    that they may have in flight, not yet counted either; how fast they use the quota up shows in `remaining`.
    """

    clock: Callable[[], float] = monotonic
    pause: Callable[[float], None] = stopping.pause
    report: Callable[[float], None] = lambda _: None  # is given the seconds of a long wait, once per window
    remaining: int | None = None
    window_ends: float = 0.0
    is_unlimited: bool = False
    others_in_flight: int = 0
    most: int = 0  # left when the window was first reported
    in_flight: int = 0
    next_start: float = 0.0
    empty_windows: int = 0  # in a row, the present one included
    _reported: float = 0.0  # the end of the window whose wait was reported
    _lock: Lock = field(default_factory=Lock)

    def acquire(self) -> None:
        """Return when a request may be sent. Every acquire is followed by one `answered` or `lost`.

        Raises `QuotaRefused` where waiting is in vain.
        """
        while (wait_s := self._take_or_wait()) > 0:
            if self._is_to_report(wait_s):
                self.report(wait_s)
            self.pause(min(wait_s, 1.0))

    def answered(self, quota: Quota | None) -> None:
        """Record an answer; without a quota in it the Hub sets no limit on this bucket."""
        with self._lock:
            self.in_flight -= 1
            if quota is None:
                self.is_unlimited = self.remaining is None
            else:
                self._learn(quota)

    def lost(self) -> None:
        """Record that a request got no answer: it is no longer in flight, and nothing else is known."""
        with self._lock:
            self.in_flight -= 1

    def _is_to_report(self, wait_s: float) -> bool:
        with self._lock:
            is_new = wait_s >= REPORTED_FROM_S and self._reported < self.window_ends
            if is_new:
                self._reported = self.window_ends
            return is_new

    def _learn(self, quota: Quota) -> None:
        ends = self.clock() + min(quota.reset_in_s, LONGEST_WINDOW_S)
        if quota.remaining:
            self.empty_windows = 0
        if self.remaining is None or ends > self.window_ends + 2 * ROUNDING_S:
            self.remaining, self.window_ends, self.most = quota.remaining, ends, quota.remaining
            self.empty_windows += not quota.remaining
        elif ends > self.window_ends - 2 * ROUNDING_S:
            # Answers overtake each other; within one window the lowest count is the latest.
            self.remaining = min(self.remaining, quota.remaining)
            self.window_ends = max(self.window_ends, ends)
        # Anything else is a late answer from the window before.

    def _take_or_wait(self) -> float:
        with self._lock:
            if self.empty_windows >= EMPTY_WINDOWS_MAX:
                raise QuotaRefused(
                    f"has granted no request in {EMPTY_WINDOWS_MAX} windows of its quota in a row"
                )
            now = self.clock()
            wait_s = 0.0 if self.is_unlimited else self._wait_s(now)
            if wait_s <= 0:
                self.in_flight += 1
            return wait_s

    def _wait_s(self, now: float) -> float:
        """Seconds to wait before asking again; 0 takes the slot."""
        if self.remaining is None or now > self.window_ends + ROUNDING_S:
            return _POLL_S if self.in_flight else 0.0
        # A small quota must not be left to others as a whole: nobody would send anything.
        budget = self.remaining - self.in_flight - min(self.others_in_flight, self.most // 4)
        if budget <= 0:
            return max(self.window_ends + ROUNDING_S - now, _POLL_S)
        if now < self.next_start:
            return self.next_start - now
        spacing_s = max(self.window_ends - now, 0.0) / (budget * AHEAD_OF_EVEN)
        self.next_start = max(self.next_start, now - CATCH_UP_S) + spacing_s
        return 0.0
