"""The judging: what stands in each new text, and how well it documents its model."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows.run_orders import work_off
from tasks.engine.schedule import date_of_run, dated
from tasks.hub.steps import land
from tasks.judges import DEFAULT_JUDGE, specs_of
from tasks.judges.steps import (
    check_judge_is_served,
    forget_other_judges,
    judge_servers,
    kinds_elsewhere,
    order_identity,
    plan_explaining,
    plan_judging,
    record_judge,
    stages_of,
)
from tasks.records import JudgeRecord
from tasks.settings import settings
from tasks.work.coordinator import coordinating
from tasks.work.crew import CrewRequest
from tasks.work.orders import Shared, WorkStage


@flow(
    flow_run_name=dated("judge"),
    task_runner=ThreadPoolTaskRunner(max_workers=8),  # type: ignore[arg-type]  # invariant in its future
)
def judge(
    snapshot_date: date | None = None,
    home: Path | None = None,
    judge: str = DEFAULT_JUDGE,
    judge_model: str | None = None,
    judge_urls: list[str] | None = None,
    explain: int = 12,
    workers: int = 1,
    pool: str | None = None,
    judge_pool: str | None = None,
    judge_workers: int = 1,
) -> tuple[JudgeRecord, int]:
    """Describe and judge a snapshot's texts that are new, and have a sample of `explain` texts explained.

    Returns the judge, and how many texts it judged in this run.
    """
    snapshot_date = snapshot_date or date_of_run()
    home = home or settings().home
    (spec,) = specs_of([judge], judge_model, judge_urls or [])
    shared = Shared(spec=spec)
    wanted = CrewRequest(workers, pool, judge_pool, judge_workers)
    check_judge_is_served(spec, wanted)
    with coordinating(home, snapshot_date, wanted) as run, judge_servers(home) as with_servers:
        elsewhere = kinds_elsewhere(spec, run.crew.wanted)
        if elsewhere:
            identity = order_identity(snapshot_date, spec)
            work_off(run, {identity.stage: shared}, [identity], elsewhere=elsewhere)
        record = record_judge(home, snapshot_date, spec, is_elsewhere=bool(elsewhere))
        forget_other_judges(home, snapshot_date, spec, record.fingerprint)
        orders = plan_judging(home, snapshot_date, spec, record)
        to_judge = [order for order in orders if order.stage.fingerprint]
        if to_judge and not elsewhere:
            shared = with_servers(shared)  # one server for this process and its crew
        stages = stages_of(snapshot_date, spec, record.fingerprint)
        work_off(run, dict.fromkeys(stages, shared), orders, elsewhere=elsewhere)
        land(home)
        to_explain = plan_explaining(home, snapshot_date, spec, record.fingerprint, explain)
        if to_explain and not elsewhere:
            shared = with_servers(shared)
        explaining = WorkStage(snapshot_date, "explain", record.fingerprint)
        work_off(run, {explaining: shared}, to_explain, elsewhere=elsewhere)
        land(home)
    return record, sum(len(order.refs) for order in to_judge)
