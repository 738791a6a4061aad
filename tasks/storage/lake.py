"""The door to the lake: immutable Parquet parts with deterministic names, from which all else is derived.

    lake/listing/<snapshot>/page-00000.parquet           rows of the Hub's listing, as walked
    lake/list_failures/<snapshot>/page-00000.parquet     rows of that page that could not be read
    lake/snapshots/<snapshot>.parquet                    written when the walk is complete
    lake/cards/<snapshot>/<part>.parquet                 READMEs read, with their texts
    lake/facts/v<version>/<part>.parquet                 what the parser sees in each text
    lake/judges/<snapshot>-<fingerprint>.parquet         the snapshot's judge
    lake/verdicts/<fingerprint>/<part>.parquet           its verdicts
    lake/judged_parts/<fingerprint>/<part>.parquet       what judging that part took
    lake/explanations/<fingerprint>/<part>.parquet       its reasons for some of the texts, criterion by criterion
    lake/canaries/<fingerprint>/<canaries>-<outcome>.parquet  how it ordered cards of known quality
    lake/passports/<fingerprint>-<labels>-<time>.parquet how it agrees with people, and what moves its scores
    lake/labels/<labels>.parquet                         people's scores of card texts
    lake/fitted_judges/<fingerprint>.parquet             weights on a judge's answers, learned from such scores
    lake/fitted_measures/<fingerprint>-<time>.parquet    how well they agree with people
    lake/findings/<snapshot>-<fingerprint>-<digest>.parquet
    lake/gates/<snapshot>-<fingerprint>-<digest>.parquet    what the data-quality gate measured
    lake/families/<snapshot>-<digest>.parquet            near-duplicate families among the texts of a snapshot
    lake/boilerplate/<version>.parquet                   sentences that nobody wrote, as learned from a snapshot
    lake/boilerplate_checks/<snapshot>-<version>.parquet how much of a snapshot's text such a table knows
    lake/embedders/<snapshot>-<embedder>.parquet         which embedder embedded the snapshot's texts
    lake/embeddings/<embedder>/<part>.parquet            its vectors
    lake/atlases/<snapshot>-<digest>.parquet             the map of a snapshot and its quality, and by the same name
    lake/atlas_points, kinds, kind_events, neighbours    its points, its kinds, their history, the nearest texts
    lake/kind_names/<snapshot>-<digest>.parquet          names of kinds, and who gave them
    lake/releases/<snapshot>.parquet                     a person's decision to show a suspicious snapshot

    lake/walks/<snapshot>/part-00000.parquet             what a sample may still draw, while the listing is walked
    lake/walk_failures/<snapshot>/part-00000.parquet     rows of that walk that could not be read; neither lands
    lake/orders/<snapshot>/<stage>/<part>.json           parts still to be done (tasks/work/orders.py)
    lake/claims/<snapshot>/<stage>/<part>                which process works on them (tasks/work/leases.py)
    lake/writer                                          which process coordinates
    lake/published/                                      warehouse and report, where the lake is not a local folder

A part is whole or absent, and the first writer of a name wins. The name follows from what was requested, so a part
that exists is done. Only orders, claims and published files change in a lake. `tasks/storage/store/` knows where the
lake is: in a folder, or in a bucket.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import threading
import types
import typing
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.errors import LakeError
from tasks.records import (
    Atlas,
    AtlasPoint,
    BoilerplateCheck,
    BoilerplateSentence,
    CanaryTrial,
    CardFacts,
    CardFamily,
    CardKind,
    CardLabel,
    CardRead,
    CardText,
    EmbedderRecord,
    Embedding,
    Explanation,
    Failure,
    Finding,
    FittedJudge,
    FittedMeasure,
    GateMeasure,
    JudgedPart,
    JudgeRecord,
    KindEvent,
    KindName,
    ListedModel,
    Neighbour,
    PassportEntry,
    Release,
    Verdict,
)
from tasks.storage.store import Folder, disk_errors, store_at

_ARROW: dict[object, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    date: pa.date32(),
    datetime: pa.timestamp("us"),
    list[str]: pa.list_(pa.string()),
    list[float]: pa.list_(pa.float32()),
    dict[str, float]: pa.map_(pa.string(), pa.float64()),
}


@dataclasses.dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """One completed walk of the listing; a late one started after the snapshot's date on a live Hub.

    `selection` in words; what follows `is_late` are the fields of its `Scope`, which parts of earlier versions lack.
    """

    snapshot: date
    hub: str
    selection: str
    listed: int
    started_at: datetime
    finished_at: datetime
    is_late: bool = False
    top_n: int | None = None
    top_by: str | None = None
    sample_n: int | None = None
    sample_seed: int | None = None
    named_n: int | None = None
    only_tags: list[str] = dataclasses.field(default_factory=list)
    only_author: str | None = None
    has_private: bool = False
    private_left_out: int = 0


def part_name(keys: Iterable[str]) -> str:
    """A part's name: a digest of its keys, in any order."""
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
    """The lake of a home. Cheap to make: it holds only its location. Threads may share one."""

    def __init__(self, home: Path) -> None:
        self._store = store_at(home)

    @property
    def location(self) -> str:
        """Its path or address, for people."""
        return self._store.location

    @property
    def is_remote(self) -> bool:
        """Whether its parts must be copied to be read."""
        return self._store.is_remote

    def exists(self) -> bool:
        """Whether anything was ever written."""
        return self._store.exists()

    def path(self, part: str) -> Path:
        """The file of a part in a lake that is a folder; `part` is its path inside the lake."""
        if not isinstance(self._store, Folder):
            raise LakeError(f"{self.full_name(part)} is not a local file; read it through `Lake.files`")
        return self._store.root / part

    def full_name(self, name: str) -> str:
        """A name inside the lake with the lake's location, for messages."""
        return f"{self.location}/{name}"

    def has(self, part: str) -> bool:
        """Whether the part is done."""
        return self._store.has(part)

    def parts(self, stage: str) -> list[str]:
        """The stage's parts, in order."""
        return [name for name in self._store.entries(stage) if name.endswith(".parquet")]

    def all_parts(self) -> list[str]:
        """Every part of every stage."""
        return [part for stage in STAGES for part in self.parts(stage)]

    def write(
        self, part: str, record: type, rows: Sequence[Any], *, notes: dict[str, str] | None = None
    ) -> None:
        """Write the records as a part unless it exists; `notes` go into its metadata."""
        with self.writing(part, record, notes=notes) as add:
            add(rows)

    @contextmanager
    def writing(
        self, part: str, record: type, *, notes: dict[str, str] | None = None
    ) -> Iterator[Callable[[Sequence[Any]], None]]:
        """Write a part piece by piece as records arrive; it exists once the block ends well.

        The first writer of a part wins; a later one's part is discarded without an error.
        """
        schema = schema_of(record).with_metadata(notes or {})
        target = Path(self.full_name(part))
        with self._store.draft(part) as file, ExitStack() as opened:
            writer = pq.ParquetWriter(file, schema, compression="zstd")
            opened.callback(_close, writer)

            def add(rows: Sequence[Any]) -> None:
                columns = {
                    field.name: pa.array([_plain(getattr(row, field.name)) for row in rows], field.type)
                    for field in schema
                }
                with disk_errors(target):
                    writer.write_table(pa.table(columns, schema=schema))

            yield add
            with disk_errors(target):
                writer.close()

    def notes(self, part: str) -> dict[str, str]:
        """The notes in the part's metadata."""
        with _part_errors(self.full_name(part)):
            metadata = pq.read_schema(self._readable(part)).metadata or {}
        return {key.decode(): value.decode() for key, value in metadata.items()}

    def texts(self, part: str, card_hashes: Iterable[str]) -> list[CardText]:
        """The requested card texts of a part of `cards`, each once, in the order of their hashes."""
        table = self.columns(part, ["card_hash", "card_text"])
        requested = set(card_hashes)
        found = {
            card_hash: text
            for card_hash, text in zip(*(column.to_pylist() for column in table.columns), strict=True)
            if card_hash in requested and text is not None
        }
        if missing := requested - found.keys():
            raise LakeError(
                f"{self.full_name(part)} lacks {len(missing)} texts that it should hold; restore the part"
            )
        return [CardText(card_hash, found[card_hash]) for card_hash in sorted(found)]

    def columns(self, part: str, names: Sequence[str]) -> pa.Table:
        """Some columns of a part."""
        with _part_errors(self.full_name(part)):
            return pq.read_table(self._readable(part), columns=list(names))

    @contextmanager
    def files(self, parts: Sequence[str]) -> Iterator[tuple[Path, list[Path]]]:
        """Local files of the parts, and the folder that their names are relative to; copies last for the block."""
        with self._store.files(parts) as found:
            yield found

    def put(self, name: str, body: bytes) -> None:
        """Write a small object under a name, replacing what it held."""
        self._store.put(name, body)

    def put_first(self, name: str, body: bytes) -> None:
        """Write a small object unless the name is taken; of several at once the first one stays."""
        with self._store.draft(name) as file:
            file.write(body)

    def get(self, name: str) -> bytes | None:
        """A small object; null where there is no such name."""
        return self._store.get(name)

    def delete(self, name: str) -> None:
        """Delete a name; one that does not exist is fine."""
        self._store.delete(name)

    def entries(self, prefix: str) -> dict[str, str]:
        """The name itself and all under it as a folder, in order, each with a tag that changes with every put."""
        return self._store.entries(prefix)

    def send(self, name: str, path: Path) -> None:
        """Write a local file of any size under a name, replacing what it held."""
        self._store.send(name, path)

    def fetch(self, name: str, path: Path) -> bool:
        """Copy to a local file, which appears once it is complete; returns whether there is such a name."""
        return self._store.fetch(name, path)

    def sweep(self) -> None:
        """Remove what killed runs left half-written; what live ones are writing stays."""
        self._store.sweep()

    def _readable(self, part: str) -> Path | io.BytesIO:
        """What Parquet reads: the file, or its bytes where the lake is not local."""
        found = _RECENT.read(self.full_name(part), lambda: self._store.get(part)) if self.is_remote else None
        if found is not None:
            return io.BytesIO(found)
        if self.is_remote or not self.has(part):
            raise LakeError(f"{self.full_name(part)} is not there; restore the part and run again")
        return self.path(part)


