"""How many requests a server is given at once: more for as long as that makes it faster, fewer where it does not.

The best number depends on model, cards and machine: a handful on two cores, hundreds on a GPU. Too few leave the server
idle; too many only make every answer wait, by Little's law. So it is found by trying. What a change was worth is read
from latencies: where twice the requests take twice as long each, nothing was gained; where they take no longer, the
rate has doubled.

- Leaps first, while they pay: slow start (Jacobson 1988) and the start-up of BBR (Cardwell et al. 2016).
- Then small trials, lower and higher in turn, each between two rounds for comparison: hill climbing (Hellerstein et al.
  2009, "Optimizing concurrency levels in the .NET ThreadPool").
- A server that calls itself busy is given half: multiplicative decrease (Chiu and Jain 1989).

A limit on the rise of latency alone, as TCP Vegas has, would stop too soon: an engine that computes requests as one
batch answers each of them later, and all of them sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from math import inf, log

START = 4
_LEAP, _LONG_LEAP = 2.0, 4.0
# The share of a rise in requests that has to come back as a rise in rate, both as logarithms: a leap that brings less
# was too much, and one that brings more than the second may be followed by a long one.
_WORTH, _LINEAR = 0.15, 0.6
_STEADY_ROUNDS = 4  # between two trials
_LOWER, _HIGHER = 0.75, 1.3
_COST_MAX, _GAIN_MIN = (
    log(1.05),
    log(1.04),
)  # of the rate: what a lower trial may cost, what a higher one must bring


@dataclass
class SizePower:
    """By which power latency grows with the size of a request; learned within rounds, where all else is the same.

    About 0 where a server spends its time on writing answers, which have one length; 1 where on reading cards.
    """

    variance: float = 0.5
    covariance: float = 0.4  # a power of 0.8, until answers show more than this

    def learn(self, sizes: list[float], latencies: list[float]) -> None:
        """Take logarithms of one round's sizes and latencies into account."""
        size, latency = _mean(sizes), _mean(latencies)
        self.variance += sum((x - size) ** 2 for x in sizes)
        self.covariance += sum((x - size) * (y - latency) for x, y in zip(sizes, latencies, strict=True))

    def value(self) -> float:
        """The power."""
        return min(max(self.covariance / self.variance, 0.0), 1.0)


@dataclass(frozen=True)
class RoundMeans:
    """A round at a limit: logarithms of the rate of all answers in it, and means of those of latency and size."""

    limit: int
    rate: float
    latency: float
    size: float


Gain = Callable[[RoundMeans, RoundMeans], float]
Search = Generator[tuple[int, int], RoundMeans, None]


def _search(start: int, ceiling: int, gain: Gain, *, leaps: bool) -> Search:
    """Yields a limit and how many answers to measure there; gets what was measured. `gain` is a logarithm of rates."""
    if leaps:
        start = yield from _leaps(start, ceiling, gain)
    yield from _trials(start, ceiling, gain)


def _leaps(start: int, ceiling: int, gain: Gain) -> Generator[tuple[int, int], RoundMeans, int]:
    """Grow by leaps while they pay; returns the limit of the last one that did."""
    before, factor = (yield start, start), _LEAP
    while before.limit < ceiling:
        limit = min(round(before.limit * factor), ceiling)
        least = _WORTH * log(limit / before.limit)
        after = yield limit, max(limit // 2, START)
        if gain(before, after) < least:
            after = yield limit, limit  # by chance, perhaps
        if gain(before, after) >= least:
            is_linear = gain(before, after) > _LINEAR * log(limit / before.limit)
            before, factor = after, _LONG_LEAP if is_linear else _LEAP
        elif factor == _LEAP:
            break
        else:
            factor = _LEAP
    return before.limit


def _trials(limit: int, ceiling: int, gain: Gain) -> Search:
    """Try a little fewer and a little more requests in turn, for ever."""
    is_higher = False
    while True:
        is_higher = not is_higher
        higher, lower = max(round(limit * _HIGHER), limit + 1), min(round(limit * _LOWER), limit - 1)
        tried = min(higher, ceiling) if is_higher else max(lower, 1)
        before = after = yield limit, max(limit, START)
        for _ in range(_STEADY_ROUNDS):
            before = yield limit, max(limit, START)
        if tried == limit:
            continue
        # The first round after each change is left out: it queues behind requests of before.
        yield tried, max(tried, START)
        trial = yield tried, max(tried, START)
        yield limit, max(limit, START)
        after = yield limit, max(limit, START)
        if (gain(before, trial) + gain(after, trial)) / 2 >= (_GAIN_MIN if is_higher else -_COST_MAX):
            limit = tried


@dataclass
class AdaptiveLimit:
    """The most requests that one server is given at once: `limit`, from 1 to `ceiling`. Without clock and network.

    Where `is_fixed`, it stays as it is.
    """

    limit: int
    ceiling: int
    is_fixed: bool = False
    _search: Search = field(init=False)
    _answers: int = field(init=False)  # to be measured before the next change
    _changed_at: float = -inf  # latencies are those of requests sent later
    _round_at: float = -inf
    _all: int = 0  # answers of this round, also to requests sent before the change
    _sizes: list[float] = field(default_factory=list)
    _latencies: list[float] = field(default_factory=list)
    _power: SizePower = field(default_factory=SizePower)

    def __post_init__(self) -> None:
        self._begin(min(self.limit, self.ceiling), leaps=True)

    def answered(self, sent_at: float, now: float, size: float, *, was_full: bool) -> None:
        """An answer came. `was_full`: as many requests as allowed were in flight.

        Where they were not, the server was waiting for us, and the latency says nothing about the limit.
        """
        if self.is_fixed:
            return
        if not was_full:
            self._changed_at = now
            self._measure_from(now)
            return
        self._all += 1
        if sent_at < self._changed_at:
            return
        self._sizes.append(log(max(size, 1.0)))
        self._latencies.append(log(max(now - sent_at, 1e-6)))
        if len(self._sizes) < self._answers:
            return
        self._power.learn(self._sizes, self._latencies)
        rate = log(self._all / max(now - self._round_at, 1e-6)) if self._round_at > -inf else -inf
        found = RoundMeans(self.limit, rate, _mean(self._latencies), _mean(self._sizes))
        self._take(self._search.send(found), now)

    def overloaded(self, now: float) -> None:
        """The server calls itself busy: give it half, once per round, because many requests meet the same refusal."""
        if not self.is_fixed and self._sizes:
            self._begin(max(1, self.limit // 2), leaps=False, now=now)

    def _begin(self, limit: int, *, leaps: bool, now: float = -inf) -> None:
        self._search = _search(limit, self.ceiling, self._gain, leaps=leaps)
        self._take(next(self._search), now)

    def _take(self, step: tuple[int, int], now: float) -> None:
        limit, self._answers = step
        if limit != self.limit:
            self.limit, self._changed_at = limit, now
        self._measure_from(now)

    def _measure_from(self, now: float) -> None:
        self._round_at, self._all = now, 0
        self._sizes, self._latencies = [], []

    def _gain(self, one: RoundMeans, other: RoundMeans) -> float:
        """Logarithm of the ratio of their rates for requests of one size; the lower of two estimates.

        By the latencies it is too high where the new requests still find the shorter queue of before; by the answers
        in the time it is too low where all requests advance together, until the new ones are through.
        """
        larger = self._power.value() * (other.size - one.size)
        by_latency = log(other.limit / one.limit) - (other.latency - one.latency)
        return min(by_latency, other.rate - one.rate) + larger


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
