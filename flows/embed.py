"""The embedding: a vector for each new text."""

from __future__ import annotations

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows.run_orders import run_orders
from tasks.embedders.steps import plan_embedding, record_embedder
from tasks.engine.schedule import dated
from tasks.records import EmbedderRecord
from tasks.work.coordinator import coordinating
from tasks.work.orders import Shared, WorkStage
from tasks.work.request import EmbedRequest, takes
from tasks.work.steps import land


@flow(
    flow_run_name=dated("embed"),
    task_runner=ThreadPoolTaskRunner(max_workers=8),  # type: ignore[arg-type]  # invariant in its future
)
@takes(EmbedRequest)
def embed(request: EmbedRequest) -> tuple[EmbedderRecord, int]:
    """Embed a snapshot's texts that are new; returns the embedder, and how many texts it embedded now."""
    with coordinating(request.home, request.snapshot_date, request.crew) as run:
        record = record_embedder(run, request.embedder)
        land(run)
        orders = plan_embedding(run, record.embedder)
        stage = WorkStage(run.snapshot, "embed", record.embedder)
        texts = run_orders(run, {stage: Shared(embedder=request.embedder)}, orders)
        land(run)
    return record, texts
