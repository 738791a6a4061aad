"""How strongly score and popularity go together, by every estimator, and as people would score."""

from __future__ import annotations

from tasks.charts import draw
from tasks.charts.summaries import Popularity
from tasks.estimators import Estimator, spearman_given
from tasks.records import Finding
from tasks.report.data import ReportData
from tasks.report.figures.figure import Figure, spec
from tasks.report.figures.intervals import STRATUM_ORDER, drawable_of, intervals, place, table_of, tally
from tasks.report.tables import findings_table
from tasks.sentences.estimates import is_ranked
from tasks.sentences.findings import as_people_score
from tasks.sentences.words import estimator_words, plain, stratum_words, upper_first

# The rows of the charts, in their order.
_RANKS: dict[str, str] = {
    Estimator.SPEARMAN: "Spearman",
    Estimator.KENDALL: "Kendall",
    Estimator.SPEARMAN_GIVEN_CONTROLS: "all else equal",
    spearman_given("age_days"): "equal age",
    spearman_given("parameters"): "equal size",
    spearman_given("author_models"): "equal author size",
    spearman_given("downloads"): "equal downloads",
}
_SERIES_WORDS = {"no_card_lowest": "no card as the lowest"}
_SLOPES: dict[str, str] = {
    Estimator.HUBER: "Huber",
    Estimator.TUKEY: "Tukey biweight",
    Estimator.MEDIAN: "Median",
    Estimator.THEIL_SEN: "Theil–Sen",
    Estimator.POISSON: "Poisson",
    Estimator.LOGIT: "Logistic",
    Estimator.HURDLE_LOG: "Those with any",
}
_REGRESSIONS = {"regression": "score alone", "regression_controlled": "all else equal"}


def association(data: ReportData) -> Figure:
    """How strong the association is: rank correlations over all models, and with outliers left out."""
    name, title = "association", "How strongly score and popularity go together"
    asked = [
        f
        for f in data.findings
        if f.question in ("rank_correlation", "partial_rank_correlation")
        and f.predictor == "score"
        and "=" not in f.stratum
    ]
    asked.sort(key=lambda f: (f.outcome, place(f.estimator, _RANKS), place(f.stratum, STRATUM_ORDER)))
    drawable = drawable_of(asked)
    if not drawable:
        return Figure(
            name, title, "No correlation could be estimated: too few scored models.", None, table_of(asked)
        )
    says = tally(drawable)
    frame = intervals(drawable, _rank_row, lambda f: _SERIES_WORDS.get(f.stratum) or stratum_words(f.stratum))
    chart = draw.how_strong_is_the_association(frame, "Rank correlation with the score")
    note = (
        "Marks are estimates, lines their 95\u202f% intervals; a line that touches zero says that there may be no "
        "association. Rank correlations run from −1 to 1; Kendall’s is the smaller by its nature. “Equal age” and "
        "the like are Spearman’s with that held fixed: the age, the number of parameters, the number of the author’s "
        "models, the downloads; “all else equal” holds library, format and pipeline tag as well."
    )
    return Figure(name, title, says, spec(chart, says), findings_table(asked), note)


def _rank_row(finding: Finding) -> str:
    how = _RANKS.get(finding.estimator) or estimator_words(finding.estimator)
    return f"{plain(finding.outcome).capitalize()}, {how}"


def slopes(data: ReportData, outcome: Popularity) -> Figure:
    """What one point more of score goes with, by every estimator: alone and controlled, with outliers and without."""
    name, title = f"slopes-{outcome}", f"One point more of score and {outcome}, by every estimator"
    asked = [
        f
        for f in data.findings
        if f.question in _REGRESSIONS
        and f.predictor == "score"
        and plain(f.outcome).removeprefix("any ") == outcome
        and f.stratum in ("all", "without_outliers")
    ]
    asked.sort(key=lambda f: (place(f.estimator, _SLOPES), f.question, place(f.stratum, STRATUM_ORDER)))
    drawable = drawable_of(asked)
    if not drawable:
        return Figure(name, title, f"No slope could be estimated for {outcome}.", None, table_of(asked))
    says = tally(drawable)
    frame = intervals(
        drawable,
        lambda f: _SLOPES.get(f.estimator) or upper_first(estimator_words(f.estimator)),
        lambda f: _REGRESSIONS[f.question] + ", no outliers" * (f.stratum == "without_outliers"),
    )
    chart = draw.how_strong_is_the_association(frame, "Difference a point of score")
    note = (
        "Log points for the slopes of log1p, for the counts (Poisson) and for those with any; log odds of having any "
        "(logistic). What they measure differs, so compare signs and what touches zero rather than sizes."
    )
    return Figure(name, title, says, spec(chart, says), findings_table(asked), note)


def judge_error(data: ReportData) -> Figure | None:
    """What one point more of score goes with, as the judge scores and as people do; None where nobody labelled."""
    asked = [f for f in data.findings if f.question == "judge_error"]
    said = [as_people_score(asked, outcome) for outcome in ("downloads", "likes")]
    told = " ".join(one for one in said if one)
    if not told:
        return None
    name, title = "judge-error", "As the judge scores, and as people would"
    drawable = [f for f in drawable_of(asked) if not is_ranked(f)]
    note = (
        "Three estimates: by the judge’s score of all models, by the score that people would give them, and by the "
        "labelled models alone. The second takes from the labels how the judge errs (predict-then-debias). All three "
        "hold equal what the labelled models can bear. Lines are 95 % intervals over authors."
    )
    if not drawable:
        return Figure(name, title, told, None, findings_table(asked), note)
    chart = draw.how_strong_is_the_association(
        intervals(
            drawable, lambda f: f"{upper_first(plain(f.outcome))}, {estimator_words(f.estimator)}", _scored_by
        ),
        "Difference of logarithms a point of score",
    )
    return Figure(name, title, told, spec(chart, told), findings_table(asked), note)


def _scored_by(finding: Finding) -> str:
    if finding.predictor == "score":
        return "as the judge scores"
    return "people, labelled models alone" if finding.stratum == "labelled" else "as people would, all models"
