"""The page of the map: points and kinds packed into it as data, texts of strangers bounded and escaped."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import polars as pl
from markupsafe import Markup

from tasks.arrays import Floats
from tasks.atlas.page.colours import DARK_MARKS, LIGHT_MARKS
from tasks.pages import environment, page_script, page_style, write_page
from tasks.sentences.numbers import count, decimal, long_date, percent

_TEMPLATES = Path(__file__).parent / "templates"

# Characters a text may have; what strangers write has no end of its own.
_NAME, _WORDS, _DESCRIPTION = 120, 240, 600

# Controls, and what turns the direction of the text that follows: nobody needs them to read a name.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")

# Of models at one place the k-th lies this far out times the root of k, in widths of the map, and no farther than
# the most. The golden angle lets no two of them meet (Vogel 1979, "A better way to construct the sunflower head").
_SPIRAL_STEP, _SPIRAL_MOST = 0.0016, 0.04
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


@dataclass(frozen=True, slots=True)
class AtlasAbout:
    """What the page says of itself. Shares and trustworthiness are in 0-1; notes are whole sentences.

    `n_models` are on the map; where the page is given fewer points, it says that it shows some of them.

    `hub_url` goes before a model's name to make the address of its page; unless it is http or https, names are
    no links.
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
    hub_url: str = "https://huggingface.co/"


class Coded(TypedDict):
    """A column of names: each name once, and per row its place among them, -1 for none."""

    names: list[str]
    codes: str


@dataclass(frozen=True, slots=True)
class KindRow:
    """A row of the table of kinds, as it is read."""

    name: str
    name_by: str
    description: str
    archetype: str
    numbers: tuple[str, ...]


