"""How scores are spread, and score beside popularity."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from tasks.charts import draw
from tasks.charts.summaries import POINTS_MAX, Popularity, drawn_bins, outcome_by_score, scored
from tasks.estimators import Estimator
from tasks.records import Finding
from tasks.report.data import ReportData
from tasks.report.figures.figure import Figure, spec
from tasks.report.tables import bins_table, histogram_table
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
    says = (
        f"Of {models(total)} with a score, half score {decimal(median)} or less; "
        f"{percent(low)} score below 2 and {percent(high)} score 4 or more."
    )
    chart = draw.how_scores_are_spread(histogram, median)
    return Figure("spread", title, says, spec(chart, says), histogram_table(histogram))


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
    told = fit or main_finding(data.findings, outcome)
    says = " ".join(part for part in (sentence(told) if told else "", _typical(bins, outcome)) if part)
    chart = draw.score_against_popularity(data.models, outcome, fit)
    says = says or f"{models(known.height)} by score and {outcome}."
    return Figure(
        name,
        title,
        says,
        spec(chart, says),
        bins_table(bins, outcome),
        _how_to_read(known.height, outcome, fit),
    )


def _slope(findings: Iterable[Finding], outcome: Popularity) -> Finding | None:
    """The Huber slope of log(1 + outcome) on the score over all models, where it can be used."""
    wanted = ("regression", f"log1p_{outcome}", "score", "all", Estimator.HUBER)
    return next(
        (
            f
            for f in findings
            if (f.question, f.outcome, f.predictor, f.stratum, f.estimator) == wanted
            and reading(f) != "nothing"
        ),
        None,
    )


def _typical(bins: pl.DataFrame, outcome: str) -> str:
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
    shown = models(n) if n <= POINTS_MAX else f"{count(POINTS_MAX)} of {models(n)}, drawn by lot"
    line = (
        " The line is the Huber slope through the middle of the cloud, with the range of its interval."
        if fit
        else ""
    )
    return (
        f"Each dot is a model ({shown}). The large dot is the median of a half point of score, the bar the middle "
        f"half of its models. {outcome.capitalize()} stand on a logarithmic scale with a place for zero.{line}"
    )
