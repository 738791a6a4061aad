"""Which archetype a kind belongs to: each rule at its threshold, and their order."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from tasks.atlas.archetypes import (
    CONVERSION_SHARE_MIN,
    DOMAIN_SHARE_MIN,
    FINE_TUNE_SHARE_MIN,
    GENERATED_SHARE_MIN,
    LAB_AUTHOR_SHARE_MIN,
    LAB_BASE_SHARE_MIN,
    LAB_DOWNLOADS_RATIO_MIN,
    LANGUAGE_SHARE_MIN,
    RULES,
    TEMPLATE_SHARE_MIN,
    Archetype,
    archetype_of,
)
from tasks.atlas.naming import KindFacts, plain_percent
from tasks.atlas.terms import Composition, TermValue

PLAIN = KindFacts(7, texts=100, models=100, authors=90, top_author="ada", top_author_share=0.02)


def composed(column: str, *values: tuple[str, float]) -> Composition:
    return Composition(**{column: tuple(TermValue(value, share, 2.0) for value, share in values)})


def with_share(archetype: str, share: float) -> KindFacts:
    """A kind that fits the rule of an archetype with this share, and no other rule."""
    match archetype:
        case "template":
            return replace(PLAIN, generated={"hub_default": share / 2, "hub_2020": share / 2})
        case "generated":
            return replace(PLAIN, generated={"trainer": share})
        case "conversion":
            return replace(PLAIN, composition=composed("formats", ("gguf", share - 0.2), ("onnx", 0.2)))
        case "language":
            return replace(PLAIN, non_english_share=share, languages={"de": share})
        case "domain":
            return replace(PLAIN, composition=composed("pipelines", ("object-detection", share)))
        case "fine_tune":
            return replace(PLAIN, base_model_share=share)
    raise AssertionError(archetype)


@pytest.mark.parametrize(
    ("archetype", "threshold"),
    [
        ("template", TEMPLATE_SHARE_MIN),
        ("generated", GENERATED_SHARE_MIN),
        ("conversion", CONVERSION_SHARE_MIN),
        ("language", LANGUAGE_SHARE_MIN),
        ("domain", DOMAIN_SHARE_MIN),
        ("fine_tune", FINE_TUNE_SHARE_MIN),
    ],
)
def test_a_rule_fits_from_its_threshold_on(archetype: str, threshold: float) -> None:
    found = archetype_of(with_share(archetype, threshold + 0.01))
    assert (found.kind, found.archetype) == (7, archetype)
    assert plain_percent(threshold + 0.01) in found.reason
    assert found.reason.endswith(".")
    assert archetype_of(with_share(archetype, threshold - 0.01)).archetype == "other"


def test_adapters_are_fine_tunes() -> None:
    facts = replace(PLAIN, composition=composed("formats", ("adapter", FINE_TUNE_SHARE_MIN)))
    assert archetype_of(facts).archetype == "fine_tune"


def test_few_authors_whom_many_download_are_a_lab() -> None:
    facts = replace(
        PLAIN,
        top_author_share=LAB_AUTHOR_SHARE_MIN,
        models_share=0.01,
        downloads_share=0.01 * LAB_DOWNLOADS_RATIO_MIN + 0.001,
    )
    assert archetype_of(facts).archetype == "lab"
    assert archetype_of(replace(facts, authors=5, top_author_share=0.0)).archetype == "lab"
    assert archetype_of(replace(facts, top_author_share=0.1)).archetype == "other"
    assert archetype_of(replace(facts, downloads_share=0.02)).archetype == "other"
    assert archetype_of(replace(facts, models_share=0.0)).archetype == "other"


def test_few_authors_on_whom_others_build_are_a_lab() -> None:
    facts = replace(PLAIN, authors=3, base_share=LAB_BASE_SHARE_MIN)
    assert archetype_of(facts).archetype == "lab"
    assert archetype_of(replace(facts, authors=90)).archetype == "other"


def test_many_languages_are_a_language_kind_too_and_english_is_none() -> None:
    many = replace(PLAIN, non_english_share=0.9, languages={"de": 0.3, "fr": 0.3, "ja": 0.3, "en": 0.5})
    assert archetype_of(many).reason == "90 % of its models are for languages other than English."
    one = replace(PLAIN, non_english_share=0.9, languages={"ja": 0.9})
    assert archetype_of(one).reason == "90 % of its models are for Japanese."
    assert archetype_of(replace(PLAIN, languages={"en": 1.0})).archetype == "other"


@pytest.mark.parametrize("task", ["text-generation", "conversational", "text2text-generation"])
def test_writing_text_is_no_domain(task: str) -> None:
    assert archetype_of(replace(PLAIN, composition=composed("pipelines", (task, 1.0)))).archetype == "other"


def test_the_first_of_several_rules_that_fit_applies() -> None:
    facts = replace(
        PLAIN,
        generated={"hub_default": 1.0},
        authors=1,
        base_share=1.0,
        non_english_share=1.0,
        languages={"de": 1.0},
        base_model_share=1.0,
        composition=Composition(
            formats=(TermValue("gguf", 1.0, 2.0),), pipelines=(TermValue("object-detection", 1.0, 2.0),)
        ),
    )
    order = ["template", "conversion", "lab", "language", "domain", "fine_tune", "other"]
    undo: list[KindFacts] = [facts]
    undo.append(replace(undo[-1], generated={}))
    undo.append(replace(undo[-1], composition=replace(facts.composition, formats=())))
    undo.append(replace(undo[-1], base_share=0.0))
    undo.append(replace(undo[-1], non_english_share=0.0))
    undo.append(replace(undo[-1], composition=Composition()))
    undo.append(replace(undo[-1], base_model_share=0.0))
    assert [archetype_of(one).archetype for one in undo] == order


def test_conversions_whose_cards_a_tool_wrote_are_conversions() -> None:
    facts = replace(PLAIN, generated={"gguf_conversion": 1.0})
    assert archetype_of(facts).archetype == "generated"
    gguf = replace(facts, composition=composed("formats", ("gguf", 1.0)))
    assert archetype_of(gguf).archetype == "conversion"


def test_every_archetype_but_the_rest_has_one_rule() -> None:
    assert [name for name, _ in RULES] + ["other"] == list(get_args(Archetype))


def test_a_strange_task_or_language_reaches_the_reason_as_plain_text() -> None:
    task = replace(PLAIN, composition=composed("pipelines", ("<b>\x1b[0m" * 50, 1.0)))
    assert "<" not in archetype_of(task).reason
    assert "\x1b" not in archetype_of(task).reason
    tongue = replace(PLAIN, non_english_share=1.0, languages={"<i>x" * 50: 1.0})
    assert "<" not in archetype_of(tongue).reason
    assert len(archetype_of(tongue).reason) < 100
