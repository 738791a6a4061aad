"""The weekly snapshot, end to end: crawl, judge, analyse, publish, report."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Cancelled

from flows.analyse import analyse
from flows.atlas import atlas
from flows.crawl import crawl
from flows.judge import judge
from flows.publish import publish
from flows.report import report
from tasks.engine.schedule import date_of_run, dated, is_stale
from tasks.judges import DEFAULT_JUDGE, specs_of
from tasks.operations.steps import leave_artifacts
from tasks.operations.summary import Summary, summarise
from tasks.records import Sort
from tasks.settings import OFFICIAL_HUB, settings
from tasks.work.coordinator import coordinating
from tasks.work.crew import CrewRequest, check_judge_is_served


@flow(flow_run_name=dated("snapshot"))
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
    embedder: str | None = None,
    workers: int = 1,
    pool: str | None = None,
    judge_pool: str | None = None,
    judge_workers: int = 1,
    stale_after_h: float | None = None,
) -> Summary | State[Any]:
    """Take one dated snapshot of a Hub and publish what it says; on a second run, only what is left of it.

    Without a date it is that of the schedule, or today's (UTC); without a home, that of the settings. Of several
    judges the first one's scores make the report; an LLM judge explains `explain` of its scores. The map is made
    by `embedder`: without a name the default one where its libraries are installed, and `none` makes no map. `workers`
    processes do the parts, this one included: in work pool `pool`, or on this machine; a judge model's parts are done
    by `judge_workers` of `judge_pool` alone where one is named. A run that starts `stale_after_h` hours after its time
    is skipped.
    """
    if is_stale(stale_after_h):
        return Cancelled(name="Skipped", message=f"started more than {stale_after_h:g} h after its time")
    snapshot_date = snapshot_date or date_of_run()
    home = home or settings().home
    wanted = CrewRequest(workers, pool, judge_pool, judge_workers)
    for spec in specs_of(judges or [DEFAULT_JUDGE], judge_model, judge_urls or []):
        check_judge_is_served(spec, wanted)
    with coordinating(home, snapshot_date, wanted):
        asked = crawl(snapshot_date, home, hub, limit, sort, filters, author, models)
        # The first judge goes last: the report is that of the judge that judged last.
        judged = [
            judge(snapshot_date, home, name, *_of_model(name, judge_model, judge_urls), explain)
            for name in reversed(judges or [DEFAULT_JUDGE])
        ]
        found = [analyse(snapshot_date, home, card.fingerprint) for card, _ in judged]
        fingerprint = judged[-1][0].fingerprint
        namer = _namer(judges or [], judge_pool)
        embedded = atlas(
            snapshot_date, home, embedder, namer, *_of_model(namer or "", judge_model, judge_urls)
        )
        publish(snapshot_date, home, fingerprint)
        page = report(home)
    summary = summarise(
        home,
        snapshot_date,
        fingerprint,
        asked=asked,
        judged=sum(texts for _, texts in judged),
        found=sum(found),
        embedded=embedded,
        report=page,
    )
    leave_artifacts(summary)
    return summary


def _of_model(judge: str, model: str | None, urls: list[str] | None) -> tuple[str | None, list[str] | None]:
    """Model and servers, for a judge that has any."""
    return (model, urls) if judge.startswith("vllm") else (None, None)


def _namer(judges: list[str], judge_pool: str | None) -> str | None:
    """The judge model that can be asked from here what kinds are called; one in a pool of its own cannot."""
    return None if judge_pool else next((judge for judge in judges if judge.startswith("vllm")), None)
