"""How score and popularity go together: by every estimator, by stratum, as people would score, and after an edit."""

from __future__ import annotations

import polars as pl

from tasks.charts import draw
from tasks.charts.summaries import Popularity
from tasks.estimators import Estimator, spearman_given
from tasks.records import Finding
from tasks.report.data import ReportData
from tasks.report.figures.figure import ROWS_MAX, STRATUM_ORDER, Figure, drawable_of, forest, intervals, spec
from tasks.report.tables import findings_table, place
from tasks.sentences.edits import edit_verdict
from tasks.sentences.estimates import is_interval, is_ranked
from tasks.sentences.findings import as_people_score, sentence
from tasks.sentences.words import estimator_words, plain, stratum_words, upper_first

# The rows of the charts, in their order.
_RANKS: dict[str, str] = {
    Estimator.SPEARMAN_PER_AUTHOR: "per author",
    Estimator.SPEARMAN: "per model",
    Estimator.SPEARMAN_WITHIN_AUTHOR: "within authors",
    Estimator.SPEARMAN_GIVEN_CONTROLS: "all else equal",
    Estimator.SPEARMAN_GIVEN_CONTROLS_AND_RIVALS: "and equal length",
    spearman_given("downloads"): "equal downloads",
}
_SLOPES: dict[str, str] = {
    Estimator.HUBER: "Huber",
    Estimator.TUKEY: "Tukey biweight",
    Estimator.MEDIAN: "Median",
    Estimator.THEIL_SEN: "Theil–Sen",
    Estimator.POISSON: "Poisson",
    Estimator.LOGIT: "Logistic",
    Estimator.HURDLE_LOG: "Those with any",
}
# The headline first.
EDIT_OUTCOMES = ("log1p_downloads", "downloads_gained", "likes_gained")
_EDITS = {"documentation_edit": "documenting more", "cosmetic_edit": "documenting nothing more"}
_REGRESSIONS = {"regression": "score alone", "regression_controlled": "all else equal"}


def association(data: ReportData) -> Figure:
    """How strong the association is: rank correlations over all models, and with outliers left out."""
    correlations = [
        f
        for f in data.findings
        if f.question in ("rank_correlation", "partial_rank_correlation")
        and f.predictor == "score"
        and "=" not in f.stratum
    ]
    correlations.sort(key=lambda f: (f.outcome, place(f.estimator, _RANKS), place(f.stratum, STRATUM_ORDER)))
    return forest(
        "association",
        "How strongly score and popularity go together",
        correlations,
        lambda f: f"{plain(f.outcome).capitalize()}, {_RANKS[f.estimator]}",
        lambda f: "no card as the lowest" if f.stratum == "no_card_lowest" else stratum_words(f.stratum),
        axis="Rank correlation with the score",
        empty="No correlation could be estimated: too few scored models.",
        is_drawn=lambda f: f.estimator in _RANKS,
        note="Marks are estimates, lines their 95\u202f% intervals; a line that touches zero means that there may be "
        "no association. All are Spearman’s, from −1 to 1. Per author, each author weighs one; per model, an author "
        "weighs as much as all of its models; within authors, only models of the same author are compared. “All else "
        "equal” holds age, library, format, pipeline tag, number of parameters and the author’s number of models "
        "equal, “and equal length” the length of the card as well. The table has others, such as Kendall’s.",
    )


def slopes(data: ReportData, outcome: Popularity) -> Figure:
    """What one point more of score goes with, by every estimator: alone and controlled, with outliers and without."""
    regressions = [
        f
        for f in data.findings
        if f.question in _REGRESSIONS
        and f.predictor == "score"
        and plain(f.outcome).removeprefix("any ") == outcome
        and f.stratum in ("all", "without_outliers")
    ]
    regressions.sort(key=lambda f: (place(f.estimator, _SLOPES), f.question, place(f.stratum, STRATUM_ORDER)))
    return forest(
        f"slopes-{outcome}",
        f"One point more of score and {outcome}, by every estimator",
        regressions,
        lambda f: _SLOPES.get(f.estimator) or upper_first(estimator_words(f.estimator)),
        lambda f: _REGRESSIONS[f.question] + ", no outliers" * (f.stratum == "without_outliers"),
        axis="Difference per point of score",
        empty=f"No slope could be estimated for {outcome}.",
        note="Log points for the slopes of log1p, for the counts (Poisson) and for those with any; log odds of having "
        "any (logistic). The units differ, so compare signs and what touches zero rather than sizes.",
    )


