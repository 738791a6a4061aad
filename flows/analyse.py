"""The analysis: from verdicts to findings in the lake."""

from __future__ import annotations

from prefect import flow

from tasks.engine.schedule import dated
from tasks.findings.steps import estimate_findings, find_families
from tasks.work.coordinator import coordinating
from tasks.work.request import FindingsRequest, takes
from tasks.work.steps import find_judge


@flow(flow_run_name=dated("analyse"))
@takes(FindingsRequest)
def analyse(request: FindingsRequest) -> int:
    """Estimate the findings of a snapshot from one judge's verdicts; returns how many are new."""
    with coordinating(request.home, request.snapshot_date) as run:
        name, fingerprint = find_judge(run, request.fingerprint)
        find_families(run)
        return estimate_findings(run, name, fingerprint)
