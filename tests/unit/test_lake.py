"""Parts of the lake: whole or absent, named by what they are about."""

from __future__ import annotations

import errno
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import LakeError
from tasks.lake import RECORDS, STAGES, Lake, part_name, schema_of
from tasks.records import CardRead, Verdict

TODAY = date(2026, 11, 16)


def read(number: int, text: str | None) -> CardRead:
    return CardRead(TODAY, f"ada/{number}", "s", "card", card_hash=f"h{number}", card_text=text)


def test_every_stage_has_a_record_type_and_every_type_a_schema() -> None:
    assert set(RECORDS) == set(STAGES)
    for record in RECORDS.values():
        assert len(schema_of(record)) > 3


def test_a_part_reads_back_as_it_was_written(tmp_path: Path) -> None:
    verdict = Verdict("h", "checklist", "f", 3.5, "checks", {"purpose": 2.0}, ["a"], ["b", "c"], [])
    Lake(tmp_path).write("verdicts/f/x.parquet", Verdict, [verdict])
    (row,) = pq.read_table(tmp_path / "lake/verdicts/f/x.parquet").to_pylist()
    assert Verdict(**{**row, **{name: dict(row[name]) for name in ("levels", "probabilities")}}) == verdict


def test_a_part_written_piece_by_piece_is_there_only_once_it_is_whole(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    verdicts = [
        Verdict(f"h{n}", "checklist", "f", 3.5, "checks", {"purpose": 2.0}, [], [], []) for n in range(3)
    ]
    with lake.writing("verdicts/f/x.parquet", Verdict) as add:
        add(verdicts[:1])
        add(verdicts[1:])
        assert lake.parts("verdicts") == []
    assert pq.read_table(lake.path("verdicts/f/x.parquet"))["card_hash"].to_pylist() == ["h0", "h1", "h2"]


def test_a_part_whose_rows_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path)

    def judge() -> None:
        with lake.writing("verdicts/f/x.parquet", Verdict) as add:
            add([Verdict("h", "checklist", "f", 3.5, "checks", {}, [], [], [])])
            raise ConnectionError("the judge went away")

    with pytest.raises(ConnectionError, match="the judge went away"):
        judge()
    assert list((tmp_path / "lake/verdicts/f").iterdir()) == []


def test_a_part_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    Lake(tmp_path).write("verdicts/f/x.parquet", Verdict, [])
    assert pq.read_schema(tmp_path / "lake/verdicts/f/x.parquet").names == schema_of(Verdict).names


def test_texts_are_found_once_each_and_missing_ones_are_told(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write(
        "cards/d/x.parquet", CardRead, [read(1, "one"), read(1, "one"), read(2, "two\x00"), read(3, None)]
    )
    assert [text.card_text for text in lake.texts("cards/d/x.parquet", ["h2", "h1"])] == ["one", "two\x00"]
    with pytest.raises(LakeError, match="lacks 1 texts"):
        lake.texts("cards/d/x.parquet", ["h3"])


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
    with pytest.raises(LakeError, match="No space left on device; free some space"):
        Lake(tmp_path).write("verdicts/f/x.parquet", Verdict, [])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_killed_run_left_is_swept_and_never_read(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write("verdicts/f/x.parquet", Verdict, [])
    leftover = tmp_path / "lake/verdicts/f/.y.parquet.123.tmp"
    leftover.write_bytes(b"PAR1")
    assert lake.parts("verdicts") == ["verdicts/f/x.parquet"]
    lake.sweep()
    assert not leftover.exists()
    assert lake.has("verdicts/f/x.parquet")


def test_a_time_with_a_zone_is_refused(tmp_path: Path) -> None:
    card = CardRead(TODAY, "a/b", "s", "card", read_at=datetime.now(UTC))
    with pytest.raises(ValueError, match="UTC without a zone"):
        Lake(tmp_path).write("cards/d/x.parquet", CardRead, [card])
