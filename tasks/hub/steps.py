"""Reading the Hub into the lake: the listing by pages, the cards by parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial

from prefect import task

from tasks.clock import utc_now
from tasks.errors import CardUnreadable, HubUnreachable, UsageError
from tasks.hub.client import Hub, hub_at, walk
from tasks.hub.listing import RowMalformed, is_model_id, read_row, read_rows
from tasks.hub.quota import share_of_quota
from tasks.hub.source import Source
from tasks.progress import advance, expect
from tasks.records import CardRead, CardRef, Failure, ListedModel, Selection
from tasks.settings import settings
from tasks.storage.lake import Lake, SnapshotRecord
from tasks.storage.warehouse import frame
from tasks.work.orders import Order, Shared, WorkStage
from tasks.work.run import Run
from tasks.work.texts import orders_of

_NAMED_MODELS_PER_PAGE = 200


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page as it goes into the lake."""

    models: list[ListedModel]
    failures: list[Failure]
    next_url: str | None

    @property
    def rows(self) -> int:
        """Rows of the listing, readable or not."""
        return len(self.models) + len(self.failures)


@dataclass(frozen=True, slots=True)
class ListingCursor:
    """How far a walk of the listing has come."""

    pages: int = 0
    rows: int = 0
    next_url: str | None = None
    is_done: bool = False


def check_selection(run: Run, selection: Selection) -> None:
    """A snapshot is never overwritten: one date in one home has one selection. Raises `UsageError`."""
    pages = run.lake.parts(f"listing/{run.snapshot}")
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


def pages_of(hub: Hub, snapshot: date, selection: Selection, cursor: ListingCursor) -> Iterator[ListedPage]:
    """The pages of the snapshot's listing, from the cursor on."""
    if selection.models:
        yield from _named_pages(hub, snapshot, selection.models[cursor.pages * _NAMED_MODELS_PER_PAGE :])
        return
    left = None if selection.limit is None else selection.limit - cursor.rows
    for number, page in enumerate(walk(hub, selection, cursor.next_url), start=cursor.pages):
        rows = page.rows if left is None else page.rows[:left]
        left = None if left is None else left - len(rows)
        models, failures = read_rows(rows, snapshot=snapshot, place=f"listing page {number}")
        is_last = page.next_url is None or left == 0
        yield ListedPage(models, failures, None if is_last else page.next_url)
        if is_last:
            return


def _named_pages(hub: Hub, snapshot: date, names: Sequence[str]) -> Iterator[ListedPage]:
    with ThreadPoolExecutor(settings().hub_threads) as pool:
        for start in range(0, len(names), _NAMED_MODELS_PER_PAGE):
            chunk = names[start : start + _NAMED_MODELS_PER_PAGE]
            found = list(pool.map(partial(_named_model, hub, snapshot), chunk))
            is_last = start + _NAMED_MODELS_PER_PAGE >= len(names)
            yield ListedPage(
                [row for row in found if isinstance(row, ListedModel)],
                [row for row in found if isinstance(row, Failure)],
                None if is_last else "named",
            )


def _named_model(hub: Hub, snapshot: date, name: str) -> ListedModel | Failure:
    if not is_model_id(name):
        return Failure(snapshot, name, "list", "not_an_id", "not of the form owner/name")
    try:
        return read_row(hub.model(name), snapshot=snapshot)
    except RowMalformed as error:
        return Failure(snapshot, name, "list", "malformed_row", str(error))
    except CardUnreadable as error:
        return Failure(snapshot, name, "list", error.reason, error.detail)


def place_in_listing(lake: Lake, snapshot: date) -> ListingCursor:
    """Where the walk stopped, from the notes of the last page in the lake."""
    pages = lake.parts(f"listing/{snapshot}")
    if not pages:
        return ListingCursor()
    notes = lake.notes(pages[-1])
    return ListingCursor(len(pages), int(notes["rows"]), notes["next"] or None, is_done=not notes["next"])


@task(task_run_name="list {run.snapshot}")
def list_models(run: Run, source: Source, selection: Selection) -> None:
    """Walk the listing into the lake, on from where an earlier run stopped."""
    lake, snapshot = run.lake, run.snapshot
    if lake.has(f"snapshots/{snapshot}.parquet"):
        return
    started = utc_now()
    cursor = place_in_listing(lake, snapshot)
    rows = cursor.rows
    expect("list", len(selection.models) or selection.limit)
    advance("list", rows)
    pages = () if cursor.is_done else pages_of(hub_at(source.url), snapshot, selection, cursor)
    try:
        for number, page in enumerate(pages, start=cursor.pages):
            rows += page.rows
            notes = {"selection": selection.describe(), "next": page.next_url or "", "rows": str(rows)}
            name = f"{snapshot}/page-{number:05}.parquet"
            if page.failures:  # first, because a page whose part of `listing` exists is done
                lake.write(f"list_failures/{name}", Failure, page.failures)
            lake.write(f"listing/{name}", ListedModel, page.models, notes=notes)
            advance("list", page.rows)
    except CardUnreadable as error:
        raise HubUnreachable(
            f"{source.url} does not list its models: {error.detail}; try again later"
        ) from error
    is_late = source.is_live and started.date() > snapshot
    record = SnapshotRecord(
        snapshot, source.name, selection.describe(), rows, started, utc_now(), is_late=is_late
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
