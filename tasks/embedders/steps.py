"""The @tasks of embedding: texts of the lake become vectors, each text once, by parts."""

from __future__ import annotations

from prefect import task

from tasks.clock import utc_now
from tasks.embedders import DEFAULT_EMBEDDER, is_installed
from tasks.errors import EmbedderUnavailable
from tasks.progress import advance
from tasks.records import EmbedderRecord, Embedding
from tasks.settings import settings
from tasks.work.orders import Order, Shared, WorkStage
from tasks.work.run import Run
from tasks.work.texts import orders_of, pending_texts, texts_of_order

NO_EMBEDDER = "none"


def embedder_of(requested: str | None) -> str | None:
    """The embedder to use: the requested one, else that of the settings, else the default; null for no map.

    Without the libraries there is no map, unless an embedder was named.
    """
    name = requested or settings().embedder
    if name is None:
        return DEFAULT_EMBEDDER if is_installed() else None
    return None if name == NO_EMBEDDER else name


@task(task_run_name="record the embedder of {run.snapshot}")
def record_embedder(run: Run, name: str) -> EmbedderRecord:
    """Record the exact embedder of a snapshot's texts."""
    from tasks.embedders.loading import identify

    lake, identity = run.lake, identify(name)
    record = EmbedderRecord(
        run.snapshot, identity.fingerprint, name, identity.weights, identity.settings, utc_now()
    )
    part = f"embedders/{run.snapshot}-{record.embedder}.parquet"
    if not lake.has(part):
        lake.write(part, EmbedderRecord, [record])
    return record


@task(task_run_name="plan the embedding of {run.snapshot}")
def plan_embedding(run: Run, embedder: str) -> list[Order]:
    """Plan the embedding, in parts, of the texts that have no vector of this embedder."""
    pending = pending_texts(run, "pending/embeddings", embedder=embedder)
    return orders_of(run, WorkStage(run.snapshot, "embed", embedder), pending, settings().part_cards)


@task(task_run_name="embed {order.part}")
def embed_part(run: Run, order: Order, shared: Shared) -> None:
    """Embed the texts of a part, and write each batch of vectors as it comes."""
    from tasks.embedders.loading import load_embedder

    lake, part = run.lake, f"embeddings/{order.stage.fingerprint}/{order.part}.parquet"
    if lake.has(part):
        advance("embed", len(order.refs))
        return
    name = shared.embedder or DEFAULT_EMBEDDER
    embedder = load_embedder(name)
    if embedder.identity.fingerprint != order.stage.fingerprint:
        raise EmbedderUnavailable(
            f"{name}: its fingerprint is {embedder.identity.fingerprint} on this machine, and that of the run is "
            f"{order.stage.fingerprint}; use the same files and settings on all machines, and run again"
        )
    with lake.writing(part, Embedding) as add:
        for rows in embedder.embed(texts_of_order(run, order)):
            add(rows)
            advance("embed", len(rows))
