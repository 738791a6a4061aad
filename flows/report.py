"""The report and the map of the latest snapshot that is published and judged."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from tasks.atlas.steps import publish_atlas_page
from tasks.report.steps import publish_report
from tasks.work.coordinator import coordinating, is_coordinating
from tasks.work.steps import publish_warehouse


@flow(flow_run_name="report")
def report(home: Path | None = None) -> Path:
    """Write both where people read them; returns the report's path.

    On its own, the flow first publishes what the lake holds by now.
    """
    is_alone = not is_coordinating(home)
    with coordinating(home) as run:
        run.check()
        if is_alone:
            publish_warehouse(run)
        publish_atlas_page(run)
        return publish_report(run)
