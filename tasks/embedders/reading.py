"""Which parts of a card are embedded.

A map of texts shows what most of their words are about. So all text that does not say what kind of model it is gets
special treatment:

- The beginning of each section is read, under its title. Cards of a kind contain the same things; how much they say
  about each depends on the publisher's diligence, which the score measures and the map should not.
- Of the front matter, the facts that say what the model is (task, library, languages, tags, whether it has a base
  model) are read as one line of words, with a fixed weight. The rest (licences, widget examples, tables of metrics) is
  left out: a hundred lines of results would dominate the card.
- Code is cut to its first lines, which name the library; tables to their header and first row.
- Names of repositories (`owner/name`), numbers, addresses, images, HTML and comments are left out: by them cards with
  the same author or the same accuracy become neighbours, and models that embed texts read them badly.
- Text that a tool wrote stays: for a card that a tool wrote it is the kind. Open fields of a form ("More Information
  Needed") are left out; the form's titles stay, so that forms left empty are found as such.
- A body of fewer than 200 characters says too little for a place on the map.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.cards.front_matter import Metadata
from tasks.cards.parse import Card, Section, parse_card
from tasks.cards.templates import placeholders

READING_VERSION = 2  # raise it when other parts are read: texts are then embedded anew
BODY_CHARACTERS_MIN = 200
LEAD_CHARACTERS = 160
TITLE_CHARACTERS = 100
SECTIONS_MAX = 64
_BLOCK_CHARACTERS = 400
_CODE_LINES, _TABLE_ROWS, _CELL_CHARACTERS = 4, 2, 40
_TAGS_MAX, _TAG_CHARACTERS = 8, 40

_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+")
_REPOSITORY = re.compile(r"(?<![\w/.])[\w.-]{1,96}/[\w.-]{1,96}(?![\w/])")
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d.,:/%-]{0,40}(?:e[-+]?\d+)?(?!\w)")
_BLANK = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class CardReading:
    """The parts of a card that are read: its metadata as a line of words, and the beginning of each section."""

    metadata: str
    sections: tuple[str, ...]


def read_card(text: str) -> CardReading | None:
    """Read the parts of a card that are embedded; null if there is too little text. Never raises."""
    card = parse_card(text)
    if len(card.body.strip()) < BODY_CHARACTERS_MIN:
        return None
    sections = tuple(_sections(card))
    return CardReading(_metadata_words(card.metadata), sections) if sections else None


def _sections(card: Card) -> Iterator[str]:
    for section in card.sections[:SECTIONS_MAX]:
        title = plain(section.title)[:TITLE_CHARACTERS]
        lead = _cut(" ".join(_blocks(section)), LEAD_CHARACTERS)
        if title or lead:
            yield f"{title}: {lead}" if title and lead else title or lead


def _blocks(section: Section) -> Iterator[str]:
    """A section's paragraphs, then the beginnings of its code and its tables, up to the length of a lead."""
    left = LEAD_CHARACTERS
    for block in _raw_blocks(section):
        if left <= 0:
            return
        if text := plain(block[:_BLOCK_CHARACTERS]):
            left -= len(text) + 1
            yield text


def _raw_blocks(section: Section) -> Iterator[str]:
    for block in section.blocks:
        lowered = block[:_BLOCK_CHARACTERS].lower()
        if not any(phrase in lowered for phrase in placeholders()):
            yield block
    for code in section.codes:
        yield "\n".join(code.text[:_BLOCK_CHARACTERS].strip().splitlines()[:_CODE_LINES])
    for table in section.tables:
        for row in table.rows[:_TABLE_ROWS]:
            yield " | ".join(cell[:_CELL_CHARACTERS] for cell in row)


def plain(text: str) -> str:
    """A text on one line, without addresses and names of repositories, and with 0 for each number."""
    text = _REPOSITORY.sub("", _ADDRESS.sub("", text))
    return _BLANK.sub(" ", _NUMBER.sub("0", text)).strip()


def _cut(text: str, characters: int) -> str:
    """The beginning of a text, cut between words if possible."""
    if len(text) <= characters:
        return text
    return text[:characters].rpartition(" ")[0] or text[:characters]


def _metadata_words(metadata: Metadata) -> str:
    """Facts of the front matter, such as `task text-generation; library peft; language en`."""
    keys = {"task": "pipeline_tag", "library": "library_name", "language": "language", "tags": "tags"}
    words = [
        f"{word} {', '.join(values)}" for word, key in keys.items() if (values := _values(metadata.get(key)))
    ]
    return "; ".join([*words, *(["made from a base model"] if metadata.get("base_model") else [])])


def _values(value: object) -> list[str]:
    """A key's values, without tags with a colon, which the Hub adds (`dataset:…`, `arxiv:…`)."""
    entries = value if isinstance(value, list) else [value]
    texts = (entry.strip() for entry in entries if isinstance(entry, str) and ":" not in entry)
    return [text[:_TAG_CHARACTERS] for text in texts if text][:_TAGS_MAX]
