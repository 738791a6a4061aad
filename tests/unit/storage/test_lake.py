"""Parts of the lake: whole or absent, named by what they are about, in a folder as in an object store."""

from __future__ import annotations

import errno
import itertools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import LakeError, UsageError
from tasks.records import CardRead, Verdict
from tasks.storage.lake import RECORDS, STAGES, Lake, part_name, schema_of

TODAY = date(2026, 11, 16)
PART = "verdicts/f/x.parquet"


@pytest.fixture(params=["folder", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """A lake in a folder and one in an object store: nothing below may tell them apart."""
    if request.param == "folder":
        return Lake(tmp_path)
    found: Lake = request.getfixturevalue("s3_lake")
    return found


def read(number: int, text: str | None) -> CardRead:
    return CardRead(TODAY, f"ada/{number}", "s", "card", card_hash=f"h{number}", card_text=text)


def verdict(card_hash: str = "h") -> Verdict:
    return Verdict(card_hash, "checklist", "f", 3.5, "checks", {"purpose": 2.0}, ["a"], ["b", "c"], [])


def rows(lake: Lake, part: str = PART) -> list[dict[str, Any]]:
    with lake.files([part]) as (_, (file,)):
        found: list[dict[str, Any]] = pq.read_table(file).to_pylist()
        return found


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_every_stage_has_a_record_type_and_every_type_a_schema() -> None:
    assert set(RECORDS) == set(STAGES)
    for record in RECORDS.values():
        assert len(schema_of(record)) > 2


def test_a_part_reads_back_as_it_was_written(lake: Lake) -> None:
    lake.write(PART, Verdict, [verdict()])
    (row,) = rows(lake)
    maps = ("levels", "probabilities", "log_odds", "soft_levels")
    assert Verdict(**{**row, **{name: dict(row[name]) for name in maps}}) == verdict()


def test_a_part_written_piece_by_piece_is_there_only_once_it_is_whole(lake: Lake) -> None:
    with lake.writing(PART, Verdict) as add:
        add([verdict("h0")])
        add([verdict("h1"), verdict("h2")])
        assert lake.parts("verdicts") == []
        assert not lake.has(PART)
    assert lake.parts("verdicts") == lake.all_parts() == [PART]
    assert [row["card_hash"] for row in rows(lake)] == ["h0", "h1", "h2"]


def test_a_part_whose_rows_cannot_be_made_leaves_nothing(lake: Lake, tmp_path: Path) -> None:
    def judge() -> None:
        with lake.writing(PART, Verdict) as add:
            add([verdict()])
            raise ConnectionError("the judge went away")

    with pytest.raises(ConnectionError, match="the judge went away"):
        judge()
    assert lake.entries("") == {}
    assert files_under(tmp_path) == []


def test_a_part_without_rows_keeps_its_columns(lake: Lake) -> None:
    lake.write(PART, Verdict, [])
    with lake.files([PART]) as (root, (file,)):
        assert pq.read_schema(file).names == schema_of(Verdict).names
        assert file.relative_to(root).as_posix() == PART


def test_the_first_writer_of_a_part_wins_and_a_later_one_gets_no_error(lake: Lake) -> None:
    lake.write(PART, Verdict, [verdict("first")])
    before = lake.entries("")
    lake.write(PART, Verdict, [verdict("second")])
    assert [row["card_hash"] for row in rows(lake)] == ["first"]
    assert lake.entries("") == before


def test_writers_that_race_for_a_part_leave_one_of_theirs_whole(lake: Lake) -> None:
    together = threading.Barrier(6)

    def write(number: int) -> None:
        with lake.writing(PART, Verdict) as add:
            add([verdict(f"{number}-{n}") for n in range(50)])
            together.wait(30)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    found = [row["card_hash"] for row in rows(lake)]
    assert found == [f"{found[0][0]}-{n}" for n in range(50)]
    assert list(lake.entries("")) == [PART]


def test_notes_travel_with_a_part(lake: Lake) -> None:
    lake.write(PART, Verdict, [], notes={"next": "https://hub.example/?cursor=é", "rows": "0"})
    found = lake.notes(PART)
    assert (found["next"], found["rows"]) == ("https://hub.example/?cursor=é", "0")


def test_texts_are_found_once_each_and_missing_ones_are_reported(lake: Lake) -> None:
    part = "cards/d/x.parquet"
    lake.write(part, CardRead, [read(1, "one"), read(1, "one"), read(2, "two\x00"), read(3, None)])
    for _ in range(2):  # the second time it may come from memory
        assert [text.card_text for text in lake.texts(part, ["h2", "h1"])] == ["one", "two\x00"]
    with pytest.raises(LakeError, match="lacks 1 texts"):
        lake.texts(part, ["h3"])


def test_a_part_that_is_gone_is_reported(lake: Lake) -> None:
    with pytest.raises(LakeError, match=r"cards/d/x.parquet is not there; restore the part"):
        lake.texts("cards/d/x.parquet", ["h"])
    with pytest.raises(LakeError, match=r"x.parquet is not there; restore the part"), lake.files([PART]):
        pass


def test_a_small_object_is_put_replaced_and_deleted(lake: Lake) -> None:
    assert (lake.get("claims/a"), lake.exists()) == (None, False)
    lake.delete("claims/a")
    lake.put("claims/a", b"one")
    assert (lake.get("claims/a"), lake.exists()) == (b"one", True)
    lake.put("claims/a", b"")
    assert lake.get("claims/a") == b""
    lake.delete("claims/a")
    assert (lake.get("claims/a"), lake.entries("claims")) == (None, {})


def test_entries_are_all_under_a_folder_and_the_object_of_that_very_name(lake: Lake) -> None:
    for name in (
        "orders/w/read.json",
        "orders/w/read/b.json",
        "orders/w/read/a.json",
        "orders/w2/x",
        "writer",
    ):
        lake.put(name, b"{}")
    assert list(lake.entries("orders/w")) == [
        "orders/w/read.json",
        "orders/w/read/a.json",
        "orders/w/read/b.json",
    ]
    assert list(lake.entries("writer")) == ["writer"]
    assert lake.entries("orders/w/rea") == lake.entries("nothing") == {}


def test_a_tag_changes_with_every_put_and_only_then(lake: Lake) -> None:
    tags = []
    for beat in range(20):
        lake.put("claims/a", f"{beat:09}".encode())
        tags.append(lake.entries("claims")["claims/a"])
        assert lake.entries("claims")["claims/a"] == tags[-1]
    assert all(one != other for one, other in itertools.pairwise(tags))


def test_a_file_is_sent_and_fetched_whole(lake: Lake, tmp_path: Path) -> None:
    source, copy = tmp_path / "warehouse.duckdb", tmp_path / "elsewhere" / "copy.duckdb"
    assert not lake.fetch("published/warehouse.duckdb", copy)
    assert not copy.exists()
    for body in (os.urandom(20 << 20), b"a smaller one"):
        source.write_bytes(body)
        lake.send("published/warehouse.duckdb", source)
        assert lake.fetch("published/warehouse.duckdb", copy)
        assert copy.read_bytes() == body
    assert list(lake.entries("published")) == ["published/warehouse.duckdb"]
    assert list(copy.parent.iterdir()) == [copy]


def test_copies_and_drafts_do_not_outlive_their_use(s3_lake: Lake, tmp_path: Path) -> None:
    s3_lake.write(PART, Verdict, [verdict()])
    with s3_lake.files([PART]) as (root, (file,)):
        assert file.is_file()
        Lake(tmp_path / "worker").sweep()
        assert file.is_file(), "a sweep took what is in use"
    assert not root.exists()
    assert files_under(tmp_path) == []


def test_an_object_store_that_comes_back_loses_nothing(
    s3_lake: Lake, outage: Callable[[], AbstractContextManager[None]]
) -> None:
    with ThreadPoolExecutor(8) as pool:
        with outage():
            written = [
                pool.submit(s3_lake.write, f"verdicts/f/{n}.parquet", Verdict, [verdict(f"h{n}")])
                for n in range(8)
            ]
            assert not any(future.done() for future in written)
        for future in written:
            future.result()
    assert len(s3_lake.parts("verdicts")) == 8
    assert all(rows(s3_lake, f"verdicts/f/{n}.parquet")[0]["card_hash"] == f"h{n}" for n in range(8))


def test_an_object_store_that_stays_away_is_reported_with_the_remedy(
    s3_lake: Lake,
    outage: Callable[[], AbstractContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("CARDIOGRAPH_LAKE_PATIENCE_S", "0.5")
    with (
        outage(),
        pytest.raises(
            LakeError, match=r"^s3://lakes/weekly/\w+/verdicts/f/x.parquet: .* for 0.5 s; check that"
        ),
    ):
        s3_lake.write(PART, Verdict, [verdict()])
    assert files_under(tmp_path) == []
    assert s3_lake.all_parts() == []


@pytest.mark.parametrize("wrong", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
@pytest.mark.parametrize(
    "use",
    [
        lambda lake: lake.put("writer", b"me"),
        lambda lake: lake.get("writer"),
        lambda lake: lake.delete("writer"),
        lambda lake: lake.write(PART, Verdict, []),
        lambda lake: lake.parts("cards"),
        lambda lake: lake.exists(),
    ],
    ids=["put", "get", "delete", "write", "list", "exists"],
)
def test_a_key_that_is_refused_is_reported_at_once_and_not_shown(
    s3_lake: Lake, monkeypatch: pytest.MonkeyPatch, wrong: str, use: Callable[[Lake], object]
) -> None:
    monkeypatch.setenv(wrong, "wrong-and-not-to-be-shown")
    with pytest.raises(LakeError, match=r"refuses \(403.*check AWS_ACCESS_KEY_ID") as failure:
        use(s3_lake)
    assert "\n" not in str(failure.value)
    assert "wrong-and-not" not in str(failure.value)
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in str(failure.value)
    assert failure.value.__suppress_context__, "the library's own text would follow in a log"


def test_a_bucket_that_is_not_there_is_reported(
    s3_lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CARDIOGRAPH_LAKE", "s3://nowhere")
    for use in (Lake(tmp_path).all_parts, partial(Lake(tmp_path).put, "writer", b"")):
        with pytest.raises(LakeError, match=r"refuses \(404 NoSuchBucket\); make the bucket"):
            use()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("AWS_SECRET_ACCESS_KEY", "", "needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"),
        ("AWS_ENDPOINT_URL", "store.example:9000", "AWS_ENDPOINT_URL is not an address"),
        ("AWS_ENDPOINT_URL", "https://user:hidden@store.example", "AWS_ENDPOINT_URL is not an address"),
        ("AWS_SKIP_SIGNATURE", "perhaps", "the AWS_… variables cannot be used"),
        ("CARDIOGRAPH_LAKE", "s3://", "a lake is a folder or s3://bucket/prefix"),
        ("CARDIOGRAPH_LAKE", "ftp://here/lake", "a lake is a folder or s3://bucket/prefix"),
    ],
)
def test_an_environment_that_leads_nowhere_is_reported(
    s3_lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=message) as error:
        Lake(tmp_path).has(PART)
    assert "hidden" not in str(error.value)


def test_variables_that_are_set_to_nothing_count_as_unset(
    s3_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_REGION"):
        monkeypatch.setenv(name, "")
    s3_lake.put("writer", b"me")
    assert s3_lake.get("writer") == b"me"


def test_a_lake_may_lie_in_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDIOGRAPH_LAKE", str(tmp_path / "shared"))
    one, other = Lake(tmp_path / "one"), Lake(tmp_path / "other")
    one.write(PART, Verdict, [])
    assert other.parts("verdicts") == [PART]
    assert other.location == str(tmp_path / "shared")
    assert not other.is_remote


@given(st.lists(st.text(), min_size=1, unique=True), st.randoms())
def test_the_name_of_a_part_follows_from_its_keys_in_any_order(keys: list[str], random: object) -> None:
    shuffled = list(keys)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' Random has no public type
    assert part_name(keys) == part_name(shuffled)
    assert part_name(keys) != part_name([*keys, "another"])


def test_a_full_disk_leaves_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    lake = Lake(tmp_path)
    for use in (partial(lake.write, PART, Verdict, []), partial(lake.put, "writer", b"me")):
        with pytest.raises(LakeError, match="No space left on device; free some space"):
            use()
    assert files_under(tmp_path) == []


def test_what_a_killed_run_left_is_swept_and_never_read(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write(PART, Verdict, [])
    leftover = tmp_path / "lake/verdicts/f/.y.parquet.123.tmp"
    leftover.write_bytes(b"PAR1")
    assert lake.all_parts() == list(lake.entries("")) == [PART]
    lake.sweep()
    assert not leftover.exists()
    assert lake.has(PART)


def test_a_sweep_leaves_what_another_is_writing(tmp_path: Path) -> None:
    with Lake(tmp_path).writing(PART, Verdict) as add:
        add([verdict()])
        Lake(tmp_path).sweep()
    assert len(rows(Lake(tmp_path))) == 1


@pytest.mark.parametrize("is_taken", [False, True])
def test_where_files_cannot_be_linked_they_are_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_taken: bool
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    lake = Lake(tmp_path)
    if is_taken:
        lake.write(PART, Verdict, [verdict("first")])
    monkeypatch.setattr(os, "link", refuse)
    lake.write(PART, Verdict, [verdict("second")])
    assert [row["card_hash"] for row in rows(lake)] == ["first" if is_taken else "second"]
    assert files_under(tmp_path) == [lake.path(PART)]


def test_a_time_with_a_zone_is_refused(tmp_path: Path) -> None:
    card = CardRead(TODAY, "a/b", "s", "card", read_at=datetime.now(UTC))
    with pytest.raises(ValueError, match="UTC without a zone"):
        Lake(tmp_path).write("cards/d/x.parquet", CardRead, [card])
