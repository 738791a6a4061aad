"""Cards made with the forms in the tools' released packages are recognised by name, and are nobody's words.

A tool that changes its form turns a test red here: `test_the_newest_release…` (in `make test-slow`) for a release that
is not on the list yet. Then its new phrases belong in `tasks/cards/templates.toml`, and the release in `wheels.txt`.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tasks.cards.evidence import evidence_of
from tasks.judges.checklist import ChecklistJudge
from tasks.records import CardText
from tests.tools import fetch
from tests.tools.forms import FORMS, Form, Wheel

FOLDER = Path(__file__).parents[2] / ".tool-wheels"
OWN_WORDS_MAX = 15
SCORE_MAX = 2.5
# Forms that report data, settings and results in full, which a reader has use for whoever wrote them.
FULL_SCORE_MAX = 2.5
FULL = {
    *("sentence_transformers", "cross_encoder", "sparse_encoder", "multi_vector_encoder"),
    *("pylate", "setfit", "span_marker"),
}


def wheels(folder: Path) -> list[Wheel]:
    return [Wheel(path) for path in sorted(folder.glob("*.whl"))]


def made_from(folder: Path) -> list[tuple[Wheel, Form]]:
    """The forms of the packages that were downloaded."""
    return [(wheel, form) for wheel in wheels(folder) for form in FORMS if form.is_in(wheel)]


def label(value: object) -> str:
    return f"{value.name}-{value.version}" if isinstance(value, Wheel) else getattr(value, "template", "")


def hold_against(wheel: Wheel, form: Form) -> None:
    """Assert that the form's cards are recognised, and nobody's; the message has the words that count as a person's."""
    for card in form.cards(wheel):
        evidence = evidence_of(card)
        assert evidence.template, card
        assert evidence.template.name == form.template
        assert evidence.own_words < OWN_WORDS_MAX, evidence.own
        assert evidence.is_generated
        (verdict,) = ChecklistJudge().score([CardText("hash", card)])
        assert verdict.score is not None
        assert verdict.score <= (FULL_SCORE_MAX if form.template in FULL else SCORE_MAX), verdict.passed


@pytest.mark.skipif(not FOLDER.exists(), reason="the tools' packages are not here: make tool-wheels")
@pytest.mark.parametrize(("wheel", "form"), made_from(FOLDER), ids=label)
def test_a_card_made_with_a_tools_form_is_recognised_and_nobodys(wheel: Wheel, form: Form) -> None:
    hold_against(wheel, form)


def test_every_package_on_the_list_has_a_form_and_most_have_two_versions() -> None:
    names = [name for name, _ in fetch.listed()]
    assert set(names) == {form.package for form in FORMS}
    assert sum(names.count(name) >= 2 for name in set(names)) >= 0.8 * len(set(names))


@pytest.mark.slow
def test_the_newest_release_of_every_tool_still_writes_a_card_that_is_known(tmp_path: Path) -> None:
    try:
        fetch.fetch_newest(tmp_path)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"the newest releases are not to be had: {error}")
    changed = []
    for wheel, form in made_from(tmp_path):
        try:
            hold_against(wheel, form)
        except AssertionError as error:
            changed.append(f"{wheel.path.name}, {form.template}: {error}")
    assert not changed, "\n".join(changed)
