"""The queries for the making of a map, and what is pending to be embedded and named."""

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

WEEK, NEXT = date(2026, 1, 5), date(2026, 1, 12)


@pytest.fixture
def mapped(db: Database, fill: Fill) -> Database:
    """A week whose map has a kind, and one after it without a map; h4 says too little, h5 is not embedded by e1."""
    fill(
        db,
        "base.snapshots",
        "snapshot | hub\n2026-01-05 | https://hub.example\n2026-01-12 | https://hub.example",
    )
    fill(
        db,
        "base.listing",
        """
        snapshot   | model_id | author | sha | downloads | tags   | base_models | library_name | parameters
        2026-01-05 | ada/a    | ada    | s1  | 5         | [lora] | [ada/b]     | peft         | 7
        2026-01-05 | ada/b    | ada    | s2  |           | []     | []          |              |
        2026-01-12 | ada/a    | ada    | s1  | 6         | [lora] | [ada/b]     | peft         | 7
        2026-01-12 | ada/b    | ada    | s2  | 1         | []     | []          |              |
        2026-01-12 | bob/c    | bob    | s3  | 1         | []     | []          |              |
        2026-01-12 | bob/d    | bob    | s4  | 1         | []     | []          |              |
        2026-01-12 | bob/e    | bob    | s5  | 1         | []     | []          |              |
        2026-01-12 | bob/copy | bob    | s6  | 1         | []     | []          |              |
        """,
    )
    fill(
        db,
        "base.reads",
        """
        model_id | sha | card_hash | has_text | part
        ada/a    | s1  | h1        | true     | cards/p1.parquet
        ada/b    | s2  | h2        | true     | cards/p1.parquet
        bob/c    | s3  | h3        | true     | cards/p2.parquet
        bob/d    | s4  | h4        | true     | cards/p2.parquet
        bob/e    | s5  | h5        | true     | cards/p2.parquet
        bob/copy | s6  | h3        | false    | cards/p3.parquet
        """,
    )
    fill(db, "base.texts", "card_hash | card_text\nh1 | one\nh2 | two\nh3 | three")
    fill(
        db,
        "base.facts",
        """
        card_hash | facts_version | template | is_generated
        h1        | 1             | trainer  | true
        h2        | 1             | hub      | false
        """,
    )
    fill(
        db,
        "base.embeddings",
        """
        card_hash | embedder | passages | part
        h1        | e1       | 2        | embeddings/e1/a.parquet
        h2        | e1       | 1        | embeddings/e1/a.parquet
        h3        | e1       | 3        | embeddings/e1/b.parquet
        h4        | e1       | 0        | embeddings/e1/b.parquet
        h5        | e0       | 1        | embeddings/e0/c.parquet
        """,
    )
    fill(db, "base.embedders", "snapshot | embedder | name\n2026-01-05 | e1 | small")
    fill(
        db,
        "base.atlases",
        "snapshot | embedder | fitted_on | texts | kinds | seeds_ari\n2026-01-05 | e1 | 2026-01-05 | 2 | 1 | 0.9",
    )
    fill(
        db,
        "base.atlas_points",
        """
        snapshot   | card_hash | x | y | kind | strength_share | is_fitted | words
        2026-01-05 | h1        | 1 | 2 | 7    | 0.5            | true      | some words
        2026-01-05 | h2        | 3 | 4 | 7    | 1              | true      | ''
        2026-01-05 | h3        | 5 | 6 |      | 0              | false     | ''
        """,
    )
    fill(
        db,
        "base.kinds",
        "snapshot | kind | texts | stability | terms | archetype\n2026-01-05 | 7 | 2 | 0.8 | [lora] | other",
    )
    fill(
        db,
        "base.kind_names",
        """
        snapshot   | kind | named_by | name     | reason
        2026-01-05 | 7    | terms    | Adapters |
        2026-01-05 | 7    | f9       | ''       | empty
        """,
    )
    return db


def test_a_text_is_pending_until_this_embedder_has_read_it(
    mapped: Database, fill: Fill, expect: Expect
) -> None:
    expect(
        frame(mapped, "pending/embeddings", snapshot=NEXT, embedder="e1"),
        "part | card_hash\ncards/p2.parquet | h5",
    )
    expect(
        frame(mapped, "pending/embeddings", snapshot=NEXT, embedder="e2"),
        """
        part             | card_hash
        cards/p1.parquet | h2
        cards/p1.parquet | h1
        cards/p2.parquet | h3
        cards/p2.parquet | h4
        cards/p2.parquet | h5
        """,
    )


def test_a_kind_is_pending_until_this_judge_model_answered_even_without_a_name(
    mapped: Database,
) -> None:
    def pending(by: str) -> list[tuple[int]]:
        return frame(mapped, "pending/kind_names", snapshot=WEEK, named_by=by).rows()

    assert pending("f9") == []
    assert pending("f1") == [(7,)]


