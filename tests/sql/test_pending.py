"""What is left to do: every statement of sql/pending."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import polars as pl

from tasks.storage.warehouse import frame

Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
Expect = Callable[[pl.DataFrame, str], None]
WEEK = "2026-01-05"


def test_a_readme_is_pending_until_it_was_read_at_this_commit(
    db: duckdb.DuckDBPyConnection, fill: Fill, expect: Expect
) -> None:
    fill(
        db,
        "base.listing",
        """
        model_id    | sha | has_readme
        ada/new     | s1  | true
        ada/read    | s1  | true
        ada/changed | s2  | true
        ada/none    | s1  | false
        """,
    )
    fill(
        db,
        "base.reads",
        """
        snapshot   | model_id    | sha | status | etag | card_hash
        2025-12-29 | ada/read    | s1  | card   | e1   | h1
        2025-12-29 | ada/changed | s1  | card   | e2   | h2
        """,
    )
    expect(
        frame(db, "pending/cards", snapshot=WEEK),
        """
        model_id    | sha | etag | card_hash | attempts
        ada/changed | s2  | e2   | h2        | 0
        ada/new     | s1  |      |           | 0
        """,
    )


def test_a_final_failure_is_tried_again_the_next_week_and_others_at_once(
    db: duckdb.DuckDBPyConnection, fill: Fill, expect: Expect
) -> None:
    fill(
        db,
        "base.listing",
        "model_id | sha\nada/gated | s1\nada/slow | s1\nada/once-gated | s1",
    )
    fill(
        db,
        "base.reads",
        """
        snapshot   | model_id       | sha | status | is_final
        2026-01-05 | ada/gated      | s1  | failed | true
        2026-01-05 | ada/slow       | s1  | failed | false
        2025-12-29 | ada/once-gated | s1  | failed | true
        """,
    )
    expect(
        frame(db, "pending/cards", snapshot=WEEK),
        """
        model_id       | attempts
        ada/once-gated | 1
        ada/slow       | 1
        """,
    )


def test_a_text_is_judged_once_however_many_models_share_it(
    db: duckdb.DuckDBPyConnection, fill: Fill, expect: Expect
) -> None:
    fill(db, "base.listing", "model_id | sha\nada/a | s1\nada/b | s1\nada/c | s1\nada/e | s1")
    fill(
        db,
        "base.reads",
        """
        model_id | sha | status | card_hash | has_text | part
        ada/a    | s1  | card   | shared    | true     | cards/2.parquet
        ada/b    | s1  | card   | shared    | true     | cards/1.parquet
        ada/c    | s1  | card   | judged    | true     | cards/1.parquet
        ada/e    | s1  | empty  | nothing   | false    | cards/1.parquet
        """,
    )
    fill(db, "base.verdicts", "card_hash | fingerprint | score\njudged | f1 | 3\nshared | other | 3")
    fill(
        db,
        "base.facts",
        """
        card_hash | facts_version | boilerplate
        judged    | 1             | new
        shared    | 1             | old
        shared    | 0             | new
        """,
    )
    expected = "part | card_hash\ncards/1.parquet | shared"
    expect(frame(db, "pending/verdicts", snapshot=WEEK, fingerprint="f1"), expected)
    expect(frame(db, "pending/facts", snapshot=WEEK, facts_version=1, boilerplate="new"), expected)


def test_a_card_that_did_not_change_is_judged_from_the_part_that_holds_its_text(
    db: duckdb.DuckDBPyConnection, fill: Fill, expect: Expect
) -> None:
    fill(db, "base.listing", "model_id | sha\nada/a | s2")
    fill(
        db,
        "base.reads",
        """
        snapshot   | model_id | sha | status | card_hash | has_text | part
        2025-12-29 | ada/a    | s1  | card   | h          | true     | cards/old.parquet
        2026-01-05 | ada/a    | s2  | card   | h          | false    | cards/new.parquet
        """,
    )
    expect(
        frame(db, "pending/verdicts", snapshot=WEEK, fingerprint="f1"),
        "part | card_hash\ncards/old.parquet | h",
    )
