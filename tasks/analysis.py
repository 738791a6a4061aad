"""From the warehouse being built to findings in the lake, and to the report beside it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from pathlib import Path

from prefect import task

from tasks.progress import advance, expect
from tasks.records import Finding
from tasks.warehouse import Warehouse, findings_part, frame


@task(task_run_name="estimate the findings of {snapshot}")
def estimate_findings(home: Path, snapshot: date, judge: str, fingerprint: str) -> int:
    """Estimate every finding, unless what they are estimated from is what it was; returns how many are new."""
    warehouse = Warehouse(home)
    expect("analyse", 1)
    with warehouse.open() as db:
        part = findings_part(db, snapshot, fingerprint)
    findings = [] if warehouse.lake.has(part) else _find(warehouse, snapshot, judge, fingerprint)
    if findings:
        warehouse.lake.write(part, Finding, findings)
        warehouse.land()
    advance("analyse")
    return len(findings)


def _find(warehouse: Warehouse, snapshot: date, judge: str, fingerprint: str) -> list[Finding]:
    from tasks.findings import find  # statsmodels takes seconds to import, and a second run needs none of it

    with warehouse.open() as db:
        rows = frame(db, "out/analysis_frame", snapshot=snapshot, fingerprint=fingerprint)
    now = datetime.now(UTC).replace(tzinfo=None)
    findings = find(rows, snapshot=snapshot, judge=judge, fingerprint=fingerprint)
    return [dataclasses.replace(finding, computed_at=now) for finding in findings]


@task(task_run_name="publish {snapshot}")
def publish(home: Path, snapshot: date, fingerprint: str) -> Path:
    """Put the warehouse and the report where people read them; returns the report's path."""
    warehouse = Warehouse(home)
    report = home / "report.html"
    is_changed = warehouse.publish()
    if is_changed or not report.exists():
        from tasks.report import read_report_data, write_report  # Altair likewise

        with warehouse.read() as db:
            data = read_report_data(db, snapshot=snapshot, fingerprint=fingerprint)
        write_report(data, report)
    return report
