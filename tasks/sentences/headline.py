"""The one sentence on top."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tasks.estimators import Estimator
from tasks.records import Finding
from tasks.sentences.estimates import figure, interval, reading, strength
from tasks.sentences.numbers import models
from tasks.sentences.words import caveats, judge_words, plain


def main_finding(findings: Iterable[Finding], outcome: str) -> Finding | None:
    """Spearman's correlation of the score with `outcome` over all models, if it was asked."""
    wanted = ("rank_correlation", outcome, "score", "all", Estimator.SPEARMAN)
    return next(
        (f for f in findings if (f.question, f.outcome, f.predictor, f.stratum, f.estimator) == wanted), None
    )


def _tendency(finding: Finding) -> str:
    said, what = reading(finding), plain(finding.outcome)
    if said not in ("more", "less", "unclear"):
        return f"say nothing yet about {what}"
    numbers = f"Spearman ρ {figure(finding, finding.estimate)}, {interval(finding)}"
    if said == "unclear":
        return f"show no clear association with {what} ({numbers})"
    return f"tend to have {'more' if said == 'more' else 'fewer'} {what} ({strength(finding)}: {numbers})"


def _scored(judge: str) -> str:
    if judge == "checklist":
        return "Models whose card scores higher on the checklist"
    return f"Models whose card {judge_words(judge)} scores higher"


def headline(findings: Sequence[Finding]) -> str:
    """The sentence for the top of the page and of the README: score with downloads and likes, all models."""
    mains = [
        f for f in (main_finding(findings, "downloads"), main_finding(findings, "likes")) if f is not None
    ]
    if not any(reading(f) in ("more", "less", "unclear") for f in mains):
        return "There are too few scored cards to say how documentation goes with popularity."
    joint = " and " if len({reading(f) for f in mains}) == 1 else ", but "
    text = f"{_scored(mains[0].judge)} {joint.join(map(_tendency, mains))}"
    few = caveats(["few_models"]) if any("few_models" in f.flags for f in mains) else ""
    return f"{text}, among {models(max(f.n for f in mains))}. {few}".rstrip()
