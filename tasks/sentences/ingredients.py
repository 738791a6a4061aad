"""What in a card goes with popularity, in sentences: what holds, and what is often advised and does not."""

from __future__ import annotations

from collections.abc import Iterable

from tasks.estimators import Estimator
from tasks.records import Finding
from tasks.sentences.numbers import decimal
from tasks.sentences.words import ingredient_words, plain

SIGNIFICANT = 0.05
_STRONGEST = 3
# What popular models are said to do: worth a word where the data do not show it.
_ADVISED = (
    "tags",
    "metadata",
    "conversions:gguf",
    "check:intended_use",
    "check:limitations_stated",
    "check:has_snippet",
    "space",
)


def does_hold(finding: Finding) -> bool:
    """Whether the association remains after correction for the number of ingredients."""
    return finding.p_adjusted is not None and finding.p_adjusted <= SIGNIFICANT


def is_made_of_checks(finding: Finding) -> bool:
    """Whether it is the level of a criterion, which repeats the checks that it is composed of."""
    return finding.predictor.startswith("criterion:")


def is_detail(finding: Finding) -> bool:
    """Whether it is an estimate of an ingredient other than the one of all models with controls: there are many."""
    main = ("all", Estimator.SPEARMAN_GIVEN_CONTROLS)
    return finding.question == "ingredient" and (finding.stratum, finding.estimator) != main


def ingredients_summary(findings: Iterable[Finding], outcome: str) -> str:
    """The strongest that hold, how many do jointly, and which of the advised do not; empty without an estimate."""
    own = [
        f
        for f in findings
        if (f.question, f.outcome, f.stratum) == ("ingredient", outcome, "all") and not is_made_of_checks(f)
    ]
    controlled = [f for f in own if f.estimator == Estimator.SPEARMAN_GIVEN_CONTROLS]
    estimated = [f for f in controlled if f.estimate is not None]
    if not estimated:
        return ""
    return " ".join(filter(None, (_held(own, estimated, outcome), _not_held(controlled))))


def _held(own: list[Finding], estimated: list[Finding], outcome: str) -> str:
    what = plain(outcome)
    more, less = ([f for f in estimated if does_hold(f) and (f.estimate or 0) * sign > 0] for sign in (1, -1))
    if not more and not less:
        return f"At equal controls, none of {len(estimated)} ingredients clearly goes with {what}."
    more.sort(key=lambda f: -(f.estimate or 0))
    strongest = f", most of all {_listed(more[:_STRONGEST])}" if more else ""
    jointly = {f.predictor for f in own if f.estimator == Estimator.SPEARMAN_GIVEN_ALL and does_hold(f)}
    left = sum(f.predictor in jointly for f in more)
    return (
        f"At equal controls, {len(more)} of {len(estimated)} ingredients go with more {what}{strongest}; "
        f"{len(less)} with fewer. With all other ingredients equal too, {left} of the {len(more)} are left."
    )


def _not_held(controlled: list[Finding]) -> str:
    """Which of what is advised is not clear, and which is too rare."""
    advised = [f for name in _ADVISED for f in controlled if f.predictor == name and not does_hold(f)]
    unclear, unknown = ([f for f in advised if (f.estimate is None) == is_null] for is_null in (False, True))
    parts = []
    if unclear:
        parts.append(f"No clear association: {_listed(unclear)}.")
    if unknown:
        names = ", ".join(ingredient_words(f.predictor) for f in unknown)
        parts.append(f"Too rare here to say: {names}.")
    return " ".join(parts)


def _listed(findings: list[Finding]) -> str:
    return ", ".join(f"{ingredient_words(f.predictor)} ({decimal(f.estimate)})" for f in findings)
