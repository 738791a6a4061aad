"""What a run leaves in Prefect: a table and a page that stand in its UI."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from tasks.operations.summary import Summary
from tasks.storage.lake import Lake


@task(task_run_name="leave artifacts")
def leave_artifacts(summary: Summary) -> None:
    """Publish the summary as a table and the finding as Markdown."""
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
        description="The finding in a sentence, and where the report is",
    )
