"""Which template or tool made a card: `templates.toml` read once, and the search for its traces.

A card is read once however many templates there are: its words are looked up in an index of one word per mark, and
only the marks whose word occurs are compared with the text.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

_FILE = Path(__file__).parent / "templates.toml"
_OPENING = 3_000  # characters in which a converter says what it converted
_ANYTHING = " … "  # between the phrases of a mark
_TAG = "tag:"
_START = "^"
# Words of many cards: a mark is better looked up by another.
_COMMON = """
[ ] a about access are automatically be been by can contains converted created data during evaluation files following
for format framework from has hyperparameters image in information install is language library model models of on
parameters pipeline repository results the that this to train trained training transformers use used using version
versions was weights with
"""
_COMMON_WORDS = frozenset(_COMMON.split())
# `Loss: 0.31` and `Precision@10: 81.2 %` report what was measured, whoever wrote them.
_MEASUREMENT = re.compile(r"[^:]{1,60}:\s{0,3}[-+~≈±\d.,e%/() ]{1,40}")

TemplateKind = Literal["form", "tool", "bot"]


@dataclass(frozen=True, slots=True)
class Template:
    """One way of making cards; the fields are explained in `templates.toml`."""

    name: str
    kind: TemplateKind
    marks: tuple[str, ...] = ()
    opening: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    headings_min: int = 0
    boilerplate: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()

    def wrote(self, blocks: Collection[str]) -> set[str]:
        """Those of the paragraphs and list items, in lower case, that the tool supplies."""
        text = "\n".join(blocks)
        phrases = [phrase for phrase in self.boilerplate if phrase in text]
        return {block for block in blocks if self._supplies(block, phrases)}

    def _supplies(self, block: str, phrases: list[str]) -> bool:
        if block.startswith(self.starts):
            return True
        for phrase in phrases:  # a plain loop: this runs for every paragraph
            if phrase in block:
                return True
        return self.kind == "tool" and len(block) < 100 and bool(_MEASUREMENT.fullmatch(block))


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@cache
def templates() -> tuple[Template, ...]:
    """All known ones; the first that fits wins."""
    return tuple(map(_template, _file()["templates"]))


def _template(entry: dict[str, Any]) -> Template:
    """An entry of the file with what it shares with others."""
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    for name in fields.pop("shares", ()):
        for key, phrases in _file()["shared"][name].items():
            fields[key] = (*fields.get(key, ()), *phrases)
    return Template(**fields)


@cache
def placeholders() -> tuple[str, ...]:
    """Phrases that forms leave open, in lower case."""
    return tuple(_file()["placeholders"])


def recognise(body: str, tags: Collection[str], headings: Collection[str]) -> Template | None:
    """The template behind a card: `body` in lower case, `tags` of its metadata, `headings` normalised."""
    found = [place for tag in tags for place in _index().by_tag.get(tag, ())]
    words = _words(body)
    text = " ".join(words)
    marks = _marks_among(words)
    found += [mark.place for mark in marks if mark.fits(text, tags)]
    found += [
        place for place, names, least in _index().by_headings if sum(n in headings for n in names) >= least
    ]
    return templates()[min(found)] if found else None


# ------------------------------------------------------------------------------------------------ the index


@dataclass(frozen=True, slots=True)
class _Mark:
    """Phrases and tags that all stand in the cards of the template at `place`, the phrases before `within`."""

    place: int
    phrases: tuple[str, ...]
    tags: tuple[str, ...]
    start: str
    within: int | None

    def fits(self, text: str, tags: Collection[str]) -> bool:
        if not text.startswith(self.start):
            return False
        for phrase in self.phrases:
            if text.find(phrase, 0, self.within) < 0:
                return False
        return all(tag in tags for tag in self.tags)


@dataclass(frozen=True, slots=True)
class _Index:
    by_word: dict[str, tuple[_Mark, ...]]
    wordless: tuple[_Mark, ...]
    by_tag: dict[str, tuple[int, ...]]
    by_headings: tuple[tuple[int, tuple[str, ...], int], ...]


def _words(text: str) -> list[str]:
    """Words between blanks; the name of a link is a word, whatever it links to."""
    return text.replace("[", " [ ").replace("]", " ] ").split()


def _marks_among(words: list[str]) -> list[_Mark]:
    """The marks that may be in a text of these words."""
    index = _index()
    return [*index.wordless, *(mark for word in index.by_word.keys() & words for mark in index.by_word[word])]


@cache
def _index() -> _Index:
    by_word: defaultdict[str, list[_Mark]] = defaultdict(list)
    by_tag: defaultdict[str, list[int]] = defaultdict(list)
    for place, template in enumerate(templates()):
        for tag in template.tags:
            by_tag[tag].append(place)
        for source in template.marks:
            by_word[_telling_word(source)].append(_mark(place, source, None))
        for source in template.opening:
            by_word[_telling_word(source)].append(_mark(place, source, _OPENING))
    return _Index(
        by_word={word: tuple(marks) for word, marks in by_word.items() if word},
        wordless=tuple(by_word.get("", ())),
        by_tag={tag: tuple(places) for tag, places in by_tag.items()},
        by_headings=tuple(
            (p, t.headings, t.headings_min) for p, t in enumerate(templates()) if t.headings_min
        ),
    )


def _mark(place: int, source: str, within: int | None) -> _Mark:
    parts = source.split(_ANYTHING)
    return _Mark(
        place=place,
        phrases=_phrases(source),
        tags=tuple(part.removeprefix(_TAG) for part in parts if part.startswith(_TAG)),
        start=next(
            (" ".join(_words(part.removeprefix(_START))) for part in parts if part.startswith(_START)), ""
        ),
        within=within,
    )


def _phrases(source: str) -> tuple[str, ...]:
    parts = [part for part in source.split(_ANYTHING) if not part.startswith((_TAG, _START))]
    return tuple(" ".join(_words(part)) for part in parts)


def _telling_word(source: str) -> str:
    """A word that every text with the mark holds, the longest that few others do; none where a phrase may cut it."""
    words = [word for phrase in _phrases(source) for word in phrase.split()[1:-1]]
    return max(words, key=lambda word: (word not in _COMMON_WORDS, len(word), word), default="")
