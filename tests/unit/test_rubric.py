"""The rubric is read whole or refused with a sentence, and a changed comma is a decision."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.errors import UsageError
from tasks.rubric import RUBRIC_FILE, as_markdown, load_rubric, read_rubric

TEXT = RUBRIC_FILE.read_text(encoding="utf-8")
FINGERPRINT = "8eb9556a2d2d9076"


def test_the_wording_is_the_pinned_one() -> None:
    """A new fingerprint makes every verdict new: change it here and in CHANGELOG.md, on purpose."""
    assert load_rubric().fingerprint == FINGERPRINT


def test_a_changed_comma_changes_the_fingerprint_and_a_comment_does_not() -> None:
    changed = TEXT.replace("Open with one sentence that says", "Open with one sentence, that says")
    assert read_rubric(changed).fingerprint != FINGERPRINT
    assert read_rubric(f"# a remark\n{TEXT}").fingerprint == FINGERPRINT


def test_every_criterion_has_five_anchors_of_ten_to_twenty_five_words() -> None:
    for criterion in load_rubric().criteria:
        assert [10 <= len(anchor.split()) <= 25 for anchor in criterion.anchors] == [True] * 5, criterion.id


def test_there_are_the_eight_criteria() -> None:
    assert [criterion.id for criterion in load_rubric().criteria] == [
        "purpose",
        "quick_start",
        "training_and_data",
        "evaluation",
        "limitations_and_risks",
        "metadata",
        "structure",
        "originality",
    ]


def test_the_words_of_a_check_are_its_own_and_fit_beside_a_chart() -> None:
    words = [check.words for check in load_rubric().checks]
    assert len(set(words)) == len(words)
    assert max(map(len, words)) <= 24


def test_every_question_is_one_and_every_advice_a_sentence() -> None:
    for check in load_rubric().checks:
        assert check.question.endswith("?"), check.id
        assert check.advice.endswith("."), check.id
        assert re.fullmatch(r"[a-z_]+", check.id)


def test_all_checks_passed_is_five_and_none_is_one() -> None:
    rubric = load_rubric()
    assert rubric.score(rubric.levels(check.id for check in rubric.checks)) == pytest.approx(5)
    assert rubric.score(rubric.levels([])) == pytest.approx(1)


def test_a_level_is_the_weighted_share_of_its_checks() -> None:
    criterion = load_rubric().criteria[0]
    first, total = criterion.checks[0], sum(check.weight for check in criterion.checks)
    assert criterion.level([first.id]) == pytest.approx(1 + 4 * first.weight / total)
    assert criterion.level(["no_such_check"]) == 1


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda t: t.replace('id = "describes_in_depth"', 'id = "states_what_it_is"'), "used 2 times"),
        (lambda t: t.replace('id = "quick_start"', 'id = "purpose"'), "used 2 times"),
        (lambda t: t.replace("weight = 1.5\nanchors", "weight = 0\nanchors", 1), "not a positive number"),
        (lambda t: t.replace("weight = 3.0", "weight = -3.0", 1), "not a positive number"),
        (lambda t: t.replace("weight = 3.0", "weight = inf", 1), "not a positive number"),
        (lambda t: t.replace("weight = 3.0", 'weight = "much"', 1), "much"),
        (lambda t: t.replace('  "Nothing but a name', '# "Nothing but a name', 1), "4 anchors instead of 5"),
        (lambda t: t.replace("advice = ", "advise = ", 1), "'advice' is missing"),
        (lambda t: t.replace("version = 1", "", 1), "'version' is missing"),
        (lambda t: t + "\n[sections.empty]\ntitle = 'Empty'\n", "'empty' has no headings"),
        (lambda t: t + "\n[[criteria", "not TOML"),
        (lambda t: t.split("[sections.")[0], "'sections' is missing"),
    ],
)
def test_a_spoiled_rubric_is_refused_in_one_line(spoil: Callable[[str], str], complaint: str) -> None:
    spoiled = spoil(TEXT)
    assert spoiled != TEXT
    with pytest.raises(UsageError, match=re.escape(complaint)) as refusal:
        read_rubric(spoiled)
    assert str(refusal.value).startswith("rubric.toml: ")
    assert "\n" not in str(refusal.value)


def test_every_section_has_headings_in_nine_languages_at_least_where_it_matters() -> None:
    sections = tomllib.loads(TEXT)["sections"]
    for name in ("description", "how_to_use", "training_data", "evaluation", "limitations", "license"):
        assert set(sections[name]) >= {"en", "zh", "ja", "ko", "de", "fr", "es", "pt", "ru"}, name


def test_the_documentation_shows_the_checks_as_they_are() -> None:
    """After a deliberate change: `CARDIOGRAPH_WRITE_GOLDENS=1 pytest tests/unit/test_rubric.py`."""
    page = Path(__file__).parents[2] / "docs" / "rubric.md"
    begin, end = "<!-- checks: begin -->", "<!-- checks: end -->"
    text = page.read_text(encoding="utf-8")
    table = f"{begin}\n\n{as_markdown(load_rubric())}\n\n{end}"
    if os.environ.get("CARDIOGRAPH_WRITE_GOLDENS"):
        text = f"{text.split(begin)[0]}{table}{text.split(end)[1]}"
        page.write_text(text, encoding="utf-8")
    assert table in text
