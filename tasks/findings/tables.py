"""Findings from a file with any table of models: the same questions as for the Hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

import polars as pl

from tasks.cards.one_line import printable
from tasks.errors import TableInvalid
from tasks.findings.find import find
from tasks.findings.study import Labels, Study
from tasks.records import Finding
from tasks.spreadsheets import Csv, NotNumbers, is_missing, numbers, read_csv

NO_JUDGE = "table"
KINDS_KEPT = 10  # levels of a control that is not a number
FORMATS = (".parquet", ".csv", ".tsv")
_NO_TEXT = ("", "NA", "null")  # missing in columns of text, where `none` or a dash may be somebody's name
_FLAGS = {"true": True, "false": False}
_UNPRINTABLE = r"[\p{C}\p{Zl}\p{Zp}]"  # escape sequences could drive the terminal that shows a name


def analyse_table(
    path: Path,
    *,
    score: str,
    outcomes: Sequence[str],
    cluster: str | None = None,
    controls: Sequence[str] = (),
    strata: Sequence[str] = (),
    label: str | None = None,
) -> list[Finding]:
    """Every finding of a table with one row per model; `judge` is "table" and `fingerprint` the file's name.

    Raises `TableInvalid` where the file cannot be read, lacks a column, or has text where numbers are needed.
    """
    single = [name for name in (cluster, label) if name]
    columns = list(dict.fromkeys((score, *outcomes, *single, *controls, *strata)))
    if label in (score, *outcomes, cluster, *controls, *strata) and label:
        raise TableInvalid(f"{label} is both the label and another column; name another column")
    if score in outcomes:
        raise TableInvalid(f"{score} is both the score and an outcome; name two columns")
    if taken := [name for name in controls if name in (score, *outcomes)]:
        raise TableInvalid(f"{taken[0]} cannot be a control: it is the score or an outcome; leave it out")
    table = read_table(path, columns)
    for name in (score, *outcomes, *([label] if label else [])):
        dtype = table.schema[name]
        if not dtype.is_numeric() and dtype not in (pl.Boolean, pl.Null):
            place, why = _why_no_numbers(table[name])
            raise TableInvalid(f"{path}: {_line(path, name, place)}the column {name} {why}")
    held = dict.fromkeys(controls)
    amounts = tuple(name for name in held if table.schema[name].is_numeric())
    study = Study(
        score=score,
        outcomes=tuple(dict.fromkeys(outcomes)),
        cluster=cluster,
        amounts=amounts,
        kinds={name: KINDS_KEPT for name in held if name not in amounts},
        strata={name: name for name in strata},
        labels=Labels(label) if label else None,
    )
    return find(table, study, snapshot=datetime.now(UTC).date(), judge=NO_JUDGE, fingerprint=path.name)


def read_table(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """The columns of a Parquet, CSV or TSV file. Raises `TableInvalid`, naming what is wrong."""
    lazy = scan_table(path)
    known = lazy.collect_schema().names()
    for name in columns:
        if name not in known:
            raise TableInvalid(f"{path} has no column {name}; {_others(name, known)}")
    try:
        return lazy.select(columns).collect(engine="streaming")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _unreadable(path, error) from error


def scan_table(path: Path) -> pl.LazyFrame:
    """A Parquet, CSV or TSV file of which only the schema is read. Raises `TableInvalid`."""
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise TableInvalid(f"{path}: unknown format; name a .parquet, .csv or .tsv file")
    try:
        lazy = pl.scan_parquet(path) if kind == ".parquet" else _typed(read_csv(path)).lazy()
        names = {name: printable(name).strip() for name in lazy.collect_schema().names()}
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _unreadable(path, error) from error
    if len(set(names.values())) == len(names):
        lazy = lazy.rename(names)
    return lazy.with_columns(pl.col(pl.String).str.replace_all(_UNPRINTABLE, "\ufffd"))


def _unreadable(path: Path, error: Exception) -> TableInvalid:
    reason = str(error).partition("\n")[0]
    return TableInvalid(f"{path} cannot be read: {reason}")


def _typed(table: Csv) -> pl.DataFrame:
    """The columns with a name: numbers, true and false, or text. Raises `TableInvalid` for two of a name."""
    records = [cells for _, cells in table.records()]
    columns = dict(zip(table.names, zip(*records, strict=True), strict=False)) if records else {}
    named = [name for name in table.names if name]
    if twice := [name for name in named if named.count(name) > 1]:
        raise TableInvalid(f"{table.path}: column '{twice[0]}' occurs twice; rename or remove one")
    return pl.DataFrame([_typed_column(name, columns.get(name, ()), table, columns) for name in named])


def _typed_column(
    name: str, cells: Sequence[str], table: Csv, columns: Mapping[str, Sequence[str]]
) -> pl.Series:
    words = pl.Series(name, [None if is_missing(cell) else cell.strip() for cell in cells], dtype=pl.String)
    for kind in (pl.Int64, pl.Float64) if table.delimiter == "," else (pl.Int64,):  # as programs write them
        plain = words.cast(kind, strict=False)
        if plain.null_count() == words.null_count() and plain.is_finite().all():
            return plain
    try:
        return pl.Series(name, numbers(cells, table.delimiter, columns.values()), dtype=pl.Float64)
    except NotNumbers:
        stripped = [None if (text := cell.strip()) in _NO_TEXT else text for cell in cells]
        if all(text is None or text.lower() in _FLAGS for text in stripped):
            return pl.Series(name, [None if text is None else _FLAGS[text.lower()] for text in stripped])
        return pl.Series(name, stripped, dtype=pl.String)


def _why_no_numbers(column: pl.Series) -> tuple[str | None, str]:
    """The first cell of a column that is no number, and what the column holds, in words that follow its name."""
    if column.dtype != pl.String:
        return None, f"holds {str(column.dtype).lower()}, not numbers; name another column"
    try:
        numbers(column.drop_nulls().to_list(), delimiter="\t")
    except NotNumbers as error:
        return error.cell, str(error)
    return None, "holds numbers as text; write them as numbers"


def _line(path: Path, name: str, cell: str | None) -> str:
    """Where a CSV holds a cell in a column, as `line 7: `; nothing where that is not known."""
    if cell is None or path.suffix.lower() == ".parquet":
        return ""
    table = read_csv(path)
    at = table.names.index(name)
    places = (place for place, cells in table.records() if printable(cells[at].strip()) == cell.strip())
    return "".join(f"{place}: " for place in islice(places, 1))


def _others(name: str, known: Sequence[str]) -> str:
    if near := get_close_matches(name, known, n=1):
        return f"did you mean {near[0]}?"
    return f"it has {', '.join(known[:12])}{', …' * (len(known) > 12)}"
