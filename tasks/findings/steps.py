"""From the warehouse being built to findings in the lake."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from prefect import task

from tasks.clock import utc_now
from tasks.progress import advance, expect
from tasks.records import CardFamily, Finding, Scope
from tasks.storage.warehouse import Warehouse, findings_of, findings_part, frame, scope_of, stream
from tasks.work.run import Run


@task(task_run_name="find the families of {run.snapshot}")
def find_families(run: Run) -> None:
    """Find which card texts of a snapshot are nearly the same, unless the same texts were compared before."""
    from tasks.cards.families import FAMILIES_VERSION, families  # a second run needs none of it

    with run.warehouse.open() as db:
        digest = frame(db, "out/family_digest", snapshot=run.snapshot, version=FAMILIES_VERSION).item()
    part = f"families/{run.snapshot}-{(digest or 'empty')[:16]}.parquet"
    if run.lake.has(part):
        return
    now = utc_now()
    with run.warehouse.open() as db:
        texts = stream(db, "out/family_texts", snapshot=run.snapshot)
        rows = [CardFamily(run.snapshot, *row, now) for row in families(texts)]
    run.lake.write(part, CardFamily, rows)
    run.warehouse.land()


@task(task_run_name="estimate the findings of {run.snapshot}")
def estimate_findings(run: Run, judge: str, fingerprint: str) -> int:
    """Estimate every finding, unless it was estimated from the same data before; returns how many are new."""
    expect("analyse", 1)
    with run.warehouse.open() as db:
        part = findings_part(db, run.snapshot, fingerprint)
    findings = [] if run.lake.has(part) else _estimate(run, judge, fingerprint)
    if findings:
        run.lake.write(part, Finding, findings)
        run.warehouse.land()
    advance("analyse")
    return len(findings)


def _estimate(run: Run, judge: str, fingerprint: str) -> list[Finding]:
    # statsmodels and others take seconds to import; a second run needs none of them
    from tasks.findings.documented import documented
    from tasks.findings.edit_effects import edit_effects
    from tasks.findings.find import find
    from tasks.findings.ingredients import ingredients
    from tasks.findings.sample import Stamp
    from tasks.findings.selected import flag_selected

    snapshot = run.snapshot
    with run.warehouse.open() as db:
        rows = frame(db, "out/analysis_frame", snapshot=snapshot, fingerprint=fingerprint)
        alike = dict(frame(db, "out/families", snapshot=snapshot).iter_rows())
        parts = frame(db, "out/ingredients", snapshot=snapshot, fingerprint=fingerprint)
        panel = frame(db, "out/edit_panel", snapshot=snapshot, fingerprint=fingerprint)
        selected_on = scope_of(db, snapshot).selected_on
    now, stamp = utc_now(), Stamp(snapshot, judge, fingerprint)
    findings = find(rows, snapshot=snapshot, judge=judge, fingerprint=fingerprint, selected_on=selected_on)
    findings += documented(rows, alike, stamp)
    findings += flag_selected([*ingredients(rows, parts, stamp), *edit_effects(panel, stamp)], selected_on)
    return [dataclasses.replace(finding, computed_at=now) for finding in findings]


def latest_findings(home: Path) -> tuple[list[Finding], Scope]:
    """The published findings of the latest judged snapshot, and which models it is about."""
    warehouse = Warehouse(home)
    latest = warehouse.latest_judged()
    with warehouse.read() as db:
        return findings_of(db, **latest), scope_of(db, latest["snapshot"])
