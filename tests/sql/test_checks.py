"""Each statement of sql/checks finds what it is named for, and nothing in a sound warehouse."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

from tasks.storage.warehouse import frame, statements

Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
Tables = list[tuple[str, str]]

SOUND: Tables = [
    ("base.snapshots", "snapshot | hub | selection\n2026-01-05 | x | all"),
    (
        "base.listing",
        "model_id | sha | has_readme\nada/a | s1 | true\nada/none | s1 | false\nada/gated | s1 | true",
    ),
    (
        "base.reads",
        """
        model_id  | sha | status | card_hash | reason | detail
        ada/a     | s1  | card   | h1        |        |
        ada/gated | s1  | failed |           | gated  | HTTP 403
        """,
    ),
    ("base.texts", "card_hash | card_text\nh1 | words"),
    ("base.judges", "fingerprint\nf1"),
    ("base.verdicts", "card_hash | fingerprint | score\nh1 | f1 | 3"),
    ("base.texts", "card_hash | card_text\nh8 | words"),
    (
        "base.verdicts",
        "card_hash | fingerprint | score | score_mode | probabilities\n"
        "h8 | f2 | 3.4 | expected | {1=0, 2=0, 3=0.6, 4=0.4, 5=0}",
    ),
    (
        "base.verdicts",
        "card_hash | fingerprint | score | score_mode | log_odds | soft_levels\n"
        "h8 | f3 | 3.4 | soft | {has_snippet=-1.5} | {quick_start=3.4}",
    ),
    (
        "base.explanations",
        "card_hash | fingerprint | criterion | level | reason | detail\n"
        "h1 | f1 | purpose | 3 | |\nh8 | f2 | all | | timeout | 600 s",
    ),
    ("base.findings", "fingerprint | question | estimate | ci_low | ci_high\nf1 | q | 0.1 | 0 | 0.2"),
]

BREAKS: dict[str, Tables] = {
    "model_without_a_fate": [("base.listing", "model_id | sha\nada/unread | s1")],
    "card_without_a_verdict": [
        ("base.listing", "model_id | sha\nada/b | s1"),
        ("base.reads", "model_id | sha | status | card_hash\nada/b | s1 | card | h2"),
        ("base.texts", "card_hash | card_text\nh2 | words"),
    ],
    "verdict_without_a_text": [("base.verdicts", "card_hash | fingerprint | score\nh9 | f1 | 3")],
    "card_without_a_text": [("base.reads", "model_id | sha | status | card_hash\nada/x | s1 | card | h3")],
    "verdict_neither_scored_nor_explained": [
        ("base.texts", "card_hash | card_text\nh4 | words"),
        ("base.verdicts", "card_hash | fingerprint | score | reason\nh4 | f1 | | "),
    ],
    "expected_score_without_probabilities": [
        ("base.texts", "card_hash | card_text\nh5 | words"),
        ("base.verdicts", "card_hash | score | score_mode\nh5 | 3 | expected"),
    ],
    "probabilities_that_do_not_add_up": [
        ("base.texts", "card_hash | card_text\nh6 | words"),
        (
            "base.verdicts",
            "card_hash | score | score_mode | probabilities\nh6 | 3 | decided | {3=0.6, 4=0.3}",
        ),
    ],
    "expected_score_beside_its_probabilities": [
        ("base.texts", "card_hash | card_text\nh7 | words"),
        (
            "base.verdicts",
            "card_hash | score | score_mode | probabilities\nh7 | 3 | expected | {3=0.5, 4=0.5}",
        ),
    ],
    "soft_score_without_its_levels": [
        ("base.texts", "card_hash | card_text\nh10 | words"),
        (
            "base.verdicts",
            "card_hash | score | score_mode | log_odds | soft_levels\nh10 | 3 | soft | {has_snippet=0.2} | {}",
        ),
    ],
    "soft_level_off_the_scale": [
        ("base.texts", "card_hash | card_text\nh11 | words\nh12 | words"),
        (
            "base.verdicts",
            "card_hash | score | log_odds | soft_levels\n"
            "h11 | 3 | {has_snippet=0.2} | {purpose=5.2}\nh12 | 3 | {has_snippet=inf} | {purpose=2}",
        ),
    ],
    "explanation_without_a_verdict": [
        ("base.explanations", "card_hash | fingerprint | criterion | level\nh1 | f9 | purpose | 3"),
    ],
    "explanation_neither_given_nor_excused": [
        (
            "base.explanations",
            "card_hash | fingerprint | criterion | level | reason\nh1 | f1 | structure | | ",
        ),
    ],
    "failure_without_a_reason": [("base.list_failures", "subject | reason\nada/y | ''")],
    "snapshot_without_models": [("base.snapshots", "snapshot | hub | selection\n2026-01-12 | x | all")],
    "finding_outside_its_interval": [
        ("base.findings", "fingerprint | question | estimate | ci_low | ci_high\nf1 | p | 0.3 | 0 | 0.2")
    ],
}


@pytest.fixture
def sound(db: duckdb.DuckDBPyConnection, fill: Fill) -> duckdb.DuckDBPyConnection:
    for table, text in SOUND:
        fill(db, table, text)
    return db


def broken(db: duckdb.DuckDBPyConnection) -> set[str]:
    return {name.removeprefix("checks/") for name in statements("checks") if frame(db, name).height}


def test_a_sound_warehouse_breaks_no_check(sound: duckdb.DuckDBPyConnection) -> None:
    assert broken(sound) == set()


def test_every_check_has_a_case() -> None:
    assert {name.removeprefix("checks/") for name in statements("checks")} == set(BREAKS)


@pytest.mark.parametrize("check", sorted(BREAKS))
def test_a_check_finds_what_it_is_named_for(sound: duckdb.DuckDBPyConnection, fill: Fill, check: str) -> None:
    for table, text in BREAKS[check]:
        fill(sound, table, text)
    assert broken(sound) == {check}
