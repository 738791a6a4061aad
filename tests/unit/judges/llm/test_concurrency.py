"""How many requests a server is given: against servers whose speed is a formula, without network and clock."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.judges.llm.concurrency import START, AdaptiveLimit

Capacity = Callable[[int], float]  # work per second of so many requests at once


def closed_loop(limit: AdaptiveLimit, capacity: Capacity, sizes: Sequence[float]) -> list[tuple[float, int]]:
    """Time and limit after each answer of a server that divides its speed evenly among all requests in flight.

    The work of a request is its size.
    """
    waiting, now = list(reversed(sizes)), 0.0
    in_flight: list[tuple[float, float, float]] = []  # work left, size, sent at
    history = []
    while waiting or in_flight:
        while waiting and len(in_flight) < limit.limit:
            size = waiting.pop()
            in_flight.append((size, size, now))
        speed = capacity(len(in_flight)) / len(in_flight)
        first = min(in_flight)
        now += first[0] / speed
        in_flight_then = len(in_flight)
        in_flight.remove(first)
        in_flight = [(left - first[0], size, sent_at) for left, size, sent_at in in_flight]
        limit.answered(first[2], now, first[1], was_full=in_flight_then >= limit.limit)
        history.append((now, limit.limit))
    return history


def of_sizes(number: int, spread: float, seed: int = 1) -> list[float]:
    """Sizes about 1000, the longest of each 128 first, as parts are judged."""
    rng = random.Random(seed)
    sizes = [1000 * rng.lognormvariate(0, spread) for _ in range(number)]
    return [
        size for start in range(0, number, 128) for size in sorted(sizes[start : start + 128], reverse=True)
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("spread", [0.05, 0.8])
def test_a_server_that_does_one_thing_at_a_time_is_given_a_handful(spread: float, seed: int) -> None:
    limit = AdaptiveLimit(START, 256)
    history = closed_loop(limit, lambda n: 500.0, of_sizes(600, spread, seed))
    assert max(limit for _, limit in history) <= 16
    assert all(limit <= 5 for _, limit in history[300:])


@pytest.mark.parametrize("seed", range(4))
def test_a_batch_that_pays_a_little_is_found_to_within_a_tenth_of_the_best_rate(seed: int) -> None:
    sizes = of_sizes(600, 0.5, seed)
    limit = AdaptiveLimit(START, 256)
    history = closed_loop(limit, lambda n: 500 * (1 - math.exp(-n / 3)), sizes)
    assert sum(sizes) / history[-1][0] > 0.9 * 500
    assert max(limit for _, limit in history) <= 32
    assert all(6 <= limit <= 24 for _, limit in history[300:])


@pytest.mark.parametrize("seed", range(4))
def test_a_server_that_scales_is_given_hundreds_within_five_times_the_time_of_an_answer(seed: int) -> None:
    limit = AdaptiveLimit(START, 256)
    history = closed_loop(limit, lambda n: 400 * n / (1 + n / 300), of_sizes(2000, 0.1, seed))
    alone_s = 1000 / 400
    assert next(now for now, limit in history if limit >= 100) < 5 * alone_s
    assert max(limit for _, limit in history) == 256
    assert min(limit for _, limit in history[600:]) >= 128


def test_cards_that_become_shorter_do_not_look_like_a_faster_server() -> None:
    limit = AdaptiveLimit(START, 256)
    history = closed_loop(limit, lambda n: 500.0, [6000 * 0.99**n + 300 for n in range(400)])
    assert all(limit <= 8 for _, limit in history[60:])


def test_a_server_that_waits_for_us_teaches_nothing() -> None:
    limit = AdaptiveLimit(START, 256)
    for number in range(500):
        limit.answered(number, number + 1, 1000, was_full=False)
    assert limit.limit == START


def test_a_fixed_limit_stays() -> None:
    limit = AdaptiveLimit(7, 7, is_fixed=True)
    for number in range(500):
        limit.answered(number, number + 1, 1000, was_full=True)
    limit.overloaded(500)
    assert limit.limit == 7


def test_a_busy_server_is_given_half_once_for_all_that_it_refuses_at_once() -> None:
    limit = AdaptiveLimit(64, 256)
    limit.answered(0, 1, 1000, was_full=True)
    for _ in range(50):
        limit.overloaded(1)
    assert limit.limit == 32


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e9), st.booleans(), st.booleans()), max_size=200))
def test_any_answers_leave_the_limit_in_its_bounds(answers: list[tuple[float, float, bool, bool]]) -> None:
    limit, now = AdaptiveLimit(START, 40), 0.0
    for latency, size, was_full, is_busy in answers:
        now += latency
        limit.answered(now - latency, now, size, was_full=was_full)
        if is_busy:
            limit.overloaded(now)
        assert 1 <= limit.limit <= 40
