"""What a plan reckons with, from what a home has done."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import polars as pl
import pytest

from tasks.storage.warehouse import frame, statements

Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
Expect = Callable[[pl.DataFrame, str], None]
Database = duckdb.DuckDBPyConnection


@pytest.fixture
def weeks(db: Database, fill: Fill) -> Database:
    """Two weeks of a selection, one of another; of the second week one card changed and one is new."""
    fill(
        db,
        "base.snapshots",
        "snapshot | selection\n2026-01-05 | all models\n2026-01-12 | all models\n2026-01-19 | top 5",
    )
    fill(db, "base.judges", "snapshot | fingerprint\n2026-01-05 | f1\n2026-01-12 | f1\n2026-01-19 | f1")
    fill(
        db,
        "base.listing",
        """
        snapshot   | model_id | sha | has_readme
        2026-01-05 | ada/a    | s1  | true
        2026-01-05 | ada/b    | s1  | true
        2026-01-05 | ada/none | s1  | false
        2026-01-12 | ada/a    | s1  | true
        2026-01-12 | ada/b    | s2  | true
        2026-01-12 | ada/c    | s1  | true
        2026-01-12 | ada/none | s1  | false
        2026-01-19 | ada/a    | s1  | true
        """,
    )
    fill(
        db,
        "base.reads",
        """
        model_id | sha | status | card_hash | requests
        ada/a    | s1  | card   | h1        | 1
        ada/b    | s1  | card   | h2        | 2
        ada/b    | s2  | card   | h3        | 2
        ada/c    | s1  | card   | h1        | 1
        """,
    )
    fill(db, "base.verdicts", "card_hash | fingerprint | score | reason | detail\nh1 | f1 | 3 | |")
    return db


def test_every_statement_of_plan_has_a_test_here_and_tells_its_grain(grain: Callable[[str], str]) -> None:
    assert statements("plan") == ["plan/history", "plan/judging", "plan/passport"]
    assert all(grain(name).startswith("One row") for name in statements("plan"))


def test_history_is_of_the_last_snapshot_of_the_same_selection(weeks: Database, expect: Expect) -> None:
    expect(
        frame(weeks, "plan/history", selection="all models"),
        """
        snapshot   | is_same | compared_with | models | cards | texts | changed | fresh
        2026-01-12 | true    | 2026-01-05    | 4      | 3     | 2     | 2       | 1
        """,
    )
    expect(
        frame(weeks, "plan/history", selection="all models"),
        "all_requests | all_reads | all_verdicts | all_listed\n6 | 4 | 1 | 8",
    )


def test_history_of_another_selection_is_of_the_last_snapshot_there_is(
    weeks: Database, expect: Expect
) -> None:
    expect(
        frame(weeks, "plan/history", selection="top 9"),
        "snapshot | selection | is_same | compared_with | models | changed | fresh\n"
        "2026-01-19 | top 5 | false | | 1 | |",
    )


def test_a_home_that_judged_nothing_has_no_history(db: Database, fill: Fill) -> None:
    fill(db, "base.snapshots", "snapshot\n2026-01-05")
    assert frame(db, "plan/history", selection="all models").is_empty()


def test_judging_is_told_a_server_from_the_last_time_that_there_was_much(
    weeks: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        weeks,
        "base.judges",
        "snapshot | fingerprint | judge | model\n2026-01-05 | v1 | vllm:m | org/m\n2026-01-12 | v1 | vllm:m | org/m",
    )
    fill(
        weeks,
        "base.judged_parts",
        """
        snapshot   | fingerprint | part | texts | tokens_in | tokens_out | replicas | started_at | ended_at
        2026-01-05 | v1          | a    | 200   | 300000    | 20000      | 2        | 2026-01-05 | 2026-01-05 00:00:10
        2026-01-12 | v1          | b    | 3     | 4500      | 300        | 1        | 2026-01-12 | 2026-01-12 00:00:09
        """,
    )
    told = "snapshot | judge | texts_per_second | tokens_in_per_text | tokens_out_per_text\n"
    expected = told + "2026-01-05 | vllm:m | 10 | 1500 | 100"
    expect(frame(weeks, "plan/judging", judge="vllm", model="org/m"), expected)
    expect(frame(weeks, "plan/judging", judge="vllm:m", model=None), expected)
    assert frame(weeks, "plan/judging", judge="checklist", model=None).is_empty()


@pytest.mark.parametrize(
    ("judge", "model", "found"),
    [
        ("checklist", None, ["f1"]),
        ("vllm", "org/reader", []),  # it has changed since it was tried
        ("vllm:org/reader", "org/reader", []),
        ("vllm:org/other", "org/other", ["f4"]),
        ("toy", None, []),
    ],
)
def test_a_judge_has_a_passport_if_it_was_tried_as_it_judged_last(
    db: Database, fill: Fill, judge: str, model: str | None, found: list[str]
) -> None:
    fill(
        db,
        "base.judges",
        """
        snapshot   | fingerprint | judge       | model      | judged_at
        2026-01-05 | f1          | checklist   |            | 2026-01-05 07:00
        2026-01-05 | f2          | vllm:reader | org/reader | 2026-01-05 08:00
        2026-01-12 | f3          | vllm:reader | org/reader | 2026-01-12 08:00
        2026-01-12 | f4          | vllm:other  | org/other  | 2026-01-12 09:00
        """,
    )
    fill(
        db,
        "base.passports",
        "fingerprint | probe\nf1 | evidence\nf2 | evidence\nf3 | agreement\nf4 | evidence",
    )
    assert frame(db, "plan/passport", judge=judge, model=model)["fingerprint"].to_list() == found
