"""The report of the latest snapshot that is published and judged."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from tasks.analysis import publish_report
from tasks.settings import settings


@flow(flow_run_name="report")
def report(home: Path | None = None) -> Path:
    """Write it where people read it; returns its path."""
    return publish_report(home or settings().home)
