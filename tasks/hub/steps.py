"""Reading the Hub into the lake: the listing by pages, the cards by parts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date

from prefect import task

from tasks.clock import utc_now
from tasks.errors import CardUnreadable, HubUnreachable, UsageError
from tasks.hub.client import hub_at
from tasks.hub.quota import share_of_quota
from tasks.hub.source import Source
from tasks.hub.walking import keep_listing, sample_listing
from tasks.progress import advance, expect
from tasks.records import CardRead, CardRef, Selection
from tasks.settings import settings
from tasks.storage.lake import SnapshotRecord
from tasks.storage.warehouse import frame
from tasks.work.orders import Order, Shared, WorkStage
from tasks.work.run import Run
from tasks.work.texts import orders_of


def check_selection(run: Run, selection: Selection) -> None:
    """A snapshot is never overwritten: one date in one home has one selection. Raises `UsageError`."""
    if selection.sample is not None and selection.sample < 1:
        raise UsageError(f"a sample of {selection.sample} models cannot be drawn; ask for one or more")
    if selection.sample and selection.models:
        raise UsageError("a sample is drawn from a listing, not from named models; leave out one of the two")
    pages = run.lake.parts(f"walks/{run.snapshot}") or run.lake.parts(f"listing/{run.snapshot}")
    taken = run.lake.notes(pages[0])["selection"] if pages else selection.describe()
    if taken != selection.describe():
        raise UsageError(
            f"the snapshot of {run.snapshot} was started with: {taken}; requested now: {selection.describe()}. "
            "Use the same selection, another --as-of, or another --home"
        )


def check_date(snapshot: date) -> None:
    """A snapshot can be taken late, not early: it would be the latest one for ever. Raises `UsageError`."""
    if snapshot > utc_now().date():
        raise UsageError(f"a snapshot of {snapshot} cannot be taken: the date is in the future")


def is_crawled(run: Run) -> bool:
    """Whether the snapshot's listing is complete and no card of it is left to read: no Hub is needed then."""
    if not run.lake.has(f"snapshots/{run.snapshot}.parquet"):
        return False
    with run.warehouse.open() as db:
        return frame(db, "pending/cards", snapshot=run.snapshot).is_empty()


@task(task_run_name="list {run.snapshot}")
def list_models(run: Run, source: Source, selection: Selection) -> None:
    """Walk the listing into the lake, on from where an earlier run stopped."""
    lake, snapshot = run.lake, run.snapshot
    if lake.has(f"snapshots/{snapshot}.parquet"):
        return
    started = utc_now()
    expect("list", len(selection.models) or selection.limit)
    walk_listing = sample_listing if selection.sample else keep_listing
    try:
        scope = walk_listing(lake, snapshot, hub_at(source.url), selection)
    except CardUnreadable as error:
        raise HubUnreachable(
            f"{source.url} does not list its models: {error.detail}; try again later"
        ) from error
    record = SnapshotRecord(
        snapshot=snapshot,
        hub=source.name,
        selection=selection.describe(),
        started_at=started,
        finished_at=utc_now(),
        is_late=source.is_live and started.date() > snapshot,
        **asdict(scope),
    )
    lake.write(f"snapshots/{snapshot}.parquet", SnapshotRecord, [record])


@task(task_run_name="plan the reading of {run.snapshot}")
def plan_reading(run: Run) -> list[Order]:
    """READMEs still to be read, in parts; what an earlier run ordered stays as it is."""
    with run.warehouse.open() as db:
        rows = frame(db, "pending/cards", snapshot=run.snapshot).rows()
    pending = [CardRef(*row) for row in rows]
    return orders_of(run, WorkStage(run.snapshot, "read"), pending, settings().part_cards)


@task(task_run_name="read {order.part}")
def read_part(run: Run, order: Order, shared: Shared) -> None:
    """Read a part's READMEs into the lake."""
    part = f"cards/{run.snapshot}/{order.part}.parquet"
    if run.lake.has(part) or shared.hub is None:
        advance("read", len(order.refs))
        return
    hub = hub_at(shared.hub)

    def read(ref: CardRef) -> CardRead:
        card = hub.read_card(ref, run.snapshot)
        advance("read")
        return card

    with share_of_quota(hub) as threads:
        with ThreadPoolExecutor(threads) as pool:
            cards = list(pool.map(read, [ref for ref in order.refs if isinstance(ref, CardRef)]))
        run.lake.write(part, CardRead, cards)
