"""What the page draws: a chart, the sentence that it shows, and the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import altair as alt

from tasks.report.tables import ReportTable


@dataclass(frozen=True, slots=True)
class Figure:
    """`spec` is Vega-Lite, or None where there is nothing to draw; then `says` tells why."""

    name: str
    title: str
    says: str
    spec: dict[str, Any] | None = None
    table: ReportTable | None = None
    note: str = ""


def spec(chart: alt.Chart | alt.LayerChart, says: str) -> dict[str, Any]:
    """The chart as Vega-Lite without looks of its own; its description is what a screen reader says."""
    drawn: dict[str, Any] = chart.to_dict()
    drawn.pop("config", None)
    drawn["description"] = says
    return drawn
