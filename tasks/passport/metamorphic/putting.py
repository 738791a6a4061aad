"""What is put in: a topic's text, keys of the front matter, placeholders, values that the Hub refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from tasks.passport.attacks import with_lines
from tasks.passport.metamorphic.edits import CardEdit, checks_of
from tasks.passport.metamorphic.pieces import (
    BOLD_LEVEL,
    CutCard,
    Piece,
    opening_end,
    section_level,
    section_starts,
    title_end,
    word_total,
)
from tasks.passport.metamorphic.taking import without_keys
from tasks.passport.metamorphic.written import Topic, Wording, topics

Place = Literal["end", "middle", "opening"]

# Any text makes a card longer, and may fill it; placeholders and walls it must not bring.
_LONGER = checks_of("structure", "originality") - {"no_placeholders", "references_given"}
_FEW_WORDS = 60
_FIRST = frozenset({"states_what_it_is", "describes_in_depth"})
_INDEXED = frozenset({"reports_numbers", "names_test_set", "structured_results"})


@dataclass(frozen=True, slots=True)
class Put:
    """A topic's wording at a place; `heading` empty: as a paragraph without one."""

    topic: Topic
    wording: Wording
    heading: str
    place: Place

    def edit(self, card: CutCard) -> CardEdit:
        """The card with it."""
        may = self.topic.may | _LONGER | (frozenset() if self.heading else _FIRST)
        if word_total(card.pieces) < _FEW_WORDS:  # a card needs a few sentences to be free of placeholders
            may |= {"no_placeholders"}
        return CardEdit(
            name=self.topic.name,
            text=card.changed(pieces=_inserted(card.pieces, self)),
            rises=self.topic.rises,
            may=may - self.topic.rises,
            language=self.wording.language,
            is_later=self.wording.is_later,
        )


def puts(card: CutCard, random: Random) -> list[Put]:
    """Every topic once, in a wording, a language and a place that chance decides."""
    return [_put(topic, card, random) for topic in topics()]


def _put(topic: Topic, card: CutCard, random: Random) -> Put:
    wording = random.choice((*topic.wordings, *topic.translated))
    if topic.is_opening:
        return Put(topic, wording, "", "opening")
    place: Place = random.choice(("end", "middle", "opening"))
    if place == "opening":
        return Put(topic, wording, "", place)
    is_english = wording in topic.wordings
    return Put(topic, wording, random.choice(topic.headings) if is_english else wording.heading, place)


def reworded(put: Put, random: Random) -> Put | None:
    """The same text at the same place under another heading of the same meaning; None for one without a heading."""
    others = [heading for heading in put.topic.headings if heading != put.heading]
    if not put.heading or put.wording in put.topic.translated or not others:
        return None
    return replace(put, heading=random.choice(others))


def translated(put: Put, random: Random) -> tuple[Put, Put] | None:
    """The topic in English and in another language, at the same place; None where it has not been translated."""
    if not put.topic.translated:
        return None
    english, other = put.topic.wordings[0], random.choice(put.topic.translated)
    headings = (english.heading, other.heading) if put.heading else ("", "")
    pair = zip((english, other), headings, strict=True)
    first, second = (replace(put, wording=wording, heading=heading) for wording, heading in pair)
    return first, second


