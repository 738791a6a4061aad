"""The door to the lake: immutable Parquet parts with deterministic names, the truth that all else derives from.

    lake/listing/<snapshot>/page-00000.parquet           rows of the Hub's listing, as walked
    lake/list_failures/<snapshot>/page-00000.parquet     rows of that page that could not be read
    lake/snapshots/<snapshot>.parquet                    written when the walk is complete
    lake/cards/<snapshot>/<part>.parquet                 READMEs read, with their texts
    lake/facts/v<version>/<part>.parquet                 what the parser sees in each text
    lake/judges/<snapshot>-<fingerprint>.parquet         which judge judged the snapshot
    lake/verdicts/<fingerprint>/<part>.parquet           its verdicts
    lake/judged_parts/<fingerprint>/<part>.parquet       what judging that part took
    lake/explanations/<fingerprint>/<part>.parquet       its reasons for some of the texts, criterion by criterion
    lake/passports/<fingerprint>-<labels>-<time>.parquet how it agrees with people, and what sways it
    lake/findings/<snapshot>-<fingerprint>-<digest>.parquet

A part is written under a temporary name, synced and renamed: it is there whole or not at all. Its name follows
from what it was asked to do, so that a part that exists is a part that is done.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import threading
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, Literal, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.errors import LakeError
from tasks.records import (
    CardFacts,
    CardRead,
    CardText,
    Explanation,
    Failure,
    Finding,
    JudgeCard,
    JudgedPart,
    ListedModel,
    PassportEntry,
    Verdict,
)

_ARROW: dict[object, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    date: pa.date32(),
    datetime: pa.timestamp("us"),
    list[str]: pa.list_(pa.string()),
    dict[str, float]: pa.map_(pa.string(), pa.float64()),
}


@dataclasses.dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """One completed walk of the listing."""

    snapshot: date
    hub: str
    selection: str
    listed: int
    started_at: datetime
    finished_at: datetime


def part_name(keys: Iterable[str]) -> str:
    """A part's name: a digest of what it is about, whatever order it comes in."""
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:20]


def schema_of(record: type) -> pa.Schema:
    """The Arrow schema of a record type, from its annotations."""
    return pa.schema([(name, _arrow_type(hint)) for name, hint in get_type_hints(record).items()])


def _arrow_type(hint: Any) -> pa.DataType:
    if get_origin(hint) in (types.UnionType, typing.Union):
        (hint,) = (arm for arm in get_args(hint) if arm is not type(None))
    if get_origin(hint) is Literal:
        hint = str
    return _ARROW[hint]


class Lake:
    """The lake in a home. Cheap to make; holds nothing but its path."""

    def __init__(self, home: Path) -> None:
        self.root = home / "lake"

    def path(self, part: str) -> Path:
        """Where a part lies; `part` is its path inside the lake."""
        return self.root / part

    def has(self, part: str) -> bool:
        """Whether the part is done."""
        return self.path(part).exists()

    def parts(self, stage: str) -> list[str]:
        """The stage's parts, in order."""
        found = (self.root / stage).rglob("*.parquet")
        return sorted(p.relative_to(self.root).as_posix() for p in found if not p.name.startswith("."))

    def all_parts(self) -> list[str]:
        """Every part of every stage."""
        return [part for stage in STAGES for part in self.parts(stage)]

    def write(
        self, part: str, record: type, rows: Sequence[Any], *, notes: dict[str, str] | None = None
    ) -> None:
        """Write the records as a part; `notes` travel in its metadata."""
        with self.writing(part, record, notes=notes) as add:
            add(rows)

    @contextmanager
    def writing(
        self, part: str, record: type, *, notes: dict[str, str] | None = None
    ) -> Iterator[Callable[[Sequence[Any]], None]]:
        """Write a part piece by piece, as records come; it is there once the block ends well."""
        schema = schema_of(record).with_metadata(notes or {})
        target = self.path(part)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        with ExitStack() as opened:
            opened.callback(temporary.unlink, missing_ok=True)
            with _told(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                file = temporary.open("wb")
            opened.callback(_close, file)
            writer = pq.ParquetWriter(file, schema, compression="zstd")
            opened.callback(_close, writer)

            def add(rows: Sequence[Any]) -> None:
                columns = {
                    field.name: pa.array([_plain(getattr(row, field.name)) for row in rows], field.type)
                    for field in schema
                }
                with _told(target):
                    writer.write_table(pa.table(columns, schema=schema))

            yield add
            with _told(target):
                writer.close()
                file.flush()
                os.fsync(file.fileno())
                temporary.replace(target)

    def notes(self, part: str) -> dict[str, str]:
        """The notes that the part was written with."""
        metadata = pq.read_schema(self.path(part)).metadata or {}
        return {key.decode(): value.decode() for key, value in metadata.items()}

    def texts(self, part: str, card_hashes: Iterable[str]) -> list[CardText]:
        """The asked-for card texts of a part of `cards`, each once, in the order of their hashes."""
        table = pq.read_table(self.path(part), columns=["card_hash", "card_text"])
        wanted = set(card_hashes)
        found = {
            card_hash: text
            for card_hash, text in zip(*(column.to_pylist() for column in table.columns), strict=True)
            if card_hash in wanted and text is not None
        }
        if missing := wanted - found.keys():
            raise LakeError(
                f"{self.path(part)} lacks {len(missing)} texts that it should hold; restore the part"
            )
        return [CardText(card_hash, found[card_hash]) for card_hash in sorted(found)]

    def sweep(self) -> None:
        """Remove what killed runs left half-written; only the one writer of a home may call this."""
        for leftover in self.root.rglob(".*.tmp"):
            leftover.unlink(missing_ok=True)


def _close(file: pq.ParquetWriter | IO[bytes]) -> None:
    """On a full disk closing fails too; what is told is the first failure."""
    with suppress(OSError):
        file.close()


@contextmanager
def _told(target: Path) -> Iterator[None]:
    """What the disk refuses, in one line."""
    try:
        yield
    except OSError as error:
        remedy = "free some space" if error.errno == errno.ENOSPC else "check the folder's permissions"
        raise LakeError(
            f"cannot write {target}: {error.strerror or error}; {remedy} and run again"
        ) from error


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, datetime) and value.tzinfo is not None:
        raise ValueError(f"{value}: times in the lake are UTC without a zone")
    return value


RECORDS: dict[str, type] = {
    "listing": ListedModel,
    "list_failures": Failure,
    "snapshots": SnapshotRecord,
    "cards": CardRead,
    "facts": CardFacts,
    "judges": JudgeCard,
    "verdicts": Verdict,
    "judged_parts": JudgedPart,
    "explanations": Explanation,
    "passports": PassportEntry,
    "findings": Finding,
}
STAGES = tuple(RECORDS)
