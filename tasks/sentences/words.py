"""Words for the names in the code: columns, estimators, questions, strata, flags, judges."""

from __future__ import annotations

from collections.abc import Iterable

from tasks.estimators import Estimator
from tasks.rubric import load_rubric

_ESTIMATORS: dict[str, str] = {
    Estimator.SPEARMAN: "Spearman ρ",
    Estimator.SPEARMAN_PER_AUTHOR: "Spearman ρ per author",
    Estimator.SPEARMAN_WITHIN_AUTHOR: "Spearman ρ within authors",
    Estimator.SPEARMAN_GIVEN_CONTROLS: "Spearman ρ with all else equal",
    Estimator.SPEARMAN_GIVEN_CONTROLS_AND_RIVALS: "Spearman ρ with all else and length equal",
    Estimator.ROBUSTNESS_VALUE: "robustness value",
    Estimator.MEAN_RANK: "mean rank",
    Estimator.SPEARMAN_GIVEN_ALL: "Spearman ρ with all other ingredients equal too",
    Estimator.KENDALL: "Kendall τ",
    Estimator.CLIFFS_DELTA: "Cliff’s δ",
    Estimator.HUBER: "Huber regression",
    Estimator.TUKEY: "Tukey biweight regression",
    Estimator.MEDIAN: "median regression",
    Estimator.THEIL_SEN: "Theil–Sen slope",
    Estimator.POISSON: "Poisson regression",
    Estimator.HURDLE_LOG: "regression of those that have any",
    Estimator.LOGIT: "logistic regression",
    Estimator.POISSON_STACKED: "stacked Poisson event study",
    Estimator.OLS_STACKED: "stacked event study",
    Estimator.LPDID: "local projections",
    Estimator.WALD: "test by randomisation",
    Estimator.MINIMUM_DETECTABLE: "minimum detectable effect (80 % power)",
}
_COLUMNS = {
    "likes_gained": "likes gained per week",
    "downloads_gained": "downloads gained per week",
    "age_days": "age",
    "author_models": "number of the author’s models",
    "parameters": "number of parameters",
    "words": "length of the card",
    "name_length": "length of the name",
}
_STRATA = {
    "all": "all models",
    "without_outliers": "without outliers",
    "not_generated": "cards not generated",
    "no_card_lowest": "no card counted as the lowest score",
    "labelled": "labelled by people",
}
_QUESTIONS = {
    "rank_correlation": "rank correlation",
    "partial_rank_correlation": "rank correlation, adjusted",
    "regression": "regression",
    "regression_controlled": "regression with controls",
    "has_card": "having a card at all",
    "left_out": "left out of every score",
    "negative_control": "with what cannot matter",
    "dose_response": "step by step of score",
    "robustness": "how strong a hidden cause would have to be",
    "judge_error": "corrected for the judge’s error",
    "missing": "left out",
    "ingredient": "what in a card goes with it",
    "edit_effect": "weeks 1 to 4 after an edit",
    "edit_curve": "week by week around an edit",
    "edit_pretrend": "trends before the edit",
    "edit_power": "power of this study",
}
_FLAGS = {
    "mostly_zero": "Most of these models have a count of zero, so the size means little.",
    "few_models": "Based on few models: read it as a hint.",
    "few_clusters": "Based on few authors: the interval may be too narrow, or missing.",
    "dominant_author": "One author owns more than a tenth of these models and weighs accordingly.",
    "not_converged": "The fit did not converge.",
    "scale_collapsed": "Most of these models share one value, so the robust scale is zero.",
    "estimators_disagree": "The robust estimators disagree here, so the size depends on the method.",
    "constant": "One of the numbers is the same everywhere.",
    "collinear": "The controls already determine one of the two.",
    "quantile_is_tied": "Too many of these models share the median for a median regression.",
    "decided_levels": "Groups (such as a library) whose models all have any, or all have none, are left out.",
    "few_effective_authors": "A few authors have most of the weight here: too few count equally for an interval.",
    "few_labels": "Fewer than a hundred texts are labelled: read it as a hint.",
    "heavy_label": "One labelled text stands for more than a tenth of these models.",
    "few_edits": "Fewer than thirty models had such an edit.",
    "has_decreases": "Some totals went down between weeks; those weeks are left out.",
    "is_rebuilt": "Weekly downloads are rebuilt from overlapping windows of 30 days.",
    "rare": "Fewer than thirty models, or ten authors, differ in it.",
    "many_columns": "Too few models to hold so many things equal.",
    "partly_judged": "Some verdicts do not answer it.",
    "selected_on_outcome": "The models were selected by this outcome, so this says little about models in general.",
    "mad_is_zero": "Most counts are equal, so a second measure of spread was used.",
}
_INGREDIENTS = {
    "tags": "number of tags",
    "metadata": "complete metadata",
    "space": "link to a Space",
    "notebook": "link to a notebook",
    "conversions:gguf": "GGUF conversions",
    "conversions:quantised": "quantised conversions",
    "conversions:onnx": "ONNX conversions",
    "conversions:own": "own conversions",
}

