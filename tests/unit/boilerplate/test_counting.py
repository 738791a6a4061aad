"""Whose sentences a form's are: many authors', not copies', not those of one family of models."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from tasks.boilerplate.counting import (
    AUTHORS_MIN,
    HOUSE_MODELS_MIN,
    MODELS_PER_FILE,
    model_cards,
    write_rows,
)
from tasks.boilerplate.learning import count_sentences
from tasks.cards.boilerplate import sentence_id

LINE = "The checkpoint with the lowest loss was kept for this upload."


def found(cards: list[tuple[str, str, str]]) -> pl.DataFrame:
    with duckdb.connect() as db:
        models, rows = count_sentences(db, model_cards(cards))
    assert models == len(cards)
    return rows


def filled_in(number: int) -> str:
    return f"# Card\n\nMade by p{number}/M{number} from B{number}x on S{number}y. Ran {number}.5 hours.\n\n{LINE}"


@pytest.mark.parametrize(("authors", "is_form"), [(AUTHORS_MIN - 1, False), (AUTHORS_MIN, True)])
def test_a_sentence_of_five_authors_is_a_forms(authors: int, is_form: bool) -> None:
    cards = [(f"author{n}/model", f"author{n}", filled_in(n)) for n in range(authors)]
    rows = found(cards)
    assert (sentence_id(LINE) in rows["sentence"].to_list()) is is_form
    if is_form:
        row = rows.row(by_predicate=pl.col("sentence") == sentence_id(LINE), named=True)
        assert (row["authors"], row["models"], row["is_house"]) == (authors, authors, False)


def test_twenty_models_of_one_author_do_not_make_five_authors() -> None:
    cards = [(f"ada/ledger-{n}", "ada", filled_in(n)) for n in range(19)]
    assert found(cards).is_empty()


def test_a_card_that_others_copied_stays_its_authors() -> None:
    original = filled_in(1)
    cards = [(f"author{n}/copy", f"author{n}", original) for n in range(30)]
    edited = [(f"other{n}/copy", f"other{n}", f"{original}\n\nCopied on day {n}.") for n in range(30)]
    assert found(cards).is_empty()
    assert len(found(cards + edited).filter(pl.col("sentence") == sentence_id(LINE))) == 0


def test_whoever_pastes_a_text_into_many_cards_of_their_own_is_one_writer() -> None:
    copies = [(f"author{n}/copy", f"author{n}", filled_in(1)) for n in range(AUTHORS_MIN - 1)]
    pasted = [(f"ada/ledger-{n}", "ada", filled_in(n)) for n in range(2, 15)]
    assert sentence_id(LINE) not in found(copies + pasted)["sentence"].to_list()


def test_a_form_that_nobody_filled_in_is_no_copy() -> None:
    cards = [(f"author{n}/model", f"author{n}", f"# Card\n\n{LINE}") for n in range(6)]
    assert sentence_id(LINE) in found(cards)["sentence"].to_list()


def test_a_house_form_stands_in_twenty_models_of_three_families() -> None:
    names = ["Llama-8B-GGUF", "Mistral-7B-GGUF", "Qwen-4B-GGUF"]
    cards = [(f"quants/{names[n % 3]}-{n}", "quants", filled_in(n)) for n in range(HOUSE_MODELS_MIN)]
    rows = found(cards).filter(pl.col("sentence") == sentence_id(LINE))
    assert rows["is_house"].to_list() == [True]


def test_the_card_that_checkpoints_of_one_model_share_was_written_by_somebody() -> None:
    cards = [(f"lab/seeds-{n}-of-40", "lab", filled_in(n)) for n in range(40)]
    assert found(cards).is_empty()


def test_no_cards_have_no_boilerplate() -> None:
    assert found([]).is_empty()


def test_more_models_than_a_file_holds_are_all_counted(tmp_path: Path) -> None:
    cards = [(f"a{n}/m", f"a{n}", f"# Card\n\n{LINE}") for n in range(MODELS_PER_FILE + 5)]
    (row,) = found(cards).iter_rows(named=True)
    assert (row["sentence"], row["authors"]) == (sentence_id(LINE), len(cards))
    assert write_rows(model_cards(cards), tmp_path) == len(cards)
    assert len(list(tmp_path.iterdir())) == 2
