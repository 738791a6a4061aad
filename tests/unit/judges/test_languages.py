"""A card in any of the languages that the rubric claims passes the checks that it answers, and no others."""

from __future__ import annotations

import tomllib
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from tasks.cards.evidence import evidence_of
from tasks.cards.taxonomy import sections_named
from tasks.judges.checks import CHECKS
from tasks.rubric import RUBRIC_FILE

LANGUAGES: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("languages.toml").read_text(encoding="utf-8")
)
SECTIONS: dict[str, dict[str, Any]] = tomllib.loads(RUBRIC_FILE.read_text(encoding="utf-8"))["sections"]
CASES = Path(__file__).parents[4] / "shared" / "cases" / "cards"
# Where a check looks under a heading alone, the section of that heading.
HEADINGS_OF = {
    "says_requirements": "how_to_use",
    "data_described": "training_data",
    "procedure_described": "training_procedure",
    "names_test_set": "evaluation",
    "mitigation_given": "limitations",
}
CHECKED = [check for check in LANGUAGES["en"] if check not in ("neutral", "without")]
# The length of the text under their heading decides on these.
OF_LENGTH = {"states_what_it_is", "data_described", "procedure_described"}


def passes(language: str, check: str, sentence: str) -> bool:
    heading = f"## {SECTIONS[HEADINGS_OF[check]][language][0]}\n\n" if check in HEADINGS_OF else ""
    return CHECKS[check](evidence_of(f"# Heron\n\n{heading}{sentence}\n"))


def test_the_table_has_every_language_that_the_rubric_claims() -> None:
    claimed = {language for section in SECTIONS.values() for language in section if language != "title"}
    assert set(LANGUAGES) == claimed
    assert all(set(CHECKED) <= set(table) for table in LANGUAGES.values())


def test_every_section_has_headings_in_every_language() -> None:
    gaps = {(name, code) for name, section in SECTIONS.items() for code in LANGUAGES if not section.get(code)}
    assert gaps == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_heading_announces_its_section(language: str) -> None:
    missed = [
        heading
        for name, section in SECTIONS.items()
        for heading in section[language]
        if name not in sections_named(heading.removeprefix("=").title())
    ]
    assert missed == []


@pytest.mark.parametrize("check", CHECKED)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_passes_its_check(language: str, check: str) -> None:
    assert passes(language, check, LANGUAGES[language][check])


@pytest.mark.parametrize("check", [check for check in CHECKED if check not in OF_LENGTH])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_about_something_else_does_not(language: str, check: str) -> None:
    assert not passes(language, check, LANGUAGES[language]["neutral"])


@pytest.mark.parametrize(
    ("language", "check"), [(code, check) for code, table in LANGUAGES.items() for check in table["without"]]
)
def test_a_sentence_that_comes_near_does_not(language: str, check: str) -> None:
    assert not passes(language, check, LANGUAGES[language]["without"][check])


@pytest.mark.parametrize("language", LANGUAGES)
def test_decomposed_letters_are_the_same(language: str) -> None:
    for check in CHECKED:
        assert passes(language, check, unicodedata.normalize("NFD", LANGUAGES[language][check])), check


def test_arabic_words_are_found_with_and_without_prefixes_and_vowels() -> None:
    assert sections_named("القيود والمخاطر والتحيزات") == {"limitations", "bias_and_risks"}
    assert sections_named("الاسْتِخدامات المقصودة") == {"intended_use"}


def test_latin_words_glued_to_east_asian_ones_are_found() -> None:
    assert CHECKS["compute_given"](evidence_of("# 苍鹭\n\n用八张H100训练两天。\n"))
    assert CHECKS["names_origin"](evidence_of("# 青鷺\n\nこれはBERTを使います。\n"))


@pytest.mark.skipif(not CASES.exists(), reason="the cases are not here")
@pytest.mark.parametrize("name", ["12_arabic_full", "14_chinese_modern"])
def test_full_cards_of_the_cases_pass(name: str) -> None:
    evidence = evidence_of((CASES / f"{name}.md").read_text(encoding="utf-8"))
    wanted = (
        "intended_use",
        "out_of_scope",
        "data_named",
        "names_test_set",
        "bias_stated",
        "mitigation_given",
    )
    assert [check for check in wanted if not CHECKS[check](evidence)] == []
