"""One function per question. No data is loaded here and no colour is named: marks have styles of the theme.

Charts are as wide as their container (`width="container"`), so that the page decides.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import altair as alt
import polars as pl

from tasks.charts.summaries import Popularity, drawn_bins, fitted_line, outcome_by_score, sampled
from tasks.records import Finding
from tasks.sentences.numbers import percent

Drawn = alt.Chart | alt.LayerChart

_SCORE_TICKS = [1, 2, 3, 4, 5]
_SCORE = alt.Scale(domain=[1, 5], nice=False)
_FROM_ZERO = alt.Scale(zero=True, nice=True)
_SHAPES = ["circle", "diamond", "square", "triangle-up"]
_ROW_HEIGHT = 34
_STEPS_APART = 0.06  # points of score between two series of one step
_SHORT_ROW_HEIGHT = 24
_APART = 0.18  # weeks between two series of the same week
_LETTERS, _LEGEND_MARK = 56, 4  # letters in 370 pixels, and those that mark and gap of a legend's entry take
# An axis with `format` would write every tick in the magnitude of the largest: `0.01k`, `0k`.
_SHORT = "format(datum.value, '~s')"
_PER_CENT = "format(100 * datum.value, 'd') + '\u202f%'"


def _axis(**settings: Any) -> alt.Axis:
    return alt.Axis(**{"tickCount": 5, "domain": False, "ticks": False, "labelPadding": 6, **settings})


def _score_axis(**settings: Any) -> alt.Axis:
    return _axis(values=_SCORE_TICKS, format="d", grid=False, **settings)


def _tips(*lines: tuple[str, ...]) -> list[alt.Tooltip]:
    """The lines of a mark's tooltip: the field, its title, and for numbers their format."""
    return [
        alt.Tooltip(f"{field}:Q", title=title, format=number[0])
        if number
        else alt.Tooltip(f"{field}:N", title=title)
        for field, title, *number in lines
    ]


def _interval_tips(number: str = ".3f") -> list[alt.Tooltip]:
    """An estimate and both ends of its interval."""
    return _tips(("estimate", "estimate", number), ("ci_low", "from", number), ("ci_high", "to", number))


