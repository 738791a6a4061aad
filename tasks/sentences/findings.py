"""A finding as a sentence."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from tasks.estimators import Estimator
from tasks.records import OUTCOMES, Finding, Scope
from tasks.sentences.edits import by_chance, tested
from tasks.sentences.estimates import (
    ends,
    figure,
    interval,
    is_as_factor,
    is_interval,
    is_multiplicative,
    is_number,
    is_ranked,
    reading,
    reading_without,
    strength,
    without,
)
from tasks.sentences.numbers import count, decimal, interval_words, models, percent
from tasks.sentences.scopes import counted_of, scope_words, scored_of
from tasks.sentences.words import (
    caveats,
    estimator_words,
    ingredient_words,
    judge_words,
    plain,
    question_words,
    upper_first,
)

_SLOPES = {Estimator.HUBER, Estimator.TUKEY, Estimator.MEDIAN, Estimator.THEIL_SEN, Estimator.OLS_STACKED}
_CONTROLLED = "with the controls held equal"


@dataclass(frozen=True, slots=True)
class _Wording:
    """How sentences name a predictor: a higher value of it, one unit more of it, and the predictor itself."""

    higher: str
    step: str
    noun: str


_PREDICTORS = {
    "score": _Wording("a higher score", "one point more of score", "score"),
    "label": _Wording("a higher score by people", "one point more of people’s score", "people’s score"),
    "has_card": _Wording("having a card", "having a card", "having a card"),
    "documentation_edit": _Wording(*["an edit that documents more"] * 3),
    "cosmetic_edit": _Wording(*["an edit that documents nothing more"] * 3),
}


def _wording(predictor: str) -> _Wording:
    noun = ingredient_words(predictor)
    if predictor.startswith(("check:", "criterion:", "conversions:")):
        return _Wording(*[f"“{noun}”"] * 3)
    return _PREDICTORS.get(predictor) or _Wording(f"a higher {noun}", f"one unit more of {noun}", noun)


def _among(finding: Finding, scope: Scope | None) -> str:
    """Which models and how many, as the opening of a sentence."""
    name, n = finding.stratum, counted_of(finding.n, scope)
    kind, is_part, value = name.partition("=")
    known = {
        "all": f"Among {n}",
        "without_outliers": f"With outliers left out ({n})",
        "no_card_lowest": f"Counting no card as the lowest score, among {n}",
        "labelled": f"Among {n} that people labelled",
        "not_generated": f"Among {n} whose card is neither generated nor an unfilled template",
    }
    if is_part:
        return f"Among {n} of the {plain(kind)} {value}"
    return known.get(name) or f"Among {n} ({plain(name)})"


def _times(finding: Finding, more: str, fewer: str) -> str:
    """`about 35 % more`, `about 2.4 times the`: a factor in words, in the unit of its interval (`figure`)."""
    factor = math.exp(min(finding.estimate or 0.0, 50.0))
    if is_as_factor(finding):
        return f"about {decimal(factor, 1 if factor >= 2 else 2)} times the"
    return f"about {percent(abs(factor - 1))} {more if factor > 1 else fewer}"


def _more(finding: Finding) -> str:
    """`about 35 % more downloads`, `about 20 % lower odds of any likes`, `0.8 fewer downloads`, `more likes`."""
    what, size = plain(finding.outcome), finding.estimate or 0.0
    direction = "more" if size > 0 else "fewer"
    if finding.estimator == Estimator.LOGIT:
        return f"{_times(finding, 'higher', 'lower')} odds of {what}"
    if is_multiplicative(finding):
        return f"{_times(finding, 'more', 'fewer')} {what}"
    if finding.estimator in _SLOPES:
        return f"about {decimal(abs(size))} {direction} {what}"
    return f"{direction} {what}"


def _claim(finding: Finding) -> str:
    """The clear case: the interval lies on one side of zero."""
    words = _wording(finding.predictor)
    return f"{words.higher if is_ranked(finding) else words.step} goes with {_more(finding)}"


def _doubts(finding: Finding, unsaid: Collection[str]) -> str:
    """Warnings, and whether correction for multiple tests removes the finding."""
    flags = [flag for flag in finding.flags if flag not in {"not_converged", "constant", *unsaid}]
    lost = (
        finding.p_adjusted is not None and finding.p_adjusted > 0.05 and reading(finding) in ("more", "less")
    )
    corrected = "Corrected for the number of questions asked, it may be chance." if lost else ""
    return " ".join(part for part in (corrected, caveats(flags)) if part)


def _edge(finding: Finding) -> str:
    return count(finding.estimate) if abs(finding.estimate or 0.0) >= 100 else decimal(finding.estimate, 1)


def _counted(finding: Finding) -> str:
    """Findings that are counts: outliers, and models without an outcome or a score."""
    what, n = plain(finding.outcome), models(finding.n)
    known: dict[str, str] = {
        Estimator.MODELS_REMOVED: f"{count(finding.estimate)} of {n} are outliers in {what}",
        Estimator.FENCE: f"A model is an outlier in {what} beyond {_edge(finding)}",
        Estimator.FENCE_BELOW: f"A model is an outlier in {what} below {_edge(finding)}",
        Estimator.WITHOUT_SCORE: f"{count(finding.estimate)} of {n} have no score",
        Estimator.WITHOUT_OUTCOME: f"{count(finding.estimate)} of {n} have no number of {what}",
    }
    if finding.estimate is None or not math.isfinite(finding.estimate):
        return f"{question_words(finding.question).capitalize()} in {what} cannot be determined from {n}"
    return known.get(finding.estimator) or (
        f"{question_words(finding.question).capitalize()} in {what}, {estimator_words(finding.estimator)}: "
        f"{decimal(finding.estimate)} ({n})"
    )


def _why_nothing(finding: Finding) -> str:
    known = {
        "not_converged": "the fit did not converge",
        "constant": "one of the numbers is the same everywhere",
    }
    return next((why for flag, why in known.items() if flag in finding.flags), "too little to estimate from")


def _association(finding: Finding) -> str:
    how = estimator_words(finding.estimator)
    pair = f"{_wording(finding.predictor).noun} and {plain(finding.outcome)}"
    verdict, value = reading(finding), figure(finding, finding.estimate)
    if verdict == "nothing":
        return f"nothing can be said about {pair} ({how}: {_why_nothing(finding)})"
    if verdict == "unsettled":
        return f"{pair} are compared without an interval ({how} {value}), which settles nothing"
    numbers = f"{how} {value}, {interval(finding)}{by_chance(finding)}"
    if verdict == "one_author":
        return f"an association between {pair} hangs on one author ({numbers}; {without(finding)})"
    if verdict == "unclear":
        but = f"; {without(finding)}" if reading_without(finding) in ("more", "less") else ""
        return f"there is no clear association between {pair} ({numbers}{but})"
    size = f"{strength(finding)}: " * is_ranked(finding)
    return f"{_claim(finding)} ({size}{numbers})"


def _share(finding: Finding, scope: Scope | None) -> str:
    """The share of the cards of a tier that are something, or fill a section."""
    known = {"is_generated": "are generated", "is_copied": "are nearly the same as those of other models"}
    what = known.get(finding.outcome) or f"fill the section {plain(finding.outcome.removeprefix('section:'))}"
    tier = finding.stratum.removeprefix("tier=")
    whole = scope_words(scope) if scope else "all models"
    ranked = "models" if whole == "all models" else whole
    among = whole if tier == "all" else f"the {tier.removeprefix('the ')} of {ranked} by downloads"
    if finding.estimate is None:
        return f"of {count(finding.n)} cards of {among} nothing can be said"
    span = ""
    if is_interval(finding):
        span = f", {interval_words(*map(percent, ends(finding)))}"
    return f"of {count(finding.n)} cards of {among} {percent(finding.estimate)} {what}{span}"


def sentence(
    finding: Finding, scope: Scope | None = None, *, unsaid: Collection[str] = (), among: bool = True
) -> str:
    """One finding as one sentence with its numbers, followed by its warnings except those in `unsaid`.

    `scope`: the models of the snapshot; null for a table of models. Without `among` it does not name the models: for a
    list below a heading that does.
    """
    if is_number(finding):
        text = _counted(finding)
    elif finding.question in ("edit_pretrend", "edit_power"):
        text = tested(finding)
    elif finding.question == "documentation":
        text = _share(finding, scope)
    else:
        openings = [_among(finding, scope)] * among + [_CONTROLLED] * finding.question.endswith("_controlled")
        text = ", ".join([*openings, _association(finding)])
    return f"{upper_first(text)}. {_doubts(finding, unsaid)}".rstrip()


# ---- the sentence on top


def main_finding(
    findings: Iterable[Finding], outcome: str, *estimators: str, question: str = "rank_correlation"
) -> Finding | None:
    """The answer of the first of `estimators` that there is, for the score with `outcome` over all models.

    By default Spearman's correlation with each author weighing one, else with each model weighing one.
    """
    found = {
        f.estimator: f
        for f in findings
        if (f.question, f.outcome, f.predictor, f.stratum) == (question, outcome, "score", "all")
    }
    named = estimators or (Estimator.SPEARMAN_PER_AUTHOR, Estimator.SPEARMAN)
    return next((found[name] for name in named if name in found), None)


def _tendency(finding: Finding) -> str:
    verdict, what = reading(finding), plain(finding.outcome)
    if verdict in ("nothing", "unsettled"):
        return f"say nothing yet about {what}"
    numbers = f"Spearman ρ {figure(finding, finding.estimate)}, {interval(finding)}"
    if verdict == "one_author":
        return f"show an association with {what} that hangs on one author ({numbers}; {without(finding)})"
    if verdict == "unclear":
        return f"show no clear association with {what} ({numbers})"
    return f"tend to have {'more' if verdict == 'more' else 'fewer'} {what} ({strength(finding)}: {numbers})"


_SCORED = {"checklist": "Models whose card scores higher on the checklist"}


def _scored(judge: str) -> str:
    return _SCORED.get(judge, f"Models whose card {judge_words(judge)} scores higher")


def headline(findings: Sequence[Finding], scope: Scope | None = None) -> str:
    """The sentence on top of the page: the score with downloads and likes, and among which models.

    An outcome that the models were selected by is no headline: it follows in a sentence that says so.
    """
    selected_on = scope.selected_on if scope else None
    mains = {outcome: f for outcome in OUTCOMES if (f := main_finding(findings, outcome)) is not None}
    selected = mains.pop(selected_on, None) if selected_on else None
    told = list(mains.values())
    if all(reading(f) in ("nothing", "unsettled") for f in told):
        return "There are too few scored cards to say how documentation goes with popularity."
    joint = " and " if len({reading(f) for f in told}) == 1 else ", but "
    text = f"{_scored(told[0].judge)} {joint.join(map(_tendency, told))}"
    text = f"{text}, among {scored_of(max(f.n for f in told), scope)}{_weighing(told)}."
    aside = _selected(selected) if selected else ""
    few = caveats(["few_models"]) if any("few_models" in f.flags for f in told) else ""
    return " ".join(part for part in (text, aside, few) if part)


def _selected(finding: Finding) -> str:
    """What remains to be said on an outcome that the models were selected by."""
    what = plain(finding.outcome)
    numbers = f" (Spearman ρ {figure(finding, finding.estimate)}, {interval(finding)})"
    return (
        f"They were selected by {what}, so the association with {what} among them{numbers * is_interval(finding)} "
        "says little about models in general."
    )


def _weighing(mains: Sequence[Finding]) -> str:
    """Who weighs how much in the headline, and why."""
    authors = max(f.n_clusters or 0 for f in mains)
    is_per_author = mains[0].estimator == Estimator.SPEARMAN_PER_AUTHOR
    if not is_per_author or authors == max(f.n for f in mains):
        return ""
    return f", by {count(authors)} authors, each author weighing one so that none decides the answer"


def beside_headline(findings: Sequence[Finding], scope: Scope | None = None) -> list[str]:
    """What else a reader must know of the headline: by other weights, and what it means for a typical model."""
    texts = []
    selected_on = scope.selected_on if scope else None
    outcomes = [what for what in OUTCOMES if what != selected_on]
    for estimator, opening in (
        (Estimator.SPEARMAN, "Each model weighing one"),
        (Estimator.SPEARMAN_WITHIN_AUTHOR, "Among models of the same author"),
    ):
        found = [f for f in (main_finding(findings, what, estimator) for what in outcomes) if f is not None]
        parts = [_with_numbers(f) for f in found if is_interval(f)]
        if parts:
            texts.append(f"{opening}, Spearman ρ is {' and '.join(parts)}.")
    sizes = [
        f
        for what in outcomes
        if (f := main_finding(findings, f"log1p_{what}", Estimator.HUBER, question="regression_controlled"))
        and reading(f) in ("more", "less")
    ]
    if sizes:
        parts = [f"{_more(f)} ({interval(f)})" for f in sizes]
        texts.append(
            f"All else equal, a typical model with one point more has {' and '.join(parts)} (Huber regression)."
        )
    return texts


def _with_numbers(finding: Finding) -> str:
    hangs = f"; {without(finding)}" if reading(finding) != reading_without(finding) else ""
    numbers = f"{figure(finding, finding.estimate)} with {plain(finding.outcome)}"
    return f"{numbers} ({' to '.join(figure(finding, end) for end in ends(finding))}{hangs})"


# ---- corrected for the judge's error


def as_people_score(findings: Iterable[Finding], outcome: str) -> str | None:
    """The rank correlation by the judge's score and corrected for its error; null where there are no labels."""
    estimates = [
        f
        for f in findings
        if (f.question, f.outcome, f.estimator) == ("judge_error", outcome, Estimator.SPEARMAN)
    ]
    labelled = next((f for f in estimates if f.stratum == "labelled"), None)
    if labelled is None:
        return None
    corrected = next(f for f in estimates if f.stratum == "all" and f.predictor == labelled.predictor)
    judged = next(f for f in estimates if f.predictor != labelled.predictor)
    what, few = plain(outcome), caveats(corrected.flags)
    if not is_interval(corrected) or not is_interval(judged):
        return f"Labels of {models(labelled.n)} are too few to correct {what} for judge error. {few}".rstrip()
    how = estimator_words(corrected.estimator)
    text = (
        f"Among {models(corrected.n)}, {how} of {what} with the judge’s score is {figure(judged, judged.estimate)} "
        f"({interval(judged)}), and with people’s score, estimated from labels of {models(labelled.n)}, "
        f"{figure(corrected, corrected.estimate)} ({interval(corrected)})."
    )
    if reading(corrected) == "unclear":
        text += " With people’s score there is no clear association."
    return f"{text} {few}".rstrip()