def _inserted(pieces: tuple[Piece, ...], put: Put) -> list[Piece]:
    """The pieces with the text in them: behind the title, at the end of the opening, or as a section of its own."""
    if put.topic.is_opening:
        at, start = title_end(pieces), ""
    elif not put.heading:
        at, start = opening_end(pieces), ""
    else:
        starts = section_starts(pieces)[1:]
        at = starts[len(starts) // 2] if put.place == "middle" and starts else len(pieces)
        start = f"{'#' * min(section_level(pieces), 6)} {put.heading}\n\n"
    block = Piece("prose", f"\n\n{start}{put.wording.text}\n\n")
    return [*pieces[:at], block, *pieces[at:]]


# -------------------------------------------------------------------------------------------------- front matter

_VALUES: tuple[tuple[str, tuple[str, ...], tuple[str, ...], frozenset[str], frozenset[str]], ...] = (
    # name, keys that must not be there, lines of which one is put in, what rises, what may move
    (
        "license in metadata",
        ("license",),
        ("license: apache-2.0", "license: mit", "license: cc-by-4.0"),
        frozenset({"license_given"}),
        frozenset({"metadata_valid"}),
    ),
    (
        "language in metadata",
        ("language", "languages"),
        ("language: en", "language:\n- de\n- fr", "language: [ja]"),
        frozenset({"language_given"}),
        frozenset({"metadata_valid"}),
    ),
    (
        "task in metadata",
        ("pipeline_tag", "library_name"),
        ("pipeline_tag: text-classification", "library_name: spacy", "pipeline_tag: translation"),
        frozenset({"task_given"}),
        frozenset({"metadata_valid", "language_given"}),
    ),
    (
        "lineage in metadata",
        ("base_model", "datasets"),
        ("base_model: roberta-base", "datasets:\n- conll2003", "datasets: [common_voice]"),
        frozenset({"lineage_given"}),
        frozenset(
            {
                "metadata_valid",
                "data_named",
                "data_described",
                "names_origin",
                "procedure_described",
                "names_test_set",
            }
        ),
    ),
    (
        "results in metadata",
        ("model-index",),
        (
            "model-index:\n- name: complaints-small\n  results:\n  - task:\n      type: text-classification\n"
            "    dataset:\n      name: SST-2\n      type: glue\n    metrics:\n    - type: accuracy\n      value: 0.912",
        ),
        _INDEXED,
        frozenset({"metadata_valid", "compares", "explains_protocol"}),
    ),
)
_WHOLE = """license: apache-2.0
language: en
pipeline_tag: text-classification
library_name: transformers
datasets:
- imdb"""
_SPOILED = (
    ("license", "license: do-what-you-like-9.9"),
    ("language", "language: Klingonish"),
    ("pipeline_tag", "pipeline_tag: does-everything"),
)


def metadata_puts(card: CutCard, random: Random) -> Iterator[CardEdit]:
    """Keys that the card lacks, all at once where it has no front matter, and one value that the Hub refuses."""
    if card.front and not (card.is_readable and card.metadata):
        return
    for name, keys, lines, rises, may in _VALUES:
        if not any(key in card.metadata for key in keys):
            text = card.changed(front=with_lines(card.front, random.choice(lines)))
            yield CardEdit(name, text, rises=rises, may=may)
    if not card.front:
        rises = checks_of("metadata")
        may = frozenset({"data_named", "data_described", "procedure_described", "names_test_set"})
        yield CardEdit("whole metadata", card.changed(front=with_lines("", _WHOLE)), rises=rises, may=may)
    key, line = random.choice(_SPOILED)
    front = with_lines(without_keys(card.front, key), line)
    may = frozenset({"license_given", "language_given", "task_given"})
    yield CardEdit(
        "value that the Hub refuses", card.changed(front=front), falls=frozenset({"metadata_valid"}), may=may
    )


# -------------------------------------------------------------------------------------------------- placeholders

_PLACEHOLDERS = (
    ("Limitations", "More information needed"),
    ("Training data", "TODO"),
    ("Intended uses", "[More Information Needed]"),
    ("Evaluation results", "To be added."),
    ("Einschränkungen", "Weitere Informationen folgen."),
    ("Utilisation prévue", "À compléter"),
    ("训练数据", "待补充"),
)


def placeholder_put(card: CutCard, random: Random) -> CardEdit:
    """A heading that promises something, over a placeholder: nothing but the placeholder may be noticed."""
    heading, text = random.choice(_PLACEHOLDERS)
    level = "#" * min(section_level(card.pieces), 6)
    piece = Piece("prose", f"\n\n{level} {heading}\n\n{text}\n")
    return CardEdit(
        "placeholder", card.changed(pieces=[*card.pieces, piece]), falls=frozenset({"no_placeholders"})
    )


# ------------------------------------------------------------------------------------------ what changes nothing


def shuffled(card: CutCard, random: Random) -> CardEdit | None:
    """The sections in another order, each with what belongs to it; the opening stays first."""
    starts = section_starts(card.pieces)
    if len(starts) < 3:
        return None
    ends = [*starts[1:], len(card.pieces)]
    sections = [card.pieces[start:end] for start, end in zip(starts, ends, strict=True)]
    order = list(range(len(sections)))
    while order == sorted(order):
        random.shuffle(order)
    gap = Piece("blank", "\n\n")
    moved = [piece for at in order for piece in (*sections[at], gap)]
    return CardEdit("order of sections", card.changed(pieces=[*card.pieces[: starts[0]], *moved]))


def restyled(card: CutCard, random: Random) -> CardEdit | None:
    """The headings but the title with a number, a symbol or a colon: the same words."""
    start = title_end(card.pieces)
    style = random.choice(("{n}. {title}", "✨ {title}", "{title}:"))
    pieces, number = list(card.pieces[:start]), 0
    for piece in card.pieces[start:]:
        title = piece.text.strip().strip("#").strip()
        is_styled = piece.kind == "heading" and piece.level < BOLD_LEVEL and "\n" not in title and bool(title)
        number += is_styled
        words = style.format(n=number, title=title.rstrip(":"))
        pieces.append(replace(piece, text=f"{'#' * piece.level} {words}\n") if is_styled else piece)
    return CardEdit("style of headings", card.changed(pieces=pieces)) if number else None
