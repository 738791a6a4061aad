"""The door to DuckDB and to `sql/`.

While one process writes a DuckDB file, every other process is locked out, so the file that people read is never
written to. The writer works on `warehouse.building.duckdb` and renames it over `warehouse.duckdb` once every statement
of `sql/checks` has returned nothing. The file is derived: `rebuild` makes it again from the lake.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import TYPE_CHECKING, Any

import duckdb
import filelock
import polars as pl

from tasks.errors import CheckFailed, NotWritten, UsageError, WarehouseError, WriterBusy
from tasks.records import Finding, Scope
from tasks.settings import SQL_DIR, settings
from tasks.storage.lake import STAGES, Lake, check_part
from tasks.storage.store.files import FULL

if TYPE_CHECKING:  # at run time a second name for the type would be reported as a leak when the process ends
    Database = duckdb.DuckDBPyConnection

# Parts that a statement lands at once: enough to be quick, few enough to fit in memory.
_PARTS_AT_ONCE = 200
_ROWS_AT_ONCE = 500
_ROOM_MIN = 32 << 20  # what Prefect's database and an empty warehouse take, and some parts
FINDINGS_VERSION = 9  # raise it with any change of a method, so that findings are estimated again


@cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`, such as `out/counts`."""
    return (SQL_DIR / f"{name}.sql").read_text(encoding="utf-8")


def statements(folder: str) -> list[str]:
    """Names of the statements in a folder of `sql/`, such as `checks`."""
    return sorted(f"{folder}/{path.stem}" for path in (SQL_DIR / folder).glob("*.sql"))


def frame(db: duckdb.DuckDBPyConnection, name: str, **parameters: object) -> pl.DataFrame:
    """The rows of one file of `sql/`, with its `$parameters`."""
    rows: pl.DataFrame = db.sql(statement(name), params=parameters).pl()
    return rows


def stream(db: duckdb.DuckDBPyConnection, name: str, **parameters: object) -> Iterator[tuple[Any, ...]]:
    """The same row by row, for more than fits in memory; run no other statement on `db` meanwhile."""
    cursor = db.execute(statement(name), parameters)
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        yield from rows


def make_home(home: Path) -> None:
    """Make the folder of lake, warehouse and report, for this user alone: before any work whose result goes there.

    One that exists keeps its mode: others may be meant to read it. Raises `UsageError` where that fails or nothing can
    be written there, and `NotWritten` where its disk is full.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Not by its permissions, which say nothing about a disk mounted read-only, or about root.
        with TemporaryFile(dir=home):
            pass
    except OSError as error:
        if error.errno not in FULL:
            raise UsageError(f"cannot use {home} as home: {error.strerror}; choose another --home") from error
    check_room(home)


def check_room(home: Path) -> None:
    """Raise `NotWritten` where the home's disk is full, or will be as soon as a run writes anything."""
    free = shutil.disk_usage(home).free
    if free < _ROOM_MIN:
        raise NotWritten(
            f"the disk of {home} is full: {free / 1e6:.1f} MB are free, and a run needs {_ROOM_MIN / 1e6:.0f} MB to "
            "begin with; free some space, or choose another --home"
        )


def prepare_home(home: Path) -> None:
    """Make the home, and check that what is published there can be read: before a run starts servers.

    Raises what `make_home` and `Warehouse.read` raise, and `FileNotFoundError` where temporary files have no place.
    """
    make_home(home)
    gettempdir()
    warehouse = Warehouse(home)
    if warehouse.published.exists():
        warehouse.is_current()


