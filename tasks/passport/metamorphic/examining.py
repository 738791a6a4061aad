"""The label-free passport: real cards edited, judged, and what the judge noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from tasks.clock import utc_now
from tasks.judges import Judge
from tasks.passport import probes
from tasks.passport.agreement import Measure
from tasks.passport.metamorphic import measures
from tasks.passport.metamorphic.trials import TrialMaker
from tasks.passport.sheet import OVERALL
from tasks.progress import expect
from tasks.records import CardText, PassportEntry

SEED = 20
ATTACKED_TEXTS_MAX = 5
TEXTS_PER_ATTACKED = 12


def examine_evidence(judge: Judge, texts: Sequence[CardText], *, seed: int = SEED) -> list[PassportEntry]:
    """Edit the texts, have the judge score them all, and return what it noticed. JudgeError where the judge stops."""
    attacked = max(1, min(ATTACKED_TEXTS_MAX, len(texts) // TEXTS_PER_ATTACKED))
    maker = TrialMaker(texts, seed=seed)
    expect(probes.STAGE, maker.count())
    verdicts = probes.verdicts_of(judge, maker.texts())
    found = list(_measures(judge, maker, verdicts, attacked, seed))
    digest, now = digest_of(texts), utc_now()
    return [
        PassportEntry(
            *(judge.fingerprint, judge.name, digest, probe, m.name, subject),
            *(m.n, m.estimate, m.ci_low, m.ci_high, m.detail, now),
        )
        for probe, subject, m in found
    ]


def _measures(
    judge: Judge, maker: TrialMaker, verdicts: probes.Verdicts, attacked: int, seed: int
) -> Iterator[tuple[str, str, Measure]]:
    trials = maker.trials
    moves = list(measures.moves_of(trials, verdicts))
    for subject, measure in (
        *measures.shares(moves, seed=seed),
        *measures.discrimination(trials, verdicts, seed=seed),
    ):
        yield "evidence", subject, measure
    for subject, measure in measures.invariance(trials, verdicts, seed=seed):
        yield "invariance", subject, measure
    yield from _sway(judge, maker, verdicts, attacked, seed)


def _sway(
    judge: Judge, maker: TrialMaker, verdicts: probes.Verdicts, attacked: int, seed: int
) -> Iterator[tuple[str, str, Measure]]:
    """Rises by padding and by attack, beside the spread of the judge's own scores."""
    bases = maker.bases()
    known = [verdicts[text.card_hash] for text in bases if text.card_hash in verdicts]
    scores = [verdict.score for verdict in known if verdict.score is not None]
    if not scores:
        return
    yield "sway", OVERALL, measures.spread(scores, seed=seed)
    for measure in measures.padding(maker.trials, verdicts, seed=seed):
        yield "sway", "padding", measure
    for subject, measure in probes.attack(judge, bases, verdicts, count=attacked, seed=seed):
        if subject == OVERALL and measure.name in ("mean_rise", "share_raised"):
            yield "sway", "attack", measure
            if measure.name == "mean_rise":
                yield "sway", "attack", measures.in_spread(measure, scores)


def digest_of(texts: Sequence[CardText]) -> str:
    """16 hex digits over the texts; their order does not count."""
    return hashlib.sha256("\n".join(sorted(text.card_hash for text in texts)).encode()).hexdigest()[:16]