_JUDGES = {"checklist": "the checklist"}


def plain(name: str) -> str:
    """A name from the code in words: `log1p_downloads` is downloads too."""
    bare = name.removeprefix("log1p_").removeprefix("log_")
    return _COLUMNS.get(bare) or bare.replace("_", " ").strip()


def upper_first(text: str) -> str:
    """Capitalise the first letter and leave the others."""
    return text[:1].upper() + text[1:]


def estimator_words(name: str) -> str:
    """The estimator's name in statistics; `spearman_given_x` is Spearman's at equal x."""
    kind, _, given = name.partition("_given_")
    if given and name not in _ESTIMATORS:
        return f"{estimator_words(kind)} at equal {plain(given)}"
    return _ESTIMATORS.get(name, plain(name))


def ingredient_words(name: str) -> str:
    """What is in a card, or around it, in a few words: those of the rubric for its checks and criteria."""
    kind, _, name_of = name.partition(":")
    rubric = load_rubric()
    if kind == "check":
        return {check.id: check.words for check in rubric.checks}.get(name_of, plain(name_of))
    if kind == "criterion":
        titles = {criterion.id: criterion.title for criterion in rubric.criteria}
        return f"level of {titles.get(name_of, plain(name_of)).lower()}"
    return _INGREDIENTS.get(name, plain(name.replace(":", " ")))


def question_words(name: str) -> str:
    """The question, short enough for a table."""
    return _QUESTIONS.get(name, plain(name))


def stratum_words(name: str) -> str:
    """The models in the stratum, short enough for a legend; `library=x` is `x`."""
    return _STRATA.get(name) or (name.partition("=")[2] if "=" in name else plain(name))


def flag_words(name: str) -> str:
    """One flag as a warning in a sentence; `unknown:x` and `partly_known:x` are about the column x."""
    kind, _, column = name.partition(":")
    if kind == "unknown":
        return f"{upper_first(plain(column))} is not held equal: too few models report it."
    if kind == "partly_known":
        return f"{upper_first(plain(column))} is held equal only among the models that report it."
    if kind == "unlabelled_level":
        return f"Nobody labelled a card of level {column}: models at that level are left out."
    return _FLAGS.get(name) or f"Note: {plain(name)}."


def caveats(flags: Iterable[str]) -> str:
    """All flags as warnings in sentences, each once, in the order given."""
    return " ".join(dict.fromkeys(map(flag_words, flags)))


def flag_names(flags: Iterable[str]) -> str:
    """All flags by their names, for a table; a dash for none."""
    return ", ".join(plain(flag.replace(":", " ")) for flag in flags) or "–"


def judge_words(judge: str) -> str:
    """The judge as the subject of a sentence: `vllm:Qwen3` is a judge model of that name."""
    _, _, model = judge.partition(":")
    return f"the judge model {model}" if model else _JUDGES.get(judge, f"the judge “{judge}”")
