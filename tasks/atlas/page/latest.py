"""The latest published map out of the warehouse: its page, and its picture for the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.hub.source import model_pages
from tasks.sentences.atlas import shown_notes, stability_notes
from tasks.storage.warehouse import Warehouse, frame

if TYPE_CHECKING:
    from polars import DataFrame

MODELS_SHOWN = 50_000  # what a page can hold, in bytes and for the eye; for more there is the viewer


def _latest_map(home: Path) -> tuple[dict[str, Any], DataFrame, DataFrame] | None:
    """The latest published map, the models of it that are shown, its kinds; null where no snapshot has a map."""
    with Warehouse(home).read() as db:
        latest = frame(db, "out/atlas_page").to_dicts()
        if not latest:
            return None
        snapshot = latest[0]["snapshot"]
        points = frame(db, "out/atlas_page_points", snapshot=snapshot, models_max=MODELS_SHOWN)
        return latest[0], points, frame(db, "out/atlas_page_kinds", snapshot=snapshot)


def write_latest_atlas(home: Path) -> Path | None:
    """Write the page of the latest published map beside the report; null where no snapshot has a map."""
    from tasks.atlas.page.render import AtlasAbout, write_atlas

    latest = _latest_map(home)
    if latest is None:
        return None
    row, points, kinds = latest
    about = AtlasAbout(
        snapshot=row["snapshot"],
        hub=row["hub"],
        judge=row["judge"],
        embedder=row["embedder"],
        n_models=row["models"],
        n_texts=row["texts"],
        noise_share=row["noise_share"],
        trustworthiness=row["trustworthiness"],
        notes=[*shown_notes(points.height, row["models"]), *stability_notes(row)],
        hub_url=model_pages(row["hub"]),
    )
    path = home / "atlas.html"
    write_atlas(points, kinds, about, path)
    return path


def write_map_picture(home: Path, folder: Path) -> Path | None:
    """Write the latest published map as a PNG file into a folder; null where no snapshot has one."""
    from tasks.charts.atlas_map import where_cards_lie
    from tasks.charts.theme import save_png

    latest = _latest_map(home)
    if latest is None:
        return None
    _, points, kinds = latest
    path = folder / "map.png"
    save_png(where_cards_lie(points, kinds), path)
    return path
