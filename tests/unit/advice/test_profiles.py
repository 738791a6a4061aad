"""The same findings as a list of the EU AI Act, and as a CycloneDX ML-BOM."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from flows.cli.app import app
from tasks.advice.advising import advise
from tasks.advice.bom import as_ml_bom, as_text, checked
from tasks.advice.profiles import (
    ITEM_STATUSES,
    ItemFinding,
    as_object,
    eu_ai_act,
    findings,
    lines_of_profile,
    spdx_of,
    what_to_write,
    words,
)
from tasks.advice.rules import NAMES, examples
from tasks.advice.subject import Subject
from tasks.cards import vocabulary
from tasks.rubric import load_rubric

needs_schema = pytest.mark.skipif(
    not (find_spec("cyclonedx") and find_spec("rfc3987_syntax")), reason="needs the extra `bom`"
)

CARD = """---
license: mit
pipeline_tag: text-to-image
datasets: [ada/herons]
base_model: ada/base
co2_eq_emissions: {emissions: 12, source: codecarbon}
model-index:
- name: Heron
  results:
  - task: {type: text-to-image}
    dataset: {name: Herons, type: ada/herons, split: test}
    metrics: [{type: accuracy, value: 0.9}, {type: broken}]
---
# Heron

Tells the calls of herons apart, for wardens of marshes who count birds at night. It has 7B parameters.

## Intended uses

Wardens count birds with it at night.

## Limitations