def test_kinds_with_a_name_are_those_whose_name_can_be_read(mapped: Database) -> None:
    assert frame(mapped, "out/kinds_named", named_by="terms").rows() == [(7,)]
    assert frame(mapped, "out/kinds_named", named_by="f9").rows() == []


def test_texts_of_a_map_are_those_that_say_enough_each_once_and_in_order(
    mapped: Database, expect: Expect
) -> None:
    expect(
        frame(mapped, "out/atlas_texts", snapshot=NEXT, embedder="e1"),
        """
        card_hash | part
        h1        | embeddings/e1/a.parquet
        h2        | embeddings/e1/a.parquet
        h3        | embeddings/e1/b.parquet
        """,
    )


def test_a_maps_digest_changes_with_its_texts_its_embedder_and_its_methods(
    mapped: Database, fill: Fill
) -> None:
    def digest(snapshot: date = NEXT, embedder: str = "e1", version: str = "1") -> object:
        return frame(mapped, "out/atlas_digest", snapshot=snapshot, embedder=embedder, version=version).item()

    first = digest()
    assert digest() == first
    assert len({first, digest(WEEK), digest(embedder="e0"), digest(version="2")}) == 4
    fill(mapped, "base.embeddings", "card_hash | embedder | passages\nh5 | e1 | 1")
    assert digest() != first


def test_the_previous_map_is_the_last_of_this_embedder_that_is_not_quarantined(
    mapped: Database, fill: Fill
) -> None:
    def before(snapshot: date = NEXT, embedder: str = "e1") -> list[tuple[object, ...]]:
        return frame(mapped, "out/atlas_before", snapshot=snapshot, embedder=embedder).rows()

    assert before() == [(WEEK, WEEK)]
    assert before(WEEK) == []
    assert before(embedder="e0") == []
    fill(mapped, "base.judges", "snapshot | fingerprint\n2026-01-05 | f1")
    fill(
        mapped,
        "base.gates",
        "snapshot | fingerprint | measure | is_suspicious\n2026-01-05 | f1 | models | true",
    )
    assert before() == []


def test_the_texts_of_a_fit_come_with_the_parts_of_their_vectors(mapped: Database, expect: Expect) -> None:
    expect(
        frame(mapped, "out/atlas_fitted", fitted_on=WEEK, embedder="e1"),
        """
        card_hash | x | y | kind | part
        h1        | 1 | 2 | 7    | embeddings/e1/a.parquet
        h2        | 3 | 4 | 7    | embeddings/e1/a.parquet
        """,
    )


def test_a_text_keeps_its_last_place_even_after_a_week_without_it(
    mapped: Database, fill: Fill, expect: Expect
) -> None:
    """h2 came after the fit; h1 was not there in the last week, and h5 lies on a map that was fitted later."""
    fill(
        mapped,
        "base.atlases",
        "snapshot | fitted_on | embedder\n"
        "2025-12-15 | 2025-12-15 | e1\n2025-12-22 | 2025-12-15 | e1\n2025-12-29 | 2025-12-29 | e1",
    )
    fill(
        mapped,
        "base.atlas_points",
        """
        snapshot   | card_hash | x  | y | kind | strength_share
        2025-12-15 | h1        | 10 | 0 |      | 0
        2025-12-15 | h3        | 11 | 1 | 3    | 0.25
        2025-12-22 | h2        | 12 | 2 | 3    | 0.5
        2025-12-22 | h3        | 13 | 3 | 4    | 0.75
        2025-12-29 | h5        | 14 | 4 | 5    | 1
        """,
    )
    expect(
        frame(mapped, "out/atlas_lying", fitted_on=date(2025, 12, 15), last=date(2025, 12, 22)),
        """
        card_hash | x  | y | kind | strength_share | is_last | was_there
        h1        | 10 | 0 |      | 0              | false   | true
        h2        | 12 | 2 | 3    | 0.5            | true    | false
        h3        | 13 | 3 | 4    | 0.75           | true    | true
        """,
    )


def test_each_text_of_a_map_has_its_kind_or_none(mapped: Database) -> None:
    kinds = dict(frame(mapped, "out/atlas_kinds_of", snapshot=WEEK).iter_rows())
    assert kinds == {"h1": 7, "h2": 7, "h3": None}


def test_each_text_of_a_map_has_the_words_that_it_is_found_by(mapped: Database) -> None:
    words = dict(frame(mapped, "out/atlas_words", snapshot=WEEK).iter_rows())
    assert words == {"h1": "some words", "h2": "", "h3": ""}


def test_a_number_of_a_kind_is_never_given_again(mapped: Database, fill: Fill) -> None:
    assert frame(mapped, "out/kind_numbers").item() == 7
    fill(mapped, "base.kinds", "snapshot | kind\n2026-01-12 | 9")
    assert frame(mapped, "out/kind_numbers").item() == 9


