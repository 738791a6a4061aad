"""How often scores that know nothing pass the canaries, and how the checklist and simple rules order them.

    python -m benchmarks.canaries [DRAWS]

Seeded; a second per 100,000 draws. `tests/unit/judges/canaries/test_ordering.py` holds the shares against 1 in 1,000.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from tasks.judges.canaries.loading import Canary, load_canaries
from tasks.judges.canaries.ordering import CONCORDANCE_LEAST, SPREAD_LEAST, concordance, spread
from tasks.judges.canaries.trial import try_canaries
from tasks.judges.checklist import ChecklistJudge

Scores = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Scores]

_AT_ONCE = 50_000
CANARIES = load_canaries()
_LEVELS = np.array([canary.level for canary in CANARIES])
_LANGUAGES = np.unique([canary.language for canary in CANARIES], return_inverse=True)[1]
_LOW, _HIGH = np.nonzero(_LEVELS[:, None] < _LEVELS[None, :])

GUESSES: dict[str, Draw] = {
    "any number from 1 to 5": lambda rng, n: rng.uniform(1, 5, (n, len(CANARIES))),
    "a digit from 1 to 5": lambda rng, n: rng.integers(1, 6, (n, len(CANARIES))).astype(float),
    "1, 3 or 5": lambda rng, n: rng.choice([1.0, 3.0, 5.0], (n, len(CANARIES))),
    "1 or 5": lambda rng, n: rng.choice([1.0, 5.0], (n, len(CANARIES))),
    "1, and 5 for one in four": lambda rng, n: rng.choice([1.0, 5.0], (n, len(CANARIES)), p=[0.75, 0.25]),
    "by language, and noise": lambda rng, n: (
        rng.normal(0, 2, (n, len(set(_LANGUAGES))))[:, _LANGUAGES] + rng.normal(0, 1, (n, len(CANARIES)))
    ),
    "3.06 ± 0.06": lambda rng, n: rng.normal(3.06, 0.06, (n, len(CANARIES))),
}
RULES: dict[str, Callable[[Canary], float]] = {
    "characters": lambda canary: float(len(canary.text)),
    "fewest characters": lambda canary: -float(len(canary.text)),
    "bytes": lambda canary: float(len(canary.text.encode())),
    "headings": lambda canary: float(canary.text.count("\n#")),
    "links": lambda canary: float(canary.text.count("http")),
    "exclamation marks": lambda canary: float(canary.text.count("!")),
}


def passing_share(draw: Draw, draws: int, seed: int = 1) -> tuple[float, float]:
    """The share of draws that order well enough, and the share of those that also lie far enough apart."""
    rng = np.random.default_rng(seed)
    found = [_passing(draw(rng, min(_AT_ONCE, draws - start))) for start in range(0, draws, _AT_ONCE)]
    ordered, both = np.concatenate(found, axis=1)
    return float(ordered.mean()), float(both.mean())


def _passing(scores: Scores) -> NDArray[np.bool_]:
    gaps = scores[:, _HIGH] - scores[:, _LOW]
    ordered = ((gaps > 0) + 0.5 * (gaps == 0)).mean(axis=1) >= CONCORDANCE_LEAST
    apart = scores[:, _LEVELS == 4].mean(axis=1) - scores[:, _LEVELS == 1].mean(axis=1)
    return np.stack([ordered, ordered & (apart >= SPREAD_LEAST)])


def lines(draws: int) -> Iterator[str]:
    """The tables, line by line."""
    yield f"{len(CANARIES)} canaries, {len(_LOW)} pairs; at least {CONCORDANCE_LEAST:.0%} and {SPREAD_LEAST:g} points"
    yield f"{'guesses, in 10,000 of ' + format(draws, ','):34}{'in order':>10}{'and apart':>11}"
    for name, draw in GUESSES.items():
        ordered, both = passing_share(draw, draws)
        yield f"{name:34}{ordered * 1e4:10.2f}{both * 1e4:11.2f}"
    yield f"{'rules':34}{'in order':>10}{'apart':>11}"
    trial = try_canaries(ChecklistJudge())
    yield f"{'the checklist':34}{trial.concordance or 0:10.0%}{trial.spread or 0:11.2f}"
    for name, rule in RULES.items():
        scores = {canary: rule(canary) for canary in CANARIES}
        yield f"{name:34}{concordance(scores) or 0:10.0%}{spread(scores) or 0:11,.0f}"


if __name__ == "__main__":
    for line in lines(int(sys.argv[1]) if sys.argv[1:] else 1_000_000):
        print(line)
