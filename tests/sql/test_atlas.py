"""The views of the map, and the queries of its commands, with rows in and rows out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import duckdb
import polars as pl
import pytest

from tasks.storage.warehouse import frame

Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
Expect = Callable[[pl.DataFrame, str], None]
Database = duckdb.DuckDBPyConnection

LAST, NEXT = "2026-01-12", "2026-01-19"


@pytest.fixture
def two_maps(db: Database, fill: Fill) -> Database:
    """Two weeks with a map. Of the second: a kind of three models, one of one, a card of no kind, one too short,
    a model without a card, and one whose card came too late."""
    fill(db, "base.snapshots", "snapshot\n2026-01-05\n2026-01-12")
    fill(
        db,
        "base.judges",
        """
        snapshot   | fingerprint | judge     | judged_at
        2026-01-05 | f1          | checklist | 2026-01-05 07:00
        2026-01-12 | f0          | vllm      | 2026-01-12 06:30
        2026-01-12 | f1          | checklist | 2026-01-12 07:00
        """,
    )
    fill(
        db,
        "base.listing",
        """
        snapshot   | model_id  | sha | downloads | likes | pipeline_tag    | has_readme
        2026-01-05 | ada/a     | sa  | 5         | 1     | text-generation | true
        2026-01-12 | ada/a     | sa  | 10        | 1     | text-generation | true
        2026-01-12 | ada/copy  | sc  | 90        | 2     | text-generation | true
        2026-01-12 | bob/b     | sb  | 30        | 3     | text-generation | true
        2026-01-12 | bob/c     | s3  | 20        | 0     | fill-mask       | true
        2026-01-12 | eve/odd   | s4  |           | 0     | fill-mask       | true
        2026-01-12 | eve/short | s5  | 1         | 0     |                 | true
        2026-01-12 | eve/bare  | s6  | 1         | 0     |                 | false
        2026-01-12 | eve/late  | s7  | 1         | 0     |                 | true
        """,
    )
    fill(
        db,
        "base.reads",
        """
        model_id  | sha | card_hash
        ada/a     | sa  | h1
        ada/copy  | sc  | h1
        bob/b     | sb  | h2
        bob/c     | s3  | h3
        eve/odd   | s4  | h4
        eve/short | s5  | h5
        eve/late  | s7  | h7
        """,
    )
    fill(
        db,
        "base.verdicts",
        """
        card_hash | fingerprint | judge     | score | passed         | failed
        h1        | f1          | checklist | 2     | [has_snippet]  | [data_named]
        h2        | f1          | checklist | 4     | [data_named]   | []
        h3        | f1          | checklist | 3     | []             | [data_named]
        h4        | f1          | checklist | 2     | []             | []
        h1        | f0          | vllm      | 5     | []             | []
        """,
    )
    fill(
        db,
        "base.facts",
        """
        card_hash | facts_version | sections
        h1        | 1             | [license]
        h1        | 2             | [how_to_use]
        h2        | 2             | [how_to_use, license]
        """,
    )
    fill(
        db,
        "base.embeddings",
        "card_hash | embedder | passages\n"
        + "\n".join(f"h{n} | e1 | 2" for n in (1, 2, 3, 4))
        + "\nh5 | e1 | 0",
    )
    fill(
        db,
        "base.atlases",
        "snapshot | embedder | texts | kinds\n2026-01-05 | e1 | 1 | 1\n2026-01-12 | e1 | 4 | 2",
    )
    fill(
        db,
        "base.atlas_points",
        """
        snapshot   | card_hash | x | y | kind | words
        2026-01-05 | h1        | 1 | 1 | 7    | old words
        2026-01-12 | h1        | 1 | 2 | 7    | gguf quant
        2026-01-12 | h2        | 3 | 4 | 7    | lora
        2026-01-12 | h3        | 5 | 6 | 8    | bert
        2026-01-12 | h4        | 7 | 8 |      | odd
        """,
    )
    fill(
        db,
        "base.kinds",
        """
        snapshot   | kind | texts | archetype  | stability | terms        | x | y
        2026-01-05 | 7    | 1     | conversion | 0.9       | [gguf]       | 1 | 1
        2026-01-12 | 7    | 2     | conversion | 0.8       | [gguf, lora] | 2 | 3
        2026-01-12 | 8    | 1     | lab        | 0.5       | [bert]       | 5 | 6
        """,
    )
    fill(
        db,
        "base.kind_names",
        "snapshot | kind | named_by | name\n2026-01-05 | 7 | terms | Quants\n2026-01-12 | 8 | terms | Encoders",
    )
    fill(
        db,
        "base.neighbours",
        """
        snapshot   | card_hash | neighbour | place | similarity
        2026-01-05 | h1        | h2        | 1     | 0.1
        2026-01-12 | h1        | h2        | 1     | 0.9
        2026-01-12 | h1        | h3        | 2     | 0.75
        2026-01-12 | h1        | h4        | 3     | 0.5
        2026-01-12 | h2        | h1        | 1     | 0.9
        """,
    )
    return db


def quarantine_last(db: Database, fill: Fill) -> None:
    """Hold the second week back."""
    fill(
        db,
        "base.gates",
        "snapshot | fingerprint | measure | is_suspicious\n2026-01-05 | f1 | models | false\n"
        "2026-01-12 | f1 | models | true",
    )


# the views for people


def test_the_atlas_is_of_the_latest_map_and_leaves_out_what_has_no_place(
    two_maps: Database, expect: Expect
) -> None:
    expect(
        two_maps.sql("from out_atlas order by model_id").pl(),
        """
        model_id | x | y | kind | kind_name | archetype  | score | downloads | likes | words      | judge
        ada/a    | 1 | 2 | 7    | Quants    | conversion | 2     | 10        | 1     | gguf quant | checklist
        ada/copy | 1 | 2 | 7    | Quants    | conversion | 2     | 90        | 2     | gguf quant | checklist
        bob/b    | 3 | 4 | 7    | Quants    | conversion | 4     | 30        | 3     | lora       | checklist
        bob/c    | 5 | 6 | 8    | Encoders  | lab        | 3     | 20        | 0     | bert       | checklist
        eve/odd  | 7 | 8 |      |           |            | 2     |           | 0     | odd        | checklist
        """,
    )


def test_a_quarantined_week_leaves_the_map_to_the_week_before(
    two_maps: Database, fill: Fill, expect: Expect
) -> None:
    quarantine_last(two_maps, fill)
    expect(two_maps.sql("from atlases").pl(), "snapshot | texts\n2026-01-05 | 1")
    expect(two_maps.sql("from out_atlas").pl(), "model_id | snapshot | words\nada/a | 2026-01-05 | old words")
    for view in ("out_clusters", "out_archetypes", "out_neighbours", "kind_events"):
        weeks = two_maps.sql(f"select distinct snapshot from {view}").fetchall()  # noqa: S608
        assert weeks in ([], [(date(2026, 1, 5),)]), view


def test_a_kind_has_its_shares_medians_and_names(two_maps: Database, expect: Expect) -> None:
    # The middle of text generation is 2, of three models with 2, 2 and 4; that of fill-mask is 2.5.
    expect(
        two_maps.sql("from out_clusters").pl(),
        """
        snapshot   | kind | name     | models | authors | models_share | median_score | score_gap | example
        2026-01-05 | 7    | Quants   | 1      | 1       | 1            | 2            | 0         | ada/a
        2026-01-12 | 7    | Quants   | 3      | 2       | 0.6          | 2            | 0         | ada/copy
        2026-01-12 | 8    | Encoders | 1      | 1       | 0.2          | 3            | 0.5       | bob/c
        """,
    )


def test_a_kind_that_few_fits_find_again_is_unstable(two_maps: Database, expect: Expect) -> None:
    two_maps.execute("update base.kinds set stability = null where snapshot = '2026-01-05'")
    expect(
        two_maps.sql("from out_clusters").pl(),
        "kind | stability | is_unstable\n7 | | false\n7 | 0.8 | false\n8 | 0.5 | true",
    )


def test_the_gap_is_to_the_middle_of_the_same_task_in_the_same_week(
    two_maps: Database, expect: Expect
) -> None:
    expect(
        two_maps.sql("from base.atlas_scores order by snapshot, model_id").pl(),
        """
        snapshot   | model_id | score_gap
        2026-01-05 | ada/a    | 0
        2026-01-12 | ada/a    | 0
        2026-01-12 | ada/copy | 0
        2026-01-12 | bob/b    | 2
        2026-01-12 | bob/c    | 0.5
        2026-01-12 | eve/odd  | -0.5
        """,
    )


def test_archetypes_share_a_week_and_none_is_what_is_of_no_kind(two_maps: Database, expect: Expect) -> None:
    expect(
        two_maps.sql("from out_archetypes where snapshot = '2026-01-12'").pl(),
        """
        archetype  | kinds | models | models_share | median_score | median_downloads | median_likes
        conversion | 1     | 3      | 0.6          | 2            | 30               | 2
        lab        | 1     | 1      | 0.2          | 3            | 20               | 0
        none       | 0     | 1      | 0.2          | 2            |                  | 0
        """,
    )


def test_a_text_that_is_near_is_known_by_its_most_downloaded_model(
    two_maps: Database, expect: Expect
) -> None:
    expect(
        two_maps.sql("from out_neighbours order by model_id, place").pl(),
        """
        model_id | score | place | neighbour_id | neighbour_score | similarity | snapshot
        ada/a    | 2     | 1     | bob/b        | 4               | 0.9        | 2026-01-12
        ada/a    | 2     | 2     | bob/c        | 3               | 0.75       | 2026-01-12
        ada/a    | 2     | 3     | eve/odd      | 2               | 0.5        | 2026-01-12
        ada/copy | 2     | 1     | bob/b        | 4               | 0.9        | 2026-01-12
        ada/copy | 2     | 2     | bob/c        | 3               | 0.75       | 2026-01-12
        ada/copy | 2     | 3     | eve/odd      | 2               | 0.5        | 2026-01-12
        bob/b    | 4     | 1     | ada/copy     | 2               | 0.9        | 2026-01-12
        """,
    )


def test_downloads_decide_by_which_model_a_text_is_known_and_not_its_name(two_maps: Database) -> None:
    near = "select neighbour_id from out_neighbours where model_id = 'bob/b'"
    two_maps.execute("update base.listing set downloads = 1 where model_id = 'ada/copy'")
    assert two_maps.execute(near).fetchall() == [("ada/a",)]
    two_maps.execute("update base.listing set downloads = null where model_id = 'ada/a'")
    assert two_maps.execute(near).fetchall() == [("ada/copy",)]


def test_events_of_a_kind_are_shown_unless_its_week_is_quarantined(
    two_maps: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        two_maps,
        "base.kind_events",
        "snapshot | event | kind | other\n2026-01-05 | birth | 7 |\n2026-01-12 | split | 7 | 8",
    )
    seen = "select * from kind_events order by snapshot"
    expect(
        two_maps.sql(seen).pl(),
        "snapshot | event | kind | other\n2026-01-05 | birth | 7 |\n2026-01-12 | split | 7 | 8",
    )
    quarantine_last(two_maps, fill)
    expect(two_maps.sql(seen).pl(), "snapshot | event | kind\n2026-01-05 | birth | 7")


# names


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("2026-01-05 | terms | Words |", "Words"),
        ("2026-01-05 | terms | Words |\n2026-01-12 | terms | Newer words |", "Newer words"),
        ("2026-01-12 | terms | Words |\n2026-01-05 | j1 | Judged |", "Judged"),
        ("2026-01-12 | j1 | Judged |\n2026-01-05 | person | Said |", "Said"),
        ("2026-01-05 | person | Said |\n2026-01-12 | person | Said again |", "Said again"),
        ("2026-01-05 | terms | Words |\n2026-01-12 | j1 | '' | odd", "Words"),
        ("2026-01-05 | terms | Words |\n2026-01-19 | person | Not yet |", "Words"),
    ],
)
def test_a_kind_is_called_by_the_best_name_given_by_then(
    db: Database, fill: Fill, given: str, name: str
) -> None:
    fill(db, "base.kinds", "snapshot | kind\n2026-01-12 | 7\n2026-01-12 | 8")
    rows = "\n".join(f"{line.replace('|', '| 7 |', 1)}" for line in given.splitlines())
    fill(db, "base.kind_names", f"snapshot | kind | named_by | name | reason\n{rows}")
    assert db.execute("select kind, name from base.best_kind_names").fetchall() == [(7, name)]


def test_of_two_names_of_a_week_the_later_counts(db: Database, fill: Fill) -> None:
    fill(db, "base.kinds", "kind\n7")
    fill(
        db,
        "base.kind_names",
        """
        kind | named_by | name | named_at
        7    | person   | Late | 2026-01-05 09:00
        7    | person   | Soon | 2026-01-05 08:00
        """,
    )
    assert db.execute("select name, hour(named_at) from base.best_kind_names").fetchall() == [("Late", 9)]


# queries of the commands


def test_the_latest_map_is_the_last_that_is_shown(two_maps: Database, fill: Fill, expect: Expect) -> None:
    expect(frame(two_maps, "out/latest_atlas"), "snapshot\n2026-01-12")
    quarantine_last(two_maps, fill)
    expect(frame(two_maps, "out/latest_atlas"), "snapshot\n2026-01-05")


def test_a_placed_model_has_the_checks_of_the_reports_judge_and_its_newest_sections(
    two_maps: Database, expect: Expect
) -> None:
    expect(
        frame(two_maps, "out/placed_model", model_id="ada/a"),
        """
        model_id | author | score | kind | kind_name | archetype  | passed        | failed       | sections
        ada/a    | ada    | 2     | 7    | Quants    | conversion | [has_snippet] | [data_named] | [how_to_use]
        """,
    )
    assert frame(two_maps, "out/placed_model", model_id="eve/short").height == 0


def test_names_of_models_are_completed_the_most_downloaded_first(two_maps: Database, expect: Expect) -> None:
    expect(frame(two_maps, "out/model_names", begins="ada/"), "model_id\nada/copy\nada/a")
    assert frame(two_maps, "out/model_names", begins="").height == 8
    assert frame(
        two_maps, "out/model_names", begins="%"
    ).is_empty()  # it begins with that, and matches no pattern


def test_the_nearest_models_come_nearest_first_and_no_more_than_asked_for(
    two_maps: Database, expect: Expect
) -> None:
    rows = """
        place | similarity | model_id | score | kind | passed       | failed       | sections
        1     | 0.9        | bob/b    | 4     | 7    | [data_named] | []           | [how_to_use, license]
        2     | 0.75       | bob/c    | 3     | 8    | []           | [data_named] | []
        3     | 0.5        | eve/odd  | 2     |      | []           | []           | []
        """
    expect(frame(two_maps, "out/nearest_models", model_id="ada/a", n=9), rows)
    two = "\n".join(rows.strip().splitlines()[:3])
    expect(frame(two_maps, "out/nearest_models", model_id="ada/a", n=2), two)


def test_a_neighbour_read_by_two_versions_of_the_rules_comes_once(
    two_maps: Database, fill: Fill, expect: Expect
) -> None:
    expect(
        frame(two_maps, "out/nearest_models", model_id="bob/b", n=9),
        "place | model_id | sections\n1 | ada/copy | [how_to_use]",
    )


@pytest.mark.parametrize(
    ("model_id", "status", "passages"),
    [("eve/short", "card", 0), ("eve/bare", "none", None), ("eve/late", "card", None), ("ada/a", "card", 2)],
)
def test_the_status_of_a_card_explains_why_it_has_no_place(
    two_maps: Database, model_id: str, status: str, passages: int | None
) -> None:
    rows = frame(two_maps, "out/unplaced_model", model_id=model_id).rows()
    assert rows == [(date(2026, 1, 12), status, passages)]


def test_a_model_that_was_never_listed_is_not_known(two_maps: Database) -> None:
    assert frame(two_maps, "out/unplaced_model", model_id="eve/none").height == 0


@pytest.mark.parametrize("typed", ["BOB/C", "c", "bob/cc"])
def test_names_that_are_like_what_was_typed_come_first(two_maps: Database, typed: str) -> None:
    found = frame(two_maps, "out/close_names", typed=typed)["model_id"].to_list()
    assert found[0] == "bob/c"
    assert len(found) == 5


def test_no_more_than_fifty_names_are_suggested_from(two_maps: Database, fill: Fill) -> None:
    many = "\n".join(f"2026-01-12 | ada/m{n} | s" for n in range(60))
    fill(two_maps, "base.listing", f"snapshot | model_id | sha\n{many}")
    reads = "\n".join(f"ada/m{n} | s | h1" for n in range(60))
    fill(two_maps, "base.reads", f"model_id | sha | card_hash\n{reads}")
    assert frame(two_maps, "out/close_names", typed="ada/m").height == 50


def test_the_kinds_of_a_map_come_with_when_they_were_named(two_maps: Database, expect: Expect) -> None:
    expect(
        frame(two_maps, "out/map_kinds", snapshot=date(2026, 1, 12)),
        """
        kind | name     | named_by | named_at            | archetype  | models | stability | is_unstable | x | y
        7    | Quants   | terms    | 2026-01-05 06:00:00 | conversion | 3      | 0.8       | false       | 2 | 3
        8    | Encoders | terms    | 2026-01-05 06:00:00 | lab        | 1      | 0.5       | true        | 5 | 6
        """,
    )


def test_the_file_of_the_map_counts_neighbours_by_its_own_rows(two_maps: Database, expect: Expect) -> None:
    rows = frame(two_maps, "out/atlas_file")
    expect(
        rows,
        """
        model_id | x | y | kind     | archetype  | score | downloads | likes | format  | words
        ada/a    | 1 | 2 | Quants   | conversion | 2     | 10        | 1     | weights | gguf quant
        ada/copy | 1 | 2 | Quants   | conversion | 2     | 90        | 2     | weights | gguf quant
        bob/b    | 3 | 4 | Quants   | conversion | 4     | 30        | 3     | weights | lora
        bob/c    | 5 | 6 | Encoders | lab        | 3     | 20        | 0     | weights | bert
        eve/odd  | 7 | 8 | none     | none       | 2     |           | 0     | weights | odd
        """,
    )
    near = {row["model_id"]: row["neighbours"] for row in rows.to_dicts()}
    assert near["ada/a"] == {"ids": [2, 3, 4], "distances": [pytest.approx(0.1), 0.25, 0.5]}
    assert near["bob/b"] == {"ids": [1], "distances": [pytest.approx(0.1)]}
    assert near["eve/odd"] == {"ids": [], "distances": []}


def test_a_hostile_name_cannot_leave_the_address_of_its_page(two_maps: Database, fill: Fill) -> None:
    fill(two_maps, "base.listing", 'snapshot | model_id | sha\n2026-01-12 | eve/x?#"<b> | s9')
    fill(two_maps, "base.reads", 'model_id | sha | card_hash\neve/x?#"<b> | s9 | h4')
    urls = frame(two_maps, "out/atlas_file")["url"].to_list()
    assert "https://hub.example/ada/a" in urls
    assert "https://hub.example/eve/x%3F%23%22%3Cb%3E" in urls


@pytest.mark.parametrize(
    ("hub", "url"),
    [
        ("the Hugging Face Hub", "https://huggingface.co/ada/a"),
        ("the demo corpus", None),
        ("a replica of mine.parquet", None),
    ],
)
def test_models_of_a_corpus_have_no_page(two_maps: Database, hub: str, url: str | None) -> None:
    two_maps.execute("update base.snapshots set hub = ?", [hub])
    assert frame(two_maps, "out/atlas_file")["url"][0] == url


def test_a_kind_that_nobody_named_goes_by_its_number(two_maps: Database) -> None:
    two_maps.execute("delete from base.kind_names where kind = 8")
    assert "kind 8" in frame(two_maps, "out/atlas_file")["kind"].to_list()
