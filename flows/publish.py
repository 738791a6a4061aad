"""The publication: a snapshot that looks right goes where people read it; one that does not is kept back."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from prefect import flow

from tasks.engine.schedule import date_of_run, dated
from tasks.findings.steps import judge_of, publish_warehouse
from tasks.operations.gate import check_quarantine
from tasks.operations.steps import gate
from tasks.settings import settings
from tasks.work.coordinator import coordinating


@flow(flow_run_name=dated("publish"))
def publish(
    snapshot_date: date | None = None, home: Path | None = None, fingerprint: str | None = None
) -> bool:
    """Measure a snapshot against the week before, and publish the warehouse, without it where it looks wrong.

    Returns whether anything in the warehouse is new. Raises `SnapshotQuarantined` once it is published without.
    """
    snapshot_date = snapshot_date or date_of_run()
    home = home or settings().home
    with coordinating(home, snapshot_date) as run:
        _, judge = judge_of(home, snapshot_date, fingerprint)
        gate(home, snapshot_date, judge)
        run.check()
        is_new = publish_warehouse(home)
        check_quarantine(home, snapshot_date)
    return is_new
