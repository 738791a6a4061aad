"""The invariants: what must hold after every round, whatever was killed in it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

INVARIANTS = {
    "I1": "every model of the listing is exactly one of card, empty, none, failure",
    "I2": "no verdict twice, and parts that hold the same text agree on it",
    "I3": "the published warehouse always opens, is whole, and never goes back",
    "I4": "the rerun finishes",
    "I5": "no secret in a log, a parameter or the lake",
    "I6": "the result is that of an undisturbed run, to the row",
    "I7": "no process is left over",
}

# What is compared with an undisturbed run, without columns that only say when and how often something was done.
COMPARED = {
    "base.snapshots": "* exclude (started_at, finished_at)",
    "base.listing": "*",
    "base.list_failures": "*",
    "base.best_reads": "model_id, sha, status, etag, card_hash, reason",
    "base.texts": "*",
    "base.facts": "*",
    "base.judges": "* exclude (judged_at)",
    "base.verdicts": "*",
    "base.explanations": "*",
    "base.findings": "* exclude (computed_at)",
    # Every run measures again, with the same result.
    "base.gates": "distinct * exclude (measured_at)",
    "panel": "*",
    "failures": "*",
}
_ROWS_SHOWN = 2


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that does not hold, and the evidence."""

    invariant: str
    seen: str


def fates(warehouse: Path, snapshot: date) -> Iterator[Broken]:
    """I1: in the panel once, with one fate; what could not be listed is a failure, and no row of both."""
    with duckdb.connect(warehouse, read_only=True) as db:
        rows = db.execute(
            """
            select model_id, count(*) as times, min(card_status) as fate
            from base.listing left join panel using (snapshot, model_id)
            where snapshot = $1 group by model_id
            having times <> 1 or fate is null or fate not in ('card', 'empty', 'none', 'failed')
            """,
            [snapshot],
        ).fetchall()
        silent = db.execute(
            "select model_id from panel where snapshot = $1 and card_status = 'failed' "
            "and model_id not in (select subject from failures where snapshot = $1)",
            [snapshot],
        ).fetchall()
        ((listed, shown),) = db.execute(
            "select (select listed from base.snapshots where snapshot = $1), "
            "(select count(*) from base.listing where snapshot = $1) "
            "+ (select count(*) from base.list_failures where snapshot = $1)",
            [snapshot],
        ).fetchall()
    if rows or silent:
        yield Broken(
            "I1", f"{len(rows)} models without one fate, {len(silent)} failures without a row: {rows[:3]}"
        )
    if listed is None or shown > listed:
        yield Broken("I1", f"{listed} rows walked, {shown} in the warehouse")


def double_work(lake: Path) -> tuple[int, list[Broken]]:
    """Verdicts that more than one part of the lake holds, and I2: those among them that contradict each other."""
    repeated, broken = 0, []
    for folder in sorted((lake / "verdicts").glob("*")):
        parts = [pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))]
        if not parts:
            continue
        by_text = defaultdict(set)
        rows = 0
        for part in parts:
            for row in part.iter_rows(named=True):
                by_text[row["card_hash"]].add(json.dumps(row, sort_keys=True, default=str))
                rows += 1
        repeated += rows - len(by_text)
        odd = [card_hash for card_hash, versions in by_text.items() if len(versions) > 1]
        if odd:
            broken.append(
                Broken("I2", f"{len(odd)} texts with verdicts that differ between parts: {odd[:2]}")
            )
    return repeated, broken


def verdicts_once(warehouse: Path) -> Iterator[Broken]:
    """I2: no verdict twice in the warehouse."""
    with duckdb.connect(warehouse, read_only=True) as db:
        rows = db.execute(
            "select card_hash, fingerprint, count(*) from base.verdicts group by all having count(*) > 1"
        ).fetchall()
    if rows:
        yield Broken("I2", f"{len(rows)} verdicts more than once in the warehouse: {rows[:2]}")


def differences(warehouse: Path, expected: Path) -> Iterator[Broken]:
    """I6: rows that only one of the two warehouses has, table by table."""
    with duckdb.connect(warehouse, read_only=True) as db:
        db.execute(f"attach '{expected}' as untouched (read_only)")
        (here,) = db.execute("select current_catalog()").fetchall()[0]
        for table, columns in COMPARED.items():
            for verb, left, right in (("lacks", "untouched", here), ("adds", here, "untouched")):
                schema_table = table if "." in table else f"main.{table}"
                rows = db.execute(
                    f"select {columns} from {left}.{schema_table} "
                    f"except all select {columns} from {right}.{schema_table}"
                ).fetchall()
                if rows:
                    shown = str([str(row)[:300] for row in rows[:_ROWS_SHOWN]])
                    yield Broken("I6", f"{table} {verb} {len(rows)} rows: {shown}")


def secrets_in(texts: Iterable[tuple[str, str]], secrets: Mapping[str, str]) -> Iterator[Broken]:
    """I5: planted secrets in texts, which are pairs of a place and its text."""
    for place, text in texts:
        for name, secret in secrets.items():
            if secret in text:
                at = text.index(secret)
                around = text[max(0, at - 80) : at].replace("\n", " ")
                yield Broken("I5", f"{name} in {place}, after …{around}")


def texts_in_files(folders: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Every file below some folders as text; Parquet decoded, because it is compressed."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            try:
                if path.suffix == ".parquet":
                    notes = pl.read_parquet_metadata(path)
                    yield str(path), json.dumps(notes) + pl.read_parquet(path).write_ndjson()
                else:
                    yield str(path), path.read_bytes().decode(errors="replace")
            except FileNotFoundError:  # an order was completed meanwhile
                continue
