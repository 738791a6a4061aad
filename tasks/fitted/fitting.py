"""A fitted judge: what was learned, under a name and a fingerprint of its own, and how well it agrees."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from tasks.arrays import Floats
from tasks.clock import utc_now
from tasks.findings.sample import Estimate
from tasks.findings.threads import on_one_thread
from tasks.fitted.evaluating import (
    STAGE,
    Agreement,
    CurvePoint,
    agreements,
    curve,
    transferred,
    work_of,
)
from tasks.fitted.folds import FOLDS
from tasks.fitted.material import (
    Gathered,
    Owners,
    check,
    groups_of,
    marks_of,
    material_of,
    usable_texts,
    values_of,
)
from tasks.fitted.weighing import learned
from tasks.judges import JudgeIdentity
from tasks.passport.labels import LabelledTexts
from tasks.progress import expect
from tasks.records import FittedJudge, FittedMeasure, Verdict
from tasks.rubric import load_rubric

FITTING_VERSION = 1  # raise it with any change that learns other weights
_DIGITS = 6
_FLAGS = {
    "few_clusters": "no interval: fewer than 10 authors",
    "few_effective_authors": "no interval: a few authors have most of the texts",
    "constant": "no spread",
}


@dataclass(frozen=True, slots=True)
class LabelFit:
    """A fitted judge and every measure of it."""

    judge: FittedJudge
    measures: tuple[FittedMeasure, ...]

    def find(self, measure: str, scorer: str = "fitted", probe: str = "out_of_fold") -> FittedMeasure | None:
        """One measure; null where it was not taken."""
        key = (probe, scorer, measure)
        return next((m for m in self.measures if (m.probe, m.scorer, m.measure) == key), None)


def fit_to(
    labelled: LabelledTexts, subject: str, base: JudgeIdentity, found: Gathered, *, seed: int
) -> LabelFit:
    """Learn weights from all labels, and measure out of fold how well weights so learned agree; both by `seed`."""
    expect(STAGE, work_of(found.material))
    judge = _judge(labelled, subject, base, found, seed)
    measured = _Measured(judge, utc_now())
    return LabelFit(
        judge,
        (
            *(
                measured.agreement(one, "out_of_fold", judge.labels, judge.texts)
                for one in agreements(found.material, seed)
            ),
            *(measured.point(one) for one in curve(found.material, seed)),
        ),
    )


@on_one_thread
def _judge(
    labelled: LabelledTexts, subject: str, base: JudgeIdentity, found: Gathered, seed: int
) -> FittedJudge:
    material, rubric = found.material, load_rubric()
    weighing = learned(material.answers, material.marks, material.groups, np.random.default_rng([22, seed]))
    model = weighing.model
    checks = [check.id for check in rubric.checks]
    weights = dict(zip(checks, _rounded(model.weights), strict=True))
    thresholds = dict(zip(map(_level, model.levels[1:]), _rounded(model.thresholds), strict=True))
    content = [FITTING_VERSION, base.fingerprint, labelled.digest, subject, found.kind, weights, thresholds]
    return FittedJudge(
        fingerprint=hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16],
        judge=f"fitted:{labelled.digest[:8]}",
        base_judge=base.name,
        base_fingerprint=base.fingerprint,
        labels=labelled.digest,
        subject=subject,
        rubric=rubric.fingerprint,
        answers=found.kind,
        weights=weights,
        thresholds=thresholds,
        lowest=float(model.levels[0]),
        penalty=weighing.penalty,
        texts=len(material.marks),
        authors=int(material.groups.max()) + 1,
        without_author=found.without_author,
        fitted_at=utc_now(),
    )


def _rounded(values: Floats) -> list[float]:
    """So that the last bits of another machine's sums make no other judge."""
    return [round(float(value), _DIGITS) + 0.0 for value in values]


def _level(level: float) -> str:
    return f"{level:g}"


def expected_marks(judge: FittedJudge, verdicts: list[Verdict]) -> Floats:
    """The expected mark of each card by its verdict of the base judge, as the view `fitted_scores` has it."""
    log_odds = values_of(verdicts, judge.answers) @ np.array(list(judge.weights.values()))
    levels = np.array([judge.lowest, *map(float, judge.thresholds)])
    above = 1 / (1 + np.exp(np.array(list(judge.thresholds.values())) - log_odds[:, None]))
    return np.asarray(judge.lowest + above @ np.diff(levels))


# -------------------------------------------------------------------------------------------- tried on other labels


def tried_on(
    fit: LabelFit,
    labelled: LabelledTexts,
    other: LabelledTexts,
    verdicts: Mapping[str, Verdict],
    owners: Owners,
    *,
    seed: int,
) -> LabelFit:
    """The fit, and how well weights so learned agree with other people's labels, of other or of the same texts.

    For each text they are learned again without its author and its near-copies. LabelsInvalid where the other labels
    are too few or all the same.
    """
    judge = fit.judge
    sides = [(of, usable_texts(of, verdicts, judge.subject, judge.answers)) for of in (labelled, other)]
    groups = groups_of([text for _, texts in sides for text in texts], owners)
    own, apart = np.split(groups, [len(sides[0][1])])
    check(marks_of(*sides[1], judge.subject), np.unique(apart, return_inverse=True)[1], judge.subject)
    material, tried = (
        material_of(texts, marks_of(of, texts, judge.subject), codes, verdicts, judge.answers)
        for (of, texts), codes in zip(sides, (own, apart), strict=True)
    )
    measured = _Measured(judge, fit.measures[0].measured_at)
    rows = (
        measured.agreement(one, "other_labels", other.digest, len(tried.marks))
        for one in transferred(material, tried, seed)
    )
    return replace(fit, measures=(*fit.measures, *rows))


# ---------------------------------------------------------------------------------------------------------- records


@dataclass(frozen=True, slots=True)
class _Measured:
    """What the measures of one judge at one time share."""

    judge: FittedJudge
    at: datetime

    def agreement(self, one: Agreement, probe: str, labels: str, n: int) -> FittedMeasure:
        gain, estimate = one.gain, one.estimate
        learned_from = 0 if one.scorer != "fitted" else self.judge.texts
        learned_from = learned_from * (FOLDS - 1) // FOLDS
        return FittedMeasure(
            *(self.judge.fingerprint, labels, probe, one.scorer, one.measure, learned_from, n),
            *(estimate.value, estimate.low, estimate.high),
            *((gain.value, gain.low, gain.high) if gain else (None, None, None)),
            estimate.effective_authors,
            _FLAGS.get(estimate.flags[0], estimate.flags[0]) if estimate.flags else None,
            self.at,
        )

    def point(self, one: CurvePoint) -> FittedMeasure:
        spread = Estimate(one.auc, one.low, one.high)
        row = self.agreement(Agreement("fitted", "auc", spread), "curve", self.judge.labels, self.judge.texts)
        return replace(row, learned_from=one.labels)


def parts_of(fit: LabelFit) -> tuple[str, str]:
    """Its parts in the lake: the judge and its measures."""
    fingerprint, at = fit.judge.fingerprint, fit.measures[0].measured_at
    return (
        f"fitted_judges/{fingerprint}.parquet",
        f"fitted_measures/{fingerprint}-{at:%Y%m%dT%H%M%S}.parquet",
    )