def _by_series(series: list[str], rows: list[str]) -> tuple[alt.Color, alt.Shape]:
    """Colour and shape of each series; they share one legend only because both name the same domain.

    The legend has the columns that fit on a telephone next to the names of the rows: Vega cuts off and does not wrap.
    """
    longest, beside = (max(map(len, names), default=0) for names in (series, rows))
    columns = max(1, min(len(series), (_LETTERS - beside) // (longest + _LEGEND_MARK)))
    legend = alt.Legend(columns=columns) if len(series) > 1 else None
    shapes = alt.Scale(domain=series, range=_SHAPES[: len(series)])
    color = alt.Color("series:N", legend=legend, scale=alt.Scale(domain=series, range="category"))
    return color, alt.Shape("series:N", legend=legend, scale=shapes)


def _layered(*layers: Drawn, height: int) -> alt.LayerChart:
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    return alt.LayerChart(layer=list(layers), width="container", height=height, autosize=fit)


def _rule(channel: Literal["x", "y"], field: str, value: float) -> alt.Chart:
    """A straight line across the chart, at one place of an axis."""
    base = alt.Chart(pl.DataFrame({field: [value]})).mark_rule(style="reference")
    rule: alt.Chart = base.encode(**{channel: f"{field}:Q"})
    return rule


def how_scores_are_spread(histogram: pl.DataFrame, median: float | None = None) -> Drawn:
    """The number of models by score: `score_low`, `score_high`, `n`; a rule marks the median."""
    bars = (
        alt.Chart(histogram)
        .mark_bar(style="column", binSpacing=1.5)
        .encode(
            x=alt.X("score_low:Q", bin="binned", scale=_SCORE, axis=_score_axis(), title="Score"),
            x2="score_high:Q",
            y=alt.Y("n:Q", axis=_axis(labelExpr=_SHORT), title="Models"),
            tooltip=_tips(("score_low", "from", ".2f"), ("score_high", "to", ".2f"), ("n", "models", ",")),
        )
    )
    if median is None:
        return _layered(bars, height=220)
    at = alt.Chart(pl.DataFrame({"median": [median], "text": [f"median {median:.2f}"]})).encode(
        x=alt.X("median:Q", scale=_SCORE)
    )
    rule = at.mark_rule(style="reference", strokeDash=[4, 3], strokeWidth=1.5)
    side: dict[str, Any] = {"align": "right", "dx": -6} if median > 4 else {"align": "left", "dx": 6}
    label = at.mark_text(style="ink", baseline="bottom", fontSize=12, **side)
    label = label.encode(y=alt.value(-3), text="text:N")
    return _layered(bars, rule, label, height=220)


def _powers(largest: float) -> list[int]:
    """Ticks of a logarithmic axis that starts at zero: 0, 1, 10, 100, …, at most one past the largest."""
    ticks = [0, 1]
    while ticks[-1] < largest:
        ticks.append(ticks[-1] * 10)
    return ticks


def score_against_popularity(models: pl.DataFrame, outcome: Popularity, fit: Finding | None = None) -> Drawn:
    """How downloads or likes go with the score: a sample of dots, quartiles per half point, a robust line.

    `models` has `model_id`, `score` and the outcome; `fit` is a slope of log(1 + outcome) on the score.
    """
    largest = float(models.filter(pl.col("score").is_not_null())[outcome].cast(pl.Float64).max() or 0)  # type: ignore[arg-type]  # a maximum of floats is a float
    # symlog with constant 1 is log(1 + y): it includes zero, and the fitted slopes are straight lines.
    scale = alt.Scale(type="symlog", constant=1, domain=[0, max(1.0, largest)], nice=False)
    axis = _axis(values=_powers(largest), labelExpr=_SHORT)
    x, y = alt.X("score:Q", scale=_SCORE), partial(alt.Y, scale=scale)
    points = sampled(models, outcome)
    dots = alt.Chart(points).mark_circle(style="dot", size=16, opacity=0.28 if points.height > 300 else 0.5)
    dots = dots.encode(
        x=alt.X("score:Q", scale=_SCORE, axis=_score_axis(), title="Score"),
        y=y(f"{outcome}:Q", title=outcome.capitalize(), axis=axis),
        tooltip=_tips(("model_id", "model"), ("score", "score", ".2f"), (outcome, outcome, ",")),
    )
    bins = alt.Chart(drawn_bins(outcome_by_score(models, outcome))).encode(x=x)
    half = bins.mark_rule(style="quartiles", strokeWidth=9, opacity=0.4, strokeCap="round")
    middle = bins.mark_point(style="middle", shape="circle", size=46, filled=True)
    layers = [dots, half.encode(y=y("q25:Q"), y2="q75:Q"), middle.encode(y=y("median:Q"))]
    if fit is not None:
        fitted = alt.Chart(fitted_line(models, outcome, fit)).encode(x=x)
        fan = fitted.mark_area(style="fit_range", opacity=0.22, clip=True)
        line = fitted.mark_line(style="fit", strokeWidth=2.5, clip=True)
        layers += [fan.encode(y=y("low:Q"), y2="high:Q"), line.encode(y=y("fit:Q"))]
    return _layered(*layers, height=300)


def which_sections_are_filled(sections: pl.DataFrame) -> Drawn:
    """Share of cards that fill a section, by tier of popularity: `tier`, `section`, `fill_share` in 0-1."""
    tiers = sections["tier"].unique(maintain_order=True).to_list()
    order = (
        sections.group_by("section").agg(pl.col("fill_share").mean()).sort(-pl.col("fill_share"), "section")
    )
    labelled = sections.with_columns(pl.Series("label", [percent(share) for share in sections["fill_share"]]))
    gap = alt.Scale(paddingInner=0.05)
    cells = alt.Chart(labelled).encode(
        x=alt.X(
            "tier:N",
            sort=tiers,
            title=None,
            scale=gap,
            axis=_axis(orient="top", labelAngle=0, labelLimit=90, labelFontSize=11),
        ),
        y=alt.Y("section:N", sort=order["section"].to_list(), title=None, scale=gap, axis=_axis()),
    )
    ground = cells.mark_rect().encode(
        color=alt.Color("fill_share:Q", scale=alt.Scale(domain=[0, 1], range="ramp"), legend=None),
        tooltip=_tips(("section", "section"), ("tier", "tier"), ("label", "filled"), ("n", "cards", ",")),
    )
    text = cells.mark_text(style="ink").encode(text="label:N")
    return _layered(ground, text, height=27 * order.height)


def how_strong_is_the_association(intervals: pl.DataFrame, title: str = "Correlation") -> Drawn:
    """Estimates with their 95 % intervals around zero: a forest plot.

    One row per estimate: `row` (a line of the plot), `series` (colour and shape within it), `estimate`,
    `ci_low`, `ci_high`. Rows and series keep the order of the frame.
    """
    return _forest(intervals, title, row_title="association", series_title="models")


def how_popularity_rises(steps: pl.DataFrame) -> Drawn:
    """The mean rank (0 to 1) by `score`, one `series` per outcome, with `ci_low`, `ci_high` and the models `n`."""
    series = steps["series"].unique(maintain_order=True).to_list()
    color, shape = _by_series(series, [])
    shift = pl.col("series").replace_strict({name: at * _STEPS_APART for at, name in enumerate(series)})
    middle = (len(series) - 1) / 2 * _STEPS_APART
    placed = steps.with_columns((pl.col("score") + shift.cast(pl.Float64) - middle).alias("place"))
    base = alt.Chart(placed).encode(
        x=alt.X("place:Q", title="Score", axis=_score_axis(), scale=_SCORE),
        color=color,
        tooltip=[
            *_tips(("series", "rank in"), ("score", "score", ".2f"), ("n", "models", ",")),
            *_interval_tips(),
        ],
    )
    y = alt.Y(
        "ci_low:Q", title="Mean rank", axis=_axis(format=".1f"), scale=alt.Scale(domain=[0, 1], nice=False)
    )
    whisker = base.mark_rule(strokeWidth=2).encode(y=y, y2="ci_high:Q")
    line = base.mark_line(strokeWidth=1, opacity=0.5).encode(y="estimate:Q")
    point = base.mark_point(filled=True, size=60, opacity=1).encode(y="estimate:Q", shape=shape)
    return _layered(_rule("y", "middle", 0.5), whisker, line, point, height=260)


def how_the_answer_depends_on_choices(curve: pl.DataFrame, title: str) -> Drawn:
    """Estimates in their order (`place`), each of a defensible `choice`, with `ci_low` and `ci_high`, by `series`."""
    color, shape = _by_series(curve["series"].unique(maintain_order=True).to_list(), [])
    base = alt.Chart(curve).encode(
        x=alt.X(
            "place:Q", title="Choices, in the order of their estimates", axis=_axis(labels=False, grid=False)
        ),
        color=color,
        tooltip=[*_tips(("choice", "choice")), *_interval_tips()],
    )
    y = alt.Y("ci_low:Q", title=title, axis=_axis(format=".1f"), scale=_FROM_ZERO)
    whisker = base.mark_rule(strokeWidth=1.5, opacity=0.6).encode(y=y, y2="ci_high:Q")
    point = base.mark_point(filled=True, size=50, opacity=1).encode(y="estimate:Q", shape=shape)
    return _layered(_rule("y", "zero", 0), whisker, point, height=260)


def what_is_documented(shares: pl.DataFrame, tiers: list[str]) -> Drawn:
    """Shares of cards by tier of popularity: a forest plot whose estimates are shares in 0-1."""
    return _forest(
        shares,
        "Share of the cards",
        series=tiers,
        row_title="what",
        series_title="models by downloads",
        axis=_axis(labelExpr=_PER_CENT),
        tip=".1%",
        line_height=11,
    )


def what_goes_with_popularity(ingredients: pl.DataFrame, title: str) -> Drawn:
    """Ingredients of cards by how they go with downloads and likes: a forest plot with many short rows.

    `holds` tells whether an estimate remains after correction: its mark is filled, any other is hollow and thin.
    """
    return _forest(
        ingredients, title, row_title="ingredient", series_title="goes with", row_height=_SHORT_ROW_HEIGHT
    )


def how_an_edit_is_followed(curve: pl.DataFrame, title: str) -> Drawn:
    """What edited models gain over others by week: `week` (-4 to 4), `series`, `estimate`, `ci_low`, `ci_high`.

    The base week is 0 without an interval; a rule marks the edit, which falls between weeks -1 and 0.
    """
    series = curve["series"].unique(maintain_order=True).to_list()
    color, shape = _by_series(series, [])
    weeks = sorted(curve["week"].unique().to_list())
    # A quantitative scale has no offset: each series gets its own place next to the week.
    shift = pl.col("series").replace_strict({name: place * _APART for place, name in enumerate(series)})
    middle = (len(series) - 1) / 2 * _APART
    placed = curve.with_columns((pl.col("week") + shift.cast(pl.Float64) - middle).alias("place"))
    ends = [weeks[0] - 0.5, weeks[-1] + 0.5] if weeks else [-0.5, 0.5]
    base = alt.Chart(placed).encode(
        x=alt.X(
            "place:Q",
            title="Weeks since the edited card was first seen",
            axis=_axis(values=weeks, format="d", grid=False),
            scale=alt.Scale(domain=ends, nice=False),
        ),
        color=color,
        tooltip=[*_tips(("week", "week", "d"), ("series", "edits")), *_interval_tips()],
    )
    y = alt.Y("ci_low:Q", title=title, axis=_axis(format=".2f"), scale=_FROM_ZERO)
    whisker = base.mark_rule(strokeWidth=2).encode(y=y, y2="ci_high:Q")
    point = base.mark_point(filled=True, size=60, opacity=1).encode(y="estimate:Q", shape=shape)
    return _layered(_rule("y", "zero", 0), _rule("x", "edit", -0.5), whisker, point, height=260)


def how_far_judge_and_people_agree(intervals: pl.DataFrame, title: str) -> Drawn:
    """Agreement overall and by criterion, of judge and people and between people: a forest plot."""
    return _forest(intervals, title, row_title="about", series_title="between")


def how_often_checks_move(intervals: pl.DataFrame, title: str) -> Drawn:
    """By criterion, the share of trials in which checks moved with their evidence and with other things."""
    axis = _axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1])
    return _forest(intervals, title, row_title="criterion", series_title="when", axis=axis, tip=".1%")


