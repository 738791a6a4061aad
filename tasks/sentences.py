"""From findings to plain English that claims no more than the interval does.

Every sentence speaks of association ("goes with"), never of effect; where the interval contains zero it says
"no clear association", whatever the estimate. Numbers carry narrow no-break spaces, so that they never wrap.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from tasks.records import Finding, JudgeCard, PassportEntry

NARROW = "\u202f"
MINUS = "\u2212"

# Families by the first word of an estimator's name: `spearman_given_age_days` is a Spearman.
_RANKED = {"spearman", "kendall", "cliffs", "rank"}
_COUNTS = {"poisson", "ppml", "negative", "quasi"}
_SLOPES = {"huber", "tukey", "theil", "ols", "median", "quantile", "lad"}
_SECOND_OPINIONS = {"kendall", "tukey", "median", "theil", "logit", "hurdle"}

_FIRST_PARTIALS = {"spearman_given_controls", "spearman_given_downloads"}

_ESTIMATORS = {
    "spearman": "Spearman ρ",
    "spearman_given_controls": "Spearman ρ with all else equal",
    "kendall": "Kendall τ",
    "kendall_tau_b": "Kendall τ",
    "cliffs_delta": "Cliff’s δ",
    "huber": "Huber regression",
    "tukey": "Tukey biweight regression",
    "tukey_biweight": "Tukey biweight regression",
    "median": "median regression",
    "theil_sen": "Theil–Sen slope",
    "poisson": "Poisson regression",
    "poisson_pml": "Poisson regression",
    "hurdle_log": "regression of those that have any",
    "negative_binomial": "negative binomial regression",
    "logit": "logistic regression",
    "ols": "least squares",
    "poisson_stacked": "stacked Poisson event study",
    "ols_stacked": "stacked event study",
    "lpdid": "local projections",
    "wald": "Wald’s test",
    "minimum_detectable": "smallest effect found four times in five",
}
_COLUMNS = {
    "likes_gained": "likes gained a week",
    "downloads_gained": "downloads gained a week",
    "age_days": "age",
    "author_models": "number of the author’s models",
    "parameters": "number of parameters",
}
_STRATA = {
    "all": "all models",
    "without_outliers": "without outliers",
    "not_generated": "cards not generated",
    "no_card_lowest": "no card counted as the lowest score",
}
_QUESTIONS = {
    "rank_correlation": "rank correlation",
    "partial_rank_correlation": "rank correlation, adjusted",
    "regression": "regression",
    "regression_controlled": "regression with controls",
    "has_card": "having a card at all",
    "missing": "left out",
    "edit_effect": "weeks 1 to 4 after an edit",
    "edit_curve": "week by week around an edit",
    "edit_pretrend": "trends before the edit",
    "edit_power": "what this study could find",
}
_CONTROLLED = "with the controls held equal"
_FLAGS = {
    "mostly_zero": "Most of these models have none at all, so sizes say little.",
    "few_models": "Few models stand behind this: read it as a hint.",
    "few_clusters": "Few authors stand behind this: the interval may be too narrow, or missing.",
    "dominant_author": "One author owns more than a tenth of these models and weighs accordingly.",
    "not_converged": "The fit did not converge.",
    "scale_collapsed": "Most of these models share one value, so the robust scale is zero.",
    "estimators_disagree": "The robust estimators disagree here, so the size depends on the method.",
    "constant": "One of the numbers is the same everywhere.",
    "collinear": "What is held equal already determines one of the two.",
    "quantile_is_tied": "Too many of these models share the median for a regression of it.",
    "few_edits": "Fewer than thirty models were edited so.",
    "has_decreases": "Some totals went down between weeks; those weeks are left out.",
    "is_rebuilt": "Weekly downloads are rebuilt from overlapping windows of 30 days.",
    "mad_is_zero": "Most counts are the same, so a second measure of spread was used.",
}

# Upper ends of "very weak", "weak" and "moderate". Cohen (1988) for a correlation; Kendall's τ runs at about
# two thirds of Spearman's ρ; Romano et al. (2006) for Cliff's δ.
_STEPS = {"kendall": (0.07, 0.2, 0.33), "cliffs": (0.147, 0.33, 0.474)}
_COHEN = (0.1, 0.3, 0.5)
_STRENGTHS = ("very weak", "weak", "moderate", "strong")

Reading = Literal["nothing", "unsettled", "unclear", "more", "less"]


# Numbers


def count(n: float | None) -> str:
    """A whole number with narrow spaces between the thousands; an en dash for none."""
    return (
        "–" if n is None or not math.isfinite(n) else f"{round(n):,}".replace(",", NARROW).replace("-", MINUS)
    )


def decimal(value: float | None, places: int = 2) -> str:
    """Rounded, with a real minus sign; an en dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    rounded = round(value, places) or 0.0  # no "−0.00"
    return f"{rounded:,.{places}f}".replace(",", NARROW).replace("-", MINUS)


