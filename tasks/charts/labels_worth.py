"""What a number of labels is worth: how well a fitted judge agrees, by how many labels it was learned from."""

from __future__ import annotations

import altair as alt
import polars as pl

from tasks.charts.draw import Drawn


def what_labels_are_worth(curve: pl.DataFrame, judge: float | None = None) -> Drawn:
    """The AUC by `labels` on a logarithmic axis: `auc`, `low` and `high`; a rule marks that of the judge as it is."""
    sizes = curve["labels"].to_list()
    base = alt.Chart(curve).encode(
        x=alt.X(
            "labels:Q",
            title="Labels",
            scale=alt.Scale(type="log", nice=False),
            axis=alt.Axis(values=sizes, format=",d", grid=False, domain=False, ticks=False),
        )
    )
    worst = min([0.5, *curve["low"].to_list()])  # below a half it orders worse than chance
    y = alt.Scale(domain=[worst, 1], nice=False)
    axis = alt.Axis(tickCount=5, format=".1f", domain=False, ticks=False)
    band = base.mark_area(style="fit_range", opacity=0.22).encode(
        y=alt.Y("low:Q", scale=y, axis=axis, title="AUC on authors kept aside"), y2="high:Q"
    )
    line = base.mark_line(style="fit", strokeWidth=2.5).encode(y=alt.Y("auc:Q", scale=y))
    points = base.mark_point(style="middle", shape="circle", filled=True, size=46).encode(y="auc:Q")
    layers: list[alt.Chart] = [band, line, points]
    if judge is not None:
        known = alt.Chart(pl.DataFrame({"judge": [judge], "text": ["the judge as it is"]}))
        layers.append(known.mark_rule(style="reference", strokeDash=[4, 3]).encode(y="judge:Q"))
        text = known.mark_text(style="ink", align="left", baseline="bottom", dx=4, dy=-3)
        layers.append(text.encode(y="judge:Q", x=alt.value(0), text="text:N"))
    return alt.LayerChart(layer=layers, width="container", height=260)
