"""The report of the latest snapshot that is published and judged."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from tasks.atlas.steps import publish_atlas_page
from tasks.engine.schedule import date_of_run
from tasks.findings.steps import publish_report, publish_warehouse
from tasks.settings import settings
from tasks.work.coordinator import coordinating, is_coordinating


@flow(flow_run_name="report")
def report(home: Path | None = None) -> Path:
    """Write it and the page of the map where people read them; returns its path.

    By itself it first publishes what the lake holds by now.
    """
    home = home or settings().home
    is_alone = not is_coordinating(home)
    with coordinating(home, date_of_run()) as run:
        run.check()
        if is_alone:
            publish_warehouse(home)
        publish_atlas_page(home)
        return publish_report(home)