def judge_error(data: ReportData) -> Figure | None:
    """What one point more of score goes with, as the judge scores and as people do; None without labels."""
    corrected = [f for f in data.findings if f.question == "judge_error"]
    summary = " ".join(
        filter(None, (as_people_score(corrected, outcome) for outcome in ("downloads", "likes")))
    )
    if not summary:
        return None
    return forest(
        "judge-error",
        "As the judge scores, and as people would",
        corrected,
        lambda f: f"{upper_first(plain(f.outcome))}, {estimator_words(f.estimator)}",
        _scored_by,
        axis="Difference of logarithms per point of score",
        empty=summary,
        summary=summary,
        note="Three estimates: by the judge’s score of all models, by the score that people would give them, and by "
        "the labelled models alone. The second estimates the judge’s error from the labels (predict-then-debias). All "
        "three use as many controls as the labelled models allow. Lines are 95 % intervals over authors.",
        is_drawn=lambda f: not is_ranked(f),
    )


def _scored_by(finding: Finding) -> str:
    if finding.predictor == "score":
        return "as the judge scores"
    return "people, labelled models alone" if finding.stratum == "labelled" else "as people would, all models"


def stratum_associations(data: ReportData, dimension: str) -> Figure | None:
    """Spearman's correlation within each library or format; None where there is none."""
    correlations = [
        f
        for f in data.findings
        if (f.question, f.estimator, f.predictor) == ("rank_correlation", Estimator.SPEARMAN, "score")
        and f.stratum.startswith(f"{dimension}=")
    ]
    if not correlations:
        return None
    sizes = {f.stratum: f.n for f in drawable_of(correlations)}
    shown = sorted(sizes, key=lambda stratum: (-sizes[stratum], stratum))[:ROWS_MAX]
    return forest(
        f"association-{dimension}",
        f"Association within each {dimension}",
        correlations,
        lambda f: stratum_words(f.stratum),
        lambda f: plain(f.outcome),
        axis="Spearman ρ with the score",
        empty=f"No {dimension} has enough models for an interval.",
        order=lambda f: (shown.index(f.stratum), f.outcome),
        is_drawn=lambda f: f.stratum in shown,
    )


def edits(data: ReportData, outcome: str) -> Figure | None:
    """What edited models gain compared with models not edited yet, week by week; None where nothing was estimated."""
    of_outcome = [f for f in data.findings if f.outcome == outcome and f.question.startswith("edit_")]
    curve = [f for f in of_outcome if f.question == "edit_curve" and is_interval(f)]
    verdict = edit_verdict(of_outcome, outcome)
    if not curve or verdict is None:
        return None
    frame = intervals(curve, lambda f: f.stratum.removeprefix("week="), lambda f: _EDITS[f.predictor])
    rows = frame.select(pl.col("row").cast(pl.Int64).alias("week"), pl.exclude("row"))
    zeros = [pl.lit(0.0).alias(name) for name in ("estimate", "ci_low", "ci_high")]
    base = rows.unique("series", maintain_order=True).with_columns(pl.lit(-1, pl.Int64).alias("week"), *zeros)
    weeks = pl.concat([rows, base]).sort("series", "week")
    effect = next(f for f in of_outcome if (f.question, f.predictor) == ("edit_effect", "documentation_edit"))
    summary = f"{sentence(effect, data.scope)} {verdict}"
    title = f"{upper_first(plain(outcome))} around an edit of the card"
    chart = draw.how_an_edit_is_followed(weeks, "Difference of logarithms to week −1")
    note = (
        "Models whose card was edited, compared with models of the same weeks whose card was not edited yet; week −1 "
        "is the base. Lines are 95 % intervals over authors."
    )
    return Figure(f"edits-{outcome}", title, summary, spec(chart, summary), findings_table(of_outcome), note)