def render_atlas(points: pl.DataFrame, kinds: pl.DataFrame, about: AtlasAbout) -> str:
    """The whole page; it asks no network for anything, and its content policy forbids that it could.

    A row a model in `points`, a row a kind in `kinds`. A point whose kind is not in `kinds` is shown as of none;
    one without a finite place is found by search and stands in tables, but is not on the map.
    """
    from tasks.charts.theme import DARK, LIGHT

    kinds = kinds.sort("models", descending=True, nulls_last=True, maintain_order=True)
    script = page_script((_TEMPLATES / "atlas.js").read_text(encoding="utf-8"))
    looks = {
        "light": {**asdict(LIGHT_MARKS), "paper": LIGHT.paper, "ink": LIGHT.ink},
        "dark": {**asdict(DARK_MARKS), "paper": DARK.paper, "ink": DARK.ink},
    }
    data = {
        "theme": looks,
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
    """A stranger's text on one line, of at most `most` characters."""
    return _UNSEEN.sub(" ", text or "").strip()[:most]


def spread(ids: pl.Series, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The places of points on a map one unit wide, those of one place in a spiral, by name.

    Places that are not finite stay NaN. The larger of width and height becomes 1, their ratio is kept.
    """
    frame, (x, y) = _unit_frame(x, y), (x.copy(), y.copy())
    x, y = _placed(x, y, frame)
    groups = pl.DataFrame({"id": ids, "x": x, "y": y}).select(
        rank=pl.col("id").rank("ordinal").over("x", "y"), size=pl.len().over("x", "y")
    )
    k = groups["rank"].to_numpy().astype(np.float64) - 1
    size = groups["size"].to_numpy().astype(np.float64)
    step = np.minimum(_SPIRAL_STEP, _SPIRAL_MOST / np.sqrt(size))
    away = step * np.sqrt(k)
    return x + away * np.cos(k * _GOLDEN_ANGLE), y + away * np.sin(k * _GOLDEN_ANGLE)


def _unit_frame(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Left, low and the larger side of what holds all places; a map of one place has a side of 1."""
    is_finite = np.isfinite(x) & np.isfinite(y)
    if not is_finite.any():
        return 0.0, 0.0, 1.0
    # Beyond this no projection goes, and differences of larger numbers would not be finite.
    x, y = np.clip(x[is_finite], -1e150, 1e150), np.clip(y[is_finite], -1e150, 1e150)
    side = max(float(np.ptp(x)), float(np.ptp(y)))
    return float(x.min()), float(y.min()), side or 1.0


def _placed(x: Floats, y: Floats, frame: tuple[float, float, float]) -> tuple[Floats, Floats]:
    left, low, side = frame
    is_finite = np.isfinite(x) & np.isfinite(y)
    to_unit_x = (np.clip(x, -1e150, 1e150) - left) / side
    to_unit_y = (np.clip(y, -1e150, 1e150) - low) / side
    return np.where(is_finite, to_unit_x, np.nan), np.where(is_finite, to_unit_y, np.nan)


def _packed(points: pl.DataFrame, kinds: pl.DataFrame) -> dict[str, object]:
    """What the script reads: numbers as base64 of little-endian arrays, names once each."""
    ids = [clean(text) for text in points["model_id"]]
    raw_x, raw_y = _floats(points["x"]), _floats(points["y"])
    x, y = spread(points["model_id"].cast(pl.String), raw_x, raw_y)
    label_x, label_y = _placed(_floats(kinds["x"]), _floats(kinds["y"]), _unit_frame(raw_x, raw_y))
    names = [clean(name) for name in kinds["name"]]
    place_of = {kind: place for place, kind in enumerate(kinds["kind"])}
    return {
        "ids": ids,
        "words": [clean(text, _WORDS) for text in points["words"]],
        "x": _base64(x, "<f4"),
        "y": _base64(y, "<f4"),
        "score": _base64(_floats(points["score"]), "<f4"),
        "downloads": _base64(_floats(points["downloads"]), "<f8"),
        "likes": _base64(_floats(points["likes"]), "<f8"),
        "kind": _base64(np.array([place_of.get(kind, -1) for kind in points["kind"]], dtype=np.int32), "<i4"),
        "kinds": [
            # JSON has no NaN; a name without a place is not written on the map.
            {"name": name, "x": u if np.isfinite(u) else None, "y": v if np.isfinite(v) else None}
            for name, u, v in zip(names, label_x.tolist(), label_y.tolist(), strict=True)
        ],
        "author": _coded(points["author"]),
        "library": _coded(points["library_name"]),
        "task": _coded(points["pipeline_tag"]),
        "format": _coded(points["model_format"]),
    }


def _coded(column: pl.Series) -> Coded:
    values = [clean(text) for text in column]
    place_of = {name: place for place, name in enumerate(sorted(set(values) - {""}))}
    codes = np.array([place_of.get(value, -1) for value in values], dtype=np.int32)
    return {"names": list(place_of), "codes": _base64(codes, "<i4")}


def _floats(column: pl.Series) -> Floats:
    """Nulls as NaN."""
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _base64(values: npt.NDArray[np.float64] | npt.NDArray[np.int32], kind: str) -> str:
    return base64.b64encode(values.astype(kind).tobytes()).decode("ascii")


def _json(data: dict[str, object]) -> Markup:
    """As text of a script element: without < no `</script>` and no `<!--` can end it or change how it is read."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def _hub_url(url: str) -> str | None:
    """None for anything but an http(s) address: `javascript:` in a link would run."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    return url if url.endswith("/") else url + "/"


def _kind_row(row: dict[str, object]) -> KindRow:
    def text(column: str, most: int = _NAME) -> str:
        return clean(str(row[column] or ""), most)

    def value(column: str) -> float | None:
        found = row[column]
        return float(found) if isinstance(found, int | float) else None

    gap = value("score_gap")
    return KindRow(
        name=text("name"),
        name_by=text("name_by"),
        description=text("description", _DESCRIPTION),
        archetype=text("archetype"),
        numbers=(
            count(value("models")),
            percent(value("share")),
            decimal(value("median_score")),
            count(value("median_downloads")),
            count(value("median_likes")),
            ("+" if gap is not None and round(gap, 2) > 0 else "") + decimal(gap),
            decimal(value("stability")),
        ),
    )


def _provenance(about: AtlasAbout) -> Iterable[tuple[str, str]]:
    return (
        ("Snapshot", about.snapshot.isoformat()),
        ("Hub", clean(about.hub)),
        ("Models", f"{count(about.n_models)} with {count(about.n_texts)} texts"),
        ("Embedder", clean(about.embedder)),
        ("Judge", clean(about.judge)),
        ("Of no kind", percent(about.noise_share)),
        (
            "Trustworthiness",
            "not measured" if about.trustworthiness is None else decimal(about.trustworthiness),
        ),
    )
