"""Read the corpus format: a Parquet file of models and their cards, as one Hub at one date.

Texts stay in Arrow memory and are copied out one card at a time; the listed fields are a small frame beside them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from tasks.errors import CorpusInvalid
from tasks.replica.corpus_columns import COLUMNS, check_schema, days_of, normalise
from tasks.replica.protocol import git_blob_sha1

_BASE_MODEL_TAG = re.compile(r"base_model:(?:[a-z_]+:)?([^:]+)")
_UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
_ISO = "%Y-%m-%dT%H:%M:%S%.3fZ"


@dataclass(frozen=True, slots=True)
class Corpus:
    """One snapshot of a corpus, ready to be served.

    `models` has one row per listed model: all but texts, times as the Hub writes them. `revisions` contains every
    commit up to the snapshot, so that a revision of an earlier snapshot can still be read, as on the Hub. `refs`: the
    commits of branches that clients wrote to; they are in no file.
    """

    name: str
    snapshot: date
    snapshots: tuple[date, ...]
    models: pl.DataFrame
    row_of: dict[str, int]
    renamed: dict[str, str]
    revisions: dict[tuple[str, str], int]
    etags: list[str | None]
    _cards: pl.Series
    _listed: list[int] = field(repr=False)
    refs: dict[tuple[str, str], str] = field(default_factory=dict)
    _added: list[bytes] = field(default_factory=list, repr=False)

    def listed_card(self, row: int) -> bytes | None:
        """The README of a row of `models`; None where the repository has none."""
        return self.card(self._listed[row])

    def card(self, revision: int) -> bytes | None:
        """The README of a value of `revisions`; None where the commit has none."""
        if revision >= len(self._cards):
            return self._added[revision - len(self._cards)]
        card: bytes | None = self._cards[revision]
        return card

    def add_card(self, model_id: str, commit: str, card: bytes) -> None:
        """Add a commit with a new README of a model."""
        self.revisions[model_id, commit] = len(self._cards) + len(self._added)
        self._added.append(card)
        self.etags.append(git_blob_sha1(card))


def read_corpus(path: Path, as_of: date | None = None) -> Corpus:
    """Read the latest snapshot not after `as_of`, by default the last. Raises `CorpusInvalid` in one line."""
    table = _derived(normalise(_table(path), path.name))
    snapshots = tuple(table["snapshot_date"].unique().sort())
    snapshot = _chosen(snapshots, as_of, path.name)
    known = table.filter(pl.col("snapshot_date") <= snapshot).sort("snapshot_date", maintain_order=True)
    known = known.unique(["model_id", "sha"], keep="last", maintain_order=True).with_row_index("revision")
    models = _listed(table.filter(pl.col("snapshot_date") == snapshot).drop("card"))
    revisions = dict(zip(zip(known["model_id"], known["sha"], strict=True), known["revision"], strict=True))
    row_of = {model_id: row for row, model_id in enumerate(models["model_id"])}
    renames = models.select("renamed_from", "model_id").explode("renamed_from").drop_nulls()
    return Corpus(
        name=path.name,
        snapshot=snapshot,
        snapshots=snapshots,
        models=models,
        row_of=row_of,
        renamed={old: new for old, new in renames.iter_rows() if old not in row_of},
        revisions=revisions,
        etags=known["etag"].to_list(),
        _cards=known["card"],
        _listed=[revisions[key] for key in zip(models["model_id"], models["sha"], strict=True)],
    )


def snapshots_in(path: Path) -> tuple[date, ...] | None:
    """The days of a corpus's snapshots in order; null for one that does not date its rows. Raises `CorpusInvalid`."""
    days = _days_in(path)
    return None if days is None else tuple(days.unique().sort())


def models_on(path: Path, as_of: date) -> int:
    """How many models a corpus has in its latest snapshot up to a date. Raises `CorpusInvalid`."""
    days = _days_in(path)
    if days is None:
        return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
    return int((days == days.filter(days <= as_of).max()).sum())


