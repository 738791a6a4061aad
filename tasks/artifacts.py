"""What a run leaves in Prefect: a table and a page that stand in its UI."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.summary import Summary


@task(task_run_name="leave artifacts")
def leave_artifacts(summary: Summary) -> None:
    """Publish the summary as a table and the finding as Markdown."""
    create_table_artifact(
        key="snapshot-figures",
        table=[{"figure": name, "value": value} for name, value in summary.rows()],
        description=f"Snapshot of {summary.snapshot}",
    )
    create_markdown_artifact(
        key="snapshot-finding",
        markdown=(
            f"# {summary.snapshot}\n\n{summary.headline}\n\nReport: `{summary.report}`\n\n"
            f"Warehouse: `{summary.warehouse}`\n"
        ),
        description="The finding in a sentence, and where the report is",
    )
