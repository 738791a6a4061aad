"""Findings from a file with any table of models: the same questions as for the Hub."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

import polars as pl

from tasks.errors import TableInvalid
from tasks.findings.find import find
from tasks.findings.study import Labels, Study
from tasks.records import Finding

NO_JUDGE = "table"
KINDS_KEPT = 10  # levels of a control that is not a number
_SEPARATORS = {".csv": ",", ".tsv": "\t"}
FORMATS = (".parquet", *_SEPARATORS)


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
            kind = "text" if dtype == pl.String else str(dtype).lower()
            raise TableInvalid(f"{path}: the column {name} holds {kind}, not numbers")
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
        lazy = pl.scan_parquet(path) if kind == ".parquet" else _scan_csv(path, _SEPARATORS[kind])
        lazy.collect_schema()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _unreadable(path, error) from error
    return lazy


def _unreadable(path: Path, error: Exception) -> TableInvalid:
    reason = str(error).partition("\n")[0]
    return TableInvalid(f"{path} cannot be read: {reason}")


def _scan_csv(path: Path, separator: str) -> pl.LazyFrame:
    return pl.scan_csv(path, separator=separator, infer_schema_length=None, null_values=["", "NA", "null"])


def _others(name: str, known: Sequence[str]) -> str:
    if near := get_close_matches(name, known, n=1):
        return f"did you mean {near[0]}?"
    return f"it has {', '.join(known[:12])}{', …' * (len(known) > 12)}"
