"""The publication: a snapshot that looks right goes where people read it; one that does not is kept back."""

from __future__ import annotations

from prefect import flow

from tasks.engine.schedule import dated
from tasks.operations.gate import check_quarantine
from tasks.operations.steps import gate
from tasks.work.coordinator import coordinating
from tasks.work.request import FindingsRequest, takes
from tasks.work.steps import find_judge, publish_warehouse


@flow(flow_run_name=dated("publish"))
@takes(FindingsRequest)
def publish(request: FindingsRequest) -> bool:
    """Measure a snapshot against the week before, and publish the warehouse, without it where it looks wrong.

    Returns whether anything in the warehouse is new. Raises `SnapshotQuarantined` once it is published without.
    """
    with coordinating(request.home, request.snapshot_date) as run:
        _, fingerprint = find_judge(run, request.fingerprint)
        gate(run, fingerprint)
        run.check()
        is_new = publish_warehouse(run)
        check_quarantine(run)
    return is_new
