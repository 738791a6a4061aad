"""The judging: what each new text contains, and how well it documents its model."""

from __future__ import annotations

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows.run_orders import run_orders
from tasks.boilerplate.steps import check_boilerplate
from tasks.boilerplate.tables import in_use
from tasks.engine.schedule import dated
from tasks.judges import specs_of
from tasks.judges.canaries.steps import check_canaries, plan_canaries
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
from tasks.passport.steps import plan_passport, take_passport
from tasks.records import JudgeRecord
from tasks.work.coordinator import coordinating
from tasks.work.orders import Shared, WorkStage
from tasks.work.request import JudgeRequest, takes
from tasks.work.steps import land


@flow(
    flow_run_name=dated("judge"),
    task_runner=ThreadPoolTaskRunner(max_workers=8),  # type: ignore[arg-type]  # invariant in its future
)
@takes(JudgeRequest)
def judge(request: JudgeRequest) -> tuple[JudgeRecord, int]:
    """Describe and judge a snapshot's texts that are new, and have a sample of `explain` texts explained.

    Returns the judge, and how many texts it judged now.
    """
    named = [request.judge], request.judge_model, request.judge_urls
    (spec,) = specs_of(*named, explains=request.explain > 0, cap=request.cap)
    check_judge_is_served(spec, request.crew)
    with (
        coordinating(request.home, request.snapshot_date, request.crew) as run,
        judge_servers(run) as with_servers,
    ):
        table = in_use(run.lake)
        shared = Shared(spec=spec, boilerplate=table.version)
        elsewhere = kinds_elsewhere(spec, run.crew.request)
        if elsewhere:
            identity = order_identity(run, spec)
            run_orders(run, {identity.stage: shared}, [identity], elsewhere=elsewhere)
        record = record_judge(run, spec, table, is_elsewhere=bool(elsewhere))
        forget_other_judges(run, record.fingerprint)
        orders = plan_judging(run, spec, record, table.version)
        to_judge = [order for order in orders if order.stage.fingerprint]
        if to_judge and not elsewhere:
            shared = with_servers(shared)  # one server for this process and its crew
        if to_judge:
            proof = plan_canaries(run, record)
            proving = WorkStage(run.snapshot, "prove", record.fingerprint)
            run_orders(run, {proving: shared}, proof, elsewhere=elsewhere)
            check_canaries(run, record)
        stages = dict.fromkeys(stages_of(run, spec, record.fingerprint), shared)
        run_orders(run, stages, orders, elsewhere=elsewhere)
        check_boilerplate(run, table)
        land(run)
        cards = 0 if elsewhere else plan_passport(run, spec, record.fingerprint)
        if cards:
            shared = with_servers(shared)
            take_passport(run, shared, record.fingerprint, cards)
        to_explain = plan_explaining(run, spec, record.fingerprint, request.explain)
        if to_explain and not elsewhere:
            shared = with_servers(shared)
        explaining = WorkStage(run.snapshot, "explain", record.fingerprint)
        run_orders(run, {explaining: shared}, to_explain, elsewhere=elsewhere)
        land(run)
    return record, sum(len(order.refs) for order in to_judge)
