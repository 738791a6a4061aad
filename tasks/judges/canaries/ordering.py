"""How well scores order cards of known levels, and what is demanded of a judge.

The concordance is the share of pairs of cards of different levels in which the better card has the higher score; a tie,
or a card without a score, counts half (Somers' D rescaled to 0-1). Pairs cross languages: all are judged alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from statistics import fmean

from tasks.judges.canaries.loading import Canary

Scores = Mapping[Canary, float | None]

# Of 16 cards in four levels, scores that are independent of the levels reach 0.85 five times in 10,000 where all are
# different, and more rarely with ties (`benchmarks/canaries.py`).
CONCORDANCE_LEAST = 0.85
# Points of the scale between the means of forms and exemplary cards: a judge that orders within a tenth of a point
# cannot tell a reader anything on a scale of 1 to 5.
SPREAD_LEAST = 1.0
# More refused answers than this are a fault of their own. Each also counts as ties with all other levels.
REFUSED_MAX = 2


def concordance(scores: Scores) -> float | None:
    """The share of pairs in the right order, 0.5 by chance; null without cards of two levels."""
    points = list(_points(scores))
    return fmean(points) if points else None


def _points(scores: Scores) -> Iterator[float]:
    """Per pair of different levels: 1 in order, 0 reversed, 0.5 where the scores do not say."""
    for one, other in combinations(sorted(scores, key=lambda canary: canary.level), 2):
        if one.level < other.level:
            low, high = scores[one], scores[other]
            is_tied = low is None or high is None or low == high
            yield 0.5 if is_tied else float(low < high)  # type: ignore[operator]  # null is a tie


def spread(scores: Scores) -> float | None:
    """Points between the mean scores of the best and the worst level; null where either has no score."""
    best, worst = (_mean(scores, level) for level in (4, 1))
    return None if best is None or worst is None else best - worst


def _mean(scores: Scores, level: int) -> float | None:
    found = [score for canary, score in scores.items() if canary.level == level and score is not None]
    return fmean(found) if found else None
