"""Which archetype a kind of card belongs to: one of seven or the rest, by fixed rules; the first that fits applies.

The order goes from how a card was written to what it is about. Where nobody wrote the cards, their text says nothing of
a task or a language, so templates and tools come first. A conversion documents another model's card, so it comes before
who made it. A lab has few authors whom many people use, whatever they make. Language and task follow, which only a
written card states. Fine-tunes, which exist in every language and task, are what remains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tasks.atlas.naming import KindFacts, counted, plain, plain_percent
from tasks.atlas.terms import word_file

Archetype = Literal["template", "generated", "conversion", "lab", "language", "domain", "fine_tune", "other"]

TEMPLATE_SHARE_MIN = 0.5  # of models whose card is a form left open
GENERATED_SHARE_MIN = 0.6  # of models whose card a tool wrote
CONVERSION_SHARE_MIN = 0.6  # of models in a format to run, not to train
LAB_AUTHOR_SHARE_MIN = 0.3  # of models by one author
LAB_AUTHORS_MAX = 20  # or this few in all
LAB_DOWNLOADS_RATIO_MIN = 3.0  # share of all downloads over share of all models
LAB_BASE_SHARE_MIN = 0.25  # of models that others build on
LANGUAGE_SHARE_MIN = 0.6  # of models in other languages than English
DOMAIN_SHARE_MIN = 0.5  # of models with one task
FINE_TUNE_SHARE_MIN = 0.5  # of models that name the model they come from, or are adapters

_CONVERSIONS = ("gguf", "quantised", "onnx")
_GENERAL_TASKS = ("text-generation", "conversational", "text2text-generation")


@dataclass(frozen=True, slots=True)
class ArchetypeOf:
    """A kind's archetype and, as a sentence, the reason."""

    kind: int
    archetype: Archetype
    reason: str


def archetype_of(facts: KindFacts) -> ArchetypeOf:
    """The first archetype whose rule fits."""
    for archetype, rule in RULES:
        if reason := rule(facts):
            return ArchetypeOf(facts.kind, archetype, reason)
    return ArchetypeOf(facts.kind, "other", "No rule of an archetype fits.")


def _template(facts: KindFacts) -> str:
    share = facts.untouched_share
    return (
        f"{plain_percent(share)} of its cards are templates left open." if share >= TEMPLATE_SHARE_MIN else ""
    )


def _generated(facts: KindFacts) -> str:
    """A tool that converts models writes their cards, too: such a kind is a conversion."""
    share = facts.written_by_tool_share
    is_generated = share >= GENERATED_SHARE_MIN and not _conversion(facts)
    return f"{plain_percent(share)} of its cards were written by a tool." if is_generated else ""


def _conversion(facts: KindFacts) -> str:
    share = min(1.0, sum(v.share for v in facts.composition.formats if v.value in _CONVERSIONS))
    return f"{plain_percent(share)} of its models are conversions." if share >= CONVERSION_SHARE_MIN else ""


def _lab(facts: KindFacts) -> str:
    if facts.top_author_share < LAB_AUTHOR_SHARE_MIN and facts.authors > LAB_AUTHORS_MAX:
        return ""
    makers = f"{counted(facts.authors, 'author')}, the first with {plain_percent(facts.top_author_share)} of its models"
    ratio = facts.downloads_share / facts.models_share if facts.models_share > 0 else 0.0
    if ratio >= LAB_DOWNLOADS_RATIO_MIN:
        return f"It is by {makers}, and downloaded {ratio:.1f} times as often as the average."
    if facts.base_share >= LAB_BASE_SHARE_MIN:
        return f"It is by {makers}, and others build on {plain_percent(facts.base_share)} of them."
    return ""


def _language(facts: KindFacts) -> str:
    share = facts.non_english_share
    if share < LANGUAGE_SHARE_MIN:
        return ""
    others = {code: part for code, part in facts.languages.items() if code != "en"}
    code = max(others, key=lambda code: (others[code], code), default="")
    if others.get(code, 0.0) >= LANGUAGE_SHARE_MIN:
        name = word_file()["languages"].get(code) or plain(code, 20)
        return f"{plain_percent(others[code])} of its models are for {name}."
    return f"{plain_percent(share)} of its models are for languages other than English."


def _domain(facts: KindFacts) -> str:
    for value in facts.composition.pipelines:
        if value.share >= DOMAIN_SHARE_MIN and value.value not in _GENERAL_TASKS:
            task = word_file()["pipelines"].get(value.value) or plain(value.value, 40)
            return f"{plain_percent(value.share)} of its models have one task: {task[:1].lower()}{task[1:]}."
    return ""


def _fine_tune(facts: KindFacts) -> str:
    if facts.base_model_share >= FINE_TUNE_SHARE_MIN:
        return f"{plain_percent(facts.base_model_share)} of its models name the model that they come from."
    for value in facts.composition.formats:
        if value.value == "adapter" and value.share >= FINE_TUNE_SHARE_MIN:
            return f"{plain_percent(value.share)} of its models are adapters."
    return ""


RULES: tuple[tuple[Archetype, Callable[[KindFacts], str]], ...] = (
    ("template", _template),
    ("generated", _generated),
    ("conversion", _conversion),
    ("lab", _lab),
    ("language", _language),
    ("domain", _domain),
    ("fine_tune", _fine_tune),
)
