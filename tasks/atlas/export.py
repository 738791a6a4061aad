"""The map as a Parquet file for viewers: one row per model, as Apple's `embedding-atlas` reads it.

That viewer takes the nearest rows of each row as `{"ids": […], "distances": […]}`, with ids counted from 0, and labels
from a second table with `x`, `y`, `text` and `priority`.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tasks.atlas.kind_names import named_kinds
from tasks.atlas.neighbours import latest_map
from tasks.pages import replacing
from tasks.storage.warehouse import Warehouse, frame


def write_atlas_file(home: Path, path: Path) -> int:
    """Write the latest map; returns its models. Raises `UsageError` if there is none, `NotWritten` if that fails."""
    latest_map(home)
    with Warehouse(home).read() as db:
        rows = frame(db, "out/atlas_file")
    with replacing(path) as draft:
        rows.write_parquet(draft)
    return rows.height


def write_labels_file(home: Path, path: Path) -> None:
    """Write the names of the kinds, each in the middle of its kind; of two that overlap, the larger has priority."""
    rows = [(k.x, k.y, k.name or f"kind {k.kind}", float(k.models)) for k in named_kinds(home)]
    schema = {"x": pl.Float64, "y": pl.Float64, "text": pl.String, "priority": pl.Float64}
    with replacing(path) as draft:
        pl.DataFrame(rows, schema=schema, orient="row").write_parquet(draft)