def test_before_the_first_map_no_number_was_given(db: Database) -> None:
    assert frame(db, "out/kind_numbers").item() == 0


def test_kinds_of_a_map_come_with_their_stability_and_terms(mapped: Database) -> None:
    assert frame(mapped, "out/kind_stabilities", snapshot=WEEK).rows() == [(7, 0.8)]
    assert frame(mapped, "out/kind_terms", snapshot=WEEK).rows() == [(7, ["lora"])]
    assert frame(mapped, "out/atlas_embedder", snapshot=WEEK).rows() == [("e1",)]


def test_models_of_kinds_have_their_base_models_and_whether_they_are_bases(
    mapped: Database, expect: Expect
) -> None:
    expect(
        frame(mapped, "out/kind_models", snapshot=WEEK, embedder="e1"),
        """
        card_hash | author | tags   | library_name | model_format | downloads | template | is_base | has_base
        h1        | ada    | [lora] | peft         | adapter      | 5         | trainer  | false   | true
        h2        | ada    | []     |              | weights      | 0         |          | true    | false
        """,
    )
    assert len(frame(mapped, "out/kind_models", snapshot=NEXT, embedder="e1")) == 4


def test_texts_are_read_by_their_hashes(mapped: Database) -> None:
    assert frame(mapped, "out/texts_of", hashes=["h3", "h1", "none"]).rows() == [
        ("h1", "one"),
        ("h3", "three"),
    ]
    assert frame(mapped, "out/texts_of", hashes=[]).is_empty()


def test_typical_cards_of_a_kind_come_first(mapped: Database) -> None:
    assert frame(mapped, "out/kind_cards", snapshot=WEEK, cards=5).rows() == [(7, "two"), (7, "one")]
    assert frame(mapped, "out/kind_cards", snapshot=WEEK, cards=1).rows() == [(7, "two")]


def test_the_page_shows_a_row_per_model_and_a_row_per_kind(mapped: Database, expect: Expect) -> None:
    expect(
        frame(mapped, "out/atlas_page_points", snapshot=WEEK, models_max=9),
        """
        model_id | author | x   | y   | kind | downloads | model_format | words
        ada/a    | ada    | 1 | 2 | 7    | 5         | adapter      | some words
        ada/b    | ada    | 3 | 4 | 7    |           | weights      | ''
        """,
    )
    expect(
        frame(mapped, "out/atlas_page_kinds", snapshot=WEEK),
        "kind | name | name_by | models | share | stability\n7 | Adapters | terms | 2 | 1 | 0.8",
    )


def test_the_page_is_of_the_latest_map_and_states_the_stability_of_its_fit(
    mapped: Database, fill: Fill, expect: Expect
) -> None:
    fill(
        mapped,
        "base.atlases",
        "snapshot | embedder | fitted_on | texts | placed | drift_share\n2026-01-12 | e1 | 2026-01-05 | 3 | 1 | 0.25",
    )
    fill(mapped, "base.atlas_points", "snapshot | card_hash\n2026-01-12 | h1\n2026-01-12 | h3")
    expect(
        frame(mapped, "out/atlas_page"),
        """
        snapshot   | hub                 | judge  | texts | models | placed | drift_share | fitted_on  | seeds_ari
        2026-01-12 | https://hub.example | nobody | 3     | 3      | 1      | 0.25        | 2026-01-05 | 0.9
        """,
    )


def test_of_too_many_models_the_page_shows_the_most_downloaded_and_a_sample(
    mapped: Database, fill: Fill
) -> None:
    rows = "\n".join(f"2026-01-12 | eve/{n:03} | eve | s1 | {n}" for n in range(200))
    fill(mapped, "base.listing", f"snapshot | model_id | author | sha | downloads\n{rows}")
    reads = "\n".join(f"eve/{n:03} | s1 | h1 | true" for n in range(200))
    fill(mapped, "base.reads", f"model_id | sha | card_hash | has_text\n{reads}")
    fill(mapped, "base.atlas_points", "snapshot | card_hash\n2026-01-12 | h1")
    shown = frame(mapped, "out/atlas_page_points", snapshot=NEXT, models_max=21)["model_id"].to_list()
    assert len(shown) == 21
    famous = [f"eve/{n}" for n in range(190, 200)]
    assert set(famous) <= set(shown)
    others = set(shown) - set(famous)
    assert min(others) < "eve/100" < max(others)


def test_a_snapshot_reports_its_map_or_none(mapped: Database, expect: Expect) -> None:
    expect(
        frame(mapped, "out/atlas_of", snapshot=WEEK),
        "embedder | fitted_on | texts | kinds\ne1 | 2026-01-05 | 2 | 1",
    )
    assert frame(mapped, "out/atlas_of", snapshot=NEXT).is_empty()
