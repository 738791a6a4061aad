"""The analysis: from verdicts to findings in the lake."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from prefect import flow

from tasks.engine.schedule import date_of_run, dated
from tasks.findings.steps import estimate_findings, find_families, judge_of
from tasks.settings import settings
from tasks.work.coordinator import coordinating


@flow(flow_run_name=dated("analyse"))
def analyse(
    snapshot_date: date | None = None, home: Path | None = None, fingerprint: str | None = None
) -> int:
    """Estimate the findings of a snapshot by the judge of that fingerprint, or the last; returns how many are new."""
    snapshot_date = snapshot_date or date_of_run()
    home = home or settings().home
    with coordinating(home, snapshot_date):
        name, judge = judge_of(home, snapshot_date, fingerprint)
        find_families(home, snapshot_date)
        return estimate_findings(home, snapshot_date, name, judge)
