"""`cardiograph report` and `rebuild`: write again what is published, from the warehouse or from the lake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.console import echo
from flows.cli.options import Home
from flows.cli.progress_bars import busy
from tasks.errors import UsageError


def report(
    home: Home,
    pictures: Annotated[
        Path | None, typer.Option(help="Also write the charts and the map as PNG files to this folder.")
    ] = None,
) -> None:
    """Write the report of the latest snapshot again, and the page of its map."""
    with busy("Writing the report"):
        from tasks.atlas.page.latest import write_latest_atlas, write_map_picture
        from tasks.report.steps import write_latest_report

        written = [*write_latest_report(home, pictures), write_latest_atlas(home)]
        written.append(write_map_picture(home, pictures) if pictures else None)
    for path in filter(None, written):
        echo(path)


def rebuild(home: Home) -> None:
    """Make the warehouse again from the lake alone."""
    with busy("Reading the lake"):
        from tasks.storage.warehouse import Warehouse

        warehouse = Warehouse(home)
        if not warehouse.lake.exists():
            raise UsageError(
                f"{home} has no lake at {warehouse.lake.location}; run `cardiograph snapshot` first, name the "
                "folder with --home, or the lake with CARDIOGRAPH_LAKE"
            )
        with warehouse.writer():
            warehouse.begin(afresh=True)
            warehouse.publish(always=True)
    echo(f"{warehouse.published.resolve()} made again from {len(warehouse.lake.all_parts())} parts")
