"""The tasks that all flows share: land the lake, find the judge, publish the warehouse."""

from __future__ import annotations

from prefect import task

from tasks.errors import UsageError
from tasks.storage.publishing import send_published
from tasks.storage.warehouse import frame
from tasks.work.run import Run


@task(task_run_name="land")
def land(run: Run) -> None:
    """Take what the lake holds into the warehouse being built."""
    run.warehouse.land()


@task(task_run_name="find the judge of {run.snapshot}")
def find_judge(run: Run, fingerprint: str | None) -> tuple[str, str]:
    """Name and fingerprint of a judge of the snapshot: the requested one, else the last. `UsageError` for none."""
    with run.warehouse.open() as db:
        rows = frame(db, "pending/analysis", snapshot=run.snapshot, fingerprint=fingerprint).rows()
    if not rows:
        raise UsageError(f"the snapshot of {run.snapshot} has no verdicts; run the flow `judge` first")
    ((judge, fingerprint),) = rows
    return judge, fingerprint


@task(task_run_name="publish the warehouse")
def publish_warehouse(run: Run) -> bool:
    """Put the warehouse where people read it; returns whether anything in it is new."""
    is_new = run.warehouse.publish()
    send_published(run.lake, run.warehouse.published)
    return is_new
