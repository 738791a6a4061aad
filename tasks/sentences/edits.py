"""Event studies of card edits: trends before the edit, power, and whether the text may speak of an effect.

Every p here is by randomisation (`tasks/findings/reassignment.py`), and an interval excludes 0 exactly where p < 0.05.
"""

from __future__ import annotations

from collections.abc import Iterable

from tasks.estimators import Estimator
from tasks.records import Finding
from tasks.sentences.estimates import change, is_multiplicative, reading
from tasks.sentences.numbers import NARROW, decimal, models, probability
from tasks.sentences.words import estimator_words, plain

_EVENT_STUDIES = {Estimator.POISSON_STACKED, Estimator.OLS_STACKED, Estimator.WALD}


def by_chance(finding: Finding) -> str:
    """`, p 0.012 by randomisation`: how often edits assigned at random differ as much; empty for other questions."""
    if finding.p is None or finding.question not in ("edit_effect", "edit_curve"):
        return ""
    return f", p {probability(finding.p)} by randomisation"


def tested(finding: Finding) -> str:
    """The test for trends before an edit, and the effect that a study of this size could detect."""
    what, edited = plain(finding.outcome), models(finding.n)
    if finding.estimate is None:
        return f"of {edited} edited, nothing can be said about {what} before the edit"
    if finding.question == "edit_power":
        size = change(finding.estimate) if is_multiplicative(finding) else decimal(finding.estimate)
        return (
            f"with {edited} edited, a difference of {size} in {what} would be detected with 80{NARROW}% power"
        )
    test = f"{estimator_words(finding.estimator)}: p {probability(finding.p)}"
    if finding.p is None or finding.p < 0.05:
        return f"{what} of the {edited} edited already had another trend than the others before the edit ({test})"
    return f"{what} of the {edited} edited show no other trend than the others before the edit in this test ({test})"


def edit_verdict(findings: Iterable[Finding], outcome: str) -> str | None:
    """Whether what follows a documentation edit is an association or an effect, and why; null without an estimate.

    It is called an effect only where the difference after the edit is clear, the weeks before it show no trend, and
    edits that document nothing more are followed by no clear difference.
    """
    estimates = {
        (f.question, f.predictor): f
        for f in findings
        if f.outcome == outcome and f.estimator in _EVENT_STUDIES
    }
    effect, trend = (
        estimates.get((question, "documentation_edit")) for question in ("edit_effect", "edit_pretrend")
    )
    placebo = estimates.get(("edit_effect", "cosmetic_edit"))
    if effect is None:
        return None
    if reading(effect) not in ("more", "less"):
        return "No effect is visible, which does not prove that there is none."
    doubts = []
    if trend is None or trend.p is None:
        doubts.append("trends before the edit could not be tested")
    elif trend.p < 0.05:
        doubts.append("the edited models moved differently already before it")
    if placebo is None or reading(placebo) in ("nothing", "unsettled"):
        doubts.append("there are too few other edits to compare with")
    elif reading(placebo) != "unclear":
        doubts.append("edits that document nothing more are followed by a difference too")
    if doubts:
        return f"This is an association, not an effect: {' and '.join(doubts)}."
    return (
        "This may be read as an effect of the edit: models edited later moved alike until then, and edits that "
        "document nothing more are followed by no clear difference. Edits were not assigned at random."
    )
