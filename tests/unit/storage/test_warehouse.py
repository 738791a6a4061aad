"""The warehouse: derived, published whole, readable throughout, one writer at a time."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from tasks.errors import CheckFailed, UsageError, WarehouseError, WriterBusy
from tasks.records import CardRead, Finding, JudgeRecord, ListedModel, Verdict
from tasks.storage import warehouse as warehouse_module
from tasks.storage.lake import Lake, SnapshotRecord
from tasks.storage.publishing import send_published
from tasks.storage.warehouse import Warehouse, statement
from tasks.work.coordinator import coordinating

NOW = datetime(2026, 1, 5, 12)


def write_week(lake: Lake, week: date, models: int) -> None:
    """A small snapshot in the lake: listed, read, judged."""
    listed = [
        ListedModel(
            week,
            f"ada/{n}",
            "ada",
            f"{n:040x}",
            NOW,
            NOW,
            n,
            n,
            n,
            None,
            [],
            None,
            None,
            None,
            True,
            None,
            [],
        )
        for n in range(models)
    ]
    cards = [
        CardRead(week, m.model_id, m.sha, "card", "e", f"h{n % 7}", f"text {n % 7}", read_at=NOW)
        for n, m in enumerate(listed)
    ]
    verdicts = [
        Verdict(f"h{n}", "checklist", "f", 1 + n / 2, "checks", {"purpose": 1.0}, ["x"], [], [])
        for n in range(7)
    ]
    finding = Finding(
        week, "checklist", "f", "q", "likes", "score", "all", "spearman", 9, 1, 0.1, 0.2, 0.1, 0.3, 0.04
    )
    lake.write(f"listing/{week}/page-00000.parquet", ListedModel, listed)
    lake.write(
        f"snapshots/{week}.parquet", SnapshotRecord, [SnapshotRecord(week, "x", "all", models, NOW, NOW)]
    )
    lake.write(f"cards/{week}/a.parquet", CardRead, cards[::2])
    lake.write(f"cards/{week}/b.parquet", CardRead, cards[1::2])
    lake.write(
        f"judges/{week}-f.parquet",
        JudgeRecord,
        [JudgeRecord(week, "f", "checklist", "r", None, None, "{}", NOW)],
    )
    if not lake.has("verdicts/f/a.parquet"):
        lake.write("verdicts/f/a.parquet", Verdict, verdicts)
    lake.write(f"findings/{week}-f-1.parquet", Finding, [_at(finding, NOW)])


def _at(finding: Finding, time: datetime, estimate: float = 0.2) -> Finding:
    import dataclasses

    return dataclasses.replace(finding, computed_at=time, estimate=estimate)


def published(home: Path, *, weeks: int = 1, models: int = 20) -> Warehouse:
    warehouse = Warehouse(home)
    with warehouse.writer():
        for week in range(weeks):
            write_week(warehouse.lake, date(2026, 1, 5 + 7 * week), models)
        warehouse.begin()
        warehouse.publish()
    return warehouse


def contents(warehouse: Warehouse) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, in an order of its own."""
    with warehouse.read() as db:
        tables = db.execute("select concat_ws('.', schema_name, table_name) from duckdb_tables()").fetchall()
        return {name: sorted(db.execute(f"from {name}").fetchall(), key=repr) for (name,) in tables}


def test_what_lands_is_what_the_lake_holds(tmp_path: Path) -> None:
    with published(tmp_path).read() as db:
        assert db.execute("select count(*), count(distinct card_hash) from leaderboard").fetchone() == (20, 7)
        assert db.execute("select card_status, count(*) from models group by 1").fetchall() == [("card", 20)]


def test_landing_twice_adds_nothing_and_is_no_news(tmp_path: Path) -> None:
    warehouse = published(tmp_path)
    before = contents(warehouse)
    with warehouse.writer():
        warehouse.begin()
        warehouse.land()
        assert not warehouse.publish()
    assert contents(warehouse) == before
    assert not warehouse.building.exists()


def test_a_copy_of_a_current_warehouse_keeps_its_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = published(tmp_path)

    def without_schema(name: str) -> str:
        return "select error('executed')" if name == "schema" else statement(name)

    monkeypatch.setattr("tasks.storage.warehouse.statement", without_schema)
    warehouse.begin()
    with pytest.raises(duckdb.Error, match="executed"):
        warehouse.begin(afresh=True)


def test_a_warehouse_made_again_from_the_lake_has_the_same_rows(tmp_path: Path) -> None:
    warehouse = published(tmp_path, weeks=2)
    before = contents(warehouse)
    warehouse.published.unlink()
    with warehouse.writer():
        warehouse.begin(afresh=True)
        warehouse.publish(always=True)
    assert contents(warehouse) == before
    assert len(before["base.listing"]) == 40


def test_a_warehouse_made_from_a_lake_in_an_object_store_has_the_same_rows(
    tmp_path: Path, s3_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse_module, "_PARTS_AT_ONCE", 2)
    for week in range(2):
        write_week(s3_lake, date(2026, 1, 5 + 7 * week), 20)
    rebuilt = Warehouse(tmp_path / "another machine")
    with rebuilt.writer():
        rebuilt.begin(afresh=True)
        rebuilt.publish(always=True)
    monkeypatch.delenv("CARDIOGRAPH_LAKE")
    assert contents(rebuilt) == contents(published(tmp_path / "folder", weeks=2))
    assert not list((rebuilt.home / ".scratch").iterdir())