@dataclass(frozen=True, slots=True)
class Warehouse:
    """The warehouse of a home: its files."""

    home: Path

    @property
    def published(self) -> Path:
        """The file that people read."""
        return self.home / "warehouse.duckdb"

    @property
    def building(self) -> Path:
        """The file that the writer works on."""
        return self.home / "warehouse.building.duckdb"

    @property
    def lake(self) -> Lake:
        """The lake that it is derived from."""
        return Lake(self.home)

    @contextmanager
    def writer(self) -> Iterator[None]:
        """Be the only writer of this home; the lock ends with the process, however that ends."""
        make_home(self.home)
        try:
            with filelock.FileLock(self.home / ".writer.lock").acquire(timeout=0):
                self.lake.sweep()
                yield
        except filelock.Timeout as error:
            raise WriterBusy(
                f"another run is writing to {self.home}; wait for it, or choose another --home"
            ) from error

    def begin(self, *, afresh: bool = False) -> None:
        """Start building: from the published file, or from nothing where another schema made it."""
        self._discard_building()
        if not afresh and self.published.exists() and self.is_current():
            with _disk_errors(self.building):
                shutil.copyfile(self.published, self.building)
        else:
            with self.open() as db:
                db.execute(statement("schema"))
                db.execute("insert into base.made_by values (?)", [_schema_digest()])
        self.land()

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The file being built, for one group of statements."""
        with (
            _disk_errors(self.building),
            _broken_errors(self.building, self.home),
            _connect(self.building) as db,
        ):
            yield db

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The published file, read-only; readers are never locked out and never see half a week.

        Raises `UsageError` where there is none or another version of the schema made it, `WarehouseError` where it is
        broken.
        """
        if not self.published.exists():
            raise UsageError(
                f"{self.published} does not exist; run `cardiograph snapshot` or `cardiograph demo` first, "
                "or name the folder with --home"
            )
        with (
            _disk_errors(self.published),
            _broken_errors(self.published, self.home),
            _connect(self.published, read_only=True) as db,
        ):
            try:
                yield db
            except (duckdb.CatalogException, duckdb.BinderException):
                self.check_current()  # a table or a column that another version does not have
                raise

    def land(self) -> None:
        """Take in every part of the lake that has not landed; landing twice adds nothing."""
        with self.open() as db:
            for stage in STAGES:
                self._land_stage(db, stage)

    def publish(self, *, always: bool = False) -> bool:
        """Check what was built and rename it over what people read; returns whether anything is new."""
        if not always and self.published.exists() and not self._is_news():
            self._discard_building()
            return False
        with self.open() as db:
            broken = {name: rows for name in statements("checks") if (rows := frame(db, name).height)}
            if broken:
                names = ", ".join(
                    f"{name.removeprefix('checks/')} ({rows} rows)" for name, rows in broken.items()
                )
                raise CheckFailed(f"{self.building} was not published, it breaks: {names}; see sql/checks")
            db.execute("checkpoint")
        with _disk_errors(self.published):
            self.building.replace(self.published)
        return True

    def _land_stage(self, db: duckdb.DuckDBPyConnection, stage: str) -> None:
        landed = {row[0] for row in db.execute("select part from base.parts").fetchall()}
        fresh = [part for part in self.lake.parts(stage) if part not in landed]
        for start in range(0, len(fresh), _PARTS_AT_ONCE):
            parts = fresh[start : start + _PARTS_AT_ONCE]
            with self.lake.files(parts) as (root, files):
                db.begin()
                for name in _LANDING.get(stage, (stage,)):
                    text = statement(f"land/{name}")
                    # Part names are relative to `$lake`.
                    root_of_parts = {"lake": str(root)} if "$lake" in text else {}
                    with _part_errors(files):
                        db.execute(text, {"parts": [str(path) for path in files], **root_of_parts})
                db.executemany("insert into base.parts values (?, ?)", [(part, stage) for part in parts])
                db.commit()

    def _is_news(self) -> bool:
        with self.open() as db:
            built = db.execute("select count(*) from base.parts").fetchall()
        with self.read() as db:
            return not self.is_current() or built != db.execute("select count(*) from base.parts").fetchall()

    def check_current(self) -> None:
        """Raise `UsageError` where another version of the schema made the published file."""
        if not self.is_current():
            raise UsageError(
                f"{self.published} was made by another version of Cardiograph; run "
                f"`cardiograph rebuild --home {self.home}` first"
            )

    def latest_judged(self) -> dict[str, Any]:
        """`snapshot` and `fingerprint` of the latest published snapshot that was judged. Raises `UsageError`."""
        self.check_current()
        with self.read() as db:
            judged = frame(db, "out/latest_judged").to_dicts()
        if not judged:
            raise UsageError(f"no snapshot in {self.home} has been judged; run `cardiograph snapshot` first")
        return judged[0]

    def is_current(self) -> bool:
        """Whether this version of the schema made the published file."""
        with self.read() as db:
            try:
                made_by = db.execute("select schema_digest from base.made_by").fetchall()
            except duckdb.CatalogException:
                return False
        return made_by == [(_schema_digest(),)]

    def _discard_building(self) -> None:
        for path in (self.building, self.building.with_name(self.building.name + ".wal")):
            path.unlink(missing_ok=True)


