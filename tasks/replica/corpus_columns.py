"""The columns of a corpus file: what each must be, and casting it to the one type that the replica works with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

import polars as pl

from tasks.errors import CorpusInvalid
from tasks.replica.protocol import COMMIT

ColumnKind = Literal["text", "integer", "number", "flag", "texts", "bytes", "time", "date"]

INSTANT = pl.Datetime("ms", "UTC")
# What a client can put into a URL and get back: one or two segments, nothing that a URL treats specially.
_MODEL_ID = re.compile(r"[^\s/?#%\x00-\x1f\x7f]+(/[^\s/?#%\x00-\x1f\x7f]+)?")
_GATES = {"false": None, "": None, "auto": "auto", "manual": "manual"}


@dataclass(frozen=True, slots=True)
class CorpusColumn:
    """One column of the format."""

    name: str
    kind: ColumnKind
    is_required: bool = False
    is_nullable: bool = True


COLUMNS = (
    CorpusColumn("model_id", "text", is_required=True, is_nullable=False),
    CorpusColumn("card_text", "text", is_required=True),
    CorpusColumn("downloads", "integer", is_required=True),
    CorpusColumn("likes", "integer", is_required=True),
    CorpusColumn("tags", "texts", is_required=True),
    CorpusColumn("library_name", "text", is_required=True),
    CorpusColumn("pipeline_tag", "text", is_required=True),
    CorpusColumn("last_modified", "time", is_required=True, is_nullable=False),
    CorpusColumn("sha", "text"),
    CorpusColumn("created_at", "time"),
    CorpusColumn("gated", "text"),
    CorpusColumn("downloads_all_time", "integer"),
    CorpusColumn("trending_score", "number"),
    CorpusColumn("snapshot_date", "date", is_nullable=False),
    CorpusColumn("card_bytes", "bytes"),
    CorpusColumn("parameters", "integer"),
    CorpusColumn("base_models", "texts"),
    CorpusColumn("renamed_from", "texts"),
    CorpusColumn("is_disabled", "flag"),
    CorpusColumn("is_deleted", "flag"),
    CorpusColumn("readme_gated", "flag"),
)

_TARGETS: Mapping[ColumnKind, pl.DataType] = {
    "text": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "flag": pl.Boolean(),
    "texts": pl.List(pl.String()),
    "bytes": pl.Binary(),
    "time": INSTANT,
    "date": pl.Date(),
}
_WORDS: Mapping[ColumnKind, str] = {
    "text": "text",
    "integer": "integers",
    "number": "numbers",
    "flag": "true or false",
    "texts": "lists of text",
    "bytes": "binary",
    "time": "ISO 8601 text or timestamps",
    "date": "dates or ISO 8601 text",
}


def _is_text(dtype: pl.DataType) -> bool:
    return isinstance(dtype, (pl.String, pl.Categorical, pl.Enum))


def _is_texts(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.List) and isinstance(dtype.inner, (pl.String, pl.Null, pl.Categorical))


def _is_time(dtype: pl.DataType) -> bool:
    return isinstance(dtype, (pl.String, pl.Date, pl.Datetime))


_ACCEPTS: Mapping[ColumnKind, Callable[[pl.DataType], bool]] = {
    "text": _is_text,
    "integer": lambda dtype: dtype.is_integer(),
    "number": lambda dtype: dtype.is_numeric(),
    "flag": lambda dtype: isinstance(dtype, pl.Boolean),
    "texts": _is_texts,
    "bytes": lambda dtype: isinstance(dtype, pl.Binary),
    "time": _is_time,
    "date": _is_time,
}


def check_schema(schema: Mapping[str, pl.DataType], subject: str) -> None:
    """Raise `CorpusInvalid` unless every required column is there and every known one has its type."""
    if missing := [c.name for c in COLUMNS if c.is_required and c.name not in schema]:
        raise CorpusInvalid(f"{subject}: lacks the columns {', '.join(missing)}; see docs/corpus.md")
    for column in COLUMNS:
        dtype = schema.get(column.name)
        if dtype is None or (isinstance(dtype, pl.Null) and column.is_nullable):
            continue
        if not _ACCEPTS[column.kind](dtype):
            raise CorpusInvalid(f"{subject}: {column.name} must be {_WORDS[column.kind]}, and is {dtype}")


def normalise(table: pl.DataFrame, subject: str) -> pl.DataFrame:
    """Every column of the format, in its one type; those absent are null. The rows stay as they are."""
    columns = [_normal(table, column, subject) for column in COLUMNS]
    result = pl.DataFrame(columns)
    _check_values(result, subject)
    return result


def _normal(table: pl.DataFrame, column: CorpusColumn, subject: str) -> pl.Series:
    target = _TARGETS[column.kind]
    if column.name not in table.columns:
        return pl.Series(column.name, [None], dtype=target).new_from_index(0, table.height)
    series = table[column.name]
    if not column.is_nullable and series.null_count():
        raise CorpusInvalid(
            f"{subject}: {column.name} is null in row {_first(series.is_null())}; it must not be"
        )
    if column.kind in ("time", "date"):
        return _instants(series, table["model_id"], subject).cast(target)
    return series.cast(target)


def _first(mask: pl.Series) -> int:
    return int(mask.fill_null(value=False).arg_max() or 0)


def _instants(series: pl.Series, model_ids: pl.Series, subject: str) -> pl.Series:
    if not isinstance(series.dtype, pl.String):
        naive = series.cast(pl.Datetime("ms", getattr(series.dtype, "time_zone", None)))
        return naive.dt.convert_time_zone("UTC") if series.dtype == pl.Datetime else naive.cast(INSTANT)
    values: list[datetime | None] = []
    for row, text in enumerate(series):
        try:
            values.append(None if text is None else _instant(text))
        except (ValueError, OverflowError) as error:
            where = f"{subject}: {series.name} of {model_ids[row]!r}"
            raise CorpusInvalid(f"{where} is {text[:40]!r}; it must be ISO 8601") from error
    return pl.Series(series.name, values, dtype=INSTANT)


def _instant(text: str) -> datetime:
    """An ISO 8601 text as an instant; without an offset it is UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _check_values(table: pl.DataFrame, subject: str) -> None:
    for model_id in table["model_id"]:
        if not _MODEL_ID.fullmatch(model_id):
            raise CorpusInvalid(f"{subject}: {model_id[:80]!r} is not a model id (owner/name, or name alone)")
    for sha in table["sha"].drop_nulls():
        if not COMMIT.fullmatch(sha):
            raise CorpusInvalid(f"{subject}: the sha {sha[:60]!r} is not 40 lower-case hexadecimal digits")
    for gate in table["gated"].drop_nulls().unique().sort():
        if gate not in _GATES:
            raise CorpusInvalid(f"{subject}: gated is {gate[:40]!r}; it must be false, auto or manual")
    if (repeated := table.select("snapshot_date", "model_id").is_duplicated()).any():
        model_id, day = table["model_id"][_first(repeated)], table["snapshot_date"][_first(repeated)]
        where = f" in the snapshot of {day}" if isinstance(day, date) else ""
        raise CorpusInvalid(
            f"{subject}: {model_id!r} stands there twice{where}; a snapshot lists a model once"
        )
