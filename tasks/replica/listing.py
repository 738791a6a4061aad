"""`GET /api/models`, sorted, filtered and in pages, and `GET /api/models/{id}`."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial, reduce
from operator import and_
from urllib.parse import parse_qsl, urlencode

import numpy as np
import numpy.typing as npt
import orjson
import polars as pl

from tasks.replica.answers import ReplicaRequest, ReplicaResponse, bad_request, json_answer
from tasks.replica.faults import Faults
from tasks.replica.rows import EXPANDABLE, FULL_FIELDS, INFO_FIELDS, LISTED_FIELDS, Rows

PAGE_ROWS_MAX = 1_000
SORTS = {
    "createdAt": "created_at",
    "downloads": "downloads",
    "lastModified": "last_modified",
    "likes": "likes",
    "trendingScore": "trending_score",
}
# Where trending scores tie or are unknown, the model with more likes comes first.
_TIE_BREAKS = {"trendingScore": ("likes", "downloads")}
# The client can send these filters; a corpus cannot apply them, and to ignore one would give a wrong answer.
_UNANSWERABLE = ("apps", "inference", "inference_provider", "num_parameters")
_EQUAL = {"author": "author", "pipeline_tag": "pipeline_tag", "library": "library_name"}
_SELECTIONS_KEPT = 64

RowIndices = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Query:
    """Which models in which order; hashable, so that the pages of a walk share one selection."""

    sort: str
    is_descending: bool
    filters: tuple[str, ...]
    equal: tuple[tuple[str, str], ...]  # columns with the value that they must have
    search: str | None
    is_gated: bool | None
    has_private: bool


@dataclass(slots=True)
class Listing:
    """Answers listing requests over one corpus."""

    rows: Rows
    faults: Faults
    _selection: Callable[[Query], RowIndices] = field(init=False)

    def __post_init__(self) -> None:
        self._selection = lru_cache(_SELECTIONS_KEPT)(partial(select, self.rows.corpus.models))

    def page(self, request: ReplicaRequest) -> ReplicaResponse:
        """One page, with the address of the next one in `Link`."""
        query, fields, limit = parse_query(request), listed_fields(request), _limit(request)
        places = self._selection(query)
        start = self._start(request.one("cursor"), places)
        chosen = places[start : start + limit]
        rows = [
            self.faults.spoil(model_id, row)
            for model_id, row in self.rows.of((int(place) for place in chosen), fields)
        ]
        answer = json_answer(rows)
        if start + limit >= len(places):
            return answer
        return answer.plus(("link", f'<{self._next(request, int(chosen[-1]))}>; rel="next"'))

    def info(self, request: ReplicaRequest, place: int, commit: str) -> ReplicaResponse:
        """One model, as `/api/models/{id}` shows it; of an older commit only the sha is known."""
        ((_, row),) = self.rows.of([place], _expanded(request) or INFO_FIELDS)
        return json_answer({**row, "sha": commit} if "sha" in row else row)

    def _start(self, cursor: str | None, places: RowIndices) -> int:
        if cursor is None:
            return 0
        place = self.rows.corpus.row_of.get(read_cursor(cursor))
        found = np.flatnonzero(places == (-1 if place is None else place))
        if not found.size:
            raise bad_request("Invalid cursor")
        return int(found[0]) + 1

    def _next(self, request: ReplicaRequest, last: int) -> str:
        query = [(k, v) for k, v in parse_qsl(request.raw_query, keep_blank_values=True) if k != "cursor"]
        query.append(("cursor", write_cursor(self.rows.corpus.models["model_id"][last])))
        return f"http://{request.server}/api/models?{urlencode(query)}"


def write_cursor(model_id: str) -> str:
    """Encode the place after a model; clients must not interpret the text."""
    return urlsafe_b64encode(orjson.dumps({"after": model_id})).decode()


def read_cursor(cursor: str) -> str:
    """Decode the model before the page. Raises `Refused` for what `write_cursor` did not write."""
    try:
        return str(orjson.loads(urlsafe_b64decode(cursor.encode("ascii")))["after"])
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise bad_request("Invalid cursor") from error


def parse_query(request: ReplicaRequest) -> Query:
    """Parse what the query string selects. Raises `Refused` for what the Hub would refuse."""
    for name in _UNANSWERABLE:
        if request.one(name):
            raise bad_request(f"A corpus has no data to apply {name!r} to")
    sort = request.one("sort") or "trendingScore"
    if sort not in SORTS:
        raise bad_request(f"Invalid sort parameter {sort!r}, expected one of {', '.join(SORTS)}")
    words = (word.strip() for value in request.query.get("filter", ()) for word in value.split(","))
    return Query(
        sort=sort,
        is_descending=request.one("direction") in (None, "-1"),
        filters=tuple(sorted({word for word in words if word})),
        equal=tuple((column, value) for name, column in _EQUAL.items() if (value := request.one(name))),
        search=request.one("search"),
        is_gated=_is_true(request, "gated") if request.one("gated") else None,
        has_private=request.has_valid_token,
    )


def listed_fields(request: ReplicaRequest) -> tuple[str, ...]:
    """The fields of a row: those expanded, or those that the Hub sends by default."""
    if expanded := _expanded(request):
        return expanded
    fields = FULL_FIELDS if _is_true(request, "full") else LISTED_FIELDS
    fields += tuple(name for name in ("cardData", "config") if _is_true(request, name))
    return (*fields, "trendingScore") if request.one("sort") in (None, "trendingScore") else fields


def _expanded(request: ReplicaRequest) -> tuple[str, ...]:
    expanded = tuple(dict.fromkeys(name for name in request.query.get("expand", ()) if name))
    if unknown := [name for name in expanded if name not in EXPANDABLE]:
        choices = ", ".join(sorted(EXPANDABLE))
        raise bad_request(f"Invalid expand {unknown[0][:50]!r}, expected one of {choices}")
    return expanded


def _is_true(request: ReplicaRequest, name: str) -> bool:
    return (request.one(name) or "").lower() in ("true", "1")


def _limit(request: ReplicaRequest) -> int:
    text = request.one("limit") or str(PAGE_ROWS_MAX)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise bad_request("Invalid limit, expected a positive integer")
    return min(int(text), PAGE_ROWS_MAX)


def select(models: pl.DataFrame, query: Query) -> RowIndices:
    """The places of the models that match, in order: unknown values last, ties by name, so that the order is total."""
    keys = (SORTS[query.sort], *_TIE_BREAKS.get(query.sort, ()))
    condition = reduce(and_, _conditions(query), pl.lit(value=True))
    ordered = (
        models.lazy()
        .with_row_index("place")
        .filter(condition)
        .sort(*keys, "model_id", descending=[*(query.is_descending for _ in keys), False], nulls_last=True)
        .select("place")
        .collect()
    )
    places: RowIndices = ordered["place"].to_numpy()
    return places


def _conditions(query: Query) -> list[pl.Expr]:
    conditions = [_has(word) for word in query.filters]
    conditions += [_is(column, value) for column, value in query.equal]
    if query.search is not None:
        name = pl.col("model_id").str.to_lowercase()
        conditions.append(name.str.contains(query.search.lower(), literal=True))
    if not query.has_private:
        conditions.append(~pl.col("is_private"))
    if query.is_gated is not None:
        conditions.append(pl.col("gated").is_not_null() == query.is_gated)
    return conditions


def _has(word: str) -> pl.Expr:
    """The Hub's filter compares tags, and counts library and task among them."""
    is_tag = pl.col("tags").list.contains(pl.lit(word))
    return is_tag | _is("library_name", word) | _is("pipeline_tag", word)


def _is(column: str, value: str) -> pl.Expr:
    return pl.col(column).eq_missing(pl.lit(value))
