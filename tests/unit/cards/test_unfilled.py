"""What says nothing is no content in any language, and a form left open is a placeholder."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tasks.cards.evidence import evidence_of
from tasks.cards.spelling import plain
from tasks.cards.unfilled import unfilled

TABLE: dict[str, dict[str, list[str]]] = tomllib.loads(
    Path(__file__).with_name("unfilled.toml").read_text(encoding="utf-8")
)


def texts(kind: str) -> list[str]:
    return [text for language in TABLE[kind].values() for text in language]


@pytest.mark.parametrize("text", texts("left_open"))
def test_a_form_left_open_is_a_placeholder(text: str) -> None:
    assert unfilled(plain(text)) == "left_open"
    evidence = evidence_of(f"# Heron\n\n## Limitations\n\n{text}\n\n## Bias\n\n- {text}\n")
    assert evidence.placeholders == 2
    assert evidence.words == 0
    assert not evidence.parts


@pytest.mark.parametrize("text", texts("nothing"))
def test_an_answer_with_nothing_to_read_is_no_content(text: str) -> None:
    assert unfilled(plain(text)) == "nothing"
    assert evidence_of(f"# Heron\n\n## Limitations\n\n{text}\n").placeholders == 0


@pytest.mark.parametrize("text", texts("content"))
def test_a_sentence_that_begins_like_one_is_content(text: str) -> None:
    assert unfilled(plain(text)) is None


def test_the_value_of_a_label_counts_like_a_paragraph() -> None:
    assert unfilled("Funded by: not specified") == "left_open"
    assert unfilled("Developed by: nobody else") is None
    assert unfilled("See https://example.org/none") is None
