"""The schema is the data dictionary, and every statement says what it yields."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import polars as pl
import pytest

from tasks.settings import SQL_DIR
from tasks.storage.warehouse import statement, statements

Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
Expect = Callable[[pl.DataFrame, str], None]
VIEWS = {
    "models",
    "cards",
    "canaries",
    "check_odds",
    "verdicts",
    "scores",
    "leaderboard",
    "panel",
    "failures",
    "fitted_judges",
    "fitted_measures",
    "fitted_scores",
    "fitted_weights",
    "explanations",
    "families",
    "judge_pairs",
    "judge_panel",
    "judging_rates",
    "labels",
    "passports",
    "snapshots",
    "quarantined",
    "out_findings",
    "out_ingredients",
    "atlases",
    "kind_events",
    "out_atlas",
    "out_clusters",
    "out_archetypes",
    "out_neighbours",
}


def test_every_table_view_and_column_has_a_comment(db: duckdb.DuckDBPyConnection) -> None:
    silent = db.execute(
        """
        select concat_ws('.', schema_name, table_name, column_name) from duckdb_columns()
        where not internal and comment is null
            and (schema_name, table_name) in (select schema_name, table_name from duckdb_tables())
        union all
        select table_name from duckdb_tables() where comment is null
        union all
        select view_name from duckdb_views() where not internal and comment is null and schema_name = 'main'
        """
    ).fetchall()
    assert silent == []


def test_the_views_for_people_keep_their_names(db: duckdb.DuckDBPyConnection) -> None:
    found = db.execute(
        "select view_name from duckdb_views() where not internal and schema_name = 'main'"
    ).fetchall()
    assert {name for (name,) in found} == VIEWS


def test_applying_the_schema_twice_changes_nothing(db: duckdb.DuckDBPyConnection, fill: Fill) -> None:
    fill(db, "base.listing", "model_id\nada/a")
    db.execute(statement("schema"))
    assert db.execute("select count(*) from panel").fetchone() == (1,)


@pytest.mark.parametrize("path", sorted(SQL_DIR.rglob("*.sql")), ids=lambda path: path.stem)
def test_a_file_holds_one_statement_with_a_comment_on_top(path: object) -> None:
    text = statement(str(path).removeprefix(f"{SQL_DIR}/").removesuffix(".sql"))
    assert text.startswith("-- ")
    if "schema" not in str(path):
        assert len(duckdb.extract_statements(text)) == 1


@pytest.mark.parametrize(
    ("model_id", "tags", "library", "expected"),
    [
        ("ada/model-GGUF", "[]", "", "gguf"),
        ("ada/model", "[gguf]", "", "gguf"),
        ("ada/model-awq-4bit", "[]", "transformers", "quantised"),
        ("ada/model-AWQ", "[]", "transformers", "quantised"),
        ("ada/lora", "[lora]", "transformers", "adapter"),
        ("ada/x", "[]", "peft", "adapter"),
        ("ada/x", "[onnx]", "", "onnx"),
        ("ada/x", "[onnx, pytorch]", "", "weights"),
        ("ada/hawqish", "[pytorch]", "transformers", "weights"),
    ],
)
def test_the_format_of_a_model_is_read_from_its_name_tags_and_library(
    db: duckdb.DuckDBPyConnection, fill: Fill, model_id: str, tags: str, library: str, expected: str
) -> None:
    fill(db, "base.listing", f"model_id | tags | library_name\n{model_id} | {tags} | {library}")
    assert db.execute("select model_format from panel").fetchone() == (expected,)


def test_a_success_counts_whatever_failed_before_or_after_it(
    db: duckdb.DuckDBPyConnection, fill: Fill, expect: Expect
) -> None:
    fill(db, "base.listing", "snapshot | model_id | sha\n2026-01-05 | ada/a | s1\n2026-01-12 | ada/a | s1")
    fill(
        db,
        "base.reads",
        """
        snapshot   | model_id | sha | status | card_hash | read_at
        2026-01-05 | ada/a    | s1  | failed |           | 2026-01-05 01:00:00
        2026-01-05 | ada/a    | s1  | card   | h         | 2026-01-05 02:00:00
        2026-01-05 | ada/a    | s1  | failed |           | 2026-01-05 03:00:00
        """,
    )
    expect(
        db.sql("select snapshot, card_status, card_hash from panel order by 1").pl(),
        "snapshot | card_status | card_hash\n2026-01-05 | card | h\n2026-01-12 | card | h",
    )
    assert db.execute("select count(*) from failures").fetchone() == (0,)


def test_views_never_mix_the_fingerprints_of_a_judge(
    db: duckdb.DuckDBPyConnection, fill: Fill, expect: Expect
) -> None:
    fill(db, "base.snapshots", "hub | selection\nx | all")
    fill(db, "base.listing", "model_id | sha\nada/a | s1")
    fill(db, "base.reads", "model_id | sha | card_hash\nada/a | s1 | h")
    fill(
        db,
        "base.judges",
        "fingerprint | judge | judged_at\nold | checklist | 2026-01-05 01:00\nnew | checklist | 2026-01-05 02:00",
    )
    fill(db, "base.verdicts", "card_hash | fingerprint | score\nh | old | 2\nh | new | 4")
    expect(
        db.sql("select model_id, score, fingerprint from leaderboard").pl(),
        "model_id | score | fingerprint\nada/a | 4 | new",
    )


@pytest.mark.parametrize("name", statements("saved"))
def test_a_saved_query_runs_on_an_empty_warehouse(db: duckdb.DuckDBPyConnection, name: str) -> None:
    assert db.sql(statement(name)).pl().height == 0


def test_the_share_of_a_failed_check_is_of_the_scored_models(
    db: duckdb.DuckDBPyConnection, fill: Fill, expect: Expect
) -> None:
    fill(db, "base.snapshots", "hub | selection\nx | all")
    fill(db, "base.judges", "fingerprint\nf1")
    fill(db, "base.listing", "model_id | sha\nada/a | s1\nada/b | s1")
    fill(db, "base.reads", "model_id | sha | card_hash\nada/a | s1 | h1\nada/b | s1 | h2")
    fill(
        db,
        "base.verdicts",
        "card_hash | fingerprint | score | failed\nh1 | f1 | 2 | [license, table]\nh2 | f1 | 3 | [license]",
    )
    expect(
        db.sql(statement("saved/failed-checks")).pl(),
        "check_id | models | failed_share\nlicense | 2 | 1\ntable | 1 | 0.5",
    )


def test_changed_cards_compares_the_last_two_weeks(
    db: duckdb.DuckDBPyConnection, fill: Fill, expect: Expect
) -> None:
    weeks = ["2026-01-05", "2026-01-12", "2026-01-19"]
    fill(db, "base.snapshots", "snapshot\n" + "\n".join(weeks))
    fill(db, "base.judges", "snapshot | fingerprint\n" + "\n".join(f"{week} | f1" for week in weeks))
    fill(
        db,
        "base.listing",
        "snapshot | model_id | sha | likes\n"
        + "\n".join(
            f"{week} | ada/a | s{n} | {n}\n{week} | ada/same | s | 0" for n, week in enumerate(weeks)
        ),
    )
    fill(
        db,
        "base.reads",
        "model_id | sha | card_hash\nada/a | s0 | h0\nada/a | s1 | h1\nada/a | s2 | h2\nada/same | s | h0",
    )
    fill(db, "base.verdicts", "card_hash | fingerprint | score\nh0 | f1 | 1\nh1 | f1 | 2\nh2 | f1 | 4")
    expect(
        db.sql(statement("saved/changed-cards")).pl(),
        "model_id | score_before | score_now | change | likes_gained\nada/a | 2 | 4 | 2 | 1",
    )


def test_the_ingredients_are_of_the_latest_snapshot_with_the_controls_held_equal(
    db: duckdb.DuckDBPyConnection, fill: Fill, expect: Expect
) -> None:
    fill(db, "base.snapshots", "snapshot\n2026-01-05\n2025-12-29")
    fill(
        db,
        "base.findings",
        """
        snapshot   | question         | predictor  | stratum      | estimator               | estimate | p_adjusted | n
        2026-01-05 | ingredient       | check:cite | all          | spearman_given_controls | 0.2      | 0.01       | 90
        2026-01-05 | ingredient       | check:cite | library=timm | spearman_given_controls | 0.1      | 0.2        | 40
        2026-01-05 | ingredient       | check:cite | format=gguf  | spearman_given_controls | 0.3      | 0.2        | 40
        2026-01-05 | ingredient       | tags       | all          | spearman_given_controls | 0.4      | 0.001      | 90
        2026-01-05 | ingredient       | tags       | all          | spearman                | 0.5      | 0.001      | 90
        2026-01-05 | ingredient       | space      | all          | spearman_given_controls |          |            | 90
        2026-01-05 | rank_correlation | score      | all          | spearman_given_controls | 0.6      | 0.001      | 90
        2025-12-29 | ingredient       | tags       | all          | spearman_given_controls | 0.7      | 0.001      | 90
        """,
    )
    expect(
        db.sql(statement("saved/ingredients")).pl(),
        """
        ingredient    | library | estimate | p_adjusted | holds | n
        tags          | (all)   | 0.4      | 0.001      | true  | 90
        check:cite    | (all)   | 0.2      | 0.01       | true  | 90
        check:cite    | timm    | 0.1      | 0.2        | false | 40
        """,
    )
    expect(
        db.sql("select count(*) as rows, count(*) filter (where holds) as held from out_ingredients").pl(),
        "rows | held\n7 | 4",
    )
