"""Which sections of the taxonomy in rubric.toml a heading announces, in any of its languages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from tasks.cards.spelling import words_apart
from tasks.rubric import load_rubric

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
