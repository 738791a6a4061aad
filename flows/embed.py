"""The embedding: a vector for each new text."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows.run_orders import work_off
from tasks.embedders import DEFAULT_EMBEDDER
from tasks.embedders.steps import plan_embedding, record_embedder
from tasks.engine.schedule import date_of_run, dated
from tasks.hub.steps import land
from tasks.records import EmbedderRecord
from tasks.settings import settings
from tasks.work.coordinator import coordinating
from tasks.work.crew import CrewRequest
from tasks.work.orders import Shared, WorkStage


@flow(
    flow_run_name=dated("embed"),
    task_runner=ThreadPoolTaskRunner(max_workers=8),  # type: ignore[arg-type]  # invariant in its future
)
def embed(
    snapshot_date: date | None = None,
    home: Path | None = None,
    embedder: str = DEFAULT_EMBEDDER,
    workers: int = 1,
    pool: str | None = None,
) -> tuple[EmbedderRecord, int]:
    """Embed a snapshot's texts that are new, by `workers` processes; returns who embedded, and how many texts now."""
    snapshot_date = snapshot_date or date_of_run()
    home = home or settings().home
    with coordinating(home, snapshot_date, CrewRequest(workers, pool)) as run:
        record = record_embedder(home, snapshot_date, embedder)
        land(home)
        orders = plan_embedding(home, snapshot_date, record.embedder)
        stage = WorkStage(snapshot_date, "embed", record.embedder)
        texts = work_off(run, {stage: Shared(embedder=embedder)}, orders)
        land(home)
    return record, texts
