"""Walks of the Hub's listing into the lake, whole or for a sample: each continues where an earlier one stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from datetime import date
from functools import partial

import orjson

from tasks.errors import CardUnreadable
from tasks.hub.client import Hub, walk
from tasks.hub.listing import RowMalformed, is_model_id, read_row, read_rows
from tasks.hub.sampling import Reservoir, drawn_failures
from tasks.progress import advance
from tasks.records import Failure, ListedModel, Selection
from tasks.settings import settings
from tasks.storage.lake import Lake

_NAMED_MODELS_PER_PAGE = 200
# Of the walk for a sample: a kill costs at most so many requests again, and a walk of the Hub leaves 150 parts.
_PAGES_PER_WALK_PART = 20
_FIELDS = [field.name for field in fields(ListedModel)]


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


def place_in_listing(lake: Lake, snapshot: date, stage: str = "listing") -> ListingCursor:
    """Where the walk stopped, from the notes of the last page in the lake."""
    pages = lake.parts(f"{stage}/{snapshot}")
    if not pages:
        return ListingCursor()
    notes = lake.notes(pages[-1])
    return ListingCursor(len(pages), int(notes["rows"]), notes["next"] or None, is_done=not notes["next"])


def keep_listing(lake: Lake, snapshot: date, hub: Hub, selection: Selection) -> int:
    """Keep every row of the listing; returns their number, those of an earlier run included."""
    cursor = place_in_listing(lake, snapshot)
    rows = cursor.rows
    advance("list", rows)
    pages = () if cursor.is_done else pages_of(hub, snapshot, selection, cursor)
    for number, page in enumerate(pages, start=cursor.pages):
        rows += page.rows
        notes = _notes(selection, rows, page.next_url)
        _write_page(lake, snapshot, number, page.models, page.failures, notes)
        advance("list", page.rows)
    return rows


def _write_page(
    lake: Lake,
    snapshot: date,
    number: int,
    models: Sequence[ListedModel],
    failures: Sequence[Failure],
    notes: dict[str, str],
) -> None:
    name = f"{snapshot}/page-{number:05}.parquet"
    if failures:  # first, because a page whose part of `listing` exists is done
        lake.write(f"list_failures/{name}", Failure, failures)
    lake.write(f"listing/{name}", ListedModel, models, notes=notes)


def _notes(selection: Selection, rows: int, next_url: str | None) -> dict[str, str]:
    """What a part of a walk remembers of it, for the run that continues."""
    return {"selection": selection.describe(), "next": next_url or "", "rows": str(rows)}


def sample_listing(lake: Lake, snapshot: date, hub: Hub, selection: Selection) -> int:
    """Walk the whole listing, and keep the models drawn from it as its one page; returns the rows walked."""
    n, seed = selection.sample or 0, selection.sample_seed
    reservoir, rows = walk_for_sample(lake, snapshot, hub, selection)
    models = list(_drawn_models(lake, snapshot, reservoir.draw()))
    failures = drawn_failures(_failures_of_walk(lake, snapshot), n, rows, seed)
    _write_page(lake, snapshot, 0, models, failures, _notes(selection, rows, None))
    return rows


def walk_for_sample(lake: Lake, snapshot: date, hub: Hub, selection: Selection) -> tuple[Reservoir, int]:
    """Walk the listing, on from where an earlier run stopped; returns the reservoir and the rows walked.

    Every few pages, the rows that may still be drawn become a part of `walks`, and the unreadable ones one of
    `walk_failures`: all that a run needs to continue.
    """
    cursor = place_in_listing(lake, snapshot, "walks")
    reservoir = _reservoir_of(lake, snapshot, selection)
    advance("list", cursor.rows)
    rows, number = cursor.rows, cursor.pages
    models: list[ListedModel] = []
    failures: list[Failure] = []
    start = ListingCursor(cursor.pages * _PAGES_PER_WALK_PART, rows, cursor.next_url)
    pages = () if cursor.is_done else pages_of(hub, snapshot, selection, start)
    for walked, page in enumerate(pages, start=1):
        rows += page.rows
        models += [model for model in page.models if reservoir.offer(model.model_id, model.downloads)]
        failures += page.failures
        advance("list", page.rows)
        if page.next_url is not None and walked % _PAGES_PER_WALK_PART:
            continue
        name = f"{snapshot}/part-{number:05}.parquet"
        if failures:
            lake.write(f"walk_failures/{name}", Failure, failures)
        kept = [model for model in models if reservoir.holds(model.model_id)]
        sizes = {str(stratum): size for stratum, size in reservoir.sizes.items()}
        notes = _notes(selection, rows, page.next_url) | {"strata": orjson.dumps(sizes).decode()}
        lake.write(f"walks/{name}", ListedModel, kept, notes=notes)
        models, failures, number = [], [], number + 1
    return reservoir, rows


def _reservoir_of(lake: Lake, snapshot: date, selection: Selection) -> Reservoir:
    """The reservoir as the parts of an earlier run left it; an empty one where there are none."""
    reservoir = Reservoir(selection.sample or 0, selection.sample_seed)
    parts = lake.parts(f"walks/{snapshot}")
    for part in parts:
        columns = lake.columns(part, ["model_id", "downloads"])
        ids, downloads = (column.to_pylist() for column in columns.columns)
        reservoir.restore(zip(ids, downloads, strict=True))
    if parts:
        sizes = orjson.loads(lake.notes(parts[-1])["strata"])
        reservoir.sizes.update({int(stratum): size for stratum, size in sizes.items()})
    return reservoir


def _drawn_models(lake: Lake, snapshot: date, weights: Mapping[str, float]) -> Iterator[ListedModel]:
    """The rows of the models drawn, each once, with their weights."""
    left = dict(weights)
    for part in lake.parts(f"walks/{snapshot}"):
        for row in lake.columns(part, _FIELDS).to_pylist():
            if weight := left.pop(row["model_id"], None):
                yield ListedModel(**{**row, "sample_weight": weight})


def _failures_of_walk(lake: Lake, snapshot: date) -> Iterator[Failure]:
    for part in lake.parts(f"walk_failures/{snapshot}"):
        for row in lake.columns(part, [field.name for field in fields(Failure)]).to_pylist():
            yield Failure(**row)
