"""The map as a Parquet file for viewers: one row a model, as Apple's `embedding-atlas` reads it.

That viewer wants the nearest rows of each row as `{"ids": […], "distances": […]}`, ids counted from 0, and labels in
a table of their own with `x`, `y`, `text` and `priority`.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import polars as pl

from tasks.atlas.kind_names import NamedKind, named_kinds
from tasks.atlas.neighbours import latest_map
from tasks.errors import NotWritten
from tasks.storage.warehouse import Warehouse, frame


def write_atlas_file(home: Path, path: Path) -> int:
    """Write the latest map; returns its models. `UsageError` where there is none, `NotWritten` where it cannot be."""
    latest_map(home)
    with Warehouse(home).read() as db:
        rows = frame(db, "out/atlas_file")
    _write(rows, path)
    return rows.height


def write_labels_file(home: Path, path: Path) -> None:
    """Write the names of the kinds, each at the middle of its kind."""
    _write(label_rows(named_kinds(home)), path)


def label_rows(kinds: list[NamedKind]) -> pl.DataFrame:
    """One row a kind: where its name stands, and which of two that overlap comes first."""
    rows = [
        {"x": kind.x, "y": kind.y, "text": kind.name or f"kind {kind.kind}", "priority": float(kind.models)}
        for kind in kinds
    ]
    return pl.DataFrame(
        rows, schema={"x": pl.Float64, "y": pl.Float64, "text": pl.String, "priority": pl.Float64}
    )


def _write(rows: pl.DataFrame, path: Path) -> None:
    """Whole or not at all: a viewer may be reading what was there."""
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
        with suppress(OSError):  # where its folder cannot be, it is not there either
            draft.unlink(missing_ok=True)
