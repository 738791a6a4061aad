"""The cards that boilerplate is learned from, a sample of them, and what is known of each snapshot."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from tasks.storage.warehouse import frame, stream

from .conftest import Expect, Fill

WEEK = date(2026, 1, 5)


@pytest.fixture
def cards(db: duckdb.DuckDBPyConnection, fill: Fill) -> duckdb.DuckDBPyConnection:
    """Three models of the week, two of which share a text; one read in another week, one without a card."""
    fill(
        db,
        "base.listing",
        """
        snapshot   | model_id | author | sha
        2026-01-05 | ada/b    | ada    | s1
        2026-01-05 | bob/a    | bob    | s1
        2026-01-05 | gpt9     |        | s1
        2026-01-05 | cyd/none | cyd    | s1
        2025-12-29 | old/m    | old    | s1
        """,
    )
    fill(
        db,
        "base.reads",
        """
        model_id | sha | status | card_hash
        ada/b    | s1  | card   | h2
        bob/a    | s1  | card   | h1
        gpt9     | s1  | card   | h1
        cyd/none | s1  | empty  |
        old/m    | s1  | card   | h3
        """,
    )
    fill(db, "base.texts", "card_hash | card_text\nh1 | one\nh2 | two\nh3 | three")
    return db


def test_models_that_share_a_text_come_one_after_another(cards: duckdb.DuckDBPyConnection) -> None:
    rows = list(stream(cards, "out/boilerplate_cards", snapshot=WEEK))
    assert rows == [("bob/a", "bob", "one"), ("gpt9", "", "one"), ("ada/b", "ada", "two")]


def test_a_sample_is_the_same_whenever_it_is_asked(cards: duckdb.DuckDBPyConnection) -> None:
    samples = [frame(cards, "out/boilerplate_sample", snapshot=WEEK, models=2).rows() for _ in range(3)]
    assert samples[0] == samples[1] == samples[2]
    assert len(samples[0]) == 2
    assert len(frame(cards, "out/boilerplate_sample", snapshot=WEEK, models=9)) == 3


def test_a_snapshot_is_shown_by_the_table_that_was_in_use_last(
    db: duckdb.DuckDBPyConnection, fill: Fill, expect: Expect
) -> None:
    fill(
        db,
        "base.boilerplate_checks",
        """
        snapshot   | version      | models | words | known_words | new_words
        2026-01-12 | 2026-01-12-a | 10     | 900   | 300         | 1
        2026-01-05 | 2025-11-30-b | 10     | 800   | 100         | 90
        2026-01-05 | 2026-01-05-c | 10     | 800   | 190         | 0
        """,
    )
    expect(
        frame(db, "out/boilerplate_checks"),
        """
        snapshot   | version      | known_words
        2026-01-05 | 2026-01-05-c | 190
        2026-01-12 | 2026-01-12-a | 300
        """,
    )
