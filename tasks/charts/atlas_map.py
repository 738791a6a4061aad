"""The map as a picture, for pages that run no script. `atlas.html` is the interactive one."""

from __future__ import annotations

import altair as alt
import polars as pl

from tasks.charts.draw import Drawn

_SERIES = 3  # colours that kinds take in turns; the number shows which kind it is


def where_cards_lie(points: pl.DataFrame, kinds: pl.DataFrame) -> Drawn:
    """Every model of a map: `x`, `y`, `kind` (null for none); the kinds' numbers where they lie: `kind`, `x`, `y`."""
    dots = points.select(
        pl.col("x", "y").round(3),
        pl.when(pl.col("kind").is_null())
        .then(pl.lit("none"))
        .otherwise((pl.col("kind") % _SERIES).cast(pl.String))
        .alias("series"),
    )
    x = alt.X("x:Q", scale=alt.Scale(zero=False), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(zero=False), axis=None)
    series = [*(str(number) for number in range(_SERIES)), "none"]
    marks: alt.Chart = (
        alt.Chart(_values(dots))
        .mark_circle(size=7, opacity=0.5)
        .encode(
            x=x, y=y, color=alt.Color("series:N", sort=series, scale=alt.Scale(domain=series), legend=None)
        )
    )
    named: alt.Chart = alt.Chart(_values(kinds.select("kind", "x", "y"))).encode(x=x, y=y, text="kind:N")
    ground = named.mark_text(fontSize=13, fontWeight="bold", style="halo")
    numbers = named.mark_text(fontSize=13, fontWeight="bold", style="ink")
    return alt.LayerChart(layer=[marks, ground, numbers], width="container", height=560)


def _values(rows: pl.DataFrame) -> alt.Data:
    """Rows without Altair's limit of 5,000, which is meant for pages that contain them."""
    return alt.Data(values=rows.to_dicts())  # type: ignore[no-untyped-call]
