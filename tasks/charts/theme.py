"""Colours and type, light and dark; charts name roles, and only this file says what they look like.

People with any of the common colour-vision deficiencies can tell the three category colours apart, and charts
repeat each of them in a shape. Text keeps a contrast of 4.5 or more on its ground (WCAG AA), marks 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from tasks.cards.one_line import visible

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'

# Characters that XML 1.0 does not allow.
_UNDRAWABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# As `tasks/sentences/numbers.py` writes them.
NUMBER_FORMAT = {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["", ""]}


@dataclass(frozen=True, slots=True)
class Palette:
    """What the stylesheet and the charts share; the page writes it out as CSS variables."""

    paper: str
    raised: str
    ink: str
    muted: str
    line: str
    accent: str
    second: str
    third: str
    warn: str
    warn_ground: str
    ramp_low: str  # both ends of the ramp carry `ink`
    ramp_high: str


LIGHT = Palette(
    paper="#fbfaf7",
    raised="#ffffff",
    ink="#1d1e21",
    muted="#5b5e66",
    line="#dbd8cf",
    accent="#1b5a97",
    second="#b8530b",
    third="#8f3f78",
    warn="#7a4300",
    warn_ground="#fdf1dc",
    ramp_low="#eff3f8",
    ramp_high="#74a0cf",
)
DARK = Palette(
    paper="#16181c",
    raised="#1e2126",
    ink="#e9e8e4",
    muted="#a6a9b1",
    line="#3a3e46",
    accent="#82b7ee",
    second="#f2a45f",
    third="#e0a0cb",
    warn="#f5cf94",
    warn_ground="#33291a",
    ramp_low="#20262e",
    ramp_high="#2f6299",
)


def config(palette: Palette, background: str = "transparent") -> dict[str, Any]:
    """A Vega-Lite configuration: the axes, and every style that the charts name."""
    text = {
        **dict.fromkeys(("labelColor", "titleColor"), palette.muted),
        **dict.fromkeys(("labelFontSize", "titleFontSize"), 12),
        "titleFontWeight": "normal",
    }
    colours = {
        **dict.fromkeys(("column", "dot"), palette.accent),
        "quartiles": palette.muted,
        "middle": palette.ink,
        **dict.fromkeys(("fit", "fit_range"), palette.second),
        **dict.fromkeys(("reference", "ink"), palette.ink),
        "stem": palette.line,
    }
    return {
        "background": background,
        "font": FONT,
        "padding": {"left": 2, "right": 8, "top": 4, "bottom": 4},
        "view": {"stroke": None},
        "axis": {
            **text,
            "gridColor": palette.line,
            "domainColor": palette.line,
            "tickColor": palette.line,
            "labelLimit": 210,
            "labelSeparation": 6,  # of numbers that would touch, every other one is left out
        },
        "legend": {**text, "orient": "top", "title": None, "symbolStrokeWidth": 2, "labelLimit": 260},
        "range": {
            "category": [palette.accent, palette.second, palette.third, palette.muted],
            "ramp": [palette.ramp_low, palette.ramp_high],
        },
        # Vega-Lite reads a style's `color`; `fill` and `stroke` would lose against its own default blue.
        "style": {
            **{name: {"color": colour} for name, colour in colours.items()},
            "halo": {
                "color": palette.paper,
                "stroke": palette.paper,
                "strokeWidth": 4,
                "strokeJoin": "round",
            },
        },
    }


def vegalite_version() -> str:
    """The Vega-Lite version that altair writes, as vl_convert takes it: `6.4`."""
    return ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def save_png(
    chart: alt.Chart | alt.LayerChart | dict[str, Any],
    path: Path,
    palette: Palette = LIGHT,
    *,
    width: int = 720,
    scale: float = 2.0,
) -> None:
    """Save the chart, or its Vega-Lite, as a PNG on the background of a palette, for pages that run no script."""
    png = vl_convert.vegalite_to_png(
        _on_paper(chart, palette, width),
        vl_version=vegalite_version(),
        scale=scale,
        format_locale=NUMBER_FORMAT,
    )
    path.write_bytes(png)


def save_svg(
    chart: alt.Chart | alt.LayerChart | dict[str, Any], path: Path, palette: Palette, *, width: int = 720
) -> None:
    """Save it as an SVG: sharp at any size, and diffable.

    A reader may have wider fonts than those it was laid out with, so names get room on the left.
    """
    spec = _on_paper(chart, palette, width) | {"padding": {"left": 36, "right": 12, "top": 6, "bottom": 6}}
    svg = vl_convert.vegalite_to_svg(spec, vl_version=vegalite_version(), format_locale=NUMBER_FORMAT)
    path.write_text(svg, encoding="utf-8")


def _drawable(value: Any) -> Any:
    """The same without characters that a picture cannot contain: libraries and authors have names from strangers."""
    if isinstance(value, str):
        return _UNDRAWABLE.sub("\ufffd", visible(value))
    if isinstance(value, dict):
        return {_drawable(key): _drawable(entry) for key, entry in value.items()}
    return [_drawable(entry) for entry in value] if isinstance(value, list) else value


def _on_paper(
    chart: alt.Chart | alt.LayerChart | dict[str, Any], palette: Palette, width: int
) -> dict[str, Any]:
    spec: dict[str, Any] = _drawable(chart if isinstance(chart, dict) else chart.to_dict())
    return {**spec, "width": width, "config": config(palette, palette.paper)}
