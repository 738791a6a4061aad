"""How sure a finding is, in sentences: what else could explain it, and who is left out."""

from __future__ import annotations

from collections.abc import Iterable

from tasks.estimators import Estimator, spearman_given
from tasks.records import Finding
from tasks.sentences.estimates import figure, interval, is_interval, reading
from tasks.sentences.numbers import decimal, models, percent
from tasks.sentences.words import plain, upper_first

_WHY = {"none": "that have no card", "empty": "whose card is empty", "failed": "whose card could not be read"}


def doubts_of(findings: Iterable[Finding], outcome: str) -> list[str]:
    """The questions of a sceptical reader about score and `outcome`, answered by the findings that there are."""
    rows = list(findings)
    asked = (_of_length(rows, outcome), _of_nothing(rows, outcome), _of_hidden_causes(rows, outcome))
    return [text for text in (*asked, *_of_left_out(rows, outcome)) if text]


def _find(findings: list[Finding], question: str, outcome: str, estimator: str) -> Finding | None:
    return next(
        (
            f
            for f in findings
            if (f.question, f.outcome, f.estimator, f.stratum) == (question, outcome, estimator, "all")
        ),
        None,
    )


def _of_length(findings: list[Finding], outcome: str) -> str | None:
    given = _find(findings, "partial_rank_correlation", outcome, spearman_given("words"))
    plainly = _find(findings, "rank_correlation", outcome, Estimator.SPEARMAN)
    if given is None or plainly is None or not is_interval(given):
        return None
    whatever = figure(plainly, plainly.estimate)
    return (
        f"Is it the length of the card? Among cards of equal length Spearman ρ is {_numbers(given)}; whatever their "
        f"length it is {whatever}."
    )


def _of_nothing(findings: list[Finding], outcome: str) -> str | None:
    control = _find(findings, "negative_control", outcome, Estimator.SPEARMAN_PER_AUTHOR)
    if control is None or not is_interval(control):
        return None
    found = f"Spearman ρ, each author weighing one, {_numbers(control)}"
    opening = f"Would the method find what is not there? The {plain(control.predictor)} cannot matter"
    if reading(control) == "unclear":
        return f"{opening}, and nothing is found for it ({found})."
    return f"{opening}, yet something is found for it ({found}): other causes can make associations of that size."


def _of_hidden_causes(findings: list[Finding], outcome: str) -> str | None:
    value = _find(findings, "robustness", outcome, Estimator.ROBUSTNESS_VALUE)
    if value is None or value.estimate is None:
        return None
    least = f", and {percent(value.ci_low)} to make it unclear" if value.ci_low else ""
    return (
        "Could a hidden cause explain it? One that nobody measured would have to explain "
        f"{percent(value.estimate)} of what the controls leave of both the score and {outcome} to explain all of "
        f"it{least} (robustness value)."
    )


def _of_left_out(findings: list[Finding], outcome: str) -> list[str]:
    texts = []
    for f in findings:
        if f.question != "left_out" or f.outcome != outcome or reading(f) not in ("more", "less"):
            continue
        why = _WHY.get(
            f.stratum.removeprefix("status="), f"left out as {plain(f.stratum.removeprefix('status='))}"
        )
        direction = "more" if reading(f) == "more" else "fewer"
        texts.append(
            f"Who is left out? Models {why} have {direction} {outcome} than scored ones (Cliff’s δ {_numbers(f)}, "
            f"among {models(f.n)})."
        )
    return texts


def _numbers(finding: Finding) -> str:
    return f"{figure(finding, finding.estimate)}, {interval(finding)}"


def steps_sentence(findings: Iterable[Finding], outcome: str) -> str | None:
    """Where popularity is lowest and highest along the score, and whether it falls above the highest step."""
    steps = [f for f in findings if f.outcome == outcome and f.question == "dose_response" and is_interval(f)]
    if len(steps) < 2:
        return None
    lowest, highest = (choose(steps, key=lambda f: f.estimate or 0.0) for choose in (min, max))
    text = (
        f"{upper_first(outcome)} are lowest at scores of {_span(lowest)} (mean rank {decimal(lowest.estimate)}) and "
        f"highest at {_span(highest)} ({decimal(highest.estimate)})"
    )
    above = [f for f in steps if _start(f) > _start(highest)]
    if any((f.ci_high or 1.0) < (highest.ci_low or 0.0) for f in above):
        return f"{text}; above that they are lower."
    if above:
        return f"{text}; whether they are lower above that is not clear."
    return f"{text}."


def _span(finding: Finding) -> str:
    return finding.stratum.removeprefix("score=")


def _start(finding: Finding) -> float:
    return float(_span(finding).split(" to ")[0])