def percent(share: float | None) -> str:
    """A share in 0-1 as whole per cent; below one per cent finer, so that rare is not shown as never."""
    if share is None or not math.isfinite(share):
        return "–"
    if 0 < abs(share) < 0.0005:
        return f"<0.1{NARROW}%"
    return f"{decimal(100 * share, 1 if 0 < abs(share) < 0.00995 else 0)}{NARROW}%"


def probability(p: float | None) -> str:
    """A p-value to three places, or `< 0.001`."""
    return f"<{NARROW}0.001" if p is not None and p < 0.0005 else decimal(p, 3)


def models(n: int) -> str:
    """`1 model`, `30 000 models`."""
    return f"{count(n)} model{'s' * (n != 1)}"


def texts(n: int) -> str:
    """`1 text`, `30 000 texts`."""
    return f"{count(n)} text{'s' * (n != 1)}"


def rate(per_second: float | None) -> str:
    """Something a second: whole from a hundred on, two places below ten."""
    if per_second is None or not math.isfinite(per_second):
        return "–"
    return decimal(per_second, 0 if per_second >= 99.5 else 1 if per_second >= 9.95 else 2)


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3.2 h`."""
    if seconds < 100:
        return f"{decimal(seconds, 1 if seconds < 9.95 else 0)}{NARROW}s"
    if seconds < 100 * 60:
        return f"{decimal(seconds / 60, 0)}{NARROW}min"
    return f"{decimal(seconds / 3600, 1)}{NARROW}h"


def long_date(day: date) -> str:
    """`21 November 2026`."""
    return f"{day.day} {day:%B} {day.year}"


# Words


def plain(name: str) -> str:
    """A name of the code in words: `log1p_downloads` is downloads all the same."""
    bare = name.removeprefix("log1p_").removeprefix("log_")
    return _COLUMNS.get(bare) or bare.replace("_", " ").strip()


def upper_first(text: str) -> str:
    """The first letter as a capital, the others as they are."""
    return text[:1].upper() + text[1:]


def estimator_words(name: str) -> str:
    """How the estimator is called in a statistics book; `spearman_given_x` is Spearman's at equal x."""
    kind, _, given = name.partition("_given_")
    if given and name not in _ESTIMATORS:
        return f"{estimator_words(kind)} at equal {plain(given)}"
    return _ESTIMATORS.get(name, plain(name))


def question_words(name: str) -> str:
    """The question, short enough for a table."""
    return _QUESTIONS.get(name, plain(name))


def stratum_words(name: str) -> str:
    """The models meant, short enough for a legend; `library=x` is `x`."""
    return _STRATA.get(name) or (name.partition("=")[2] if "=" in name else plain(name))


def flag_words(name: str) -> str:
    """One warning as a sentence; `unknown:x` and `partly_known:x` are about the column x."""
    kind, _, column = name.partition(":")
    if kind == "unknown":
        return f"{upper_first(plain(column))} is not held equal: too few models tell theirs."
    if kind == "partly_known":
        return f"{upper_first(plain(column))} is held equal only among the models that tell theirs."
    return _FLAGS.get(name) or f"Note: {plain(name)}."


def caveats(flags: Iterable[str]) -> str:
    """All warnings as sentences, each once, in the order given."""
    return " ".join(dict.fromkeys(flag_words(flag) for flag in flags))


# What a finding is


def is_interval(finding: Finding) -> bool:
    """Whether estimate and both ends of the interval are finite numbers."""
    numbers = (finding.estimate, finding.ci_low, finding.ci_high)
    return all(number is not None and math.isfinite(number) for number in numbers)


def ends(finding: Finding) -> tuple[float, float]:
    """Both ends of the interval, lower first; only for a finding that `is_interval`."""
    low, high = sorted((finding.ci_low or 0.0, finding.ci_high or 0.0))
    return low, high


def reading(finding: Finding) -> Reading:
    """What may be said.

    `nothing` without an estimate, `unsettled` without an interval, `unclear` where zero lies inside it
    (or the estimate across zero from it), else `more` or `less`.
    """
    if finding.estimate is None or not math.isfinite(finding.estimate) or "not_converged" in finding.flags:
        return "nothing"
    if not is_interval(finding):
        return "unsettled"
    low, high = ends(finding)
    if low > 0 and finding.estimate > 0:
        return "more"
    return "less" if high < 0 and finding.estimate < 0 else "unclear"


def _family(finding: Finding) -> str:
    return finding.estimator.partition("_")[0]


def is_second_opinion(finding: Finding) -> bool:
    """Whether another estimator answers the same question first; second opinions go into tables."""
    is_partial = "_given_" in finding.estimator and finding.estimator not in _FIRST_PARTIALS
    return _family(finding) in _SECOND_OPINIONS or is_partial


def is_ranked(finding: Finding) -> bool:
    """Whether the estimate lies on the scale from -1 to 1."""
    return _family(finding) in _RANKED


def is_number(finding: Finding) -> bool:
    """Whether the estimate is a count of models or of downloads, not an association."""
    return finding.question in ("outliers", "missing")


def is_multiplicative(finding: Finding) -> bool:
    """Whether the estimate is a difference of logarithms, so that its exponential is a factor."""
    if is_ranked(finding) or is_number(finding):
        return False
    if finding.question in ("edit_power", "edit_pretrend"):
        return finding.question == "edit_power"
    return _family(finding) in _COUNTS | {"logit"} or finding.outcome.startswith(("log1p_", "log_"))


def strength(finding: Finding) -> str:
    """The size of a rank correlation in words that hold over the whole interval: `weak to moderate`."""
    steps = _STEPS.get(_family(finding), _COHEN)
    weakest, strongest = sorted(abs(end) for end in ends(finding))
    words = [_STRENGTHS[sum(size >= step for step in steps)] for size in (weakest, strongest)]
    return " to ".join(dict.fromkeys(words))


def change(log_ratio: float, *, as_factor: bool = False) -> str:
    """A difference of logarithms as `+35 %`, or as `×1.35`."""
    factor = math.exp(min(log_ratio, 50.0))
    if as_factor:
        return f"×{decimal(factor, 1 if factor >= 2 else 2)}"
    return f"{'+' if factor >= 1.005 else ''}{decimal(100 * (factor - 1), 0)}{NARROW}%"


def figure(finding: Finding, value: float | None) -> str:
    """One number of a finding in its own unit; factors where the finding holds any doubling."""
    if value is None or not math.isfinite(value):
        return "–"
    if not is_multiplicative(finding):
        return decimal(value)
    numbers = (finding.estimate, finding.ci_low, finding.ci_high)
    return change(value, as_factor=any(n is not None and math.exp(min(n, 50.0)) >= 2 for n in numbers))


def interval(finding: Finding) -> str:
    """`95 % interval 0.15 to 0.27`, in the finding's own unit."""
    low, high = ends(finding)
    return f"95{NARROW}% interval {figure(finding, low)} to {figure(finding, high)}"


@dataclass(frozen=True, slots=True)
class _Wording:
    """How a predictor is spoken of: when it is higher, and by which step a slope counts it."""

    higher: str
    step: str
    noun: str


_PREDICTORS = {
    "score": _Wording("a higher score", "one point more of score", "score"),
    "has_card": _Wording("having a card", "having a card", "having a card"),
    "documentation_edit": _Wording(*["an edit that documents more"] * 3),
    "cosmetic_edit": _Wording(*["an edit that documents nothing more"] * 3),
}


def _wording(predictor: str) -> _Wording:
    noun = plain(predictor)
    return _PREDICTORS.get(predictor) or _Wording(f"a higher {noun}", f"one unit more of {noun}", noun)


def _among(finding: Finding) -> str:
    """Which models, with their number, as the opening of a sentence."""
    name, n = finding.stratum, models(finding.n)
    kind, is_part, value = name.partition("=")
    known = {
        "all": f"Among {n}",
        "without_outliers": f"With outliers left out ({n})",
        "no_card_lowest": f"Counting no card as the lowest score, among {n}",
        "not_generated": f"Among {n} whose card is neither generated nor an unfilled template",
    }
    if is_part:
        return f"Among {n} of the {plain(kind)} {value}"
    return known.get(name) or f"Among {n} ({plain(name)})"


def _times(finding: Finding, more: str, fewer: str) -> str:
    """`about 35 % more`, `about 2.4 times the`: a factor in words."""
    factor = math.exp(min(finding.estimate or 0.0, 50.0))
    if factor >= 2:
        return f"about {decimal(factor, 1)} times the"
    return f"about {percent(abs(factor - 1))} {more if factor > 1 else fewer}"


def _more(finding: Finding) -> str:
    """`about 35 % more downloads`, `about 20 % lower odds of any likes`, `0.8 fewer downloads`, `more likes`."""
    what, size = plain(finding.outcome), finding.estimate or 0.0
    direction = "more" if size > 0 else "fewer"
    if _family(finding) == "logit":
        return f"{_times(finding, 'higher', 'lower')} odds of {what}"
    if is_multiplicative(finding):
        return f"{_times(finding, 'more', 'fewer')} {what}"
    if _family(finding) in _SLOPES:
        return f"about {decimal(abs(size))} {direction} {what}"
    return f"{direction} {what}"


def _claim(finding: Finding) -> str:
    """The clear case: the interval lies on one side of zero."""
    words = _wording(finding.predictor)
    return f"{words.higher if is_ranked(finding) else words.step} goes with {_more(finding)}"


def _doubts(finding: Finding, unsaid: Collection[str]) -> str:
    """Warnings, and the correction for many questions where it takes the finding back."""
    flags = [flag for flag in finding.flags if flag not in {"not_converged", "constant", *unsaid}]
    lost = (
        finding.p_adjusted is not None and finding.p_adjusted > 0.05 and reading(finding) in ("more", "less")
    )
    corrected = "Corrected for the number of questions asked, it may be chance." if lost else ""
    return " ".join(part for part in (corrected, caveats(flags)) if part)


def _edge(finding: Finding) -> str:
    return count(finding.estimate) if abs(finding.estimate or 0.0) >= 100 else decimal(finding.estimate, 1)


def _counted(finding: Finding) -> str:
    """Findings that count: outliers, and models that no estimate could use."""
    what, n = plain(finding.outcome), models(finding.n)
    known = {
        "models_removed": f"{count(finding.estimate)} of {n} are outliers in {what}",
        "fence": f"A model is an outlier in {what} beyond {_edge(finding)}",
        "fence_below": f"A model is an outlier in {what} below {_edge(finding)}",
        "without_score": f"{count(finding.estimate)} of {n} have no score",
        "without_outcome": f"{count(finding.estimate)} of {n} have no number of {what}",
    }
    if finding.estimate is None or not math.isfinite(finding.estimate):
        return f"{question_words(finding.question).capitalize()} in {what} cannot be told from {n}"
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
    said, value = reading(finding), figure(finding, finding.estimate)
    if said == "nothing":
        return f"nothing can be said about {pair} ({how}: {_why_nothing(finding)})"
    if said == "unsettled":
        return f"{pair} are compared without an interval ({how} {value}), which settles nothing"
    numbers = f"{how} {value}, {interval(finding)}"
    if said == "unclear":
        return f"there is no clear association between {pair} ({numbers})"
    size = f"{strength(finding)}: " * is_ranked(finding)
    return f"{_claim(finding)} ({size}{numbers})"


def _tested(finding: Finding) -> str:
    """Trends before an edit, and what a study of this size could have found."""
    what, edited = plain(finding.outcome), models(finding.n)
    if finding.estimate is None:
        return f"of {edited} edited, nothing can be said about {what} before the edit"
    if finding.question == "edit_power":
        size = change(finding.estimate) if is_multiplicative(finding) else decimal(finding.estimate)
        return f"with {edited} edited, a difference of {size} in {what} would be found four times in five"
    told = f"{estimator_words(finding.estimator)}: p {probability(finding.p)}"
    if finding.p is None or finding.p < 0.05:
        return f"already before the edit {what} of the {edited} moved unlike those of the others ({told})"
    return f"before the edit {what} of the {edited} moved like those of the others, as far as this shows ({told})"


def _share(finding: Finding) -> str:
    """How many cards of a tier are, or fill, something."""
    known = {"is_generated": "are generated", "is_copied": "are nearly the same as those of other models"}
    what = known.get(finding.outcome) or f"fill the section {plain(finding.outcome.removeprefix('section:'))}"
    tier = finding.stratum.removeprefix("tier=")
    among = "all models" if tier == "all" else f"the {tier.removeprefix('the ')} of models by downloads"
    if finding.estimate is None:
        return f"of {count(finding.n)} cards of {among} nothing can be said"
    span = ""
    if is_interval(finding):
        low, high = ends(finding)
        span = f", 95{NARROW}% interval {percent(low)} to {percent(high)}"
    return f"of {count(finding.n)} cards of {among} {percent(finding.estimate)} {what}{span}"


def edit_verdict(findings: Iterable[Finding], outcome: str) -> str | None:
    """Whether what follows a documentation edit is an association or an effect, and why; null where nobody asked.

    An effect is only spoken of where the difference after the edit is clear, the weeks before it show no trend, and
    edits that document nothing more are followed by nothing clear.
    """
    of = {
        (f.question, f.predictor): f
        for f in findings
        if f.outcome == outcome and f.estimator in _EVENT_STUDIES
    }
    effect, placebo = of.get(("edit_effect", "documentation_edit")), of.get(("edit_effect", "cosmetic_edit"))
    trend = of.get(("edit_pretrend", "documentation_edit"))
    if effect is None:
        return None
    if reading(effect) not in ("more", "less"):
        return "No effect is seen, which is no proof that there is none."
    doubts = []
    if trend is None or trend.p is None:
        doubts.append("trends before the edit could not be tested")
    elif trend.p < 0.05:
        doubts.append("the edited moved differently already before")
    if placebo is None or reading(placebo) in ("nothing", "unsettled"):
        doubts.append("there are too few other edits to compare with")
    elif reading(placebo) != "unclear":
        doubts.append("edits that document nothing more are followed by the like")
    if doubts:
        return f"This is an association, not an effect: {' and '.join(doubts)}."
    return (
        "This may be read as an effect of the edit: models edited later moved alike until then, and edits that "
        "document nothing more are followed by no clear difference. Nobody chose at random who edits."
    )


_EVENT_STUDIES = {"poisson_stacked", "ols_stacked", "wald"}


def sentence(finding: Finding, *, unsaid: Collection[str] = (), among: bool = True) -> str:
    """One finding as one plain sentence with its numbers, followed by its warnings but those `unsaid`.

    Without `among` it does not say which models it is about, for a list below such a heading.
    """
    if is_number(finding):
        text = _counted(finding)
    elif finding.question in ("edit_pretrend", "edit_power"):
        text = _tested(finding)
    elif finding.question == "documentation":
        text = _share(finding)
    else:
        openings = [_among(finding)] * among + [_CONTROLLED] * finding.question.endswith("_controlled")
        text = ", ".join([*openings, _association(finding)])
    return f"{upper_first(text)}. {_doubts(finding, unsaid)}".rstrip()


# The one sentence on top


def main_finding(findings: Iterable[Finding], outcome: str) -> Finding | None:
    """Spearman's correlation of the score with `outcome` over all models, if it was asked."""
    wanted = ("rank_correlation", outcome, "score", "all", "spearman")
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


def judge_words(judge: str) -> str:
    """The judge as the subject of a sentence: `vllm:Qwen3` is a judge model of that name."""
    kind, _, model = judge.partition(":")
    if kind == "vllm":
        return f"the judge model {model}".rstrip()
    return "the checklist" if judge == "checklist" else f"the judge “{judge}”"


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


# What is said of a judge


def judge_note(judge: JudgeCard, passport: Sequence[PassportEntry] = ()) -> tuple[str, str]:
    """What the scores are and are not: a short heading and the sentences below it, the last one on trust."""
    trust = passport_sentence(passport)
    if judge.judge == "checklist":
        return (
            "These are scores of a rule-based checklist.",
            "No reader and no language model has judged these cards: rules look for what a card should hold "
            f"(a snippet, numbers, a license, sections) and cannot tell whether it is true, clear or useful. {trust}",
        )
    if judge.model:
        which = f"{judge.model} at {judge.revision}" if judge.revision else judge.model
        return (
            "These are scores of a language model.",
            f"The judge model {which} read each card against the rubric. No person has read them; a model may "
            f"favour certain styles and lengths, and another judge model would score differently. {trust}",
        )
    return (
        f"These are scores of the judge “{judge.judge}”.",
        f"They are one way to read a card against the rubric; another judge would score differently. {trust}",
    )


_MEASURED_TEXTS_MIN = 50


def _entry(passport: Iterable[PassportEntry], probe: str, measure: str) -> PassportEntry | None:
    """A measure of the overall score, where it gave a figure."""
    wanted = (probe, measure, "score")
    return next(
        (e for e in passport if (e.probe, e.measure, e.subject) == wanted and e.estimate is not None), None
    )


def _between(low: float | None, high: float | None) -> str:
    """`95 % interval 0.60 to 0.80`, or that there is none."""
    if low is None or high is None or not math.isfinite(low + high):
        return "no interval"
    return f"95{NARROW}% interval {decimal(low)} to {decimal(high)}"


def passport_sentence(passport: Sequence[PassportEntry]) -> str:
    """How far the judge agrees with people, or plainly that nobody knows."""
    if not passport:
        return "It has no passport: nobody has compared it with people yet."
    kappa = _entry(passport, "agreement", "quadratic_kappa")
    if kappa is None:
        return (
            "It was compared with people’s labels, which were too few or too alike to say how far it agrees."
        )
    told = (
        f"On {texts(kappa.n)} that people labelled, its scores agree with theirs to a quadratic weighted kappa of "
        f"{decimal(kappa.estimate)} ({_between(kappa.ci_low, kappa.ci_high)}), where 1 is full agreement and 0 "
        "is chance."
    )
    if kappa.n < _MEASURED_TEXTS_MIN:
        told += " Few texts stand behind this: read it as a hint."
    return told


def sway_sentences(passport: Sequence[PassportEntry]) -> list[str]:
    """What else the passport measured: the bias, the same cards again, padding, attacks; each where it was."""
    bias = _entry(passport, "agreement", "bias")
    again = _entry(passport, "consistency", "share_identical")
    padded = _entry(passport, "padding", "mean_rise")
    raised = _entry(passport, "attack", "share_raised")
    noticed = _entry(passport, "attack", "share_flagged")
    said = []
    if bias:
        said.append(f"On average it scores {_apart(bias.estimate, bias.ci_low, bias.ci_high, 'people')}.")
    if again:
        said.append(f"Asked again, it gives {percent(again.estimate)} of the cards the same score each time.")
    if padded:
        said.append(
            "Cards padded to twice their length with sentences that say nothing score "
            f"{_apart(padded.estimate, padded.ci_low, padded.ci_high, 'the same cards without')}."
        )
    if raised:
        seen = f"; {percent(noticed.estimate)} of the attacks were noticed" if noticed else ""
        said.append(
            f"Attacks written into weak cards raise the score by half a point or more in {percent(raised.estimate)} "
            f"of {count(raised.n)} tries{seen}."
        )
    return said


def _apart(difference: float | None, low: float | None, high: float | None, what: str) -> str:
    """`0.42 points above people (95 % interval 0.38 to 0.46)`, `about the same as people (…)` around zero."""
    if difference is None or low is None or high is None:
        return f"{decimal(difference)} points from {what}, without an interval"
    if low <= 0 <= high:
        return f"about the same as {what} (mean difference {decimal(difference)}, {_between(low, high)})"
    nearer, farther = sorted((abs(low), abs(high)))
    side = "above" if difference > 0 else "below"
    return f"{decimal(abs(difference))} points {side} {what} ({_between(nearer, farther)})"


def other_judge_sentence(judge: str, other: Mapping[str, Any]) -> str:
    """A row of `sql/out/other_judges.sql`: how `judge` differs from another of the panel, or from an earlier one."""
    mean, error = other["mean_difference"], other["standard_error"]
    apart = _apart(mean, mean - 1.96 * error, mean + 1.96 * error, "it")
    rank = other["spearman"]
    order = "one of them gives the same score to all" if rank is None else f"Spearman ρ {decimal(rank)}"
    who, this = judge_words(other["judge"]), judge_words(judge)
    if other["relation"] == "panel":
        opening = f"{upper_first(who)} judges the same snapshot."
    elif other["last_snapshot"] < other["first_snapshot"]:
        opening = (
            f"The judge changed on {long_date(other['first_snapshot'])}: before, it was {who} "
            f"({other['fingerprint'][:8]}). Scores of before and after are not one series."
        )
    else:
        opening = f"{upper_first(who)} ({other['fingerprint'][:8]}) judged until {long_date(other['last_snapshot'])}."
    return (
        f"{opening} Over {texts(other['n'])} that both scored, {this} scores on average {apart}; {order}, and "
        f"{percent(other['within_half_share'])} of the scores lie within half a point."
    )


# Where a snapshot comes from


def late_sentence(days: int) -> str:
    """What to know of a snapshot read `days` after its date; nothing for one in time."""
    return (
        f"crawled {count(days)} day{'s' * (days != 1)} late: stats are of the day it was read" if days else ""
    )


def release_sentence(reason: str | None) -> str:
    """What to know of a snapshot that the gate held back; nothing for one that it never did."""
    return f"looked suspicious beside the snapshot before it, and was let pass: {reason}" if reason else ""


# What judging took


def cost_per_thousand(row: Mapping[str, Any], price: float | None, gpus: int | None) -> float | None:
    """Price of judging a thousand cards: `row` as of `sql/out/judging.sql`, `price` a GPU hour, a GPU a server."""
    working = gpus or row["replicas"]
    if price is None or not working or not row["texts"] or row["busy_seconds"] is None:
        return None
    return float(price * working * row["busy_seconds"] / 3600 / row["texts"] * 1000)


def cost_basis(row: Mapping[str, Any], price: float | None, gpus: int | None) -> str:
    """What the cost is reckoned from, or how to learn it."""
    if price is None:
        return "set CARDIOGRAPH_GPU_HOUR_PRICE to the price of a GPU hour"
    working = gpus or row["replicas"]
    return f"{count(working)} GPU{'s' * (working != 1)} at {decimal(price)} an hour"


def money(cost: float | None) -> str:
    """Two places, more below a tenth; the currency is the price's."""
    return decimal(cost, 2 if cost is None or cost >= 0.1 else 4)


def judging_words(
    row: Mapping[str, Any], *, price: float | None = None, gpus: int | None = None
) -> list[tuple[str, str]]:
    """Names and values for a closing table, from a row of `sql/out/judging.sql`; none where nothing was judged.

    `price` and `gpus` are those of the settings; where `gpus` is not told, a GPU a server is assumed.
    """
    if not row["texts"]:
        return []
    speed = f"{rate(row['texts_per_second'])} ({texts(row['texts'])} in {duration(row['busy_seconds'])})"
    if not row["replicas"]:
        return [("cards a second", speed)]
    cost, basis = cost_per_thousand(row, price, gpus), cost_basis(row, price, gpus)
    return [
        ("cards a second", speed),
        ("tokens a second", rate(row["tokens_per_second"])),
        (
            "tokens a card, read / written",
            f"{count(row['tokens_in_per_text'])} / {count(row['tokens_out_per_text'])}",
        ),
        ("cost per thousand cards", basis if cost is None else f"{money(cost)} ({basis})"),
    ]
