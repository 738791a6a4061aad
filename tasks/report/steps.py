"""The report of the latest judged snapshot, written where people read it."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from tasks.storage.publishing import send_published
from tasks.storage.warehouse import Warehouse
from tasks.work.run import Run


def write_latest_report(home: Path, pictures: Path | None = None) -> list[Path]:
    """Write the report of the latest judged snapshot, and its charts into `pictures` if given; returns the files."""
    # Altair takes seconds to import.
    from tasks.report.data import read_report_data
    from tasks.report.page import write_pictures, write_report

    warehouse = Warehouse(home)
    latest = warehouse.latest_judged()
    with warehouse.read() as db:
        data = read_report_data(db, **latest)
    path = home / "report.html"
    write_report(data, path)
    return [path, *(write_pictures(data, pictures) if pictures else [])]


@task(task_run_name="write the report")
def publish_report(run: Run) -> Path:
    """Write the report unless it is newer than the published warehouse, and send it; returns its path."""
    report = run.report
    if not report.exists() or report.stat().st_mtime_ns < run.warehouse.published.stat().st_mtime_ns:
        write_latest_report(run.home)
    send_published(run.lake, report)
    return report
