"""Judges fitted to people: what is asked about labelled texts, and the scores that no rubric's column holds."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import polars as pl
import pytest

from tasks.storage.warehouse import frame, statement

Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
Expect = Callable[[pl.DataFrame, str], None]
Database = duckdb.DuckDBPyConnection


@pytest.fixture
def judged(db: Database, fill: Fill) -> Database:
    """f1 answers with checks and f2 with log-odds; each has a fitted judge of levels 1, 3 and 5."""
    fill(
        db,
        "base.verdicts",
        """
        card_hash | fingerprint | score | reason | passed       | log_odds
        none      | f1          | 1     |        | []           | {}
        one       | f1          | 2     |        | [table]      | {}
        both      | f1          | 3     |        | [table, why] | {}
        unscored  | f1          |       | prose  | [table]      | {}
        sure      | f2          | 4     |        | []           | {table=99, why=-1}
        decided   | f2          | 4     |        | [table]      | {}
        other     | f3          | 4     |        | [table]      | {}
        """,
    )
    fill(
        db,
        "base.fitted_judges",
        """
    fingerprint | judge   | base_fingerprint | labels | answers  | weights           | thresholds | lowest | fitted_at
    g0          | fit:aaa | f1               | aaa    | passed   | {table=9, why=9}  | {3=0, 5=1} | 1      | 2026-01-05
    g1          | fit:aaa | f1               | aaa    | passed   | {table=2, why=-1} | {3=0, 5=1} | 1      | 2026-01-06
    g2          | fit:bbb | f2               | bbb    | log_odds | {table=1, why=2}  | {5=6}      | 2      | 2026-01-06
        """,
    )
    return db


def test_a_fitted_score_is_the_expected_mark_by_the_weights_fitted_last(
    judged: Database, expect: Expect
) -> None:
    # 1 + 2 / (1 + exp(0 - sum)) + 2 / (1 + exp(1 - sum)); log-odds of 99 count as 8
    expect(
        judged.sql("select card_hash, fingerprint, agreement_score from fitted_scores order by 2, 3").pl(),
        """
        card_hash | fingerprint | agreement_score
        none      | g1          | 2.53788
        both      | g1          | 3.46212
        one       | g1          | 4.22371
        sure      | g2          | 3.5
        """,
    )


def test_fitted_scores_are_in_no_view_of_the_rubric_s(judged: Database) -> None:
    for view in ("verdicts", "scores", "leaderboard", "judge_panel", "judge_pairs"):
        columns = {name for name, *_ in judged.execute(f"describe {view}").fetchall()}
        assert "agreement_score" not in columns
    assert judged.execute("select count(*) from verdicts where judge like 'fitted%'").fetchone() == (0,)


def test_the_weights_are_those_fitted_last(judged: Database, expect: Expect) -> None:
    expect(
        judged.sql("select judge, check_id, weight from fitted_weights order by judge, check_id").pl(),
        """
        judge   | check_id | weight
        fit:aaa | table    | 2
        fit:aaa | why      | -1
        fit:bbb | table    | 1
        fit:bbb | why      | 2
        """,
    )


def test_a_measure_is_as_measured_last(db: Database, fill: Fill, expect: Expect) -> None:
    fill(
        db,
        "base.fitted_measures",
        """
        fingerprint | labels | probe        | scorer | measure | estimate | measured_at
        g1          | aaa    | out_of_fold  | fitted | auc     | 0.7      | 2026-01-05 01:00
        g1          | aaa    | out_of_fold  | fitted | auc     | 0.8      | 2026-01-05 02:00
        g1          | bbb    | other_labels | fitted | auc     | 0.6      | 2026-01-05 01:00
        """,
    )
    expect(
        db.sql("select labels, estimate from fitted_measures order by labels").pl(),
        "labels | estimate\naaa | 0.8\nbbb | 0.6",
    )


def test_a_report_reads_the_judge_fitted_last_out_of_fold(
    judged: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        judged,
        "base.fitted_judges",
        """
        fingerprint | judge      | base_fingerprint | labels | answers | weights | thresholds | fitted_at
        g3          | fitted:ccc | f1               | ccc    | passed  | {}      | {}         | 2026-01-07
        """,
    )
    fill(
        judged,
        "base.fitted_measures",
        """
        fingerprint | labels | probe       | scorer | measure | estimate
        g1          | aaa    | out_of_fold | fitted | auc     | 0.7
        g3          | ccc    | out_of_fold | judge  | auc     | 0.8
        g3          | ccc    | out_of_fold | fitted | auc     | 0.9
        g3          | ccc    | curve       | fitted | auc     | 0.6
        """,
    )
    expect(
        frame(judged, "out/fitted", fingerprint="f1"),
        "judge | scorer | estimate\nfitted:ccc | fitted | 0.9\nfitted:ccc | judge | 0.8",
    )
    assert frame(judged, "out/fitted", fingerprint="f3").is_empty()


def test_the_statement_tells_its_grain(grain: Callable[[str], str]) -> None:
    assert grain("out/fitted").startswith("One row")


def test_authors_of_a_text_are_those_of_every_model_that_ever_had_it(
    db: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        db,
        "base.listing",
        """
        snapshot   | model_id | sha
        2026-01-05 | ada/a    | s1
        2026-01-05 | bob/b    | s1
        2026-01-12 | bob/b    | s2
        2026-01-12 | old      | s3
        """,
    )
    fill(
        db,
        "base.reads",
        """
        model_id | sha | card_hash
        ada/a    | s1  | h1
        bob/b    | s1  | h1
        bob/b    | s2  | h2
        old      | s3  | h2
        """,
    )
    expect(
        frame(db, "labels/authors", wanted=["h1", "h2", "h3"]),
        "card_hash | author\nh1 | ada\nh1 | bob\nh2 | bob\nh2 | old",
    )


def test_answers_are_of_one_judge_with_log_odds_as_two_lists(judged: Database, expect: Expect) -> None:
    expect(
        frame(judged, "labels/answers", fingerprint="f2", wanted=["sure", "one"]),
        "card_hash | score | passed | asked | log_odds\nsure | 4 | [] | [table, why] | [99, -1]",
    )


def test_cards_where_raters_and_rubric_differ_come_first(db: Database, fill: Fill, expect: Expect) -> None:
    fill(db, "base.snapshots", "hub | selection\nx | all")
    fill(db, "base.listing", "model_id | sha\nada/a | s1\nada/b | s1\nada/c | s1")
    fill(db, "base.reads", "model_id | sha | card_hash\nada/a | s1 | h1\nada/b | s1 | h2\nada/c | s1 | h3")
    fill(
        db,
        "base.verdicts",
        """
        card_hash | fingerprint | score | passed
        h1        | f1          | 1     | [table]
        h2        | f1          | 2     | []
        h3        | f1          | 3     | [why]
        """,
    )
    fill(
        db,
        "base.fitted_judges",
        """
        fingerprint | judge    | base_fingerprint | labels | answers | weights           | thresholds | lowest
        g1          | fitted:a | f1               | a      | passed  | {table=2, why=1}  | {2=0}      | 1
        """,
    )
    expect(
        db.sql(statement("saved/fitted-to-raters")).pl(),
        """
        model_id | agreement_score | rubric_score | rank_difference
        ada/a    | 1.88            | 1            | 1
        ada/b    | 1.5             | 2            | -0.5
        ada/c    | 1.73            | 3            | -0.5
        """,
    )


@pytest.mark.parametrize("table", ["fitted_judges", "fitted_measures"])
def test_landing_is_by_name_and_twice_adds_nothing(table: str) -> None:
    assert statement(f"land/{table}").splitlines()[1] == f"insert or ignore into base.{table} by name"
