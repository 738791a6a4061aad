"""Reading the Hub into the lake: the listing by pages, the cards by parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from prefect import task

from tasks.errors import CardUnreadable, HubUnreachable, UsageError
from tasks.hub.client import Hub, hub_at, walk
from tasks.hub.listing import RowMalformed, is_model_id, read_row, read_rows
from tasks.hub.quota import share_of_quota
from tasks.hub.source import Source
from tasks.progress import advance, expect
from tasks.records import CardRead, CardRef, Failure, ListedModel, Selection
from tasks.settings import settings
from tasks.storage.lake import Lake, SnapshotRecord, part_name
from tasks.storage.warehouse import Warehouse, frame
from tasks.work.orders import Order, Shared, WorkStage, outstanding

_NAMED_MODELS_A_PAGE = 200


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


def check_selection(lake: Lake, snapshot: date, selection: Selection) -> None:
    """A snapshot is never overwritten: one date in one home has one selection. Raises `UsageError`."""
    pages = lake.parts(f"listing/{snapshot}")
    taken = lake.notes(pages[0])["selection"] if pages else selection.describe()
    if taken != selection.describe():
        raise UsageError(
            f"the snapshot of {snapshot} was begun with: {taken}; asked for now: {selection.describe()}. "
            "Use the same selection, another --as-of, or another --home"
        )


def check_date(snapshot: date) -> None:
    """A snapshot can be taken late, not early: it would be the latest one for ever. Raises `UsageError`."""
    if snapshot > datetime.now(UTC).date():
        raise UsageError(f"a snapshot of {snapshot} cannot be taken: the day lies in the future")


def is_crawled(home: Path, snapshot: date) -> bool:
    """Whether the snapshot's listing is complete and all that can be read of it was: no Hub is needed then."""
    warehouse = Warehouse(home)
    if not warehouse.lake.has(f"snapshots/{snapshot}.parquet"):
        return False
    with warehouse.open() as db:
        return frame(db, "pending/cards", snapshot=snapshot).is_empty()


def pages_of(hub: Hub, snapshot: date, selection: Selection, at: ListingCursor) -> Iterator[ListedPage]:
    """The snapshot's listing, from a place in it on."""
    if selection.models:
        yield from _named_pages(hub, snapshot, selection.models[at.pages * _NAMED_MODELS_A_PAGE :])
        return
    left = None if selection.limit is None else selection.limit - at.rows
    for number, page in enumerate(walk(hub, selection, at.next_url), start=at.pages):
        rows = page.rows if left is None else page.rows[:left]
        left = None if left is None else left - len(rows)
        models, failures = read_rows(rows, snapshot=snapshot, place=f"listing page {number}")
        is_last = page.next_url is None or left == 0
        yield ListedPage(models, failures, None if is_last else page.next_url)
        if is_last:
            return


def _named_pages(hub: Hub, snapshot: date, names: Sequence[str]) -> Iterator[ListedPage]:
    with ThreadPoolExecutor(settings().hub_threads) as pool:
        for start in range(0, len(names), _NAMED_MODELS_A_PAGE):
            chunk = names[start : start + _NAMED_MODELS_A_PAGE]
            found = list(pool.map(partial(_named_model, hub, snapshot), chunk))
            is_last = start + _NAMED_MODELS_A_PAGE >= len(names)
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


def _page_part(stage: str, snapshot: date, number: int) -> str:
    return f"{stage}/{snapshot}/page-{number:05}.parquet"


def place_in_listing(lake: Lake, snapshot: date) -> ListingCursor:
    """Where the walk stopped, as the last page in the lake tells."""
    pages = lake.parts(f"listing/{snapshot}")
    if not pages:
        return ListingCursor()
    notes = lake.notes(pages[-1])
    return ListingCursor(len(pages), int(notes["rows"]), notes["next"] or None, is_done=not notes["next"])


def _write_page(
    lake: Lake, snapshot: date, selection: Selection, page: ListedPage, number: int, rows: int
) -> None:
    notes = {"selection": selection.describe(), "next": page.next_url or "", "rows": str(rows)}
    if page.failures:  # first, because the page's own part says that the page is done
        lake.write(_page_part("list_failures", snapshot, number), Failure, page.failures)
    lake.write(_page_part("listing", snapshot, number), ListedModel, page.models, notes=notes)


@task(task_run_name="list {snapshot}")
def list_models(home: Path, source: Source, snapshot: date, selection: Selection) -> None:
    """Walk the listing into the lake, on from where an earlier run stopped."""
    lake = Lake(home)
    if lake.has(f"snapshots/{snapshot}.parquet"):
        return
    started = _now()
    at = place_in_listing(lake, snapshot)
    rows = at.rows
    expect("list", len(selection.models) or selection.limit)
    advance("list", rows)
    pages = () if at.is_done else pages_of(hub_at(source.url), snapshot, selection, at)
    try:
        for number, page in enumerate(pages, start=at.pages):
            rows += page.rows
            _write_page(lake, snapshot, selection, page, number, rows)
            advance("list", page.rows)
    except CardUnreadable as error:
        raise HubUnreachable(
            f"{source.url} does not list its models: {error.detail}; try again later"
        ) from error
    record = SnapshotRecord(
        snapshot,
        source.name,
        selection.describe(),
        rows,
        started,
        _now(),
        is_late=source.is_live and started.date() > snapshot,
    )
    lake.write(f"snapshots/{snapshot}.parquet", SnapshotRecord, [record])


@task(task_run_name="land")
def land(home: Path) -> None:
    """Take what the lake holds into the warehouse being built."""
    Warehouse(home).land()


@task(task_run_name="plan the reading of {snapshot}")
def plan_reading(home: Path, snapshot: date) -> list[Order]:
    """READMEs still to be read, in parts; what an earlier run ordered stays as it is."""
    stage = WorkStage(snapshot, "read")
    left = outstanding(Lake(home), stage)
    ordered = {ref.model_id for order in left for ref in order.refs if isinstance(ref, CardRef)}
    with Warehouse(home).open() as db:
        pending = frame(db, "pending/cards", snapshot=snapshot)
    refs = [ref for row in pending.iter_rows() if (ref := CardRef(*row)).model_id not in ordered]
    size = settings().part_cards
    parts = [tuple(refs[start : start + size]) for start in range(0, len(refs), size)]
    orders = [Order(stage, _reading_of(part), part) for part in parts]
    expect("read", len(refs) + len(ordered))
    return [*left, *orders]


def _reading_of(refs: Iterable[CardRef]) -> str:
    """The part's name: the same cards at the same commits, tried as often, are the same part."""
    return part_name(f"{ref.model_id} {ref.sha} {ref.attempts}" for ref in refs)


@task(task_run_name="read {order.part}")
def read_part(home: Path, order: Order, shared: Shared) -> None:
    """Read a part's READMEs into the lake."""
    snapshot, lake = order.stage.snapshot, Lake(home)
    part = f"cards/{snapshot}/{order.part}.parquet"
    if lake.has(part) or shared.hub is None:
        return
    hub = hub_at(shared.hub)

    def read(ref: CardRef) -> CardRead:
        card = hub.read_card(ref, snapshot)
        advance("read")
        return card

    with share_of_quota(hub) as threads:
        with ThreadPoolExecutor(threads) as pool:
            cards = list(pool.map(read, [ref for ref in order.refs if isinstance(ref, CardRef)]))
        lake.write(part, CardRead, cards)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
