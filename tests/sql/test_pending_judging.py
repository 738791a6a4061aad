"""What a judge has left to do: bridges to the judge before, and scores to explain."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import polars as pl
import pytest

from tasks.storage.warehouse import frame

Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
Expect = Callable[[pl.DataFrame, str], None]
LAST_WEEK, WEEK = "2025-12-29", "2026-01-05"


@pytest.fixture
def two_weeks(db: duckdb.DuckDBPyConnection, fill: Fill) -> duckdb.DuckDBPyConnection:
    """Six texts last week, scored by `old`; this week two of them are left (c1, c2) and a new one came."""
    fill(
        db,
        "base.listing",
        """
        snapshot   | model_id | sha
        2025-12-29 | ada/1    | s1
        2025-12-29 | ada/2    | s1
        2025-12-29 | ada/3    | s1
        2025-12-29 | ada/4    | s1
        2025-12-29 | ada/5    | s1
        2025-12-29 | ada/6    | s1
        2026-01-05 | ada/1    | s1
        2026-01-05 | ada/2    | s1
        2026-01-05 | ada/7    | s1
        """,
    )
    fill(
        db,
        "base.reads",
        """
        snapshot   | model_id | sha | card_hash | part
        2025-12-29 | ada/1    | s1  | c1        | p1
        2025-12-29 | ada/2    | s1  | c2        | p1
        2025-12-29 | ada/3    | s1  | c3        | p1
        2025-12-29 | ada/4    | s1  | c4        | p1
        2025-12-29 | ada/5    | s1  | c5        | p1
        2025-12-29 | ada/6    | s1  | c6        | p1
        2026-01-05 | ada/7    | s1  | c7        | p2
        """,
    )
    fill(db, "base.judges", "snapshot | judge | fingerprint | rubric\n2025-12-29 | vllm:a | old | r1")
    fill(
        db,
        "base.verdicts",
        """
        card_hash | fingerprint | score
        c1        | old         | 2
        c2        | old         | 2
        c3        | old         | 2
        c4        | old         | 2
        c5        | old         | 4
        c6        | old         |
        """,
    )
    return db


def bridge(db: duckdb.DuckDBPyConnection, fingerprint: str, size: int, judge: str = "vllm:b") -> pl.DataFrame:
    return frame(db, "pending/bridge", snapshot=WEEK, fingerprint=fingerprint, judge=judge, size=size)


def test_a_new_judge_scores_texts_of_last_week_until_enough_are_scored_by_both(
    two_weeks: duckdb.DuckDBPyConnection, expect: Expect
) -> None:
    # c1 and c2 are judged anyway; of the others one a level of the old score comes first; c6 has no old score.
    expect(bridge(two_weeks, "new", 4), "part | card_hash\np1 | c3\np1 | c5")
    expect(bridge(two_weeks, "new", 5), "part | card_hash\np1 | c3\np1 | c5\np1 | c4")
    assert bridge(two_weeks, "new", 100).height == 3
    assert bridge(two_weeks, "new", 2).is_empty()


def test_a_bridge_that_was_judged_is_not_judged_again(
    two_weeks: duckdb.DuckDBPyConnection, fill: Fill, expect: Expect
) -> None:
    fill(two_weeks, "base.verdicts", "card_hash | fingerprint | score\nc3 | new | 3\nc5 | new | 3")
    assert bridge(two_weeks, "new", 4).is_empty()
    expect(bridge(two_weeks, "new", 5), "part | card_hash\np1 | c4")


def test_the_judge_of_last_week_needs_no_bridge_to_itself(two_weeks: duckdb.DuckDBPyConnection) -> None:
    assert bridge(two_weeks, "old", 100, "vllm:a").is_empty()


def test_of_two_judges_of_last_week_the_one_of_the_same_name_is_compared(
    two_weeks: duckdb.DuckDBPyConnection, fill: Fill, expect: Expect
) -> None:
    fill(
        two_weeks,
        "base.judges",
        """
        snapshot   | judge     | fingerprint | rubric | judged_at
        2025-12-29 | checklist | rules       | r1     | 2025-12-30 06:00:00
        """,
    )
    fill(two_weeks, "base.verdicts", "card_hash | fingerprint | score\nc6 | rules | 1")
    expect(bridge(two_weeks, "rules2", 100, "checklist"), "card_hash\nc6")
    assert bridge(two_weeks, "new", 100, "vllm:a").height == 3


def test_the_first_snapshot_has_nothing_to_be_compared_with(two_weeks: duckdb.DuckDBPyConnection) -> None:
    rows = frame(two_weeks, "pending/bridge", snapshot=LAST_WEEK, fingerprint="new", judge="vllm:b", size=100)
    assert rows.is_empty()


def test_explanations_are_spread_over_the_scores_and_asked_for_once(
    two_weeks: duckdb.DuckDBPyConnection, fill: Fill, expect: Expect
) -> None:
    def pending(size: int) -> pl.DataFrame:
        return frame(two_weeks, "pending/explanations", snapshot=LAST_WEEK, fingerprint="old", size=size)

    expect(pending(2), "part | card_hash\np1 | c1\np1 | c5")
    fill(
        two_weeks,
        "base.explanations",
        "card_hash | fingerprint | criterion | level\nc1 | old | purpose | 2\nc1 | old | evaluation | 1",
    )
    expect(pending(2), "card_hash\nc5")
    expect(pending(3), "card_hash\nc2\nc5")
    assert pending(0).is_empty()
