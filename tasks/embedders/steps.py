"""The @tasks of embedding: texts of the lake become vectors, each text once, by parts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from prefect import task

from tasks.clock import utc_now
from tasks.embedders import DEFAULT_EMBEDDER, is_installed
from tasks.errors import EmbedderUnavailable
from tasks.progress import advance
from tasks.records import EmbedderRecord, Embedding
from tasks.settings import settings
from tasks.storage.lake import Lake
from tasks.work.orders import Order, Shared, WorkStage
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


@task(task_run_name="record the embedder of {snapshot}")
def record_embedder(home: Path, snapshot: date, name: str) -> EmbedderRecord:
    """Record the exact embedder of a snapshot's texts."""
    from tasks.embedders.sentence import identify

    lake, identity = Lake(home), identify(name)
    record = EmbedderRecord(
        snapshot, identity.fingerprint, name, identity.weights, identity.settings, utc_now()
    )
    part = f"embedders/{snapshot}-{record.embedder}.parquet"
    if not lake.has(part):
        lake.write(part, EmbedderRecord, [record])
    return record


@task(task_run_name="plan the embedding of {snapshot}")
def plan_embedding(home: Path, snapshot: date, embedder: str) -> list[Order]:
    """Plan the embedding, in parts, of the texts that have no vector of this embedder."""
    pending = pending_texts(home, "pending/embeddings", snapshot=snapshot, embedder=embedder)
    return orders_of(home, WorkStage(snapshot, "embed", embedder), pending, settings().part_cards)


@task(task_run_name="embed {order.part}")
def embed_part(home: Path, order: Order, shared: Shared) -> None:
    """Embed the texts of a part, and write each batch of vectors as it comes."""
    from tasks.embedders.sentence import load_embedder

    lake, part = Lake(home), f"embeddings/{order.stage.fingerprint}/{order.part}.parquet"
    if lake.has(part):
        return
    name = shared.embedder or DEFAULT_EMBEDDER
    embedder = load_embedder(name)
    if embedder.identity.fingerprint != order.stage.fingerprint:
        raise EmbedderUnavailable(
            f"{name}: its fingerprint is {embedder.identity.fingerprint} on this machine, and that of the run is "
            f"{order.stage.fingerprint}; use the same files and settings on all machines, and run again"
        )
    with lake.writing(part, Embedding) as add:
        for rows in embedder.embed(texts_of_order(home, order)):
            add(rows)
            advance("embed", len(rows))
