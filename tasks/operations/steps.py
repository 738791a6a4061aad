"""The @tasks around publication: the gate before it, and the summary that a run leaves in Prefect's UI."""

from __future__ import annotations

import dataclasses
import hashlib

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from tasks.clock import utc_now
from tasks.operations.gate import gate_measures, latest_measures, observe
from tasks.operations.summary import Summary
from tasks.records import GateMeasure
from tasks.settings import settings
from tasks.storage.lake import Lake
from tasks.work.run import Run


@task(task_run_name="gate {run.snapshot}")
def gate(run: Run, fingerprint: str) -> list[GateMeasure]:
    """Measure a snapshot against the one before it and write the measures to the lake, unless it holds them already."""
    warehouse = run.warehouse
    now, before = observe(warehouse, run.snapshot, fingerprint)
    at = utc_now()
    measures = gate_measures(now, before, settings(), fingerprint=fingerprint, at=at)
    known = latest_measures(warehouse, run.snapshot, fingerprint)
    if measures == [dataclasses.replace(measure, measured_at=at) for measure in known]:
        return known
    digest = hashlib.sha256(repr(measures).encode()).hexdigest()[:16]
    warehouse.lake.write(f"gates/{run.snapshot}-{fingerprint}-{digest}.parquet", GateMeasure, measures)
    warehouse.land()
    return measures


@task(task_run_name="leave artifacts")
def leave_artifacts(summary: Summary) -> None:
    """Publish the summary as a table, the report as a link and the finding as Markdown."""
    create_table_artifact(
        key="snapshot-figures",
        table=[{"figure": name, "value": value} for name, value in summary.rows()],
        description=f"Snapshot of {summary.snapshot}",
    )
    lake = Lake(summary.warehouse.parent)
    where = f"{lake.location}/published/report.html" if lake.is_remote else summary.report.resolve().as_uri()
    create_link_artifact(
        key="snapshot-report", link=where, link_text=f"Report of {summary.snapshot}", description="The report"
    )
    create_markdown_artifact(
        key="snapshot-finding",
        markdown=(
            f"# {summary.snapshot}\n\n{summary.headline}\n\nReport: `{summary.report}`\n\n"
            f"Warehouse: `{summary.warehouse}`\n"
        ),
        description="The finding in one sentence, and the path of the report",
    )
