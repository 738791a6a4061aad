"""Walks of the Hub's listing into the lake, whole or for a sample: each continues where an earlier one stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from datetime import date
from functools import partial
from typing import TypeGuard

import orjson

from tasks.errors import CardUnreadable, HubError, UsageError
from tasks.hub.client import Hub, walk
from tasks.hub.listing import RowMalformed, is_model_id, is_private, read_row, read_rows
from tasks.hub.sampling import Reservoir, drawn_failures
from tasks.progress import advance, remark
from tasks.records import Failure, ListedModel, Scope, Selection
from tasks.settings import settings
from tasks.storage.lake import Lake

_NAMED_MODELS_PER_PAGE = 200
_NAMES_SHOWN = 5
# Of the walk for a sample: a kill costs at most so many requests again, and a walk of the Hub leaves 150 parts.
_PAGES_PER_WALK_PART = 20
_PAGES_MAX = 100_000  # the Hub has 3,000; a listing that makes up models for ever would fill the disk
_FIELDS = [field.name for field in fields(ListedModel)]


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page as it goes into the lake; `private`: rows that were left out."""

    models: list[ListedModel]
    failures: list[Failure]
    next_url: str | None
    private: int = 0

    @property
    def rows(self) -> int:
        """Rows of the listing, readable or not, but for those left out."""
        return len(self.models) + len(self.failures)


@dataclass(frozen=True, slots=True)
class ListingCursor:
    """How far a walk of the listing has come: pages, rows kept, private rows left out, and the next page."""

    pages: int = 0
    rows: int = 0
    private: int = 0
    next_url: str | None = None
    is_done: bool = False


def pages_of(hub: Hub, snapshot: date, selection: Selection, cursor: ListingCursor) -> Iterator[ListedPage]:
    """The pages of the snapshot's listing, from the cursor on."""
    if selection.models:
        yield from _named_pages(hub, snapshot, selection, cursor.pages * _NAMED_MODELS_PER_PAGE)
        return
    left = None if selection.limit is None else selection.limit - cursor.rows
    for number, page in enumerate(walk(hub, selection, cursor.next_url), start=cursor.pages):
        if number >= _PAGES_MAX:
            raise HubError(
                f"{hub.endpoint}: its listing has more than {_PAGES_MAX:,} pages; is it a Hub? Check --hub"
            )
        rows, private = _shown(page.rows, selection, left)
        left = None if left is None else left - len(rows)
        models, failures = read_rows(rows, snapshot=snapshot, place=f"listing page {number}")
        is_last = page.next_url is None or left == 0
        yield ListedPage(models, failures, None if is_last else page.next_url, private)
        if is_last:
            return


def _shown(rows: Sequence[object], selection: Selection, left: int | None) -> tuple[list[object], int]:
    """The rows to keep, `left` at most, and how many private ones among and before them are left out."""
    kept: list[object] = []
    private = 0
    for row in rows:
        if len(kept) == left:
            break
        if is_private(row) and not selection.include_private:
            private += 1
        else:
            kept.append(row)
    return kept, private


def _named_pages(hub: Hub, snapshot: date, selection: Selection, first: int) -> Iterator[ListedPage]:
    names = selection.models
    with ThreadPoolExecutor(settings().hub_threads) as pool:
        for start in range(first, len(names), _NAMED_MODELS_PER_PAGE):
            chunk = names[start : start + _NAMED_MODELS_PER_PAGE]
            read = partial(_named_model, hub, snapshot, include_private=selection.include_private)
            found = list(pool.map(read, chunk))
            _name_the_missing(hub, [row.subject for row in found if _is_missing(row)], len(names))
            is_last = start + _NAMED_MODELS_PER_PAGE >= len(names)
            yield ListedPage(
                [row for row in found if isinstance(row, ListedModel)],
                [row for row in found if isinstance(row, Failure)],
                None if is_last else "named",
                found.count(None),
            )


def _is_missing(row: ListedModel | Failure | None) -> TypeGuard[Failure]:
    return isinstance(row, Failure) and row.reason in ("not_found", "not_an_id")


