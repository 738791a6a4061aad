"""The judging: what stands in each new text, and how well it documents its model."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from tasks.crawl import land
from tasks.judging import (
    describe_part,
    explain_part,
    judge_part,
    judge_servers,
    plan_describing,
    plan_explaining,
    plan_judging,
    record_judge,
)
from tasks.records import JudgeCard, JudgeSpec


@flow(
    flow_run_name="judge {snapshot}",
    task_runner=ThreadPoolTaskRunner(max_workers=4),  # type: ignore[arg-type]  # invariant in its future
)
def judge(home: Path, snapshot: date, spec: JudgeSpec, explain: int = 0) -> tuple[JudgeCard, int]:
    """Describe and judge a snapshot's texts that are new, and have a sample of `explain` texts explained.

    Returns who judged, and how many texts it judged now.
    """
    card = record_judge(home, snapshot, spec)
    describing = [describe_part.submit(home, part) for part in plan_describing(home, snapshot)]
    with judge_servers(home, spec) as servers:
        judging = [
            judge_part.submit(home, snapshot, servers(), card.fingerprint, part)
            for part in plan_judging(home, snapshot, spec, card)
        ]
        for part in describing:
            part.result()
        judged: int = sum(part.result() for part in judging)
        land(home)
        explaining = [
            explain_part.submit(home, servers(), card.fingerprint, part)
            for part in plan_explaining(home, snapshot, spec, card.fingerprint, explain)
        ]
        for part in explaining:
            part.result()
    land(home)
    return card, judged
