"""What of a card is embedded.

A map of texts shows whatever its texts hold most of, so everything that is not about the kind of model is treated on
purpose:

- The beginning of each section is read, under its title. Cards of a kind have the same things in them; how much is
  said of each is the publisher's diligence, which the score measures and the map should not.
- Of the front matter, what says what the model is (task, library, languages, tags, whether it was made from another)
  is read as one line of words, which weighs as a fixed part of the whole. The rest of it (licences, widget examples,
  tables of metrics) is left out: a hundred lines of results would be the card.
- Code is cut to its first lines, which name the library; tables to their header and first row.
- Names of repositories (`owner/name`), numbers, addresses, images, HTML and comments are left out: they make
  neighbours of cards that share an author or an accuracy, and models that embed texts read them badly.
- What a tool wrote stays: for a card that a tool wrote it is the kind. What a form leaves open ("More Information
  Needed") is left out; the form's titles stay, so that forms left empty are found as what they are.
- A body of fewer than 200 characters says too little to be placed anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.cards.front_matter import Metadata
from tasks.cards.parse import Card, Section, parse_card
from tasks.cards.templates import placeholders

READING_VERSION = 1  # raise it with any change of what is read: texts are then embedded anew
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
    """What is read of a card: its metadata as a line of words, and its sections, each in a few sentences."""

    metadata: str
    sections: tuple[str, ...]


def read_card(text: str) -> CardReading | None:
    """What of a card is embedded; null where there is too little. Never raises."""
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
    """A section's paragraphs, then the beginnings of its code and of its tables, until there is enough."""
    left = LEAD_CHARACTERS
    for block in _raw_blocks(section):
        if left <= 0:
            return
        if said := plain(block[:_BLOCK_CHARACTERS]):
            left -= len(said) + 1
            yield said


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
    """Words without addresses, names of repositories and numbers, in one line."""
    text = _REPOSITORY.sub("", _ADDRESS.sub("", text))
    return _BLANK.sub(" ", _NUMBER.sub("0", text)).strip()


def _cut(text: str, characters: int) -> str:
    """The beginning of a text, cut between words where it has any."""
    if len(text) <= characters:
        return text
    return text[:characters].rpartition(" ")[0] or text[:characters]


def _metadata_words(metadata: Metadata) -> str:
    """What the front matter says the model is, such as `task text-generation; library peft; language en`."""
    named = (
        ("task", "pipeline_tag"),
        ("library", "library_name"),
        ("language", "language"),
        ("tags", "tags"),
    )
    words = [f"{word} {', '.join(values)}" for word, key in named if (values := _values(metadata.get(key)))]
    return "; ".join([*words, *(["made from a base model"] if metadata.get("base_model") else [])])


def _values(value: object) -> list[str]:
    """A key's values; tags with a colon are the Hub's own bookkeeping (`dataset:…`, `arxiv:…`)."""
    values = value if isinstance(value, list) else [value]
    said = [
        entry.strip()[:_TAG_CHARACTERS] for entry in values if isinstance(entry, str) and ":" not in entry
    ]
    return [entry for entry in said if entry][:_TAGS_MAX]
