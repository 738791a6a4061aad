"""The page: `page.md` with its figures from the warehouse, and the map as a picture for light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from benchmarks.findings_2022.article import typeset
from benchmarks.findings_2022.tables import markdown
from tasks.atlas.page.latest import MODELS_SHOWN
from tasks.charts import atlas_map, theme
from tasks.errors import NotWritten
from tasks.sentences.numbers import count, decimal, percent
from tasks.storage.warehouse import Warehouse, frame

_TEMPLATE = Path(__file__).parent / "page.md"
_WIDTH = 760
_KINDS = """
select
    kinds.*,
    by_terms.name as name_by_terms
from out_clusters as kinds
left join base.kind_names as by_terms on by_terms.kind = kinds.kind and by_terms.named_by = 'terms'
where kinds.snapshot = $snapshot
order by kinds.models desc, kinds.kind
"""


@dataclass(frozen=True, slots=True)
class MapOf2022:
    """The map, its kinds with both of their names, its archetypes, and the places of its models."""

    atlas: dict[str, Any]
    kinds: pl.DataFrame
    archetypes: pl.DataFrame
    points: pl.DataFrame


def read(home: Path) -> MapOf2022:
    """The latest map of a home. Raises `NotWritten` where it has none."""
    with Warehouse(home).read() as db:
        latest = db.sql("from atlases order by snapshot desc limit 1").pl().to_dicts()
        if not latest:
            raise NotWritten(f"{home}: no snapshot of it has a map; take one without `--embedder none`")
        day = {"snapshot": latest[0]["snapshot"]}
        return MapOf2022(
            atlas=latest[0],
            kinds=db.sql(_KINDS, params=day).pl(),
            archetypes=db.sql("from out_archetypes where snapshot = $snapshot", params=day).pl(),
            points=frame(db, "out/atlas_page_points", **day, models_max=MODELS_SHOWN),
        )


def write(found: MapOf2022, path: Path) -> list[Path]:
    """Write page and pictures; returns the files."""
    drawn = atlas_map.where_cards_lie(found.points, found.kinds)
    pictures = {"atlas-2022.png": theme.LIGHT, "atlas-2022-dark.png": theme.DARK}
    folder = path.parent / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for name, palette in pictures.items():
        theme.save_png(drawn, folder / name, palette, width=_WIDTH, scale=1.5)
    path.write_text(render(found), encoding="utf-8")
    return [path, *(folder / name for name in pictures)]


def render(found: MapOf2022) -> str:
    """The page as Markdown."""
    environment = jinja2.Environment(  # noqa: S701  # Markdown, of numbers and of names with their bars escaped
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    kinds = found.kinds
    text = environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        atlas=found.atlas,
        models=found.points.height,
        kinds=kinds,
        unstable=kinds.filter("is_unstable"),
        unnamed=kinds.filter(pl.col("named_by") != "person"),
        kinds_table=kinds_table(kinds),
        archetypes_table=archetypes_table(found.archetypes),
        count=count,
        decimal=decimal,
        percent=percent,
    )
    return typeset(text)


def kinds_table(kinds: pl.DataFrame) -> str:
    """One row per kind: its name by a person, its name by terms, and its figures."""
    heads = [
        "kind",
        "name",
        "name by its terms",
        "archetype",
        "models",
        "score",
        "gap",
        "downloads",
        "stability",
    ]
    return markdown(heads, [_kind(row) for row in kinds.iter_rows(named=True)], names=4)


def _kind(row: dict[str, Any]) -> Sequence[str]:
    return (
        str(row["kind"]),
        _cell(row["name"] if row["named_by"] == "person" else "–"),
        _cell(row["name_by_terms"] or "–"),
        row["archetype"],
        count(row["models"]),
        decimal(row["median_score"]),
        decimal(row["score_gap"]),
        count(round(row["median_downloads"])),
        decimal(row["stability"]) + (" †" if row["is_unstable"] else ""),
    )


def archetypes_table(archetypes: pl.DataFrame) -> str:
    """One row per archetype."""
    heads = ("archetype", "kinds", "models", "share", "score", "gap", "downloads", "likes")
    return markdown(
        heads,
        [
            (
                row["archetype"],
                count(row["kinds"]),
                count(row["models"]),
                percent(row["models_share"]),
                decimal(row["median_score"]),
                decimal(row["score_gap"]),
                count(round(row["median_downloads"])),
                count(round(row["median_likes"])),
            )
            for row in archetypes.iter_rows(named=True)
        ],
    )


def _cell(text: str) -> str:
    """Text in a cell of a table."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
