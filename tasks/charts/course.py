"""One model over the weeks: score, likes and downloads one above the other, with a rule where its card changed."""

from __future__ import annotations

from datetime import date

import altair as alt
import polars as pl

_SERIES = (
    ("score", "Score", "middle"),
    ("likes", "Likes", "fit"),
    ("downloads", "Downloads, 30 days", "dot"),
)
_HEIGHT = 90
_LABELS_WIDTH = 56  # so that the three lie one below the other
_DATES_MAX = 6


def model_course(weeks: pl.DataFrame) -> alt.VConcatChart:
    """Rows of `snapshot`, `score`, `likes`, `downloads` and `has_new_card`; a missing value leaves a gap."""
    rows = [_series(weeks, *each) for each in _SERIES]
    return alt.VConcatChart(vconcat=rows, spacing=14)


def _series(weeks: pl.DataFrame, name: str, title: str, style: str) -> alt.LayerChart:
    scale = alt.Scale(domain=[1, 5], nice=False) if name == "score" else alt.Scale(zero=True, nice=True)
    values = weeks.select("snapshot", pl.col(name).cast(pl.Float64))
    days = weeks["snapshot"].to_list()
    x = alt.X(
        "snapshot:T",
        title=None,
        scale=alt.Scale(domain=[str(days[0]), str(days[-1])]) if len(days) > 1 else alt.Undefined,
        axis=alt.Axis(format="%Y-%m-%d", values=_marked(days), domain=False, ticks=False, grid=False),
    )
    axis = alt.Axis(tickCount=4, domain=False, ticks=False, minExtent=_LABELS_WIDTH)
    base = alt.Chart(values).encode(x=x, y=alt.Y(f"{name}:Q", title=None, scale=scale, axis=axis))
    changed = alt.Chart(weeks.filter("has_new_card").select("snapshot"))
    rule = changed.mark_rule(style="reference", strokeDash=[3, 3], opacity=0.6).encode(x=x)
    line = base.mark_line(style=style, strokeWidth=2)
    points = base.mark_point(style=style, filled=True, size=36)
    above = alt.TitleParams(title, anchor="start", fontSize=12, fontWeight="normal")
    return alt.LayerChart(layer=[rule, line, points], width=640, height=_HEIGHT, title=above)


def _marked(days: list[date]) -> list[str]:
    """The days that are written below: the first, the last, and a few snapshots between them."""
    step = max(1, -(-(len(days) - 1) // (_DATES_MAX - 1)))
    return [str(day) for day in [*days[:-1:step], days[-1]]]
