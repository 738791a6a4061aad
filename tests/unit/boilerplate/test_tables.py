"""Which table of boilerplate is in use, and where it is read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.boilerplate.tables import in_use, part_of, table_of
from tasks.cards.boilerplate import shipped
from tasks.errors import LakeError
from tasks.records import BoilerplateSentence
from tasks.storage.lake import Lake


def put(lake: Lake, version: str, *sentences: int) -> None:
    rows = [BoilerplateSentence(version, one, is_house=False, authors=5, models=5) for one in sentences]
    lake.write(part_of(version), BoilerplateSentence, rows)


def test_without_a_learned_table_the_shipped_one_is_in_use(tmp_path: Path) -> None:
    assert in_use(Lake(tmp_path)) == shipped() == table_of(Lake(tmp_path), "")
    assert shipped().ids


def test_the_table_that_was_learned_last_is_in_use(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, "2026-12-07-bb", 1, 2)
    put(lake, "2026-11-30-ff", 3)
    assert in_use(Lake(tmp_path)).ids == {1, 2}
    assert table_of(lake, "2026-11-30-ff").ids == {3}


def test_two_lakes_may_hold_tables_of_one_version(tmp_path: Path) -> None:
    for place, sentence in (("a", 1), ("b", 2)):
        put(Lake(tmp_path / place), "2026-12-07-bb", sentence)
        assert table_of(Lake(tmp_path / place), "2026-12-07-bb").ids == {sentence}


def test_a_version_that_is_nowhere_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r"2026-12-07-cc\.parquet is not there.*learn"):
        table_of(Lake(tmp_path), "2026-12-07-cc")
