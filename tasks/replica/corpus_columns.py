"""The columns of a corpus file: what each must be, and the cast to the one type that the replica works with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from tasks.errors import CorpusInvalid
from tasks.replica.protocol import COMMIT

INSTANT = pl.Datetime("ms", "UTC")
# What survives the way into a URL and back: one or two segments, no character that a URL treats specially.
_MODEL_ID = re.compile(r"[^\s/?#%\x00-\x1f\x7f]+(/[^\s/?#%\x00-\x1f\x7f]+)?")
_GATES = frozenset({"false", "", "auto", "manual"})


def _is_text(dtype: pl.DataType) -> bool:
    return isinstance(dtype, (pl.String, pl.Categorical, pl.Enum))


def _is_time(dtype: pl.DataType) -> bool:
    return _is_text(dtype) or isinstance(dtype, (pl.Date, pl.Datetime))


def _is_texts(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.List) and isinstance(dtype.inner, (pl.String, pl.Null, pl.Categorical))


@dataclass(frozen=True, slots=True)
class ColumnKind:
    """What a column may be: the type that the replica works with, words for it, and the types that are accepted."""

    target: pl.DataType
    words: str
    accepts: Callable[[pl.DataType], bool]


_TEXT = ColumnKind(pl.String(), "text", _is_text)
_INTEGER = ColumnKind(pl.Int64(), "integers", lambda dtype: dtype.is_integer())
_NUMBER = ColumnKind(pl.Float64(), "numbers", lambda dtype: dtype.is_numeric())
_FLAG = ColumnKind(pl.Boolean(), "true or false", lambda dtype: isinstance(dtype, pl.Boolean))
_TEXTS = ColumnKind(pl.List(pl.String()), "lists of text", _is_texts)
_BYTES = ColumnKind(pl.Binary(), "binary", lambda dtype: isinstance(dtype, pl.Binary))
_TIME = ColumnKind(INSTANT, "ISO 8601 text or timestamps", _is_time)
_DATE = ColumnKind(pl.Date(), "dates or ISO 8601 text", _is_time)


@dataclass(frozen=True, slots=True)
class CorpusColumn:
    """One column of the format."""

    name: str
    kind: ColumnKind
    is_required: bool = False
    is_nullable: bool = True


COLUMNS = (
    CorpusColumn("model_id", _TEXT, is_required=True, is_nullable=False),
    CorpusColumn("card_text", _TEXT, is_required=True),
    CorpusColumn("downloads", _INTEGER, is_required=True),
    CorpusColumn("likes", _INTEGER, is_required=True),
    CorpusColumn("tags", _TEXTS, is_required=True),
    CorpusColumn("library_name", _TEXT, is_required=True),
    CorpusColumn("pipeline_tag", _TEXT, is_required=True),
    CorpusColumn("last_modified", _TIME, is_required=True, is_nullable=False),
    CorpusColumn("sha", _TEXT),
    CorpusColumn("created_at", _TIME),
    CorpusColumn("gated", _TEXT),
    CorpusColumn("downloads_all_time", _INTEGER),
    CorpusColumn("trending_score", _NUMBER),
    CorpusColumn("snapshot_date", _DATE, is_nullable=False),
    CorpusColumn("card_bytes", _BYTES),
    CorpusColumn("parameters", _INTEGER),
    CorpusColumn("base_models", _TEXTS),
    CorpusColumn("renamed_from", _TEXTS),
    CorpusColumn("is_private", _FLAG),
    CorpusColumn("is_disabled", _FLAG),
    CorpusColumn("is_deleted", _FLAG),
    CorpusColumn("readme_gated", _FLAG),
)


def check_schema(schema: Mapping[str, pl.DataType], subject: str) -> None:
    """Raise `CorpusInvalid` unless every required column is there and every known one has its type."""
    if missing := [c.name for c in COLUMNS if c.is_required and c.name not in schema]:
        raise CorpusInvalid(f"{subject}: lacks the columns {', '.join(missing)}; see docs/corpus.md")
    check_types(schema, subject)


def check_types(schema: Mapping[str, pl.DataType], subject: str) -> None:
    """Raise `CorpusInvalid` unless every known column that is there has its type."""
    for column in COLUMNS:
        dtype = schema.get(column.name)
        if dtype is None or (isinstance(dtype, pl.Null) and column.is_nullable):
            continue
        if not column.kind.accepts(dtype):
            raise CorpusInvalid(f"{subject}: {column.name} must be {column.kind.words}, and is {dtype}")


def days_of(table: pl.DataFrame, subject: str) -> pl.Series | None:
    """The days of the snapshots in `model_id` and `snapshot_date`; null for a corpus that does not date its rows."""
    check_types(table.schema, subject)
    column = next(column for column in COLUMNS if column.name == "snapshot_date")
    return _normal(table, column, subject) if column.name in table.columns else None


def normalise(table: pl.DataFrame, subject: str) -> pl.DataFrame:
    """Every column of the format, in its one type; absent ones are null. The rows stay as they are."""
    result = pl.DataFrame([_normal(table, column, subject) for column in COLUMNS])
    _check_values(result, subject)
    return result


def _normal(table: pl.DataFrame, column: CorpusColumn, subject: str) -> pl.Series:
    target = column.kind.target
    if column.name not in table.columns:
        return pl.Series(column.name, [None], dtype=target).new_from_index(0, table.height)
    series = table[column.name]
    if not column.is_nullable and series.null_count():
        raise CorpusInvalid(
            f"{subject}: {column.name} is null in row {_first(series.is_null())}; it must not be"
        )
    if column.kind in (_TIME, _DATE):
        return _instants(series, table["model_id"], subject).cast(target)
    return series.cast(target)


def _first(mask: pl.Series) -> int:
    return int(mask.fill_null(value=False).arg_max() or 0)


def _instants(series: pl.Series, model_ids: pl.Series, subject: str) -> pl.Series:
    if not _is_text(series.dtype):
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
    """Parse ISO 8601; without an offset the time is UTC."""
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
        raise CorpusInvalid(f"{subject}: {model_id!r} occurs twice{where}; a snapshot lists a model once")
