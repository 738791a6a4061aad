"""What the page draws: a chart, the sentence that it shows, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import altair as alt
import polars as pl

from tasks.charts import draw
from tasks.records import Finding, PassportEntry
from tasks.report.tables import ReportTable, findings_table
from tasks.sentences.estimates import is_interval, reading

ROWS_MAX = 18  # more rows than this nobody compares by eye; the table below the chart has them all
Interval = TypeVar("Interval", Finding, PassportEntry)
STRATUM_ORDER = ("all", "without_outliers", "not_generated", "no_card_lowest")


@dataclass(frozen=True, slots=True)
class Figure:
    """`spec` is Vega-Lite, or None where there is nothing to draw; then `summary` explains why."""

    name: str
    title: str
    summary: str
    spec: dict[str, Any] | None = None
    table: ReportTable | None = None
    note: str = ""


def spec(chart: alt.Chart | alt.LayerChart, summary: str) -> dict[str, Any]:
    """The chart as Vega-Lite without a theme; its description is what a screen reader reads out."""
    drawn: dict[str, Any] = chart.to_dict()
    drawn.pop("config", None)
    drawn["description"] = summary
    return drawn


def forest(
    name: str,
    title: str,
    findings: list[Finding],
    row: Callable[[Finding], str],
    series: Callable[[Finding], str],
    *,
    axis: str,
    empty: str,
    summary: str = "",
    note: str = "",
    is_drawn: Callable[[Finding], bool] = lambda finding: True,
    order: Callable[[Finding], tuple[int, str]] | None = None,
) -> Figure:
    """Estimates with their intervals around zero; the table has every finding, in the order given.

    `summary` is the sentence above it, by default a tally of the intervals. `empty` replaces it where nothing is drawn.
    """
    table = findings_table(findings) if findings else None
    drawn = [f for f in drawable_of(findings) if is_drawn(f)]
    if not drawn:
        return Figure(name, title, empty, None, table, note if summary else "")
    if order:
        drawn.sort(key=order)
    summary = summary or tally(drawn)
    chart = draw.how_strong_is_the_association(intervals(drawn, row, series), axis)
    return Figure(name, title, summary, spec(chart, summary), table, note)


def drawable_of(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that have an interval and did converge."""
    return [f for f in findings if is_interval(f) and reading(f) != "nothing"]


def intervals(
    findings: Iterable[Interval], row: Callable[[Interval], str], series: Callable[[Interval], str]
) -> pl.DataFrame:
    """One row of a chart per finding or measure of a passport: its line, its series, and its interval."""
    rows = [
        {"row": row(f), "series": series(f), "estimate": f.estimate, "ci_low": f.ci_low, "ci_high": f.ci_high}
        for f in findings
    ]
    return pl.DataFrame(rows)


def tally(findings: list[Finding]) -> str:
    """How many intervals are above, around and below zero."""
    verdicts = [reading(f) for f in findings]
    sides = {
        "more": "above zero",
        "one_author": "beside zero because of one author",
        "unclear": "around zero",
        "less": "below zero",
    }
    parts = [f"{verdicts.count(kind)} {words}" for kind, words in sides.items() if kind in verdicts]
    if len(parts) == 1 and len(verdicts) > 1:
        all_of_them = "Both" if len(verdicts) == 2 else f"All {len(verdicts)}"
        return f"{all_of_them} intervals lie {sides[verdicts[0]]}."
    return f"Of {len(verdicts)} interval{'s' * (len(verdicts) != 1)}: {', '.join(parts)}."
