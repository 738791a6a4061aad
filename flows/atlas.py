"""The atlas: where each card lies, what kinds there are, and what they are called."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from prefect import flow

from flows.embed import embed
from tasks.atlas.steps import make_map, name_kinds, plan_naming
from tasks.embedders.steps import embedder_of
from tasks.engine.schedule import date_of_run, dated
from tasks.judges import specs_of
from tasks.judges.steps import judge_servers
from tasks.settings import settings
from tasks.work.coordinator import coordinating
from tasks.work.crew import CrewRequest
from tasks.work.orders import Shared


@flow(flow_run_name=dated("atlas"))
def atlas(
    snapshot_date: date | None = None,
    home: Path | None = None,
    embedder: str | None = None,
    namer: str | None = None,
    judge_model: str | None = None,
    judge_urls: list[str] | None = None,
    workers: int = 1,
    pool: str | None = None,
) -> int:
    """Embed a snapshot's new texts, place them on the map, and name new kinds; returns how many texts were embedded.

    Without an `embedder` it is the default one where its libraries are installed; `none` makes no map. A `namer`,
    `vllm` or `vllm:MODEL`, gives kinds better names than their terms do.
    """
    snapshot_date = snapshot_date or date_of_run()
    home = home or settings().home
    if (name := embedder_of(embedder)) is None:
        return 0
    with coordinating(home, snapshot_date, CrewRequest(workers, pool)), judge_servers(home) as with_servers:
        record, texts = embed(snapshot_date, home, name)
        make_map(home, snapshot_date, record.embedder)
        for judge in specs_of([namer], judge_model, judge_urls or []) if namer else []:
            if kinds := plan_naming(home, snapshot_date, judge):
                name_kinds(home, snapshot_date, with_servers(Shared(spec=judge)), kinds)
    return texts
