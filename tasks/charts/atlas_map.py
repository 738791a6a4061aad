"""The map as a picture, for pages that run no script. `atlas.html` is the map that people walk around in."""

from __future__ import annotations

import altair as alt
import polars as pl

from tasks.charts.draw import Drawn

_SERIES = 3  # colours that kinds take in turns; which kind it is, its number says


def where_cards_lie(points: pl.DataFrame, kinds: pl.DataFrame) -> Drawn:
    """Every model of a map (`x`, `y`, `kind`, null for none), and the kinds' numbers where they lie (`kind`, `x`, `y`)."""
    dots = points.select(
        pl.col("x", "y").round(3),
        pl.when(pl.col("kind").is_null())
        .then(pl.lit("none"))
        .otherwise((pl.col("kind") % _SERIES).cast(pl.String))
        .alias("series"),
    )
    place = {
        "x": alt.X("x:Q", scale=alt.Scale(zero=False), axis=None),
        "y": alt.Y("y:Q", scale=alt.Scale(zero=False), axis=None),
    }
    series = [*(str(number) for number in range(_SERIES)), "none"]
    marks = (
        alt.Chart(alt.Data(values=dots.to_dicts()))  # as values, so that Altair's limit of 5,000 rows does not apply
        .mark_circle(size=7, opacity=0.5)
        .encode(**place, color=alt.Color("series:N", sort=series, scale=alt.Scale(domain=series), legend=None))
    )
    named = alt.Chart(alt.Data(values=kinds.select("kind", "x", "y").to_dicts())).encode(**place, text="kind:N")
    ground = named.mark_text(fontSize=13, fontWeight="bold", style="halo")
    numbers = named.mark_text(fontSize=13, fontWeight="bold", style="ink")
    return alt.layer(marks, ground, numbers).properties(width="container", height=560)
