"""What people are given to label, and what their labels are about."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import polars as pl
import pytest

from tasks.storage.warehouse import frame

Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
Expect = Callable[[pl.DataFrame, str], None]


@pytest.fixture
def judged(db: duckdb.DuckDBPyConnection, fill: Fill) -> duckdb.DuckDBPyConnection:
    """Four models, two of one author and two with one text; one text nobody could score."""
    fill(db, "base.snapshots", "snapshot\n2026-01-05")
    fill(db, "base.listing", "model_id\nada/1\nada/2\nbob/1\ncyd/1")
    fill(
        db,
        "base.reads",
        "model_id | sha | card_hash\nada/1 | 5ha | h1\nada/2 | 5ha | h2\nbob/1 | 5ha | h2\ncyd/1 | 5ha | h3",
    )
    fill(db, "base.texts", "card_hash | card_text\nh1 | one\nh2 | a longer one\nh3 | the longest of all")
    fill(
        db,
        "base.judges",
        """
        judge     | fingerprint | rubric | judged_at
        checklist | f1          | r1     | 2026-01-05 07:00:00
        vllm:a    | f2          | r1     | 2026-01-05 08:00:00
        """,
    )
    fill(db, "base.verdicts", "card_hash | fingerprint | score\nh1 | f1 | 1.5\nh2 | f1 | 4.4\nh3 | f1 |")
    return db


def test_texts_are_sampled_by_the_level_nearest_to_their_score(
    judged: duckdb.DuckDBPyConnection, expect: Expect
) -> None:
    expect(
        frame(judged, "labels/sample_by_score", fingerprint="f1"),
        "card_hash | author | stratum\nh1 | ada | 2\nh2 | ada | 4",
    )
    assert frame(judged, "labels/sample_by_score", fingerprint="f2").is_empty()


def test_texts_are_sampled_by_length_where_nobody_has_judged(
    judged: duckdb.DuckDBPyConnection, expect: Expect
) -> None:
    expect(
        frame(judged, "labels/sample_by_length"),
        "card_hash | author | stratum\nh1 | ada | 1\nh2 | ada | 2\nh3 | cyd | 3",
    )


def test_the_judge_that_judged_last_comes_first(judged: duckdb.DuckDBPyConnection, expect: Expect) -> None:
    expect(frame(judged, "labels/latest_judges"), "judge | fingerprint\nvllm:a | f2\nchecklist | f1")


def test_models_and_texts_are_looked_up_by_name_and_by_hash(
    judged: duckdb.DuckDBPyConnection, expect: Expect
) -> None:
    expect(
        frame(judged, "labels/model_cards", wanted=["bob/1", "nobody/0"]), "model_id | card_hash\nbob/1 | h2"
    )
    expect(frame(judged, "labels/card_texts", wanted=["h1", "h9"]), "card_hash | card_text\nh1 | one")
