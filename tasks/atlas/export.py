"""The map as a Parquet file for viewers: one row per model, as Apple's `embedding-atlas` reads it.

That viewer takes the nearest rows of each row as `{"ids": […], "distances": […]}`, with ids counted from 0, and labels
from a second table with `x`, `y`, `text` and `priority`.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import polars as pl

from tasks.atlas.kind_names import named_kinds
from tasks.atlas.neighbours import latest_map
from tasks.errors import NotWritten
from tasks.storage.warehouse import Warehouse, frame


def write_atlas_file(home: Path, path: Path) -> int:
    """Write the latest map; returns its models. Raises `UsageError` if there is none, `NotWritten` if that fails."""
    latest_map(home)
    with Warehouse(home).read() as db:
        rows = frame(db, "out/atlas_file")
    _write(rows, path)
    return rows.height


def write_labels_file(home: Path, path: Path) -> None:
    """Write the names of the kinds, each in the middle of its kind; of two that overlap, the larger has priority."""
    rows = [(k.x, k.y, k.name or f"kind {k.kind}", float(k.models)) for k in named_kinds(home)]
    schema = {"x": pl.Float64, "y": pl.Float64, "text": pl.String, "priority": pl.Float64}
    _write(pl.DataFrame(rows, schema=schema, orient="row"), path)


def _write(rows: pl.DataFrame, path: Path) -> None:
    """Write a whole file or none: a viewer may be reading the previous one."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.write_parquet(draft)
        draft.replace(path)
    except OSError as error:
        raise NotWritten(
            f"{path}: cannot be written ({error.strerror or error}); name another file"
        ) from error
    finally:
        with suppress(OSError):  # its folder may not exist
            draft.unlink(missing_ok=True)