def _name_the_missing(hub: Hub, missing: Sequence[str], requested: int) -> None:
    """Report names that are misspelt, most likely. Raises `UsageError` where that is all that was requested."""
    if not missing:
        return
    shown = ", ".join(missing[:_NAMES_SHOWN]) + (" …" if len(missing) > _NAMES_SHOWN else "")
    words = f"not at {hub.endpoint}: {shown}; check the spelling (owner/name), or the access of the token"
    if len(missing) == requested:
        raise UsageError(f"--models: {words}")
    remark(f"{len(missing):,} of {requested:,} named models are {words}")


def _named_model(
    hub: Hub, snapshot: date, name: str, *, include_private: bool
) -> ListedModel | Failure | None:
    """The model, or why there is none; null for a private one that is left out."""
    if not is_model_id(name):
        return Failure(snapshot, name, "list", "not_an_id", "not of the form owner/name")
    try:
        row = hub.model(name)
        return None if is_private(row) and not include_private else read_row(row, snapshot=snapshot)
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
    private = int(notes.get("private", 0))
    return ListingCursor(
        len(pages), int(notes["rows"]), private, notes["next"] or None, is_done=not notes["next"]
    )


def keep_listing(lake: Lake, snapshot: date, hub: Hub, selection: Selection) -> Scope:
    """Keep every row of the listing; returns what of it, by this run and earlier ones, is in the snapshot."""
    cursor = place_in_listing(lake, snapshot)
    rows, private = cursor.rows, cursor.private
    advance("list", rows)
    pages = () if cursor.is_done else pages_of(hub, snapshot, selection, cursor)
    for number, page in enumerate(pages, start=cursor.pages):
        rows, private = rows + page.rows, private + page.private
        notes = _notes(selection, rows, private, page.next_url)
        _write_page(lake, snapshot, number, page.models, page.failures, notes)
        advance("list", page.rows)
    return selection.scope(rows, private)


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


def _notes(selection: Selection, rows: int, private: int, next_url: str | None) -> dict[str, str]:
    """What a part of a walk remembers of it, for the run that continues."""
    words = {"selection": selection.describe(), "next": next_url or ""}
    return words | {"rows": str(rows), "private": str(private)}


def sample_listing(lake: Lake, snapshot: date, hub: Hub, selection: Selection) -> Scope:
    """Walk the whole listing, and keep the models drawn from it as its one page; returns what was walked."""
    n, seed = selection.sample or 0, selection.sample_seed
    reservoir, scope = walk_for_sample(lake, snapshot, hub, selection)
    models = list(_drawn_models(lake, snapshot, reservoir.draw()))
    failures = drawn_failures(_failures_of_walk(lake, snapshot), n, scope.listed, seed)
    notes = _notes(selection, scope.listed, scope.private_left_out, None)
    _write_page(lake, snapshot, 0, models, failures, notes)
    return scope


def walk_for_sample(lake: Lake, snapshot: date, hub: Hub, selection: Selection) -> tuple[Reservoir, Scope]:
    """Walk the listing, on from where an earlier run stopped; returns the reservoir and what was walked.

    Every few pages, the rows that may still be drawn become a part of `walks`, and the unreadable ones one of
    `walk_failures`: all that a run needs to continue.
    """
    cursor = place_in_listing(lake, snapshot, "walks")
    reservoir = _reservoir_of(lake, snapshot, selection)
    advance("list", cursor.rows)
    rows, private, number = cursor.rows, cursor.private, cursor.pages
    models: list[ListedModel] = []
    failures: list[Failure] = []
    start = ListingCursor(cursor.pages * _PAGES_PER_WALK_PART, rows, private, cursor.next_url)
    pages = () if cursor.is_done else pages_of(hub, snapshot, selection, start)
    for walked, page in enumerate(pages, start=1):
        rows, private = rows + page.rows, private + page.private
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
        notes = _notes(selection, rows, private, page.next_url) | {"strata": orjson.dumps(sizes).decode()}
        lake.write(f"walks/{name}", ListedModel, kept, notes=notes)
        models, failures, number = [], [], number + 1
    return reservoir, selection.scope(rows, private)


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
