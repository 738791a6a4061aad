"""The trial: a judge scores the canaries, and what it did is held against what is demanded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tasks.clock import utc_now
from tasks.judges.canaries.loading import Canary, canaries_digest, load_canaries
from tasks.judges.canaries.ordering import (
    CONCORDANCE_LEAST,
    REFUSED_MAX,
    SPREAD_LEAST,
    Scores,
    concordance,
    spread,
)
from tasks.judges.registry import Judge
from tasks.progress import advance, expect
from tasks.records import CanaryTrial, Verdict


def try_canaries(judge: Judge) -> CanaryTrial:
    """Have a judge score all canaries."""
    return trial_of(judge.name, judge.fingerprint, list(canary_verdicts(judge)))


def canary_verdicts(judge: Judge) -> Iterator[Verdict]:
    """The judge's verdicts on the canaries, as they come."""
    canaries = load_canaries()
    expect("canaries", len(canaries))
    for verdict in judge.score([canary.card_text for canary in canaries]):
        advance("canaries")
        yield verdict


def trial_of(judge: str, fingerprint: str, verdicts: Sequence[Verdict]) -> CanaryTrial:
    """What the verdicts show; they may be on some of the canaries only."""
    known = {canary.card_text.card_hash: canary for canary in load_canaries()}
    scores = {known[verdict.card_hash]: verdict.score for verdict in verdicts}
    reasons = Counter(verdict.reason or "unknown" for verdict in verdicts if verdict.score is None)
    refused = [f"{reason} {n}" for reason, n in reasons.most_common()]
    faults = list(_faults(scores, refused))
    return CanaryTrial(
        fingerprint=fingerprint,
        judge=judge,
        canaries=canaries_digest(),
        cards=len(scores),
        refused=reasons.total(),
        concordance=concordance(scores),
        spread=spread(scores),
        is_passed=not faults,
        faults=faults,
        ranking=_ranking(scores),
        tried_at=utc_now(),
    )


def _faults(scores: Scores, refused: Sequence[str]) -> Iterator[str]:
    """What is demanded and was not done, in words."""
    ordered, apart = concordance(scores), spread(scores)
    unscored = sum(score is None for score in scores.values())
    if unscored > REFUSED_MAX:
        yield f"{unscored} of {len(scores)} answers cannot be used ({', '.join(refused)}; at most {REFUSED_MAX})"
    if ordered is None or ordered < CONCORDANCE_LEAST:
        yield f"{_percent(ordered)} of the pairs are in the right order (at least {_percent(CONCORDANCE_LEAST)})"
    if apart is None or apart < SPREAD_LEAST:
        found = "no score for one of them" if apart is None else f"{apart:.2f} points"
        yield f"exemplary cards are {found} above untouched forms (at least {SPREAD_LEAST:.2f})"


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{100 * share:.0f} %"


def _ranking(scores: Scores) -> list[str]:
    """The cards with their scores, the best first; those without a score are left out."""
    scored = [(canary, score) for canary, score in scores.items() if score is not None]
    return [f"{canary.name} {score:.2f}" for canary, score in sorted(scored, key=_best_first)]


def _best_first(entry: tuple[Canary, float]) -> tuple[float, str]:
    return -entry[1], entry[0].name


def failure_words(trial: CanaryTrial) -> str:
    """What a judge that failed did with the canaries, in one line without a full stop."""
    order = _listed(trial.ranking) or "none"
    return (
        f"{trial.judge} failed the canaries: {'; '.join(trial.faults)}; its order from best to worst: {order}"
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
