"""A passport: every measure of one judge against one set of labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from tasks.clock import utc_now
from tasks.judges import Judge
from tasks.passport import probes
from tasks.passport.agreement import Measure, of_judge, of_raters
from tasks.passport.labels import LabelledTexts
from tasks.passport.sheet import OVERALL, subjects
from tasks.progress import expect
from tasks.records import PassportEntry

SEED = 20
REPEATS = 3
ATTACKED_TEXTS = 5
# With fewer, an interval is mostly chance, and the passport states it.
TEXTS_FOR_TRUST = 50


def examine(
    judge: Judge,
    labelled: LabelledTexts,
    *,
    repeats: int = REPEATS,
    attacked_texts: int = ATTACKED_TEXTS,
    seed: int = SEED,
) -> list[PassportEntry]:
    """Score the labelled texts, score them again, padded and attacked; return the judge's passport.

    A text without a score counts in `share_refused` and in no other measure. JudgeError where the judge stops.
    """
    texts = labelled.texts
    expect(probes.STAGE, len(texts) * (2 + repeats))
    first = probes.verdicts_of(judge, texts)
    again = probes.consistency(judge, texts, first, repeats=repeats, seed=seed)
    padded = probes.padding(judge, texts, first, seed=seed)
    attacked = probes.attack(judge, texts, first, count=attacked_texts, seed=seed)
    found: list[tuple[str, str, Measure]] = [
        *_agreement(labelled, first, seed),
        *_raters(labelled, seed),
        *(("consistency", OVERALL, measure) for measure in again),
        *(("padding", OVERALL, measure) for measure in padded),
        *(("attack", subject, measure) for subject, measure in attacked),
    ]
    digest, now = labelled.digest, utc_now()
    return [
        PassportEntry(
            *(judge.fingerprint, judge.name, digest, probe, m.name, subject),
            *(m.n, m.estimate, m.ci_low, m.ci_high, m.detail, now),
        )
        for probe, subject, m in found
    ]


def _agreement(
    labelled: LabelledTexts, first: probes.Verdicts, seed: int
) -> Iterator[tuple[str, str, Measure]]:
    yield "agreement", OVERALL, probes.refused(first.get(text.card_hash) for text in labelled.texts)
    for subject in subjects():
        judge = np.array([_level(first, text.card_hash, subject) for text in labelled.texts])
        people = labelled.consensus(subject)
        both = ~np.isnan(judge) & ~np.isnan(people)
        if np.isnan(people).all():
            continue
        is_overall = subject == OVERALL
        for measure in of_judge(judge[both], people[both], seed=seed, is_overall=is_overall):
            yield "agreement", subject, measure


def _level(verdicts: probes.Verdicts, card_hash: str, subject: str) -> float:
    if subject == OVERALL:
        return probes.score_of(verdicts, card_hash)
    found = verdicts.get(card_hash)
    return np.nan if found is None else found.levels.get(subject, np.nan)


def _raters(labelled: LabelledTexts, seed: int) -> Iterator[tuple[str, str, Measure]]:
    for subject in subjects():
        for measure in of_raters(labelled.matrix(subject), seed=seed):
            if measure.n:
                yield "raters", subject, measure


def part_of(entries: Sequence[PassportEntry]) -> str:
    """Its part in the lake."""
    one = entries[0]
    return f"passports/{one.fingerprint}-{one.labels}-{one.measured_at:%Y%m%dT%H%M%S}.parquet"


def kappa_of(entries: Iterable[PassportEntry]) -> PassportEntry | None:
    """The figure that `--min-kappa` is about."""
    return find(entries, "agreement", "quadratic_kappa")


def find(
    entries: Iterable[PassportEntry], probe: str, measure: str, subject: str = OVERALL
) -> PassportEntry | None:
    """One entry; null where it was not measured."""
    key = (probe, measure, subject)
    return next((e for e in entries if (e.probe, e.measure, e.subject) == key), None)
