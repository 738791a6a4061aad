"""The crawl: list the Hub, then read every card that changed."""

from __future__ import annotations

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows.run_orders import run_orders
from tasks.engine.schedule import date_of_run, dated
from tasks.hub.quota import ensure_limit
from tasks.hub.source import opened
from tasks.hub.steps import check_date, check_selection, is_crawled, list_models, plan_reading
from tasks.work.coordinator import coordinating
from tasks.work.orders import Shared, WorkStage
from tasks.work.request import CrawlRequest, takes
from tasks.work.steps import land


@flow(
    flow_run_name=dated("crawl"),
    task_runner=ThreadPoolTaskRunner(max_workers=4),  # type: ignore[arg-type]  # invariant in its future
)
@takes(CrawlRequest)
def crawl(request: CrawlRequest) -> int:
    """Bring a snapshot's listing, and the READMEs that are new to us, into the lake; returns READMEs requested.

    A date that has passed is crawled late: the Hub answers with today's state, and the snapshot is marked so.
    """
    check_date(request.snapshot_date or date_of_run())
    with coordinating(request.home, request.snapshot_date, request.crew) as run:
        check_selection(run, request.selection)
        if is_crawled(run):
            return 0
        ensure_limit(run.crew.request.workers)
        with opened(request.hub, run.home, run.snapshot) as source:
            list_models(run, source, request.selection)
            land(run)
            orders = plan_reading(run)
            reads = run_orders(run, {WorkStage(run.snapshot, "read"): Shared(hub=source.url)}, orders)
        land(run)
    return reads
