"""Figures of ways that were measured, as tables."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from benchmarks.judge_ways.asking import Round
from benchmarks.judge_ways.cards import KnownCard, references
from benchmarks.judge_ways.ways import Reading
from benchmarks.pages import markdown
from tasks.arrays import Floats
from tasks.passport.agreement import quadratic_kappa, spearman

RESAMPLES = 1000


@dataclass(frozen=True)
class Measured:
    """A way on all cards, and again on some of them in other company."""

    way: str
    requests_a_card: int
    found: Round
    first: Mapping[str, Reading]
    again: Mapping[str, Reading]


SCORES = ("decided", "expected", "soft", "odds")


def ordered(quality: Floats, score: Floats) -> float | None:
    """The share of pairs of different quality that the score puts in order; a tie is half. Null without such a pair."""
    points = [
        0.5 if a == b else float((a < b) == (low < high))
        for (low, a), (high, b) in combinations(zip(quality, score, strict=True), 2)
        if low != high
    ]
    return statistics.fmean(points) if points else None


def with_interval(pairs: Floats, statistic: Callable[[Floats, Floats], float | None]) -> str:
    """The statistic of quality and score, with the interval of resampled cards."""
    estimate = statistic(pairs[:, 0], pairs[:, 1])
    rng = np.random.default_rng(20)
    draws = [
        value
        for _ in range(RESAMPLES)
        if (value := statistic(*pairs[rng.integers(len(pairs), size=len(pairs))].T)) is not None
    ]
    if estimate is None or not draws:
        return "-"
    low, high = np.quantile(draws, (0.025, 0.975))
    return f"{estimate:.2f} ({low:.2f} to {high:.2f})"


def paired(cards: Sequence[KnownCard], source: str, scores: Mapping[str, float | None]) -> Floats:
    """Quality and score of the cards of a source that have both."""
    rows = [
        (card.quality, score)
        for card in cards
        if card.source == source and (score := scores.get(card.id)) is not None
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def scores_of(readings: Mapping[str, Reading], name: str) -> dict[str, float | None]:
    """One of the scores, by card."""
    return {card: getattr(reading, name) for card, reading in readings.items()}


def same_pattern(readings: Mapping[str, Reading]) -> str:
    """The share of cards with the most frequent answers to the checks."""
    patterns = Counter(reading.checks for reading in readings.values() if reading.checks)
    return f"{max(patterns.values()) / patterns.total():.0%}" if patterns else "-"


def again_words(one: Measured, name: str) -> str:
    """How far a score moved when asked again, in its own standard deviations."""
    first, again = scores_of(one.first, name), scores_of(one.again, name)
    moves = [abs(a - b) for card, b in again.items() if b is not None and (a := first.get(card)) is not None]
    values = [value for value in first.values() if value is not None]
    if not moves or len(values) < 2:
        return "-"
    spread = statistics.stdev(values)
    return f"{statistics.fmean(moves) / spread:.2f}" if spread > 1e-9 else "no spread"


def ways_table(measured: Sequence[Measured], cards: Sequence[KnownCard]) -> str:
    """One row per way: cost, sameness, and the best ordering of its scores."""
    head = (
        *(
            "way",
            "requests per card",
            "cards/s",
            "tokens in",
            "cached",
            "tokens out",
            "cards without a reading",
        ),
        *("same checks", "decided by place"),
    )
    rows = []
    for one in measured:
        found, n = one.found, len(cards)
        places = [r.by_place for r in one.first.values() if r.by_place is not None]
        rows.append(
            (
                one.way,
                str(one.requests_a_card),
                f"{n / found.seconds:.3f}",
                f"{found.tokens_in / n:,.0f}",
                "-" if found.cached_share is None else f"{found.cached_share:.0%}",
                f"{found.tokens_out / n:,.0f}",
                f"{1 - len(one.first) / n:.0%}",
                same_pattern(one.first),
                f"{statistics.fmean(places):.0%}" if places else "-",
            )
        )
    return markdown(head, rows)


SOURCES = ("demo", "canaries")


def ordering_table(measured: Sequence[Measured], cards: Sequence[KnownCard]) -> str:
    """One row per way and score, and one per reference."""
    rows = [
        (one.way, name, *_orderings(cards, scores), again_words(one, name))
        for one in measured
        for name in SCORES
        for scores in [scores_of(one.first, name)]
        if any(value is not None for value in scores.values())
    ]
    rows += [(name, "", *_orderings(cards, scores), "") for name, scores in references(cards).items()]
    head = ("way", "score", "ordered, demo", "ordered, canaries", "moves when asked again, in SD")
    return markdown(head, rows)


def _orderings(cards: Sequence[KnownCard], scores: Mapping[str, float | None]) -> list[str]:
    return [with_interval(paired(cards, source, scores), ordered) for source in SOURCES]


def modes_table(keys: Measured, cards: Sequence[KnownCard]) -> str:
    """The score modes of the product: ordering, agreement with the planted level, spread, stability."""
    rows = []
    for name in ("decided", "expected", "soft"):
        scores = scores_of(keys.first, name)
        pairs = paired(cards, "demo", scores)
        values = [value for value in scores.values() if value is not None]
        rows.append(
            (
                name,
                with_interval(pairs, ordered),
                _number(spearman, pairs),
                _number(quadratic_kappa, np.clip(np.floor(pairs + 0.5), 1, 5)),
                f"{statistics.stdev(values):.2f}" if len(values) > 1 else "-",
                again_words(keys, name),
            )
        )
    head = (
        *("score mode", "ordered", "Spearman's rho", "quadratic kappa", "SD of scores"),
        "moves when asked again, in SD",
    )
    return markdown(head, rows)


def _number(statistic: Callable[[Floats], Floats], pairs: Floats) -> str:
    value = float(statistic(pairs[None])[0])
    return "none" if math.isnan(value) else f"{value:.2f}"
