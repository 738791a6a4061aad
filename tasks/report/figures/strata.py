"""Libraries and formats side by side."""

from __future__ import annotations

import polars as pl

from tasks.charts import draw
from tasks.estimators import Estimator
from tasks.report.data import ReportData
from tasks.report.figures.figure import Figure, spec
from tasks.report.figures.intervals import drawable_of, intervals, table_of, tally
from tasks.report.tables import findings_table, strata_table
from tasks.sentences.numbers import decimal
from tasks.sentences.words import plain, stratum_words

ROWS_MAX = 18  # more lines than this nobody compares by eye; the table below the chart has them all


def stratum_scores(data: ReportData, dimension: str) -> Figure:
    """How libraries or formats compare in score."""
    name, title = f"scores-{dimension}", f"Scores by {dimension}"
    frame = data.strata.filter(pl.col("dimension") == dimension)
    known = frame.drop_nulls("median_score")
    if known.is_empty():
        return Figure(name, title, f"No {dimension} has 30 models with a score: nothing to compare.")
    top = known.head(ROWS_MAX)
    best, worst = (top.sort("median_score", descending=order).row(0, named=True) for order in (True, False))
    says = f"Highest median score: {best['stratum']} ({decimal(best['median_score'])})"
    if best["stratum"] != worst["stratum"]:
        says += f"; lowest: {worst['stratum']} ({decimal(worst['median_score'])})"
    chart = draw.how_strata_compare(top)
    note = f"The {ROWS_MAX} with most models of {known.height}." if known.height > ROWS_MAX else ""
    return Figure(name, title, f"{says}.", spec(chart, says), strata_table(frame, dimension), note)


def stratum_associations(data: ReportData, dimension: str) -> Figure | None:
    """Spearman's correlation within each library or format; None where none was asked."""
    asked = [
        f
        for f in data.findings
        if (f.question, f.estimator, f.predictor) == ("rank_correlation", Estimator.SPEARMAN, "score")
        and f.stratum.startswith(f"{dimension}=")
    ]
    drawable = drawable_of(asked)
    if not asked:
        return None
    name, title = f"association-{dimension}", f"Association within each {dimension}"
    if not drawable:
        return Figure(
            name, title, f"No {dimension} has enough models for an interval.", None, table_of(asked)
        )
    by_size = sorted({f.stratum: f.n for f in drawable}.items(), key=lambda item: (-item[1], item[0]))
    shown = [stratum for stratum, _ in by_size[:ROWS_MAX]]
    drawn = sorted(
        (f for f in drawable if f.stratum in shown), key=lambda f: (shown.index(f.stratum), f.outcome)
    )
    says = tally(drawn)
    frame = intervals(drawn, lambda f: stratum_words(f.stratum), lambda f: plain(f.outcome))
    chart = draw.how_strong_is_the_association(frame, "Spearman ρ with the score")
    return Figure(name, title, says, spec(chart, says), findings_table(asked))
