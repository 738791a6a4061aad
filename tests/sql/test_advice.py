"""What the warehouse says about one card: the statements of sql/out behind `card` and `history`."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import polars as pl
import pytest

from tasks.advice.course import weeks_of
from tasks.storage.warehouse import frame

Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
Expect = Callable[[pl.DataFrame, str], None]
Database = duckdb.DuckDBPyConnection


@pytest.fixture
def two_weeks(db: Database, fill: Fill) -> Database:
    """Two weeks by the same judge f1, and another judge f0 that judged the later one before."""
    fill(
        db,
        "base.snapshots",
        "snapshot | selection | listed | hub\n2026-01-05 | all models | 9 | https://hub.example\n"
        "2025-12-29 | all models | 9 | https://hub.example",
    )
    fill(
        db,
        "base.judges",
        """
        snapshot   | fingerprint | judge     | judged_at
        2026-01-05 | f0          | other     | 2026-01-05 08:00
        2026-01-05 | f1          | checklist | 2026-01-05 09:00
        2025-12-29 | f1          | checklist | 2025-12-29 09:00
        """,
    )
    fill(
        db,
        "base.listing",
        """
        snapshot   | model_id  | downloads | likes | library_name | pipeline_tag | has_readme
        2025-12-29 | ada/one   | 90        | 1     | transformers | ner          | true
        2026-01-05 | ada/one   | 100       | 2     | transformers | ner          | true
        2026-01-05 | ada/two   | 10        | 9     | transformers | ner          | true
        2026-01-05 | bob/three | 10        | 0     | transformers | ner          | true
        2026-01-05 | eve/four  | 10        | 0     | transformers | fill         | true
        2026-01-05 | eve/five  | 10        | 0     | other        | ner          | true
        2026-01-05 | eve/none  | 10        | 0     | transformers | ner          | false
        """,
    )
    fill(
        db,
        "base.reads",
        """
        snapshot   | model_id  | sha | card_hash
        2026-01-05 | ada/one   | 5ha | h1
        2026-01-05 | ada/two   | 5ha | h2
        2026-01-05 | bob/three | 5ha | h3
        2026-01-05 | eve/four  | 5ha | h4
        2026-01-05 | eve/five  | 5ha | h5
        """,
    )
    fill(db, "base.texts", "card_hash | card_text\nh1 | # One\nh2 | # Two\nh3 | # Three")
    fill(
        db,
        "base.verdicts",
        """
        card_hash | fingerprint | score | passed       | failed
        h1        | f1          | 2     | [a]          | [b, c]
        h1        | f0          | 5     | [a, b, c]    | []
        h2        | f1          | 4.5   | [a, b]       | [c]
        h3        | f1          | 3     | [a]          | [b, c]
        h4        | f1          | 4     | []           | []
        h5        | f1          | 1     | []           | []
        """,
    )
    return db


def test_a_model_of_the_latest_week_has_its_text(two_weeks: Database, expect: Expect) -> None:
    expect(
        frame(two_weeks, "out/card_of_model", model_id="ada/one"),
        """
        snapshot   | model_id | author | library_name | pipeline_tag | likes | downloads | card_status | card_text
        2026-01-05 | ada/one  | ada    | transformers | ner          | 2     | 100       | card        | # One
        """,
    )
    assert frame(two_weeks, "out/card_of_model", model_id="eve/none")["card_text"].to_list() == [None]
    assert frame(two_weeks, "out/card_of_model", model_id="no/such").is_empty()


def test_texts_of_several_models_leave_out_those_without_one(two_weeks: Database, expect: Expect) -> None:
    names = ["ada/two", "eve/none", "no/such", "ada/one"]
    expect(
        frame(two_weeks, "out/cards_of_models", model_ids=names),
        "model_id | card_text\nada/one | # One\nada/two | # Two",
    )


def test_peers_are_counted_from_the_narrowest_group_without_the_model_itself(
    two_weeks: Database, expect: Expect
) -> None:
    asked = {"library": "transformers", "pipeline_tag": "ner", "model_id": "ada/one", "score": 3.5}
    expect(
        frame(two_weeks, "out/peers", **asked),
        """
        narrowness | alike                    | models | below | median_score | best_documented
        1          | library and pipeline tag | 2      | 1     | 3.75         | [ada/two, bob/three]
        2          | pipeline tag             | 3      | 2     | 3            | [ada/two, bob/three, eve/five]
        3          | library                  | 3      | 1     | 4            | [ada/two, eve/four, bob/three]
        4          | all                      | 4      | 2     | 3.5          | [ada/two, eve/four, bob/three]
        """,
    )


def test_a_card_without_library_and_tag_is_compared_with_all(two_weeks: Database, expect: Expect) -> None:
    nothing = {"library": None, "pipeline_tag": None, "model_id": None, "score": None}
    expect(
        frame(two_weeks, "out/peers", **nothing),
        "alike | models | below | median_score\nall | 5 | | 3",
    )


def test_what_examples_pass_is_of_the_reports_judge(two_weeks: Database, expect: Expect) -> None:
    expect(
        frame(two_weeks, "out/passed_checks", model_ids=["ada/one", "ada/two", "eve/none"]),
        "model_id | score | passed\nada/two | 4.5 | [a, b]\nada/one | 2 | [a]",
    )


def test_the_latest_snapshot_names_its_hub(two_weeks: Database, expect: Expect) -> None:
    expect(frame(two_weeks, "out/latest_snapshot"), "snapshot | hub\n2026-01-05 | https://hub.example")


def test_an_authors_models_are_there_with_and_without_a_card(two_weeks: Database, expect: Expect) -> None:
    expect(
        frame(two_weeks, "out/author_cards", author="eve"),
        """
        model_id | card_status | score | failed
        eve/five | card        | 1     | []
        eve/four | card        | 4     | []
        eve/none | none        |       | []
        """,
    )


def test_only_checks_that_hold_at_equal_controls_go_with_an_outcome(
    two_weeks: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        two_weeks,
        "base.findings",
        """
        question   | estimator               | predictor  | outcome | stratum              | estimate | p_adjusted | n
        ingredient | spearman_given_controls | check:a    | likes   | all                  | 0.2      | 0.01       | 9
        ingredient | spearman_given_controls | check:a    | likes   | library=transformers | 0.3      | 0.02       | 5
        ingredient | spearman_given_controls | check:a    | likes   | library=other        | 0.4      | 0.02       | 4
        ingredient | spearman_given_controls | check:b    | likes   | all                  | 0.1      | 0.2        | 9
        ingredient | spearman                | check:c    | likes   | all                  | 0.5      | 0.01       | 9
        ingredient | spearman_given_controls | criterion:p | likes   | all                  | 0.5      | 0.01       | 9
        """,
    )
    expect(
        frame(two_weeks, "out/goes_with", library="transformers"),
        """
        outcome | check_id | among                  | estimate | n
        likes   | a        | models of transformers | 0.3      | 5
        likes   | a        | all models             | 0.2      | 9
        """,
    )
    assert frame(two_weeks, "out/goes_with", library=None)["among"].to_list() == ["all models"]


def test_the_history_of_a_model_has_each_week_by_the_judge_of_its_report(
    two_weeks: Database, fill: Fill, expect: Expect
) -> None:
    two_weeks.execute("update base.listing set sha = 'old' where snapshot = '2025-12-29'")
    fill(two_weeks, "base.reads", "snapshot | model_id | sha | card_hash\n2025-12-29 | ada/one | old | h3")
    rows = frame(two_weeks, "out/model_history", model_id="ada/one")
    expect(
        rows,
        """
        snapshot   | downloads | likes | card_status | card_hash | fingerprint | score | passed
        2025-12-29 | 90        | 1     | card        | h3        | f1          | 3     | [a]
        2026-01-05 | 100       | 2     | card        | h1        | f1          | 2     | [a]
        """,
    )
    first, second = weeks_of(rows.to_dicts())
    assert (first.has_new_card, second.has_new_card) == (False, True)
    assert (second.gained, second.lost, second.is_comparable) == ((), (), True)


@pytest.mark.parametrize(
    ("fingerprint", "card", "expected"),
    [
        ("f1", "h2", (True, True, ("b",), ())),
        ("f1", "h1", (False, True, (), ())),
        ("f2", "h2", (True, False, (), ())),
    ],
)
def test_a_week_is_compared_with_the_one_before_by_the_same_judge_alone(
    fingerprint: str, card: str, expected: tuple[object, ...]
) -> None:
    common = {"downloads": 1, "likes": 1, "card_status": "card", "judge": "checklist", "score": 2.0}
    before = {
        "snapshot": 1,
        "card_hash": "h1",
        "fingerprint": "f1",
        "passed": ["a"],
        "failed": ["b", "c"],
        **common,
    }
    now = {**before, "snapshot": 2, "card_hash": card, "fingerprint": fingerprint}
    now |= {"passed": ["a", "b"], "failed": ["c"]}
    week = weeks_of([before, now])[1]
    assert (week.has_new_card, week.is_comparable, week.gained, week.lost) == expected
