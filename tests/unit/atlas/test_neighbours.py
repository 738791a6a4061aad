"""What better documented neighbours say that a card does not: pure functions over invented models."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.atlas.neighbours import (
    BEST,
    Difference,
    MapModel,
    NearModel,
    better_than,
    close_names,
    compare,
    differences,
    in_words,
)
from tasks.cards.one_line import one_line
from tasks.rubric import load_rubric

RUBRIC = load_rubric()
MINE = MapModel("ada/mine", "ada", 2.0, 1, 1, 1, "Quants", "lab", [], ["data_named", "out_of_scope"], [])


def other(name: str, score: float | None, passed: str = "", sections: str = "") -> MapModel:
    return dataclasses.replace(
        MINE, model_id=name, score=score, passed=passed.split(), failed=[], sections=sections.split()
    )


def near(*models: MapModel) -> list[NearModel]:
    return [NearModel(place, 1 - place / 10, model) for place, model in enumerate(models, 1)]


def test_better_are_those_that_score_higher_best_first_and_of_equals_the_nearest() -> None:
    models = near(
        other("a", 3.0), other("b", 2.0), other("c", 4.0), other("d", None), other("e", 3.0), other("f", 1.0)
    )
    assert [model.model_id for model in better_than(MINE, models)] == ["c", "a", "e"]


def test_nobody_is_better_than_a_model_without_a_score() -> None:
    unscored = dataclasses.replace(MINE, score=None)
    assert better_than(unscored, near(other("a", 5.0))) == []


def test_the_best_are_three_at_the_most() -> None:
    found = compare(date(2026, 1, 5), MINE, near(*(other(f"m{n}", 3 + n / 10) for n in range(5))), RUBRIC)
    assert len(found.better) == 5
    assert [n.model.model_id for n in found.best] == ["m4", "m3", "m2"]
    assert BEST == 3


def test_a_difference_is_what_the_card_fails_and_others_pass() -> None:
    better = [other("a", 4.0, "data_named out_of_scope"), other("b", 3.0, "out_of_scope has_snippet")]
    found = differences(MINE, better, RUBRIC)
    assert [(d.what, d.id, d.group, d.models) for d in found] == [
        ("check", "out_of_scope", "Purpose", ["a", "b"]),
        ("check", "data_named", "Training and data", ["a"]),
    ]
    (advice,) = [check.advice for check in RUBRIC.checks if check.id == "data_named"]
    assert found[1].advice == advice


def test_of_equally_common_checks_the_one_that_weighs_more_comes_first() -> None:
    failed = dataclasses.replace(MINE, failed=["out_of_scope", "states_what_it_is"])
    found = differences(failed, [other("a", 4.0, "out_of_scope states_what_it_is")], RUBRIC)
    assert [d.id for d in found] == ["states_what_it_is", "out_of_scope"]


def test_a_check_that_the_judge_left_out_is_no_difference() -> None:
    silent = dataclasses.replace(MINE, failed=[])
    assert differences(silent, [other("a", 4.0, "data_named")], RUBRIC) == []


def test_sections_that_others_fill_come_after_checks() -> None:
    mine = dataclasses.replace(MINE, sections=["license"])
    better = [
        other("a", 4.0, "data_named", "license limitations"),
        other("b", 3.0, "", "limitations citation"),
    ]
    found = differences(mine, better, RUBRIC)
    assert [(d.what, d.id, d.models) for d in found] == [
        ("check", "data_named", ["a"]),
        ("section", "limitations", ["a", "b"]),
        ("section", "citation", ["b"]),
    ]


@pytest.mark.parametrize(
    ("models", "better", "expected"),
    [
        (["a", "b"], 5, "2 of 5 better neighbours do name or link the data"),
        (["a"], 5, "1 of 5 better neighbours does name or link the data"),
        (["a"], 1, "1 of 1 better neighbour does name or link the data"),
    ],
)
def test_a_check_becomes_a_sentence(models: list[str], better: int, expected: str) -> None:
    question = "Does the card name or link the data that the model was trained on?"
    sentence = in_words(Difference("check", "x", "y", question, None, models), better)
    assert sentence == f"{expected} that the model was trained on; this card does not."


@pytest.mark.parametrize("check", RUBRIC.checks, ids=lambda check: check.id)
def test_every_check_of_the_rubric_has_its_sentence(check: object) -> None:
    question = check.question  # type: ignore[attr-defined]  # pytest knows no types
    sentence = in_words(Difference("check", "x", "y", question, None, ["a"]), 2)
    assert ("?" in sentence) is not question.startswith("Does the card ")
    assert sentence.startswith("1 of 2 better neighbours does ")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("ada/llama-7b", ["ada/Llama-7B"]),
        ("llama-7b", ["ada/Llama-7B"]),
        ("ada/lama-7b", ["ada/Llama-7B"]),
        ("zzz", []),
        ("", []),
    ],
)
def test_names_are_suggested_for_a_typing_error(typed: str, expected: list[str]) -> None:
    assert close_names(typed, ["ada/Llama-7B", "bob/other"])[:1] == expected


@given(st.text(max_size=40), st.lists(st.text(max_size=40), max_size=20))
def test_suggestions_are_few_and_among_the_names(typed: str, names: list[str]) -> None:
    found = close_names(typed, names)
    assert len(found) <= 3
    assert set(found) <= set(names)


@given(st.text(), st.integers(1, 50))
def test_one_line_prints_and_is_bounded(text: str, characters: int) -> None:
    line = one_line(text, characters)
    assert line.replace("\u00a0", " ").replace("\u202f", " ").isprintable()
    assert len(line) <= characters


def test_one_line_leaves_a_plain_text_as_it_is() -> None:
    assert one_line("ada/model 中文") == "ada/model 中文"
    assert one_line("abcdef", 4) == "abc…"