class _Recent:
    """The parts that were fetched last: several orders may need texts of one. Parts never change."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bodies: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, key: str, fetch: Callable[[], bytes | None]) -> bytes | None:
        """What is kept under the key, else what `fetch` returns."""
        with self._lock:
            if key in self._bodies:
                self._bodies.move_to_end(key)
                return self._bodies[key]
        body = fetch()
        if body is not None:
            self._keep(key, body)
        return body

    def _keep(self, key: str, body: bytes) -> None:
        with self._lock:
            self._bodies[key] = body
            while sum(map(len, self._bodies.values())) > self._bytes_max:
                self._bodies.popitem(last=False)


_RECENT = _Recent(bytes_max=64 << 20)


def check_part(path: Path) -> None:
    """Read a local part as a whole. Raises `LakeError` where it is broken."""
    with _part_errors(str(path)):
        pq.read_table(path)


@contextmanager
def _part_errors(name: str) -> Iterator[None]:
    """Report a part that is no Parquet file, or not all of one."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise LakeError(
            f"{name} is broken ({reason}); restore the part from a copy, or delete it (what it held is lost), and run "
            "again"
        ) from error


def _close(writer: pq.ParquetWriter) -> None:
    """On a full disk closing fails too; the first failure is reported."""
    with suppress(OSError):
        writer.close()


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
    "judges": JudgeRecord,
    "verdicts": Verdict,
    "judged_parts": JudgedPart,
    "explanations": Explanation,
    "canaries": CanaryTrial,
    "passports": PassportEntry,
    "labels": CardLabel,
    "fitted_judges": FittedJudge,
    "fitted_measures": FittedMeasure,
    "findings": Finding,
    "gates": GateMeasure,
    "releases": Release,
    "families": CardFamily,
    "boilerplate": BoilerplateSentence,
    "boilerplate_checks": BoilerplateCheck,
    "embedders": EmbedderRecord,
    "embeddings": Embedding,
    "atlases": Atlas,
    "atlas_points": AtlasPoint,
    "kinds": CardKind,
    "kind_events": KindEvent,
    "kind_names": KindName,
    "neighbours": Neighbour,
}
STAGES = tuple(RECORDS)