# Stages that more than one statement lands.
_LANDING = {
    "cards": ("cards", "texts"),
    "findings": ("findings_replaced", "findings"),
    "families": ("families_replaced", "families"),
    "atlases": ("atlases_replaced", "atlases"),
    "atlas_points": ("atlas_points_replaced", "atlas_points"),
    "kinds": ("kinds_replaced", "kinds"),
    "kind_events": ("kind_events_replaced", "kind_events"),
    "neighbours": ("neighbours_replaced", "neighbours"),
}


def findings_part(db: duckdb.DuckDBPyConnection, snapshot: date, fingerprint: str) -> str:
    """The part of findings that are estimated from the warehouse as it is now: the name changes with the data."""
    key = {"snapshot": snapshot, "fingerprint": fingerprint}
    digests = [frame(db, f"out/{name}", **key).item() for name in ("analysis_digest", "edit_panel_digest")]
    digest = hashlib.sha256(f"{FINDINGS_VERSION} {digests}".encode()).hexdigest()
    return f"findings/{snapshot}-{fingerprint}-{digest[:16]}.parquet"


def findings_of(db: duckdb.DuckDBPyConnection, snapshot: date, fingerprint: str) -> list[Finding]:
    """The findings of a snapshot and judge, as records."""
    rows = frame(db, "out/findings", snapshot=snapshot, fingerprint=fingerprint)
    return [Finding(**row) for row in rows.iter_rows(named=True)]


def scope_of(db: duckdb.DuckDBPyConnection, snapshot: date) -> Scope:
    """Which models a snapshot is about."""
    return Scope(**frame(db, "out/scope", snapshot=snapshot).row(0, named=True))


def _connect(path: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    limits = settings()
    db = duckdb.connect(
        path,
        read_only=read_only,
        config={
            "memory_limit": limits.duckdb_memory,
            "threads": limits.duckdb_threads,
            "autoinstall_known_extensions": False,
        },
    )
    db.execute("set enable_progress_bar = false")  # it prints to standard output, where `--json` belongs
    return db


# Failures of the machine, not of a statement; a full disk shows as any of the first three.
_ENVIRONMENT_ERRORS = (
    duckdb.IOException,
    duckdb.TransactionException,
    duckdb.FatalException,
    duckdb.OutOfMemoryException,
)
# What DuckDB says where the machine refuses something, and the remedy.
_REMEDIES = {
    re.compile(
        r"no space left|disk quota|max_temp_directory_size", re.IGNORECASE
    ): "its disk is full; free some space",
    re.compile(r"could not set lock", re.IGNORECASE): "another program has it open; close it",
    re.compile(r"permission denied|read-only|not permitted", re.IGNORECASE): "check its permissions",
}
# What it says where a file is not one that it wrote, or not all of it, or of a version that it does not read.
_BROKEN = re.compile(
    r"not a valid DuckDB database|corrupt|storage version number|could not read enough bytes|is a directory"
    r"|serialization error|failed to deserialize",
    re.IGNORECASE,
)


@contextmanager
def _broken_errors(path: Path, home: Path) -> Iterator[None]:
    """Report a broken file, or one of another version of DuckDB, with the one remedy: it can be made again."""
    try:
        yield
    except (duckdb.Error, OSError) as error:
        if not _BROKEN.search(str(error)):
            raise
        raise WarehouseError(
            f"{path} is broken, or another version of DuckDB made it ({_first_line(error)}); run "
            f"`cardiograph rebuild --home {home}`, which makes it again from the lake"
        ) from error


@contextmanager
def _part_errors(files: Sequence[Path]) -> Iterator[None]:
    """Report which of the files is broken where Parquet parts cannot be read."""
    try:
        yield
    except duckdb.Error:
        for path in files:
            check_part(path)
        raise


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Report errors of DuckDB and of the file system as one line that names the file."""
    try:
        yield
    except (*_ENVIRONMENT_ERRORS, OSError) as error:
        remedies = (remedy for words, remedy in _REMEDIES.items() if words.search(str(error)))
        remedy = next(remedies, "free some space or check permissions")
        raise WarehouseError(f"{path}: {_first_line(error)}; {remedy}, and run again") from error


@cache
def _schema_digest() -> str:
    """A digest of the schema without its comments.

    Other words do not make another warehouse: one that exists keeps the old ones until it is rebuilt.
    """
    lines = (line.partition("--")[0].strip() for line in statement("schema").splitlines())
    code = [line for line in lines if line and not line.startswith("comment on ")]
    return hashlib.sha256("\n".join(code).encode()).hexdigest()
