"""The score as people would give it: what the correction for the judge's error changes."""

from __future__ import annotations

from collections.abc import Iterable

from tasks.estimators import Estimator
from tasks.records import Finding
from tasks.sentences.estimates import figure, interval, is_interval, reading
from tasks.sentences.numbers import models
from tasks.sentences.words import caveats, estimator_words, plain


def as_people_score(findings: Iterable[Finding], outcome: str) -> str | None:
    """The rank correlation corrected for the judge's error beside the judge's own; null where nobody labelled."""
    asked = [
        f
        for f in findings
        if (f.question, f.outcome, f.estimator) == ("judge_error", outcome, Estimator.SPEARMAN)
    ]
    labelled = next((f for f in asked if f.stratum == "labelled"), None)
    if labelled is None:
        return None
    corrected = next(f for f in asked if f.stratum == "all" and f.predictor == labelled.predictor)
    judged = next(f for f in asked if f.predictor != labelled.predictor)
    what, few = plain(outcome), caveats(corrected.flags)
    if not is_interval(corrected) or not is_interval(judged):
        return f"Labels of {models(labelled.n)} are too few to correct {what} for the judge’s error. {few}".rstrip()
    how = estimator_words(corrected.estimator)
    told = (
        f"Among {models(corrected.n)}, {how} of {what} with the judge’s score is {figure(judged, judged.estimate)} "
        f"({interval(judged)}), and with people’s score, by the labels of {models(labelled.n)}, "
        f"{figure(corrected, corrected.estimate)} ({interval(corrected)})."
    )
    if reading(corrected) == "unclear":
        told += " With people’s score there is no clear association."
    return f"{told} {few}".rstrip()
