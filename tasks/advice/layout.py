"""How a card is laid out: its headings, their usual level and marker, its language, and where a section belongs."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from tasks.advice.rule import Reading
from tasks.advice.wording import wording
from tasks.cards.places import HeadingPlace
from tasks.cards.taxonomy import is_whole_name, normal_heading, sections_named
from tasks.rubric import RUBRIC_FILE, load_rubric

_ATX = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*")
_IN_A_BLOCK = re.compile(r"\s{0,3}(?:[>*+-]|\d{1,9}[.)])(?:\s|$)")
_UNDERLINE_MIN = 5  # three dashes alone in a line could close a front matter
_TITLE_WORDS_MIN = 6  # a sentence on the model, in which the name of a section may occur
_DETAILS = {"en": "Model details"}  # where the card describes the model before its first section


@dataclass(frozen=True, slots=True)
class Stop:
    """A heading of the card itself, not of a quotation or a list. `sections`: what it announces."""

    line: int
    level: int
    is_underlined: bool
    sections: frozenset[str]


@dataclass(frozen=True, slots=True)
class Layout:
    """The stops of a card without its title, and in which way it writes headings. `last`: the line behind its last."""

    stops: tuple[Stop, ...]
    level: int
    is_underlined: bool
    language: str
    last: int

    def place_for(self, section: str) -> int:
        """The line before which a section belongs, by the usual order; behind the last line where nothing is known.

        Of places that break the order equally often it is the last.
        """
        order = _order()
        tops = [stop for stop in self.stops if stop.level <= self.level]
        starts = [*(stop.line for stop in tops), self.last]
        ranks = [
            self._rank(at, start, until) for at, start, until in zip(tops, starts, starts[1:], strict=False)
        ]
        own = order[section]
        broken = [
            sum(rank is not None and rank < own for rank in ranks[n:])
            + sum(rank is not None and rank > own for rank in ranks[:n])
            for n in range(len(starts))
        ]
        return starts[max(range(len(starts)), key=lambda n: (-broken[n], n))]

    def _rank(self, top: Stop, start: int, until: int) -> int | None:
        """The place in the usual order of what stands under a heading: by its own name, else by what it holds."""
        order = _order()
        inner = {name for stop in self.stops if start <= stop.line < until for name in stop.sections}
        return min((order[name] for name in top.sections or inner), default=None)

    def empty_place(self, section: str) -> int | None:
        """The line behind the first heading that announces the section and what stands directly under it."""
        found = next((n for n, stop in enumerate(self.stops) if section in stop.sections), None)
        if found is None:
            return None
        return self.stops[found + 1].line if found + 1 < len(self.stops) else self.last

    def heading(self, section: str, *, is_introduced: bool) -> tuple[str, ...]:
        """The lines of a heading for a section, as this card writes them."""
        title = title_in(self.language, section, is_introduced=is_introduced)
        if self.is_underlined and self.level <= 2:
            return title, "=-"[self.level - 1] * max(_UNDERLINE_MIN, len(title))
        return (f"{'#' * self.level} {title}",)


def layout_of(reading: Reading) -> Layout:
    """Total: any card has a layout."""
    lines = reading.places.lines
    found = [
        Stop(place.line, place.level, marker == "underline", _announced(n, place))
        for n, place in enumerate(reading.places.headings)
        if (marker := _marker(lines, place.line))
    ]
    headings = reading.places.headings
    title = headings[0].line if headings and is_title(headings[0].level, headings[0].title) else None
    stops = tuple(stop for stop in found if stop.line != title)
    level = _usual_level(stops, headings[0].level if title else None)
    underlined = [stop.is_underlined for stop in found if stop.level <= 2]
    return Layout(
        stops=stops,
        level=level,
        is_underlined=sum(underlined) > len(underlined) / 2,
        language=_language([place.title for place in headings]),
        last=len(lines) + (lines[-1] != ""),
    )


def is_title(level: int, title: str) -> bool:
    """Whether the first heading of a card is its title: nothing belongs above it, and it announces no section."""
    if is_whole_name(title):
        return False
    return level == 1 or not sections_named(title) or len(title.split()) >= _TITLE_WORDS_MIN


def _announced(n: int, place: HeadingPlace) -> frozenset[str]:
    return frozenset() if n == 0 and is_title(place.level, place.title) else sections_named(place.title)


def _marker(lines: Sequence[str], line: int) -> str | None:
    """How a heading is marked; null for one that stands in a list or a quotation."""
    own, *below = lines[line - 1 : line + 6]
    if _ATX.match(own):
        return "hashes"
    if not _IN_A_BLOCK.match(own) and any(map(_UNDERLINE.fullmatch, below)):
        return "underline"
    return None


def _usual_level(stops: Collection[Stop], title: int | None) -> int:
    """The level of most sections that stand in no other section; where there is none, the second."""
    tops: list[int] = []
    above: list[int] = []
    for stop in stops:
        while above and above[-1] >= stop.level:
            above.pop()
        if stop.sections:
            tops += [] if above else [stop.level]
            above.append(stop.level)
    counted = Counter(tops or [stop.level for stop in stops])
    if not counted:
        return title if title and title > 1 else 2  # deeper ones would make a title of what is none
    return max(counted, key=lambda level: (counted[level], level))


# ------------------------------------------------------------------------------------------------- language


@cache
def _order() -> dict[str, int]:
    return {section.id: n for n, section in enumerate(load_rubric().sections)}


@cache
def _phrases() -> dict[str, dict[str, list[str]]]:
    """The headings of each section by language, as the rubric lists them."""
    sections = tomllib.loads(RUBRIC_FILE.read_text(encoding="utf-8"))["sections"]
    return {
        name: {language: phrases for language, phrases in entry.items() if language != "title"}
        for name, entry in sections.items()
    }


@cache
def _languages_of() -> dict[str, frozenset[str]]:
    """The languages in which a normalised heading is the name of a section."""
    found: dict[str, set[str]] = {}
    for by_language in _phrases().values():
        for language, phrases in by_language.items():
            for phrase in phrases:
                found.setdefault(normal_heading(phrase.removeprefix("=")), set()).add(language)
    return {heading: frozenset(languages) for heading, languages in found.items()}


def _language(titles: Collection[str]) -> str:
    """The language in which most headings name a section; English where it is as good as any."""
    counted = Counter(
        language for title in titles for language in _languages_of().get(normal_heading(title), ())
    )
    return max(sorted(counted), key=lambda language: (counted[language], language == "en"), default="en")


def title_in(language: str, section: str, *, is_introduced: bool = False) -> str:
    """A section's heading in a language, or in English where the taxonomy has none in it."""
    if section == "description" and is_introduced and language in _DETAILS:
        return _DETAILS[language]
    if written := wording()["headings"].get(language, {}).get(section):
        return str(written)
    if language != "en":
        for phrase in _phrases()[section].get(language, ()):
            if all(
                len(word) > 1 or not word.isascii() for word in phrase.split()
            ):  # "d entraînement" has lost its '
                plain = phrase.removeprefix("=")
                return plain[0].upper() + plain[1:]
    return next(each.title for each in load_rubric().sections if each.id == section)
