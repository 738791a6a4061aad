"""The judging: what stands in each new text, and how well it documents its model."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from tasks.crawl import land
from tasks.judging import describe_part, judge_part, plan_describing, plan_judging, record_judge


@flow(
    flow_run_name="judge {snapshot}",
    task_runner=ThreadPoolTaskRunner(max_workers=2),  # type: ignore[arg-type]  # invariant in its future
)
def judge(home: Path, snapshot: date, judge_name: str) -> tuple[str, int]:
    """Describe and judge a snapshot's texts that are new; returns the judge's fingerprint and how many it judged."""
    fingerprint = record_judge(home, snapshot, judge_name)
    describing = [describe_part.submit(home, part) for part in plan_describing(home, snapshot)]
    judging = [
        judge_part.submit(home, judge_name, part) for part in plan_judging(home, snapshot, fingerprint)
    ]
    for part in describing:
        part.result()
    judged: int = sum(part.result() for part in judging)
    land(home)
    return fingerprint, judged
