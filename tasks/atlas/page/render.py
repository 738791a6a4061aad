"""The page of the map: points and kinds are packed into it as data, texts from strangers bounded and escaped."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import polars as pl
from markupsafe import Markup

from tasks.arrays import Floats
from tasks.atlas.page.colours import DARK_MARKS, LIGHT_MARKS
from tasks.cards.one_line import visible
from tasks.pages import environment, page_script, page_style, write_page
from tasks.sentences.numbers import count, decimal, long_date, percent

_TEMPLATES = Path(__file__).parent / "templates"

# Characters of a text at most: strangers write texts of any length.
_NAME, _WORDS, _DESCRIPTION = 120, 240, 600

# The k-th of several models in one place is drawn at this distance times the root of k, in widths of the map, up to the
# maximum. With the golden angle no two of them meet (Vogel 1979, "A better way to construct the sunflower head").
_SPIRAL_STEP, _SPIRAL_MOST = 0.0016, 0.04
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


@dataclass(frozen=True, slots=True)
class AtlasAbout:
    """Facts of the map for its page. Shares and trustworthiness are in 0-1; notes are whole sentences.

    `n_models` are on the map; if the page gets fewer points, it says that it shows some of them.

    `hub_url` and a model's name are the address of its page; where it is null, or neither http nor https, names are
    not links.
    """

    snapshot: date
    hub: str
    judge: str
    embedder: str
    n_models: int
    n_texts: int
    noise_share: float
    trustworthiness: float | None
    notes: list[str]
    hub_url: str | None = None


def render_atlas(points: pl.DataFrame, kinds: pl.DataFrame, about: AtlasAbout) -> str:
    """The whole page. It uses no network, and its content policy forbids any request.

    `points` has a row per model, `kinds` a row per kind. A point whose kind is not in `kinds` is shown without one; one
    without a finite place is in searches and tables, but not on the map.
    """
    from tasks.charts.theme import DARK, LIGHT

    kinds = kinds.sort("models", descending=True, nulls_last=True, maintain_order=True)
    script = page_script((_TEMPLATES / "atlas.js").read_text(encoding="utf-8"))
    data = {
        "theme": {
            "light": {**asdict(LIGHT_MARKS), "paper": LIGHT.paper, "ink": LIGHT.ink},
            "dark": {**asdict(DARK_MARKS), "paper": DARK.paper, "ink": DARK.ink},
        },
        "hub_url": _hub_url(about.hub_url),
        "models": about.n_models,
        **_packed(points, kinds),
    }
    return (
        environment(_TEMPLATES)
        .get_template("atlas.html")
        .render(
            date=long_date(about.snapshot),
            snapshot=about.snapshot.isoformat(),
            about=about,
            provenance=_provenance(about),
            kinds=[_kind_row(row) for row in kinds.iter_rows(named=True)],
            data=_json(data),
            script=script.text,
            script_hash=script.hash,
            style=page_style(_TEMPLATES / "atlas.css"),
            light=asdict(LIGHT),
            dark=asdict(DARK),
        )
    )


def write_atlas(points: pl.DataFrame, kinds: pl.DataFrame, about: AtlasAbout, path: Path) -> None:
    """Write the page, replacing an older one in one step; `NotWritten` where that fails."""
    write_page(render_atlas(points, kinds, about), path)


def clean(text: str | None, most: int = _NAME) -> str:
    """A text from strangers on one line, of at most `most` characters."""
    return re.sub(r"[ \t\n]+", " ", visible(text or "")).strip()[:most]


def spread(ids: pl.Series, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Places of points on a map one unit wide; those in one place form a spiral, in the order of their names.

    Places that are not finite become NaN. The larger of width and height becomes 1, their ratio is kept.
    """
    x, y = _placed(x, y, _unit_frame(x, y))
    groups = pl.DataFrame({"id": ids, "x": x, "y": y}).select(
        rank=pl.col("id").rank("ordinal").over("x", "y"), size=pl.len().over("x", "y")
    )
    k, size = (groups[column].to_numpy().astype(np.float64) for column in ("rank", "size"))
    k -= 1
    away = np.minimum(_SPIRAL_STEP, _SPIRAL_MOST / np.sqrt(size)) * np.sqrt(k)
    return x + away * np.cos(k * _GOLDEN_ANGLE), y + away * np.sin(k * _GOLDEN_ANGLE)


