"""How scores are spread: over all models, by popularity, by library and format."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from tasks.charts import draw
from tasks.charts.summaries import POINTS_MAX, Popularity, drawn_bins, outcome_by_score, scored
from tasks.estimators import Estimator
from tasks.records import Finding
from tasks.report.data import ReportData
from tasks.report.figures.figure import ROWS_MAX, Figure, spec
from tasks.report.tables import bins_table, histogram_table, strata_table
from tasks.sentences.estimates import reading
from tasks.sentences.findings import main_finding, sentence
from tasks.sentences.numbers import count, decimal, models, percent


def spread(data: ReportData) -> Figure:
    """How scores are spread."""
    title, histogram = "How scores are spread", data.histogram
    total = int(histogram["n"].sum())
    if not total:
        return Figure(
            "spread", title, "No card of this snapshot has a score yet, so there is nothing to draw."
        )
    low, high = (
        int(histogram.filter(test)["n"].sum()) / total
        for test in (pl.col("score_low") < 2, pl.col("score_low") >= 4)
    )
    median = data.counts.median_score
    summary = (
        f"Of {models(total)} with a score, half score {decimal(median)} or less; "
        f"{percent(low)} score below 2 and {percent(high)} score 4 or more."
    )
    chart = draw.how_scores_are_spread(histogram, median)
    return Figure("spread", title, summary, spec(chart, summary), histogram_table(histogram))


def popularity(data: ReportData, outcome: Popularity) -> Figure:
    """Score against downloads or likes."""
    name, title = f"score-{outcome}", f"Score and {outcome}"
    known = scored(data.models, outcome)
    if known.is_empty():
        return Figure(name, title, f"No model has both a score and a number of {outcome}: nothing to draw.")
    if not known[outcome].max():
        return Figure(
            name, title, f"None of {models(known.height)} with a score has any {outcome}: nothing to draw."
        )
    fit, bins = _slope(data.findings, outcome), outcome_by_score(data.models, outcome)
    finding = fit or main_finding(data.findings, outcome)
    summary = " ".join(
        filter(None, (sentence(finding, data.scope) if finding else "", _medians(bins, outcome)))
    )
    summary = summary or f"{models(known.height)} by score and {outcome}."
    chart = draw.score_against_popularity(data.models, outcome, fit)
    note = _how_to_read(known.height, outcome, fit)
    return Figure(name, title, summary, spec(chart, summary), bins_table(bins, outcome), note)


def _slope(findings: Iterable[Finding], outcome: Popularity) -> Finding | None:
    """The Huber slope of log(1 + outcome) on the score over all models, where it converged."""
    key = ("regression", f"log1p_{outcome}", "score", "all", Estimator.HUBER)
    slopes = (f for f in findings if (f.question, f.outcome, f.predictor, f.stratum, f.estimator) == key)
    return next((f for f in slopes if reading(f) != "nothing"), None)


def _medians(bins: pl.DataFrame, outcome: str) -> str:
    """Medians at both ends of the scale, for those who do not see the chart."""
    ends = drawn_bins(bins)
    if ends.height < 2:
        return ""
    lowest, highest = (
        f"{count(row['median'])} at scores of {decimal(row['score_low'], 1)} to {decimal(row['score_high'], 1)}"
        for row in (ends.row(0, named=True), ends.row(-1, named=True))
    )
    return f"Median {outcome}: {lowest}, {highest}."


def _how_to_read(n: int, outcome: str, fit: Finding | None) -> str:
    shown = models(n) if n <= POINTS_MAX else f"a random {count(POINTS_MAX)} of {models(n)}"
    line = (
        " The line is the Huber slope through the middle of the cloud, the band its interval." if fit else ""
    )
    return (
        f"Each dot is a model ({shown}). The large dots are medians per half point of score, the bars the middle "
        f"half of the models. {outcome.capitalize()} are on a logarithmic scale that includes zero.{line}"
    )


def stratum_scores(data: ReportData, dimension: str) -> Figure:
    """How libraries or formats compare in score."""
    name, title = f"scores-{dimension}", f"Scores by {dimension}"
    strata = data.strata.filter(pl.col("dimension") == dimension)
    known = strata.drop_nulls("median_score")
    if known.is_empty():
        return Figure(name, title, f"No {dimension} has 30 models with a score: nothing to compare.")
    top = known.head(ROWS_MAX)
    best, worst = (top.sort("median_score", descending=order).row(0, named=True) for order in (True, False))
    summary = f"Highest median score: {best['stratum']} ({decimal(best['median_score'])})"
    if best["stratum"] != worst["stratum"]:
        summary += f"; lowest: {worst['stratum']} ({decimal(worst['median_score'])})"
    chart = draw.how_strata_compare(top)
    note = f"The {ROWS_MAX} with most models of {known.height}." if known.height > ROWS_MAX else ""
    return Figure(name, title, f"{summary}.", spec(chart, summary), strata_table(strata, dimension), note)
