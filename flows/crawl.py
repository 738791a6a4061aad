"""The crawl: list the Hub, then read every card that changed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows.run_orders import work_off
from tasks.engine.schedule import date_of_run, dated
from tasks.hub.quota import ensure_limit
from tasks.hub.source import opened
from tasks.hub.steps import check_date, check_selection, is_crawled, land, list_models, plan_reading
from tasks.records import Selection, Sort
from tasks.settings import OFFICIAL_HUB, settings
from tasks.work.coordinator import coordinating
from tasks.work.crew import CrewRequest
from tasks.work.orders import Shared, WorkStage


@flow(
    flow_run_name=dated("crawl"),
    task_runner=ThreadPoolTaskRunner(max_workers=4),  # type: ignore[arg-type]  # invariant in its future
)
def crawl(
    snapshot_date: date | None = None,
    home: Path | None = None,
    hub: str = OFFICIAL_HUB,
    limit: int | None = 1000,
    sort: Sort = "downloads",
    filters: list[str] | None = None,
    author: str | None = None,
    models: list[str] | None = None,
    workers: int = 1,
    pool: str | None = None,
) -> int:
    """Bring a snapshot's listing, and the READMEs that are new to us, into the lake; returns READMEs asked for.

    A date that has passed is crawled late: the Hub tells what it is now, and the snapshot says so.
    """
    snapshot_date = snapshot_date or date_of_run()
    home = home or settings().home
    check_date(snapshot_date)
    selection = Selection(limit, sort, tuple(filters or ()), author, tuple(models or ()))
    with coordinating(home, snapshot_date, CrewRequest(workers, pool)) as run:
        check_selection(run.lake, snapshot_date, selection)
        if is_crawled(home, snapshot_date):
            return 0
        ensure_limit(run.crew.wanted.workers)
        with opened(hub, home, snapshot_date) as source:
            list_models(home, source, snapshot_date, selection)
            land(home)
            orders = plan_reading(home, snapshot_date)
            asked = work_off(run, {WorkStage(snapshot_date, "read"): Shared(hub=source.url)}, orders)
        land(home)
    return asked
