"""The pace against a quota, on a clock of its own: a simulated Hub counts in fixed windows."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

import pytest

from tasks.hub.pacing import Pace, Quota


@dataclass
class SimulatedHub:
    """A fixed window per `window_s` seconds that admits `quota` requests; the clock is ours."""

    quota: int
    window_s: float
    latency_s: float
    rounding: str
    now: float = 0.0
    used: dict[int, int] = field(default_factory=dict)
    refused: int = 0

    def answer(self, sent_at: float) -> Quota:
        window = int(sent_at // self.window_s)
        self.used[window] = self.used.get(window, 0) + 1
        if self.used[window] > self.quota:
            self.refused += 1
        left = (window + 1) * self.window_s - sent_at
        reset = math.floor(left) if self.rounding == "down" else math.ceil(left)
        return Quota(max(self.quota - self.used[window], 0), reset)


def crawl(hub: SimulatedHub, *, threads: int, seconds: float) -> Pace:
    """So many threads that send whenever the pace lets them, as events in order of time."""
    pace = Pace(clock=lambda: hub.now, pause=lambda _: None)
    events: list[tuple[float, int, str, Quota | None]] = [(0.0, n, "ask", None) for n in range(threads)]
    heapq.heapify(events)
    while events:
        hub.now, number, what, quota = heapq.heappop(events)
        if hub.now > seconds:
            break
        if what == "answer":
            pace.answered(quota)
            heapq.heappush(events, (hub.now, number, "ask", None))
        elif (wait_s := pace._take_or_wait()) > 0:
            heapq.heappush(events, (hub.now + min(wait_s, 1.0), number, "ask", None))
        else:
            quota = hub.answer(hub.now + hub.latency_s / 2)
            heapq.heappush(events, (hub.now + hub.latency_s, number, "answer", quota))
    return pace


@pytest.mark.parametrize("rounding", ["up", "down"])
@pytest.mark.parametrize(("quota", "window_s"), [(3000, 300.0), (500, 300.0), (400, 20.0)])
@pytest.mark.parametrize("latency_s", [0.01, 0.3])
def test_the_quota_is_used_and_never_exceeded(
    quota: int, window_s: float, latency_s: float, rounding: str
) -> None:
    hub = SimulatedHub(quota, window_s, latency_s, rounding)
    crawl(hub, threads=12, seconds=window_s * 4)
    assert hub.refused == 0
    whole_windows = [hub.used[window] for window in (1, 2)]
    assert min(whole_windows) >= 0.9 * quota, whole_windows


def test_a_crawl_that_joins_late_in_a_window_does_not_overrun_it() -> None:
    hub = SimulatedHub(400, 20.0, 0.05, "down", now=18.5, used={0: 390})
    pace = Pace(clock=lambda: hub.now, pause=lambda _: None)
    assert pace._take_or_wait() == 0
    pace.answered(hub.answer(hub.now))
    sent = 0
    while pace._take_or_wait() == 0:
        sent += 1
    assert sent <= 9


def test_without_announced_limits_nothing_waits() -> None:
    pace = Pace(clock=lambda: 0.0)
    pace.acquire()
    pace.answered(None)
    assert [pace._take_or_wait() for _ in range(100)] == [0.0] * 100


def test_until_the_first_answer_one_request_goes_ahead() -> None:
    pace = Pace(clock=lambda: 0.0)
    assert pace._take_or_wait() == 0
    assert pace._take_or_wait() > 0
    pace.lost()
    assert pace._take_or_wait() == 0


def test_a_late_answer_from_the_window_before_is_ignored() -> None:
    now = 100.0
    pace = Pace(clock=lambda: now)
    pace.acquire()
    pace.answered(Quota(3000, 300))
    pace.acquire()
    pace.answered(Quota(2, 1))
    assert pace.remaining == 3000


def test_a_refusal_stops_the_window() -> None:
    now = 0.0
    pace = Pace(clock=lambda: now)
    pace.acquire()
    pace.answered(Quota(50, 100))
    pace.acquire()
    pace.answered(Quota(0, 100))
    assert pace._take_or_wait() >= 100
