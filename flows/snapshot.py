"""The weekly snapshot, end to end: crawl, judge, analyse, publish."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from prefect import flow

from flows.crawl import crawl
from flows.judge import judge
from tasks.analysis import estimate_findings, publish
from tasks.artifacts import leave_artifacts
from tasks.crawl import check_selection, is_crawled
from tasks.judges import DEFAULT_JUDGE, specs_of
from tasks.records import Selection, Sort
from tasks.settings import OFFICIAL_HUB, settings
from tasks.source import opened
from tasks.summary import Summary, summarise
from tasks.warehouse import Warehouse


@flow(flow_run_name="snapshot {snapshot_date}")
def snapshot(
    snapshot_date: date | None = None,
    home: Path | None = None,
    hub: str = OFFICIAL_HUB,
    limit: int | None = 1000,
    sort: Sort = "downloads",
    filters: list[str] | None = None,
    author: str | None = None,
    models: list[str] | None = None,
    judges: list[str] | None = None,
    judge_model: str | None = None,
    judge_urls: list[str] | None = None,
    explain: int = 12,
) -> Summary:
    """Take one dated snapshot of a Hub and publish what it says; on a second run, only what is left of it.

    Without a date it is today's (UTC); without a home, that of the settings. Of several judges the first one's
    scores make the report; an LLM judge explains `explain` of its scores.
    """
    snapshot_date = snapshot_date or datetime.now(UTC).date()
    home = home or settings().home
    selection = Selection(limit, sort, tuple(filters or ()), author, tuple(models or ()))
    specs = specs_of(judges or [DEFAULT_JUDGE], judge_model, judge_urls or [])
    warehouse = Warehouse(home)
    with warehouse.writer():
        check_selection(warehouse.lake, snapshot_date, selection)
        warehouse.begin()
        asked = 0
        if not is_crawled(home, snapshot_date):
            with opened(hub, home, snapshot_date) as source:
                asked = crawl(home, source, snapshot_date, selection)
        # The first judge goes last: the report is that of the judge that judged last.
        judged = [judge(home, snapshot_date, spec, explain) for spec in reversed(specs)]
        found = [estimate_findings(home, snapshot_date, card.judge, card.fingerprint) for card, _ in judged]
        fingerprint = judged[-1][0].fingerprint
        report = publish(home, snapshot_date, fingerprint)
    summary = summarise(
        home,
        snapshot_date,
        fingerprint,
        asked=asked,
        judged=sum(texts for _, texts in judged),
        found=sum(found),
        report=report,
    )
    leave_artifacts(summary)
    return summary
