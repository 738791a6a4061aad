"""The weekly snapshot, end to end: crawl, judge, analyse, map, publish, report."""

from __future__ import annotations

from dataclasses import replace
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
from tasks.engine.schedule import dated, is_stale
from tasks.judges import kind_of, specs_of
from tasks.judges.steps import check_judge_is_served
from tasks.operations.steps import leave_artifacts
from tasks.operations.summary import Summary, summarise
from tasks.records import DEFAULT_JUDGE
from tasks.work.coordinator import coordinating
from tasks.work.request import (
    AtlasRequest,
    CrawlRequest,
    FindingsRequest,
    JudgeRequest,
    SnapshotRequest,
    takes,
)


@flow(flow_run_name=dated("snapshot"))
@takes(SnapshotRequest)
def snapshot(request: SnapshotRequest) -> Summary | State[Any]:
    """Take one dated snapshot of a Hub and publish it; on a second run, do only what is left of it.

    Without a date it is that of the schedule, or today's (UTC); without a home, that of the settings. Of several
    judges the first one's scores make the report; an LLM judge explains `explain` of its scores. The map is made
    by `embedder`: without a name the default one where its libraries are installed, and `none` makes no map. `workers`
    processes do the parts, this one included: in work pool `pool`, or on this machine; a judge model's parts are done
    by `judge_workers` of `judge_pool` alone where one is named. A run that starts `stale_after_h` hours after its time
    is skipped.
    """
    if is_stale(request.stale_after_h):
        message = f"started more than {request.stale_after_h:g} h after its time"
        return Cancelled(name="Skipped", message=message)
    request = replace(request, judges=request.judges or (DEFAULT_JUDGE,))
    for spec in specs_of(request.judges, request.judge_model, request.judge_urls, cap=request.cap):
        check_judge_is_served(spec, request.crew)
    with coordinating(request.home, request.snapshot_date, request.crew) as run:
        request = request.of(run)
        reads = crawl(**request.parameters(CrawlRequest))
        # The first judge goes last: the report is that of the judge that judged last.
        judged = [
            judge(**request.parameters(JudgeRequest, judge=name, **_servers(request, name)))
            for name in reversed(request.judges)
        ]
        findings = [
            analyse(**request.parameters(FindingsRequest, fingerprint=record.fingerprint))
            for record, _ in judged
        ]
        fingerprint = judged[-1][0].fingerprint
        namer = _namer(request)
        embedded = atlas(**request.parameters(AtlasRequest, namer=namer, **_servers(request, namer)))
        publish(**request.parameters(FindingsRequest, fingerprint=fingerprint))
        report(run.home)
    summary = summarise(
        run,
        fingerprint,
        reads=reads,
        judged=sum(texts for _, texts in judged),
        estimated=sum(findings),
        embedded=embedded,
    )
    leave_artifacts(summary)
    return summary


def _servers(request: SnapshotRequest, judge: str | None) -> dict[str, Any]:
    """Model, servers and budget of a judge; none for one that has no servers, or is not paid for."""
    has_budget = judge is not None and kind_of(judge).has_budget
    caps = {
        "budget": request.budget if has_budget else None,
        "budget_requests": request.budget_requests if has_budget else None,
    }
    if judge is None or not kind_of(judge).needs_servers:
        return {"judge_model": None, "judge_urls": (), **caps}
    return {"judge_model": request.judge_model, "judge_urls": request.judge_urls, **caps}


def _namer(request: SnapshotRequest) -> str | None:
    """The judge model that can name kinds from here; one in a pool of its own cannot."""
    if request.judge_pool:
        return None
    return next((judge for judge in request.judges if kind_of(judge).names_kinds), None)
