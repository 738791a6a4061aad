"""Points, places, what is ignored, and forms that programs read."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.advice.advising import Advice, advise, ignored_in
from tasks.advice.fixing import difference, edited, fixes_of
from tasks.advice.form import as_github, as_json, as_sarif
from tasks.advice.peers import Example, GoesWith, PeerGroup, Surroundings
from tasks.advice.project import Demands, demands_at
from tasks.advice.rule import LineEdit
from tasks.advice.subject import CARD_BYTES_MAX, Subject, read_path
from tasks.errors import UsageError
from tasks.judges.checklist import ChecklistJudge
from tasks.records import CardText
from tasks.rubric import load_rubric

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads(ROOT.joinpath("docs/advice-1.schema.json").read_text(encoding="utf-8"))

SARIF = jsonschema.Draft4Validator(
    json.loads(Path(__file__).with_name("data").joinpath("sarif-2.1.0.schema.json").read_text("utf-8"))
)

CARD = """---
license: Apache 2.0
language: en
tags: birds, sound
---
# Heron

Tells the calls of herons apart, for wardens of marshes who count birds at night.

## How to use

```python
listen(your_file)
```

## Limitations

It was made in two marshes only and does not know other herons.
"""


def of(text: str) -> Advice:
    return advise(Subject(name="README.md", text=text))


def test_the_score_is_the_checklists_own() -> None:
    (verdict,) = ChecklistJudge().score([CardText("h", CARD)])
    assert (of(CARD).score, of(CARD).criteria) == (verdict.score, verdict.levels)
    assert {each.check for each in of(CARD).checks} == set(verdict.failed)


def test_the_points_of_all_failed_checks_lead_to_a_five() -> None:
    advice = of(CARD)
    assert advice.score is not None
    assert advice.score + sum(each.points for each in advice.checks) == pytest.approx(5, abs=0.01)
    assert [each.points for each in advice.checks] == sorted(
        (each.points for each in advice.checks), reverse=True
    )


def test_a_check_that_is_passed_brings_its_points() -> None:
    advice = of(CARD)
    worth = {each.check: each.points for each in advice.checks}
    better = of(CARD.replace("---\n# Heron", "base_model: heron/base\n---\n# Heron"))
    gained = set(worth) - {each.check for each in better.checks}
    assert gained == {"lineage_given", "names_origin"}
    assert better.score == pytest.approx((advice.score or 0) + sum(worth[each] for each in gained), abs=0.001)


def test_a_failed_check_stands_where_the_card_deals_with_it() -> None:
    lines = {each.check: each.line for each in of(CARD).checks}
    assert lines["mitigation_given"] == CARD.split("\n").index("## Limitations") + 1
    assert lines["snippet_is_complete"] == CARD.split("\n").index("```python") + 1
    assert lines["metadata_valid"] == 2
    assert lines["data_named"] is None


def test_the_worked_example_of_the_docs_has_these_scores() -> None:
    page = ROOT.joinpath("docs/advice.md").read_text(encoding="utf-8")
    before, after = (
        of(ROOT.joinpath(f"docs/examples/{name}.md").read_text(encoding="utf-8"))
        for name in ("before", "after")
    )
    assert f"| score | {before.score:.2f} | {after.score:.2f} |" in page
    for criterion in load_rubric().criteria:
        levels = f"{before.criteria[criterion.id]:.1f} | {after.criteria[criterion.id]:.1f}"
        assert f"| {criterion.title} | {levels} |" in page
    assert after.notices == []


def test_a_short_card_is_asked_for_words_and_not_for_blanks_that_it_has_not() -> None:
    advice = {each.check: each.advice for each in of("# Heron\n\nTells calls apart.\n").checks}
    assert advice["no_placeholders"].startswith("Write at least 20 different words")
    assert advice["is_readable"].startswith("Write at least 30 different words")
    blank = {each.check: each.advice for each in of("# Heron\n\nMore information needed\n").checks}
    assert blank["no_placeholders"].startswith("Fill in or remove")


def test_an_empty_card_has_a_reason_and_no_points() -> None:
    advice = of(" \n")
    assert (advice.score, advice.reason, advice.checks) == (None, "empty", [])


def test_what_a_comment_ignores_is_not_told() -> None:
    comment = "<!-- cardiograph: ignore license-unknown, data_named -->"
    advice = of(f"{CARD}\n{comment}\n")
    assert ignored_in(comment) == advice.ignored == {"license-unknown", "data_named"}
    assert not advice.ignored & {*(n.rule for n in advice.notices), *(c.check for c in advice.checks)}


# --------------------------------------------------------------------------------------------------- fixing


def test_fixes_are_made_and_nothing_else_is_changed() -> None:
    mended = edited(CARD, fixes_of(of(CARD).notices))
    assert mended == CARD.replace("Apache 2.0", "apache-2.0").replace(
        "tags: birds, sound", "tags:\n- birds\n- sound"
    )
    assert fixes_of(of(mended).notices) == []


def test_line_ends_stay_as_they_are() -> None:
    text = CARD.replace("\n", "\r\n")
    mended = edited(text, fixes_of(of(text).notices))
    assert "license: apache-2.0\r\n" in mended
    assert mended.count("\n") == mended.count("\r\n")


@given(
    st.text(),
    st.sampled_from(["", "---\nlicense: MIT\nlanguage: English\ntags: a, b\n---\n", "---\ntags: a\n"]),
)
def test_fixing_twice_is_fixing_once(text: str, before: str) -> None:
    once = edited(before + text, fixes_of(of(before + text).notices))
    assert edited(once, fixes_of(of(once).notices)) == once


def test_lines_that_are_not_mended_keep_their_own_ends() -> None:
    text = "---\r\nlicense: MIT\r\n---\n# A\rB\n"
    assert edited(text, fixes_of(of(text).notices)) == text.replace("MIT", "mit")
    old = "---\rtags: a, b\r---\r# A"
    assert edited(old, fixes_of(of(old).notices)) == "---\rtags:\r- a\r- b\r---\r# A"


def test_edits_that_overlap_do_not_destroy_each_other() -> None:
    assert (
        edited("a\nb\nc", [LineEdit(1, 2, ("x",)), LineEdit(2, 2, ("y",)), LineEdit(4, 3, ("z",))])
        == "a\ny\nc\nz"
    )


def test_the_difference_can_be_applied_and_read() -> None:
    assert difference("a\n", "b\n", "README.md") == "--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-a\n+b\n"
    assert difference("a\n", "a\n", "README.md") == ""


# ---------------------------------------------------------------------------------------------------- forms

AROUND = Surroundings(
    snapshot=date(2026, 11, 16),
    peers=PeerGroup("pipeline tag", 120, 40, 2.5),
    goes_with=[GoesWith("data_named", "likes", "all models", 0.2, 0.1, 0.3, 900)],
    examples=[Example("ada/one", None, 4.5, ["data_named"])],
)


@given(st.text())
def test_the_json_of_any_card_keeps_its_schema(text: str) -> None:
    jsonschema.validate(json.loads(json.dumps(as_json(of(text), AROUND, ["the weather"]))), SCHEMA)


def test_the_json_without_surroundings_keeps_its_schema() -> None:
    jsonschema.validate(as_json(of(CARD)), SCHEMA)


def test_every_result_of_sarif_is_of_a_rule_that_it_lists_and_fixes_are_in_it() -> None:
    sarif = as_sarif([of(CARD)], "0.1.0")
    (run,) = sarif["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    assert {result["ruleId"] for result in run["results"]} <= set(rules)
    fixed = {result["ruleId"] for result in run["results"] if "fixes" in result}
    assert fixed == {"license-unknown", "tags-not-a-list"}
    assert all(r["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1 for r in run["results"])


@given(st.text(), st.sampled_from(["", CARD, "---\nlicense: MIT\n"]))
def test_sarif_of_any_card_keeps_the_schema_of_the_standard(text: str, before: str) -> None:
    SARIF.validate(json.loads(json.dumps(as_sarif([of(before + text), of(CARD)], "0.1.0"))))


def test_a_card_cannot_speak_githubs_commands() -> None:
    card = "---\nlicense: |\n  x\n  ::set-output name=a::b\npipeline_tag: 'a%0A::error::b'\n---\n"
    for line in as_github(of(card)):
        assert line.startswith(("::error file=", "::warning file=", "::notice file="))
        assert "\n" not in line
        assert "%0A::" not in line.replace("%250A::", "")


# ------------------------------------------------------------------------------------------------- subjects


def test_a_folder_is_read_with_what_is_beside_the_card(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(CARD)
    (tmp_path / "config.json").write_text('{"architectures": ["Heron"]}')
    (tmp_path / "all_results.json").write_text("{broken")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/config").write_text("x")
    subject = read_path(str(tmp_path))
    assert subject.files == ("README.md", "all_results.json", "config.json")
    assert subject.documents == {"config.json": {"architectures": ["Heron"]}}
    assert subject.path == tmp_path / "README.md"


def test_a_file_of_another_name_has_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text(CARD)
    (tmp_path / "adapter_config.json").write_text("{}")
    subject = read_path(str(tmp_path / "card.md"))
    assert (subject.files, subject.documents) == (None, {})


def test_what_is_no_card_is_told_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no README\.md in this folder"):
        read_path(str(tmp_path))
    with pytest.raises(UsageError, match="No such file"):
        read_path(str(tmp_path / "absent.md"))
    (tmp_path / "large.md").write_bytes(b"x" * (CARD_BYTES_MAX + 1))
    with pytest.raises(UsageError, match="more than 5 MB"):
        read_path(str(tmp_path / "large.md"))


@given(st.binary())
def test_any_bytes_are_a_card(raw: bytes) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder) / "README.md"
        path.write_bytes(raw)
        advice = advise(read_path(str(path)))
        assert advice.score is None or 1 <= advice.score <= 5


# ------------------------------------------------------------------------------------------------- projects


def test_demands_stand_in_the_nearest_file(tmp_path: Path) -> None:
    inner = tmp_path / "models/heron"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.cardiograph]\nmin = 3\nignore = ['placeholder']\n")
    assert demands_at(inner) == Demands(3.0, frozenset(), frozenset({"placeholder"}))
    (inner / "cardiograph.toml").write_text("select = ['license-missing', 'data_named']\n")
    assert demands_at(inner) == Demands(None, frozenset({"license-missing", "data_named"}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("min = 9", "min is a score from 1 to 5"),
        ("minimum = 3", "no setting is called 'minimum'"),
        ("select = ['no-such-rule']", "no rule is called 'no-such-rule'"),
        ("select = 'placeholder'", "write a list"),
        ("min = ", "cannot be read as TOML"),
    ],
)
def test_a_demand_that_cannot_be_read_is_told(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "cardiograph.toml").write_text(text)
    with pytest.raises(UsageError, match=words):
        demands_at(tmp_path)


def test_every_check_of_the_rubric_may_be_named_in_a_demand(tmp_path: Path) -> None:
    names = [check.id for check in load_rubric().checks]
    (tmp_path / "cardiograph.toml").write_text(f"select = {names}")
    assert demands_at(tmp_path).select == set(names)
