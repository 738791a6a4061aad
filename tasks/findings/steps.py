"""From the warehouse being built to findings in the lake, and to the report beside it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from prefect import task

from tasks.errors import UsageError
from tasks.progress import advance, expect
from tasks.records import CardFamily, Finding
from tasks.storage.lake import Lake
from tasks.storage.publishing import send_published
from tasks.storage.warehouse import Warehouse, findings_of, findings_part, frame, stream


@task(task_run_name="find the families of {snapshot}")
def find_families(home: Path, snapshot: date) -> None:
    """Find which card texts of a snapshot are nearly the same, unless they are those that were compared before."""
    from tasks.cards.families import FAMILIES_VERSION, families  # a second run needs none of it

    warehouse = Warehouse(home)
    with warehouse.open() as db:
        digest = frame(db, "out/family_digest", snapshot=snapshot, version=FAMILIES_VERSION).item()
    part = f"families/{snapshot}-{(digest or 'empty')[:16]}.parquet"
    if warehouse.lake.has(part):
        return
    now = datetime.now(UTC).replace(tzinfo=None)
    with warehouse.open() as db:
        texts = stream(db, "out/family_texts", snapshot=snapshot)
        found = [CardFamily(snapshot, *row, now) for row in families(texts)]
    warehouse.lake.write(part, CardFamily, found)
    warehouse.land()


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
    # statsmodels and what else takes seconds to import; a second run needs none of it
    from tasks.findings import find
    from tasks.findings.documented import documented
    from tasks.findings.edit_effects import edit_effects
    from tasks.findings.sample import Stamp

    with warehouse.open() as db:
        rows = frame(db, "out/analysis_frame", snapshot=snapshot, fingerprint=fingerprint)
        alike = dict(frame(db, "out/families", snapshot=snapshot).iter_rows())
        panel = frame(db, "out/edit_panel", snapshot=snapshot, fingerprint=fingerprint)
    now, stamp = datetime.now(UTC).replace(tzinfo=None), Stamp(snapshot, judge, fingerprint)
    findings = find(rows, snapshot=snapshot, judge=judge, fingerprint=fingerprint)
    findings += documented(rows, alike, stamp) + edit_effects(panel, stamp)
    return [dataclasses.replace(finding, computed_at=now) for finding in findings]


@task(task_run_name="find the judge of {snapshot}")
def judge_of(home: Path, snapshot: date, fingerprint: str | None) -> tuple[str, str]:
    """Name and fingerprint of who judged the snapshot: the one asked for, else the last. `UsageError` for none."""
    with Warehouse(home).open() as db:
        found = frame(db, "pending/analysis", snapshot=snapshot, fingerprint=fingerprint).rows()
    if not found:
        raise UsageError(f"nobody has judged the snapshot of {snapshot}; run the flow `judge` first")
    ((judge, fingerprint),) = found
    return judge, fingerprint


@task(task_run_name="publish the warehouse")
def publish_warehouse(home: Path) -> bool:
    """Put the warehouse where people read it; returns whether anything in it is new."""
    warehouse = Warehouse(home)
    is_changed = warehouse.publish()
    send_published(warehouse.lake, warehouse.published)
    return is_changed


def latest_findings(home: Path) -> list[Finding]:
    """The published findings of the latest judged snapshot."""
    warehouse = Warehouse(home)
    warehouse.check_current()
    latest = _latest_judged(warehouse)
    with warehouse.read() as db:
        return findings_of(db, **latest)


def _latest_judged(warehouse: Warehouse) -> dict[str, Any]:
    """`snapshot` and `fingerprint` of the latest published snapshot that was judged."""
    with warehouse.read() as db:
        judged = frame(db, "out/latest_judged").to_dicts()
    if not judged:
        raise UsageError(f"no snapshot in {warehouse.home} has been judged; run `cardiograph snapshot` first")
    return judged[0]


def write_latest_report(home: Path, pictures: Path | None = None) -> list[Path]:
    """The report of the latest judged snapshot, and its charts as pictures where asked; returns the files."""
    from tasks.report import read_report_data, write_pictures, write_report  # Altair takes seconds to import

    warehouse = Warehouse(home)
    warehouse.check_current()
    latest = _latest_judged(warehouse)
    with warehouse.read() as db:
        data = read_report_data(db, **latest)
    path = home / "report.html"
    write_report(data, path)
    return [path, *(write_pictures(data, pictures) if pictures else [])]


@task(task_run_name="write the report")
def publish_report(home: Path) -> Path:
    """Have the report of the latest judged snapshot where people read it; returns its path."""
    report = home / "report.html"
    if not report.exists() or report.stat().st_mtime_ns < Warehouse(home).published.stat().st_mtime_ns:
        write_latest_report(home)
    send_published(Lake(home), report)
    return report