def test_a_coordinator_without_a_warehouse_begins_with_the_one_in_the_object_store(
    tmp_path: Path, s3_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_week(s3_lake, date(2026, 1, 5), 20)
    first, second = Warehouse(tmp_path / "first"), Warehouse(tmp_path / "second")
    with first.writer():
        first.begin()
        first.publish()
    send_published(first.lake, first.published)
    write_week(s3_lake, date(2026, 1, 12), 20)
    landed: list[str] = []
    parts_of = Warehouse._land_stage

    def landing(warehouse: Warehouse, db: duckdb.DuckDBPyConnection, stage: str) -> None:
        before = set(db.execute("select part from base.parts").fetchall())
        parts_of(warehouse, db, stage)
        landed.extend(
            part for (part,) in db.execute("select part from base.parts").fetchall() if (part,) not in before
        )

    monkeypatch.setattr(Warehouse, "_land_stage", landing)
    with coordinating(second.home, date(2026, 1, 12)):
        assert contents(second) == contents(first)
        second.publish()
    assert landed
    assert all("2026-01-12" in part for part in landed)
    with first.writer():
        first.begin(afresh=True)
        first.publish(always=True)
    assert contents(second) == contents(first)


def test_a_warehouse_of_another_schema_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = published(tmp_path)
    before = contents(warehouse)
    with duckdb.connect(warehouse.published) as db:
        db.execute("update base.made_by set schema_digest = 'of last year'")
        db.execute("delete from base.texts")
    with warehouse.writer():
        warehouse.begin()
        warehouse.publish()
    assert contents(warehouse) == before


@pytest.mark.parametrize(
    ("was", "becomes", "is_other"),
    [
        ("is 'The version", "is 'Another wording of the version", False),
        ("-- Every column", "-- Really every column", False),
        ("schema_digest varchar", "schema_digest integer", True),
    ],
)
def test_a_schema_is_another_one_where_its_code_differs_but_not_where_its_comments_do(
    was: str, becomes: str, is_other: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest_now = warehouse_module._schema_digest.__wrapped__  # not the one that was computed before
    text, digest = statement("schema"), digest_now()
    assert was in text
    monkeypatch.setattr(warehouse_module, "statement", lambda _: text.replace(was, becomes))
    assert (digest_now() != digest) == is_other


def test_the_latest_findings_of_a_snapshot_count(tmp_path: Path) -> None:
    warehouse = published(tmp_path)
    with warehouse.read() as db:
        (old,) = warehouse_module.findings_of(db, date(2026, 1, 5), "f")
    newer = _at(old, datetime(2026, 1, 6), estimate=0.25)
    with warehouse.writer():
        warehouse.lake.write("findings/2026-01-05-f-0.parquet", Finding, [newer])
        warehouse.begin()
        warehouse.publish()
    for afresh in (False, True):
        with warehouse.writer():
            warehouse.begin(afresh=afresh)
            warehouse.publish(always=True)
        with warehouse.read() as db:
            assert warehouse_module.findings_of(db, date(2026, 1, 5), "f") == [newer]


def test_what_breaks_a_check_is_not_published(tmp_path: Path) -> None:
    warehouse = published(tmp_path)
    before = contents(warehouse)
    orphan = Verdict("no such text", "checklist", "f", 3.0, "checks", {}, [], [], [])
    with warehouse.writer():
        warehouse.lake.write("verdicts/f/b.parquet", Verdict, [orphan])
        warehouse.begin()
        with pytest.raises(CheckFailed, match=r"verdict_without_a_text \(1 rows\)"):
            warehouse.publish()
    assert contents(warehouse) == before


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tasks.storage.warehouse import Warehouse\n"
        "with Warehouse(Path(sys.argv[1])).writer(): print('in', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == b"in\n"
        with pytest.raises(WriterBusy, match="another run is writing"), Warehouse(tmp_path).writer():
            pass
        other.kill()
    with Warehouse(tmp_path).writer():
        assert (tmp_path / ".writer.lock").exists()


READER = """
import pathlib, sys, time
import duckdb
stop, seen = pathlib.Path(sys.argv[2]), []
print("reading", flush=True)
while not stop.exists():
    with duckdb.connect(sys.argv[1], read_only=True) as db:
        db.execute("set enable_progress_bar = false")  # it would print into the answer
        seen.append(db.execute("select count(*) from panel").fetchone()[0])
    time.sleep(0.02)
print(*seen)
"""


@pytest.mark.slow
def test_twenty_readers_are_never_locked_out_and_never_see_half_a_week(tmp_path: Path) -> None:
    home, stop = tmp_path / "home", tmp_path / "stop"
    warehouse = published(home, models=50)
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(warehouse.published), str(stop)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(20)
    ]
    assert all(reader.stdout and reader.stdout.readline() == b"reading\n" for reader in readers)
    for week in (12, 19):
        with warehouse.writer():
            write_week(warehouse.lake, date(2026, 1, week), 50)
            warehouse.begin()
            warehouse.publish()
    stop.touch()
    outputs = [reader.communicate(timeout=60) for reader in readers]
    assert [error for _, error in outputs] == [b""] * 20
    assert {int(count) for seen, _ in outputs for count in seen.split()} <= {50, 100, 150}


def test_readers_cannot_write(tmp_path: Path) -> None:
    with published(tmp_path).read() as db, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        db.execute("delete from base.texts")


def test_reading_what_was_never_published_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cardiograph snapshot"), Warehouse(tmp_path).read():
        pass


def test_a_published_file_that_is_no_database_is_reported_by_name(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(WarehouseError, match=r"warehouse\.duckdb"), Warehouse(tmp_path).read():
        pass


def test_a_slow_statement_prints_no_progress_into_what_a_command_prints(tmp_path: Path) -> None:
    with published(tmp_path).read() as db:
        assert db.execute("select current_setting('enable_progress_bar')").fetchall() == [(False,)]
