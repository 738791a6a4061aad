"""Texts of the lake through an embedder, by parts: vectors, each text once."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import task

from tasks.embedders import DEFAULT_EMBEDDER, is_installed
from tasks.errors import EmbedderUnavailable
from tasks.progress import advance
from tasks.records import EmbedderRecord, Embedding
from tasks.settings import settings
from tasks.work.orders import Order, Shared, WorkStage
from tasks.work.run import Run
from tasks.work.texts import orders_of, pending_texts, texts_of_order

NO_EMBEDDER = "none"


def embedder_of(asked: str | None) -> str | None:
    """Which embedder is meant: that of the settings or the default where none is named; null for no map.

    Where the libraries are not there, and nobody asked for a map, there is none.
    """
    asked = asked or settings().embedder
    if asked is None:
        return DEFAULT_EMBEDDER if is_installed() else None
    return None if asked == NO_EMBEDDER else asked


@task(task_run_name="record the embedder of {run.snapshot}")
def record_embedder(run: Run, name: str) -> EmbedderRecord:
    """Write down which embedder, exactly, embeds the snapshot's texts."""
    from tasks.embedders.sentence import identify

    lake, identity = run.lake, identify(name)
    now = datetime.now(UTC).replace(tzinfo=None)
    record = EmbedderRecord(
        run.snapshot, identity.fingerprint, name, identity.weights, identity.settings, now
    )
    part = f"embedders/{run.snapshot}-{record.embedder}.parquet"
    if not lake.has(part):
        lake.write(part, EmbedderRecord, [record])
    return record


@task(task_run_name="plan the embedding of {run.snapshot}")
def plan_embedding(run: Run, embedder: str) -> list[Order]:
    """Texts without a vector of this embedder, in parts."""
    pending = pending_texts(run, "pending/embeddings", embedder=embedder)
    return orders_of(run, WorkStage(run.snapshot, "embed", embedder), pending, settings().part_cards)


@task(task_run_name="embed {order.part}")
def embed_part(run: Run, order: Order, shared: Shared) -> None:
    """Embed a part's texts, written as they come."""
    from tasks.embedders.sentence import opened_embedder

    lake, part = run.lake, f"embeddings/{order.stage.fingerprint}/{order.part}.parquet"
    if lake.has(part):
        return
    name = shared.embedder or DEFAULT_EMBEDDER
    with opened_embedder(name) as embedder, lake.writing(part, Embedding) as add:
        if embedder.identity.fingerprint != order.stage.fingerprint:
            raise EmbedderUnavailable(
                f"{name}: on this machine it is {embedder.identity.fingerprint}, and the run began with "
                f"{order.stage.fingerprint}; have the same files and settings on all machines, and run again"
            )
        for rows in embedder.embed(texts_of_order(run, order)):
            add(rows)
            advance("embed", len(rows))