def _days_in(path: Path) -> pl.Series | None:
    """The day of each row; null for a corpus that does not date its rows."""
    try:
        schema = pl.read_parquet_schema(path)
        names: list[str] = [name for name in ("model_id", "snapshot_date") if name in schema]
        table = pl.read_parquet(path, columns=names, glob=False, hive_partitioning=False)
    except _UNREADABLE as error:
        raise CorpusInvalid(
            f"{path}: not a corpus ({str(error).splitlines()[0]}); see docs/corpus.md"
        ) from error
    if "model_id" not in schema:
        return None  # no corpus, as its reader will say
    return days_of(table, path.name)


def write_corpus(out: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows as a corpus file. A column is written if it is required or any row has it."""
    rows = list(rows)
    columns = [c for c in COLUMNS if c.is_required or any(c.name in row for row in rows)]
    values = {c.name: pl.Series(c.name, [row.get(c.name) for row in rows], strict=False) for c in columns}
    pl.DataFrame(values).write_parquet(out)


def _table(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise CorpusInvalid(f"{path}: no such file; make one with `cardiograph hub make-corpus {path.name}`")
    try:
        schema = pl.read_parquet_schema(path)
    except _UNREADABLE as error:
        raise CorpusInvalid(f"{path}: not a Parquet file; see docs/corpus.md") from error
    check_schema(schema, path.name)
    names = [column.name for column in COLUMNS if column.name in schema]
    try:
        table = pl.read_parquet(path, columns=names, glob=False, hive_partitioning=False)
    except _UNREADABLE as error:
        raise CorpusInvalid(f"{path}: a damaged Parquet file; copy or make it again") from error
    if table.is_empty():
        raise CorpusInvalid(f"{path}: contains no models")
    return table


def _chosen(snapshots: tuple[date, ...], as_of: date | None, subject: str) -> date:
    chosen = [day for day in snapshots if as_of is None or day <= as_of]
    if not chosen:
        raise CorpusInvalid(f"{subject}: has nothing as of {as_of}; its first snapshot is {snapshots[0]}")
    return chosen[-1]


def _derived(table: pl.DataFrame) -> pl.DataFrame:
    """Fill what the file leaves out, and merge text and bytes of a card into `card` with its `etag`."""
    table = table.with_columns(
        card=pl.coalesce("card_bytes", pl.col("card_text").cast(pl.Binary)),
        created_at=pl.coalesce("created_at", pl.col("last_modified").min().over("model_id")),
        # The date of an undated corpus is that of its last change.
        snapshot_date=pl.coalesce("snapshot_date", pl.col("last_modified").max().dt.date()),
        gated=pl.col("gated").replace(["false", ""], None),
        **{
            flag: pl.col(flag).fill_null(value=False)
            for flag in ("is_private", "is_disabled", "is_deleted", "readme_gated")
        },
    ).drop("card_text", "card_bytes")
    etags = [None if card is None else git_blob_sha1(card) for card in table["card"]]
    times = table["last_modified"].dt.strftime(_ISO)
    shas = [
        sha or _commit(model_id, time, etag)
        for sha, model_id, time, etag in zip(table["sha"], table["model_id"], times, etags, strict=True)
    ]
    return table.with_columns(
        pl.Series("etag", etags, dtype=pl.String),
        pl.Series("sha", shas, dtype=pl.String),
        times,
        pl.col("created_at").dt.strftime(_ISO),
    )


def _commit(model_id: str, last_modified: str, etag: str | None) -> str:
    """Derive a commit that changes exactly when the card or the time of the last change does."""
    text = f"{model_id}\0{last_modified}\0{etag}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _listed(models: pl.DataFrame) -> pl.DataFrame:
    bases = [
        bases if bases is not None else _base_models(tags)
        for bases, tags in zip(models["base_models"], models["tags"], strict=True)
    ]
    return models.with_columns(
        pl.Series("base_models", bases, dtype=pl.List(pl.String)),
        pl.col("tags").fill_null([]),
        author=pl.col("model_id").str.extract(r"^([^/]+)/"),
        has_readme=pl.col("etag").is_not_null(),
    )


def _base_models(tags: pl.Series | None) -> list[str]:
    """Base models by the Hub's tags, which repeat `base_model:owner/name` as `base_model:finetune:owner/name`."""
    matches = (_BASE_MODEL_TAG.fullmatch(tag) for tag in (tags if tags is not None else ()) if tag)
    return list(dict.fromkeys(match[1] for match in matches if match))