def _forest(
    intervals: pl.DataFrame,
    title: str,
    *,
    row_title: str,
    series_title: str,
    series: list[str] | None = None,
    axis: alt.Axis | None = None,
    tip: str = ".3f",
    line_height: int = 16,
    row_height: int = _ROW_HEIGHT,
) -> Drawn:
    rows = intervals["row"].unique(maintain_order=True).to_list()
    series = series or intervals["series"].unique(maintain_order=True).to_list()
    color, shape = _by_series(series, rows)
    base = alt.Chart(intervals).encode(
        y=alt.Y("row:N", sort=rows, title=None, axis=_axis(grid=False, labelPadding=10)),
        yOffset=alt.YOffset("series:N", sort=series),
        color=color,
        tooltip=[*_tips(("row", row_title), ("series", series_title)), *_interval_tips(tip)],
    )
    x = alt.X("ci_low:Q", title=title, axis=axis or _axis(format=".2f"), scale=_FROM_ZERO)
    marks = [
        mark
        for part, is_held in _held_apart(base, intervals)
        for mark in (
            part.mark_rule(strokeWidth=2 if is_held else 1).encode(x=x, x2="ci_high:Q"),
            part.mark_point(filled=is_held, size=75 if row_height >= _ROW_HEIGHT else 42, opacity=1).encode(
                x="estimate:Q", shape=shape
            ),
        )
    ]
    height = len(rows) * max(row_height, line_height * len(series) + 10 if row_height >= _ROW_HEIGHT else 0)
    return _layered(_rule("x", "zero", 0), *marks, height=height)


