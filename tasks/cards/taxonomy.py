"""Which sections of the taxonomy in rubric.toml a heading announces, in any of its languages."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from tasks.cards.spelling import words_apart
from tasks.rubric import load_rubric

_AMBIGUOUS_FILE = Path(__file__).parent / "ambiguous.toml"

_HEADING_WORDS_MAX = 12  # longer, it is a sentence
_HEADING_CHARACTERS_MAX = 90
_PHRASE_WORDS_MAX = 7
# Scripts that do not separate words by spaces, or that join particles to them.
_JOINED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Phrases:
    """`spaced` are looked up word by word, `joined` with a pattern; `exact` have to be the whole heading."""

    spaced: dict[str, Names]
    joined: dict[str, Names]
    exact: dict[str, Names]
    pattern: re.Pattern[str]


@lru_cache(maxsize=65_536)
def normal_heading(title: str) -> str:
    """Lower case words without numbering, marks and emoji: `2.1 Training & Data!` -> `training and data`."""
    words = re.sub(r"[^\w&]+|_", " ", words_apart(title).casefold()).replace("&", " and ").split()
    while len(words) > 1 and words[0].isdecimal():
        words.pop(0)
    return " ".join(words)


@cache
def _phrases() -> _Phrases:
    spaced: dict[str, Names] = {}
    joined: dict[str, Names] = {}
    exact: dict[str, Names] = {}
    for section in load_rubric().sections:
        for heading in section.headings:
            key = normal_heading(heading.removeprefix("="))
            target = exact if heading.startswith("=") else joined if _JOINED.search(key) else spaced
            target[key] = (*target.get(key, ()), section.id)
    longest_first = sorted(joined, key=lambda phrase: (-len(phrase), phrase))
    return _Phrases(spaced, joined, exact, re.compile("|".join(map(re.escape, longest_first)) or "(?!)"))


@lru_cache(maxsize=65_536)
def sections_named(title: str) -> frozenset[str]:
    """The ids of the sections that a heading announces; the longest phrases win."""
    heading = normal_heading(title)
    words = heading.split()
    if len(words) > _HEADING_WORDS_MAX or len(heading) > _HEADING_CHARACTERS_MAX:
        return frozenset()
    phrases = _phrases()
    named = {*phrases.exact.get(heading, ()), *_spaced(words, phrases.spaced)}
    if _JOINED.search(heading):
        named.update(name for phrase in phrases.pattern.findall(heading) for name in phrases.joined[phrase])
    return frozenset(named)


def _spaced(words: list[str], phrases: dict[str, Names]) -> set[str]:
    """Runs of words from the left, the longest known one at each place. A pattern over all takes 30 times longer."""
    named: set[str] = set()
    at = 0
    while at < len(words):
        for length in range(min(_PHRASE_WORDS_MAX, len(words) - at), 0, -1):
            if names := phrases.get(" ".join(words[at : at + length])):
                named.update(names)
                at += length - 1
                break
        at += 1
    return named


@lru_cache(maxsize=65_536)
def is_whole_name(title: str) -> bool:
    """Whether the heading is only the name of a section."""
    heading, phrases = normal_heading(title), _phrases()
    return heading in phrases.spaced or heading in phrases.exact or heading in phrases.joined


@dataclass(frozen=True, slots=True)
class _Ambiguous:
    """A section that some headings name only with some texts beneath them; explained in `ambiguous.toml`."""

    section: str
    headings: tuple[str, ...]
    needs: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    despite: re.Pattern[str] | None
    otherwise: str | None

    def is_named_by(self, heading: str) -> bool:
        """Whether the normalised heading names the section by nothing but an ambiguous phrase."""
        rest = f" {heading} "
        for phrase in self.headings:
            rest = rest.replace(phrase if _JOINED.search(phrase) else f" {phrase} ", " ")
        return rest != f" {heading} " and self.section not in sections_named(rest)

    def is_meant(self, text: str) -> bool:
        """Whether the casefolded text is what the section is for."""
        if self.needs:
            return bool(self.needs.search(text))
        is_other = bool(self.unless and self.unless.search(text))
        return not is_other or bool(self.despite and self.despite.search(text))


@cache
def _ambiguous() -> tuple[_Ambiguous, ...]:
    entries = tomllib.loads(_AMBIGUOUS_FILE.read_text(encoding="utf-8"))["ambiguous"]
    patterns = ("needs", "unless", "despite")
    return tuple(
        _Ambiguous(
            section=entry["section"],
            headings=tuple(entry["headings"]),
            otherwise=entry.get("otherwise"),
            **{name: re.compile("|".join(entry[name])) if name in entry else None for name in patterns},
        )
        for entry in entries
    )


def sections_meant(names: frozenset[str], title: str, text: str) -> frozenset[str]:
    """The sections that a heading announces, given the text beneath it: `names` without those that it does not mean."""
    for ambiguous in _ambiguous():
        if (
            ambiguous.section in names
            and ambiguous.is_named_by(normal_heading(title))
            and not ambiguous.is_meant(text.casefold())
        ):
            other = {ambiguous.otherwise} if ambiguous.otherwise else set()
            names = names - {ambiguous.section} | other
    return names
