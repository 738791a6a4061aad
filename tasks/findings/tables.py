"""Anybody's table of models, from a file to findings: the same questions as of the Hub."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

import polars as pl

from tasks.errors import TableInvalid
from tasks.findings.find import find
from tasks.findings.study import study_of
from tasks.records import Finding

NO_JUDGE = "table"


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
    """Every finding of a table, one row a model; `judge` and `fingerprint` say that it is a table's.

    Raises `TableInvalid` where the file cannot be read, lacks a column, or has one that is no number.
    """
    single = [name for name in (cluster, label) if name]
    columns = list(dict.fromkeys((score, *outcomes, *single, *controls, *strata)))
    if label in (score, *outcomes, cluster, *controls, *strata) and label:
        raise TableInvalid(f"{label} is asked about twice, as the label and otherwise; name another column")
    if score in outcomes:
        raise TableInvalid(f"{score} is both the score and an outcome; name two columns")
    if taken := [name for name in controls if name in (score, *outcomes)]:
        raise TableInvalid(
            f"{taken[0]} cannot be held equal: it is what is asked about; leave it out of the controls"
        )
    table = read_table(path, columns)
    for name in (score, *outcomes, *([label] if label else [])):
        if not table.schema[name].is_numeric() and table.schema[name] not in (pl.Boolean, pl.Null):
            raise TableInvalid(f"{path}: the column {name} holds {_kind(table.schema[name])}, not numbers")
    study = study_of(
        table.schema,
        score=score,
        outcomes=tuple(dict.fromkeys(outcomes)),
        cluster=cluster,
        controls=tuple(dict.fromkeys(controls)),
        strata=tuple(dict.fromkeys(strata)),
        label=label,
    )
    return find(table, study, snapshot=datetime.now(UTC).date(), judge=NO_JUDGE, fingerprint=path.name)


def read_table(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """These columns of a Parquet or CSV file. Raises `TableInvalid`, naming what is wrong."""
    kind = path.suffix.lower()
    if kind not in (".parquet", *_SEPARATORS):
        raise TableInvalid(f"{path}: not a table that is read; name a .parquet, .csv or .tsv file")
    try:
        lazy = pl.scan_parquet(path) if kind == ".parquet" else _scan_csv(path, _SEPARATORS[kind])
        known = lazy.collect_schema().names()
        for name in columns:
            if name not in known:
                raise TableInvalid(f"{path} has no column {name}; {_others(name, known)}")
        return lazy.select(columns).collect(engine="streaming")
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise TableInvalid(f"{path} cannot be read: {reason}") from error


_SEPARATORS = {".csv": ",", ".tsv": "\t"}


def _scan_csv(path: Path, separator: str) -> pl.LazyFrame:
    return pl.scan_csv(path, separator=separator, infer_schema_length=None, null_values=["", "NA", "null"])


def _others(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return (
        f"did you mean {near[0]}?"
        if near
        else f"it has {', '.join(known[:12])}{', …' if len(known) > 12 else ''}"
    )


def _kind(dtype: pl.DataType) -> str:
    return "text" if dtype == pl.String else str(dtype).lower()