def _held_apart(base: alt.Chart, intervals: pl.DataFrame) -> list[tuple[alt.Chart, bool]]:
    """The estimates that hold after correction, and those that do not; all hold where `holds` is not known."""
    if "holds" not in intervals.columns:
        return [(base, True)]
    return [(base.transform_filter("!datum.holds"), False), (base.transform_filter("datum.holds"), True)]


def how_two_judges_compare(grid: pl.DataFrame, this: str, other: str) -> Drawn:
    """The number of texts in each cell of half points of two judges: `score_low`, `other_low`, `n`.

    A dashed line marks equal scores.
    """
    edges = [
        (pl.col(low) + step).alias(f"{low.removesuffix('_low')}_{name}")
        for low in ("score_low", "other_low")
        for name, step in (("middle", 0.25), ("high", 0.5))
    ]
    cells = alt.Chart(grid.with_columns(edges))
    binned: dict[str, Any] = {"bin": "binned", "scale": _SCORE, "axis": _score_axis()}
    ground = cells.mark_rect().encode(
        x=alt.X("other_low:Q", title=f"Score of {other}", **binned),
        x2="other_high:Q",
        y=alt.Y("score_low:Q", title=f"Score of {this}", **binned),
        y2="score_high:Q",
        # Most cells have few texts and some very many: the root keeps the few visible.
        color=alt.Color("n:Q", scale=alt.Scale(type="sqrt", domainMin=0, range="ramp"), legend=None),
        tooltip=_tips(
            ("score_low", "score from", ".1f"), ("other_low", "other score from", ".1f"), ("n", "texts", ",")
        ),
    )
    text = cells.mark_text(style="ink", fontSize=10).encode(
        x=alt.X("other_middle:Q", scale=_SCORE),
        y=alt.Y("score_middle:Q", scale=_SCORE),
        text=alt.Text("n:Q", format="~s"),
    )
    ends = alt.Chart(pl.DataFrame({"at": [1, 5]}))
    same = ends.mark_line(style="reference", strokeDash=[4, 3], strokeWidth=1, opacity=0.6).encode(
        x=alt.X("at:Q", scale=_SCORE), y=alt.Y("at:Q", scale=_SCORE)
    )
    return _layered(ground, same, text, height=300)


def how_strata_compare(strata: pl.DataFrame) -> Drawn:
    """Median score of each library or format: `stratum`, `median_score`, `models`; most models first."""
    ordered = strata.sort(-pl.col("models"), "stratum")
    base = alt.Chart(ordered.drop_nulls("median_score").with_columns(pl.lit(1).alias("lowest"))).encode(
        y=alt.Y("stratum:N", sort=ordered["stratum"].to_list(), title=None, axis=_axis(grid=False))
    )
    axis = _axis(values=_SCORE_TICKS, format="d")
    x = alt.X("median_score:Q", scale=_SCORE, axis=axis, title="Median score")
    stem = base.mark_rule(style="stem", strokeWidth=2)
    stem = stem.encode(x=alt.X("lowest:Q", scale=_SCORE), x2="median_score:Q")
    tips = _tips(("stratum", "stratum"), ("median_score", "median score", ".2f"), ("models", "models", ","))
    point = base.mark_point(style="dot", filled=True, size=80, opacity=1).encode(x=x, tooltip=tips)
    value = base.mark_text(style="ink", align="left", dx=9)
    value = value.encode(x=x, text=alt.Text("median_score:Q", format=".2f"))
    return _layered(stem, point, value, height=24 * ordered.height)
