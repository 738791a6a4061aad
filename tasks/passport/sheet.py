"""A file of labels, row by row: CSV or Parquet, as people and spreadsheets write them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.cards.one_line import printable
from tasks.errors import LabelsInvalid, TableInvalid
from tasks.rubric import load_rubric
from tasks.spreadsheets import Csv, is_missing, read_csv, unguarded

OVERALL = "score"
LOWEST = 1  # of the rubric's levels
KEYS = ("card_hash", "card_text", "model_id")
# Known columns that hold no marks.
_BESIDE = frozenset({"rater", "author", "comment", "labelled_at"})


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One row: the text, its author, the rater, and the marks by subject: `score` or a criterion's id."""

    place: str
    card_hash: str
    card_text: str
    model_id: str
    author: str
    rater: str
    marks: dict[str, float]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file as read. `ignored`: columns that are neither marks nor keys, such as a misspelt criterion."""

    path: Path
    rows: tuple[LabelRow, ...]
    ignored: tuple[str, ...]


def subjects() -> tuple[str, ...]:
    """What can be marked: the overall score and each criterion of the rubric."""
    return (OVERALL, *(criterion.id for criterion in load_rubric().criteria))


def read_sheet(path: Path, lowest: int = LOWEST) -> Sheet:
    """The rows of a CSV or Parquet file, those without a mark included; marks are from `lowest` to 5.

    LabelsInvalid names the file, the column or line that cannot be used, and what to do.
    """
    try:
        names, cells = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
    except OSError as error:
        raise LabelsInvalid(f"{path}: cannot be read ({error.strerror or error}); check the name") from error
    columns = _columns(path, names)
    rows = tuple(
        _row(path, place, {name: values[at] for name, at in columns.items()}, lowest)
        for place, values in cells
    )
    ignored = tuple(name for name in columns if name not in {*KEYS, *_BESIDE, *subjects()})
    return Sheet(path, rows, ignored)


# ------------------------------------------------------------------------------------------------ the two formats

_Cells = Iterator[tuple[str, Sequence[object]]]


def _csv(path: Path) -> tuple[Sequence[str], _Cells]:
    try:
        table = read_csv(path)
    except TableInvalid as error:
        raise LabelsInvalid(str(error)) from error
    return table.names, _records(table)


def _records(table: Csv) -> _Cells:
    try:
        yield from table.records()
    except TableInvalid as error:
        raise LabelsInvalid(str(error)) from error


def _parquet(path: Path) -> tuple[Sequence[str], _Cells]:
    try:
        table = pq.read_table(path)
        columns = [column.to_pylist() for column in table.columns]
    except (pa.ArrowException, UnicodeDecodeError) as error:
        problem = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise LabelsInvalid(f"{path}: not a Parquet file that can be read ({problem})") from error
    rows = zip(*columns, strict=True) if columns else iter(())
    return table.column_names, ((f"row {n}", row) for n, row in enumerate(rows, 1))


# ------------------------------------------------------------------------------------------------ columns and cells


def _columns(path: Path, names: Sequence[str]) -> dict[str, int]:
    """The place of each column; names are compared without surrounding blanks and without case."""
    plain = [name.strip().casefold() for name in names]
    if twice := [name for name, n in Counter(plain).items() if n > 1 and name]:
        raise LabelsInvalid(f"{path}: column '{twice[0]}' occurs twice; rename or remove one")
    columns = {name: at for at, name in enumerate(plain) if name}
    if not columns.keys() & set(KEYS):
        raise LabelsInvalid(f"{path}: no column identifies the card; add one of {', '.join(KEYS)}")
    if not columns.keys() & set(subjects()):
        raise LabelsInvalid(
            f"{path}: no column has labels; add 'score' or one of {', '.join(subjects()[1:])}"
        )
    return columns


def _row(path: Path, place: str, cells: Mapping[str, object], lowest: int) -> LabelRow:
    where = f"{path}: {place}"
    words = {name: _word(where, name, cells.get(name)) for name in (*KEYS, "author", "rater")}
    found = {name: _mark(where, name, cells[name], lowest) for name in subjects() if name in cells}
    marks = {name: mark for name, mark in found.items() if mark is not None}
    if marks and not any(words[key].strip() for key in KEYS):
        raise LabelsInvalid(
            f"{where}: no card is named; fill in {' or '.join(k for k in KEYS if k in cells)}"
        )
    # Only what `cardiograph label` wrote has both, and its cells are guarded.
    plain = unguarded if words["card_hash"].strip() else str
    return LabelRow(
        place=place,
        card_hash=words["card_hash"].strip(),
        card_text=plain(words["card_text"]),
        model_id=words["model_id"].strip(),
        author=plain(words["author"]).strip(),
        rater=plain(words["rater"]).strip(),
        marks=marks,
    )


def _word(where: str, name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise LabelsInvalid(f"{where}: column '{name}' holds {_shown(value)}; it must be text")


def _mark(where: str, name: str, value: object, lowest: int) -> float | None:
    """A number from `lowest` to 5, with a point or a comma; null for a cell that is blank or says that it is missing.

    From 0 on, yes and no are 1 and 0.
    """
    if value is None or (isinstance(value, str) and is_missing(value)):
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    try:
        mark = (
            math.nan
            if isinstance(value, bool) and lowest > 0
            else float(
                str(int(value) if isinstance(value, bool) else value).strip().lstrip("'").replace(",", ".", 1)
            )
        )
    except (TypeError, ValueError, OverflowError):
        mark = math.nan
    if not lowest <= mark <= 5:
        raise LabelsInvalid(
            f"{where}: {name} is {_shown(value)}; write a number from {lowest} to 5, or leave it blank"
        )
    return mark


def _shown(value: object) -> str:
    return f"'{printable(str(value)[:40])}'"