It was made in two marshes only and does not know other herons.
"""


def subject(text: str, **more: Any) -> Subject:
    return Subject(name="README.md", text=text, **more)


def by_point(text: str, part: str = "XI", ignored: tuple[str, ...] = ()) -> dict[str, ItemFinding]:
    found = findings(advise(subject(text), ignored=ignored), eu_ai_act())
    return {each.item.point: each for each in found if each.item.part == part}


# ------------------------------------------------------------------------------------------------- EU AI Act


def test_every_point_of_both_annexes_is_an_item_once() -> None:
    points = [(item.part, item.point) for item in eu_ai_act().items]
    assert points == [
        *(("XI", f"1({letter})") for letter in "abcdef"),
        *(("XI", f"2({letter})") for letter in "abcde"),
        *(("XII", f"1({letter})") for letter in "abcdefgh"),
        *(("XII", f"2({letter})") for letter in "abc"),
    ]
    assert eu_ai_act().source.endswith("/reg/2024/1689/oj")


def test_every_need_of_an_item_names_something_that_exists() -> None:
    rubric = load_rubric()
    known = {
        *(f"check:{check.id}" for check in rubric.checks),
        *(f"section:{section.id}" for section in rubric.sections),
        *(f"words:{name}" for name in words()),
        *(f"key:{key}" for key in ("pipeline_tag", "co2_eq_emissions", "extra_gated_prompt")),
    }
    needs = {need for item in eu_ai_act().items for alternatives in item.needs for need in alternatives}
    assert needs <= known
    assert {f"words:{name}" for name in words()} <= needs
    assert all(what_to_write(need) for need in needs)
    assert {rule for item in eu_ai_act().items for rule in item.against} <= NAMES


def test_an_item_that_no_check_covers_is_called_so_and_says_why() -> None:
    uncovered = [item for item in eu_ai_act().items if not item.needs]
    assert [(item.part, item.point) for item in uncovered] == [("XII", "1(d)")]
    assert by_point(CARD, "XII")["1(d)"].status == "not covered"
    assert all(item.unseen for item in uncovered)


def test_a_card_shows_what_it_holds_and_lacks_the_rest() -> None:
    found = by_point(CARD)
    assert {point: each.status for point, each in found.items()} == {
        "1(a)": "found",
        "1(b)": "missing",
        "1(c)": "missing",
        "1(d)": "found",
        "1(e)": "partly",
        "1(f)": "found",
        "2(a)": "missing",
        "2(b)": "missing",
        "2(c)": "partly",
        "2(d)": "missing",
        "2(e)": "found",
    }
    assert found["1(e)"].missing[0][0] == "check:shows_example"


def test_a_rule_that_speaks_against_an_item_keeps_it_from_being_found() -> None:
    license_ = by_point(CARD.replace("license: mit", "license: my own"))["1(f)"]
    assert (license_.status, [notice.rule for notice in license_.against]) == ("partly", ["license-unknown"])


def test_a_check_that_is_switched_off_is_not_taken_for_passed() -> None:
    assert by_point(CARD, ignored=("license_given",))["1(f)"].status == "missing"


def test_an_empty_card_shows_nothing() -> None:
    assert {each.status for each in by_point("").values()} == {"missing"}


@pytest.mark.parametrize(
    ("name", "text", "is_shown"),
    [
        ("parameters", "a model of 7b parameters", True),
        ("parameters", "parameters: 124m", True),
        ("parameters", "parameters can be tuned", False),
        ("release_date", "released on 2 march 2026", True),
        ("release_date", "it was released to the public", False),
        ("energy", "training took 12 kwh", True),
        ("energy", "an energetic heron", False),
        ("compute", "trained for 3 days", True),
        ("compute", "trained on herons", False),
        ("context_length", "a context window of 8,192", True),
        ("versions", "transformers 5.23", True),
        ("versions", "three herons", False),
        ("acceptable_use", "see our acceptable use policy", True),
        ("modality", "input: an image of a heron", True),
    ],
)
def test_words_are_found_where_they_mean_it(name: str, text: str, is_shown: bool) -> None:
    assert bool(words()[name][0].search(text)) == is_shown


@pytest.mark.parametrize("name", sorted(words()))
@pytest.mark.parametrize("piece", ["train 1", "1", "a", "a-", "input ", "released ", "1 ", "param "])
def test_no_text_keeps_a_pattern_busy(name: str, piece: str) -> None:
    words()[name][0].search(piece * (200_000 // len(piece)))  # a minute and more for a careless pattern


@given(st.text(), st.sampled_from(["", CARD, "---\nlicense: x\n---\n"]))
def test_any_card_has_a_status_for_every_item(text: str, before: str) -> None:
    advice = advise(subject(before + text))
    made = json.loads(json.dumps(as_object(advice, eu_ai_act())))
    assert {each["status"] for each in made["items"]} <= set(ITEM_STATUSES)
    assert made["is_legal_advice"] is False
    assert all("\n" not in line for line in lines_of_profile(advice, eu_ai_act()))


# ---------------------------------------------------------------------------------------------------- ML-BOM


def bom_of(text: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(as_text(as_ml_bom(advise(subject(text, **more)), "0.1.0")))
    return made


def test_an_ml_bom_holds_the_model_its_data_results_and_limits() -> None:
    (model,) = bom_of(CARD, model_id="ada/heron")["components"]
    assert (model["type"], model["group"], model["name"]) == ("machine-learning-model", "ada", "heron")
    assert model["purl"] == "pkg:huggingface/ada/heron"
    assert model["licenses"] == [{"license": {"id": "MIT"}}]
    assert model["pedigree"]["ancestors"] == [{"type": "machine-learning-model", "name": "ada/base"}]
    card = model["modelCard"]
    assert card["modelParameters"]["task"] == "text-to-image"
    assert [each["name"] for each in card["modelParameters"]["datasets"]] == ["ada/herons"]
    assert card["quantitativeAnalysis"]["performanceMetrics"] == [
        {"type": "accuracy", "value": "0.9", "slice": "Herons test"}
    ]
    assert card["considerations"]["technicalLimitations"][0].startswith("It was made in two marshes")
    assert card["considerations"]["environmentalConsiderations"]["properties"][0]["value"] == "12"


def test_an_ml_bom_has_the_findings_as_properties() -> None:
    advice = advise(subject(CARD))
    (model,) = bom_of(CARD)["components"]
    names = {each["name"] for each in model["properties"]}
    assert {f"cardiograph:failed:{check.check}" for check in advice.checks} <= names
    assert {f"cardiograph:{n.severity}:{n.rule}" for n in advice.notices} <= names


def test_the_same_card_gives_the_same_bom_and_another_another_number() -> None:
    assert bom_of(CARD) == bom_of(CARD)
    assert bom_of(CARD)["serialNumber"] != bom_of(f"{CARD}\n")["serialNumber"]


def test_a_license_that_spdx_does_not_know_keeps_its_name() -> None:
    other = CARD.replace(
        "license: mit", "license: other\nlicense_name: heron-1\nlicense_link: https://a.example/l"
    )
    (model,) = bom_of(other)["components"]
    assert model["licenses"] == [{"license": {"name": "heron-1", "url": "https://a.example/l"}}]
    assert spdx_of("gpl-3.0") is None  # the Hub does not say whether later versions hold


def test_every_license_of_the_table_is_one_of_the_hub() -> None:
    known = {name for name in vocabulary.licenses() if spdx_of(name)}
    assert len(known) == 28


@given(st.text(), st.sampled_from(["", CARD, "---\nlicense: x\n---\n"]))
def test_any_card_makes_a_bom_of_one_model(text: str, before: str) -> None:
    (model,) = bom_of(before + text)["components"]
    assert model["name"]
    assert "\n" not in model["name"]


# Without Hypothesis: the schema's format of addresses is checked by a parser that recurses deeply.
HOSTILE = [
    "",
    "---\nlicense: a b\ndatasets: ['a b/{c}', '://', \"\\e[31m\\u202E\"]\nbase_model: [' ', x y]\n---\n# ",
    "---\nlicense: other\nlicense_link: 'https://a b.example/<x>?%zz#\"^`{|}'\n---\n# \u202e\n",
    "---\nmodel-index: [{results: [{metrics: [{type: a, value: [1]}, {value: 2}, 3]}, 4]}, 5]\n---\n",
    "---\nco2_eq_emissions: {emissions: [1]}\npipeline_tag: -to-\n---\n\ud800\x00",
]
CARDS = [*HOSTILE, CARD, *(e[key] for e in examples().values() for key in ("wrong", "right"))]


@needs_schema
@pytest.mark.parametrize("number", range(len(CARDS)))
def test_every_card_makes_a_bom_that_keeps_the_schema(number: int) -> None:
    text = CARDS[number].lstrip("\n")
    assert checked(as_text(as_ml_bom(advise(subject(text, model_id="ada/heron")), "")))


@needs_schema
@pytest.mark.parametrize("license_", sorted(name for name in vocabulary.licenses() if spdx_of(name)))
def test_every_license_of_the_table_is_one_of_spdx(license_: str) -> None:
    card = f"---\nlicense: {license_}\n---\n# Heron\n"
    assert checked(as_text(as_ml_bom(advise(subject(card)), "0.1.0")))


@needs_schema
def test_a_bom_that_breaks_the_schema_is_not_handed_out() -> None:
    from tasks.errors import CardiographError

    with pytest.raises(CardiographError, match="report this"):
        checked(json.dumps({**bom_of(CARD), "surprise": 1}))


# -------------------------------------------------------------------------------------------------- command


def test_the_command_prints_each_profile(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(CARD)

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["card", str(tmp_path), "--home", str(tmp_path / "none"), *words])
        assert result.exit_code == 0
        return result.stdout

    shown = run("--profile", "eu-ai-act")
    assert "no legal advice" in shown.splitlines()[0]
    assert "found       1(f)  the licence" in shown
    assert json.loads(run("--profile", "eu-ai-act", "--json"))["profile"] == "eu-ai-act"
    assert json.loads(run("--profile", "ml-bom"))["bomFormat"] == "CycloneDX"
