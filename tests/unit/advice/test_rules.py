"""Each rule finds what it is for and nothing in a card that keeps it; no text makes any of them fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.advice.licenses import at_odds, kind_of
from tasks.advice.rule import read
from tasks.advice.rules import RULES, as_markdown, examples, look
from tasks.advice.subject import Subject
from tasks.cards import vocabulary
from tasks.cards.decoding import decode
from tasks.cards.one_line import printable

ROOT = Path(__file__).parents[3]


def found_in(text: str, example: dict[str, Any] | None = None, base: str | None = None) -> set[str]:
    """The ids of rules that find something in a card, with what an example has beside it."""
    example = example or {}
    raw = text.lstrip("\n").encode(example.get("encoding", "utf-8"))
    subject = Subject(
        name="README.md",
        text=decode(raw),
        model_id=example.get("model_id"),
        files=tuple(example["files"]) if "files" in example else None,
        documents=example.get("documents", {}),
        is_utf8="encoding" not in example or raw.isascii(),
    )
    base = base or example.get("base")
    base_cards = {"heron/base": {"license": base}} if base else {}
    return {notice.rule for notice in look(read(subject, base_cards))}


def test_every_rule_has_a_pair_of_cards_and_every_pair_a_rule() -> None:
    assert examples().keys() == {rule.id for rule in RULES}


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_a_rule_finds_the_card_that_breaks_it_and_not_the_one_that_keeps_it(rule: str) -> None:
    example = examples()[rule]
    assert rule in found_in(example["wrong"], example)
    assert rule not in found_in(example["right"], example)


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_a_card_that_keeps_one_rule_breaks_no_other_gravely(rule: str) -> None:
    example = examples()[rule]
    errors = {each.id for each in RULES if each.severity == "error"}
    assert found_in(example["right"], example) & errors == set()


@given(
    st.text(),
    st.sampled_from(["", "---\nlicense: mit\n", "---\ntags: ", "# A\n```python\nfrom_pretrained('"]),
)
def test_any_text_gives_notices_on_its_own_lines_that_print(text: str, before: str) -> None:
    card = before + text
    reading = read(Subject(name="x", text=card, model_id="a/b", files=("adapter_config.json",)))
    for notice in look(reading):
        assert 1 <= notice.line <= len(reading.places.lines)
        assert len(notice.message) < 400
        assert "\n" not in notice.message + notice.advice


def test_the_page_of_the_rules_is_made_from_them() -> None:
    assert (ROOT / "docs/rules.md").read_text(encoding="utf-8") == as_markdown()


def test_a_comment_that_switches_a_rule_off_is_no_hidden_text() -> None:
    assert "hidden-text" not in found_in("# A\n\n<!-- cardiograph: ignore license-missing, placeholder -->\n")


@pytest.mark.parametrize(
    ("written", "advised"),
    [
        ("license: MIT", "license: mit"),
        ("license: 'Apache License 2.0'", None),  # no identifier comes out by spelling alone
        ("language: German  # of Austria", "language: de  # of Austria"),
        ("pipeline_tag: Text_Classification", "pipeline_tag: text-classification"),
    ],
)
def test_a_fix_changes_the_value_and_nothing_else_on_its_line(written: str, advised: str | None) -> None:
    notices = look(read(Subject(name="x", text=f"---\n{written}\n---\n")))
    fixes = [edit for notice in notices for edit in notice.fix]
    assert [edit.lines for edit in fixes] == ([(advised,)] if advised else [])


def test_a_license_of_the_table_is_one_that_the_hub_knows() -> None:
    assert {name for name in vocabulary.licenses() if kind_of(name)} >= {"mit", "gemma", "cc-by-nd-4.0"}
    import tomllib

    table = tomllib.loads((ROOT / "tasks/advice/licenses.toml").read_text(encoding="utf-8"))
    named = [name for entry in table.values() for name in entry["ids"]]
    assert set(named) <= vocabulary.licenses()
    assert len(named) == len(set(named))
    assert all(entry["source"] for entry in table.values())


@pytest.mark.parametrize(
    ("own", "base", "is_odd"),
    [
        ("mit", "apache-2.0", False),
        ("mit", "cc-by-nc-4.0", True),
        ("apache-2.0", "llama3", True),
        ("llama3", "llama3", False),
        ("cc-by-nc-sa-4.0", "cc-by-nc-4.0", False),
        ("cc-by-sa-4.0", "cc-by-sa-3.0", True),
        ("mit", "other", False),
        ("other", "cc-by-nc-4.0", False),
        ("mit", "cc-by-nd-4.0", True),
    ],
)
def test_what_a_base_models_license_demands_is_noticed_where_it_is_dropped(
    own: str, base: str, is_odd: bool
) -> None:
    assert (at_odds(own, base) is not None) == is_odd


def test_a_message_about_hostile_values_prints() -> None:
    card = '---\nlicense: "\\e[31mred\\u202E"\npipeline_tag: "\\a\\b"\n---\n'
    for notice in look(read(Subject(name="x", text=card))):
        assert printable(notice.message) == notice.message
