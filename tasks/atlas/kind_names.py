"""A person's names for kinds of card: read from a CSV file, checked against the latest map, written to the lake.

A person's name takes precedence over any other and stays with the kind from week to week (`base.best_kind_names`). The
part's name depends on the names given and on those that they replace: giving the same file twice adds nothing, and
going back to an earlier name does.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from tasks.atlas.neighbours import latest_map
from tasks.cards.one_line import one_line
from tasks.errors import UsageError
from tasks.records import KindName
from tasks.spreadsheets import read_csv, unguarded
from tasks.storage.warehouse import Warehouse, frame

PERSON = "person"
NAME_CHARACTERS_MAX = 60
DESCRIPTION_CHARACTERS_MAX = 500
FILE_BYTES_MAX = 5_000_000
_COLUMNS = ("kind", "name", "description")


@dataclass(frozen=True, slots=True)
class NamedKind:
    """A kind of the latest map with its name, null where it has none: a row of `out/map_kinds`."""

    snapshot: date
    kind: int
    name: str | None
    named_by: str | None
    named_at: datetime | None
    description: str | None
    archetype: str
    models: int
    models_share: float
    median_score: float | None
    score_gap: float | None
    stability: float | None
    is_unstable: bool
    terms: list[str]
    example: str | None
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class GivenName:
    """A name that a person gives a kind; `row` is its place in the file, for messages."""

    row: str
    kind: int
    name: str
    description: str


def named_kinds(home: Path) -> list[NamedKind]:
    """The kinds of the latest map, those with the most models first. `UsageError` where there is no map."""
    snapshot = latest_map(home)
    with Warehouse(home).read() as db:
        rows = frame(db, "out/map_kinds", snapshot=snapshot)
    return [NamedKind(**row) for row in rows.iter_rows(named=True)]


def read_names(path: Path) -> list[GivenName]:
    """The names of a CSV file with the columns kind, name and description (which is optional).

    `UsageError` with the row and the remedy for what cannot be used.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise UsageError(
                f"{path}: larger than {FILE_BYTES_MAX / 1e6:.0f} MB; choose a file with names only"
            )
        table = read_csv(path)
        columns = [name.casefold() for name in table.names if name]
        _check_columns(path, columns)
        return [
            _given(path, place, dict(zip(table.names, cells, strict=False)))
            for place, cells in table.records()
        ]
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name a CSV file") from error


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    found = f"it has {', '.join(one_line(c, 30) for c in columns[:8])}" if columns else "it is empty"
    if not {"kind", "name"} <= set(columns):
        raise UsageError(f"{path}: needs the columns kind, name and description in its first row; {found}")
    if unknown := [column for column in columns if column not in _COLUMNS]:
        raise UsageError(
            f"{path}: unknown column '{one_line(unknown[0], 30)}'; leave only kind, name, description"
        )
    if len(set(columns)) < len(columns):
        raise UsageError(f"{path}: a column occurs twice; leave kind, name, description once each")


def _given(path: Path, place: str, row: Mapping[str, str]) -> GivenName:
    """One row, checked by itself."""
    where = f"{path}: {place}"
    cells = {name.casefold(): unguarded(cell.strip()) for name, cell in row.items()}
    kind, name, description = (cells.get(column, "") for column in _COLUMNS)
    if not re.fullmatch(r"[0-9]{1,9}", kind):
        raise UsageError(
            f"{where}: '{one_line(kind, 30)}' is not a kind; `cardiograph atlas names` lists their numbers"
        )
    if not name:
        raise UsageError(f"{where}: the name of kind {kind} is empty; write one, or delete the row")
    texts = (("name", name, NAME_CHARACTERS_MAX), ("description", description, DESCRIPTION_CHARACTERS_MAX))
    for column, text, most in texts:
        subject = f"{where}: the {column} of kind {kind} has"
        if not text.isprintable():
            raise UsageError(f"{subject} characters that do not print; type it again")
        if len(text) > most:
            raise UsageError(f"{subject} {len(text)} characters; shorten it to {most}")
    return GivenName(place, int(kind), name, description)


def check_names(path: Path, given: Iterable[GivenName], kinds: Sequence[NamedKind]) -> None:
    """Raise `UsageError` for a kind that is not on the map, a kind with two names, and a name for two kinds."""
    known = {kind.kind for kind in kinds}
    rows: dict[int, str] = {}
    for name in given:
        where = f"{path}: {name.row}"
        if name.kind not in known:
            raise UsageError(
                f"{where}: no kind {name.kind} on the map; `cardiograph atlas names` lists its kinds"
            )
        if name.kind in rows:
            raise UsageError(
                f"{where}: kind {name.kind} has a name in {rows[name.kind]} too; delete one of the two"
            )
        rows[name.kind] = name.row
    taken = {kind.name.casefold(): kind.kind for kind in kinds if kind.name and kind.kind not in rows}
    for name in given:
        other = taken.setdefault(name.name.casefold(), name.kind)
        if other != name.kind:
            raise UsageError(
                f"{path}: {name.row}: kind {other} is called '{one_line(name.name)}' too; "
                f"choose another name for kind {name.kind}"
            )


def new_names(given: Iterable[GivenName], kinds: Iterable[NamedKind]) -> list[GivenName]:
    """The names that a person has not given already."""
    current = {k.kind: (k.name, k.description or "") for k in kinds if k.named_by == PERSON}
    return [name for name in given if current.get(name.kind) != (name.name, name.description)]


def names_part(snapshot: date, given: Sequence[GivenName], kinds: Iterable[NamedKind]) -> str:
    """The part of the lake for these names."""
    since = {kind.kind: str(kind.named_at) for kind in kinds}
    content = sorted((name.kind, name.name, name.description, since.get(name.kind)) for name in given)
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return f"kind_names/{snapshot}-person-{digest[:16]}.parquet"


def keep_names(home: Path, path: Path, now: datetime) -> list[GivenName]:
    """Write the names of a file to the lake; returns those that are new.

    `UsageError` for a file that cannot be used; none of its names are then written.
    """
    given, kinds = read_names(path), named_kinds(home)
    if not given:
        raise UsageError(f"{path}: has no names; write one row per kind")
    check_names(path, given, kinds)
    new = new_names(given, kinds)
    if new:
        snapshot = kinds[0].snapshot
        records = [KindName(snapshot, n.kind, PERSON, n.name, n.description, None, now) for n in new]
        Warehouse(home).lake.write(names_part(snapshot, new, kinds), KindName, records)
    return new