def _unit_frame(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Left, bottom and the larger side of the smallest frame of all places; the side is 1 for a single place."""
    is_finite = np.isfinite(x) & np.isfinite(y)
    if not is_finite.any():
        return 0.0, 0.0, 1.0
    x, y = _clipped(x[is_finite]), _clipped(y[is_finite])
    side = max(float(np.ptp(x)), float(np.ptp(y)))
    return float(x.min()), float(y.min()), side or 1.0


def _placed(x: Floats, y: Floats, frame: tuple[float, float, float]) -> tuple[Floats, Floats]:
    left, bottom, side = frame
    is_finite = np.isfinite(x) & np.isfinite(y)
    unit_x, unit_y = (_clipped(x) - left) / side, (_clipped(y) - bottom) / side
    return np.where(is_finite, unit_x, np.nan), np.where(is_finite, unit_y, np.nan)


def _clipped(values: Floats) -> Floats:
    """No projection gives larger numbers, and their differences would not be finite."""
    return np.clip(values, -1e150, 1e150)


def _packed(points: pl.DataFrame, kinds: pl.DataFrame) -> dict[str, object]:
    """The data of the script: numbers as base64 of little-endian arrays, each name once."""
    ids = [clean(text) for text in points["model_id"]]
    raw_x, raw_y = _floats(points["x"]), _floats(points["y"])
    x, y = spread(points["model_id"].cast(pl.String), raw_x, raw_y)
    label_x, label_y = _placed(_floats(kinds["x"]), _floats(kinds["y"]), _unit_frame(raw_x, raw_y))
    row_of = {kind: row for row, kind in enumerate(kinds["kind"])}
    return {
        "ids": ids,
        "words": [clean(text, _WORDS) for text in points["words"]],
        "x": _base64(x, "<f4"),
        "y": _base64(y, "<f4"),
        "score": _base64(_floats(points["score"]), "<f4"),
        "downloads": _base64(_floats(points["downloads"]), "<f8"),
        "likes": _base64(_floats(points["likes"]), "<f8"),
        "kind": _base64(np.array([row_of.get(kind, -1) for kind in points["kind"]], dtype=np.int32), "<i4"),
        "kinds": [
            # JSON has no NaN; a name without a place is not drawn.
            {"name": clean(name), "x": u if np.isfinite(u) else None, "y": v if np.isfinite(v) else None}
            for name, u, v in zip(kinds["name"], label_x.tolist(), label_y.tolist(), strict=True)
        ],
        "author": _coded(points["author"]),
        "library": _coded(points["library_name"]),
        "task": _coded(points["pipeline_tag"]),
        "format": _coded(points["model_format"]),
    }


def _coded(column: pl.Series) -> dict[str, object]:
    """Each name once, and for each row the index of its name, -1 for none."""
    values = [clean(text) for text in column]
    code_of = {name: code for code, name in enumerate(sorted(set(values) - {""}))}
    codes = np.array([code_of.get(value, -1) for value in values], dtype=np.int32)
    return {"names": list(code_of), "codes": _base64(codes, "<i4")}


def _floats(column: pl.Series) -> Floats:
    """Numbers of a column, nulls as NaN."""
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _base64(values: npt.NDArray[np.float64] | npt.NDArray[np.int32], kind: str) -> str:
    return base64.b64encode(values.astype(kind).tobytes()).decode("ascii")


def _json(data: dict[str, object]) -> Markup:
    """Text of a script element: without <, no `</script>` and no `<!--` can end it or change how it is parsed."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def _hub_url(url: str | None) -> str | None:
    """None for anything but an http(s) address: `javascript:` in a link would run."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    if not url or parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    return url if url.endswith("/") else url + "/"


def _kind_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the table of kinds, as texts."""
    gap = row["score_gap"]
    return {
        **{name: clean(row[name]) for name in ("name", "name_by", "archetype")},
        "description": clean(row["description"], _DESCRIPTION),
        "numbers": (
            count(row["models"]),
            percent(row["share"]),
            decimal(row["median_score"]),
            count(row["median_downloads"]),
            count(row["median_likes"]),
            ("+" if gap is not None and round(gap, 2) > 0 else "") + decimal(gap),
            decimal(row["stability"]),
        ),
    }


def _provenance(about: AtlasAbout) -> dict[str, str]:
    trust = about.trustworthiness
    return {
        "Snapshot": about.snapshot.isoformat(),
        "Hub": clean(about.hub),
        "Models": f"{count(about.n_models)} with {count(about.n_texts)} texts",
        "Embedder": clean(about.embedder),
        "Judge": clean(about.judge),
        "Of no kind": percent(about.noise_share),
        "Trustworthiness": "not measured" if trust is None else decimal(trust),
    }
