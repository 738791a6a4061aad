"""What sets a kind of card apart: class-based TF-IDF of its words, and over-represented tags, libraries and authors.

A term's weight in a kind is its frequency there times log(1 + A / f), where f is its frequency over all kinds and A the
mean number of words per kind (Grootendorst 2022, "BERTopic: neural topic modeling with a class-based TF-IDF
procedure"). Frequencies are numbers of cards, not of mentions: a word counts once per card, so that one long card
cannot name a kind. Cards can be given less weight, so that 400 similar cards of one author cannot name it either.

Counting streams: cards are not kept, and tables are bounded by pruning their rarest entries (lossy counting; Manku &
Motwani 2002, "Approximate frequency counts over data streams").
"""

from __future__ import annotations

import heapq
import re
import tomllib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from itertools import chain
from math import log
from pathlib import Path
from typing import Any

from tasks.cards.parse import parse_card

_FILE = Path(__file__).parent / "words.toml"

ENTRIES_MAX = 2_000_000  # of all kinds together: about 300 MB
WORDS_A_CARD_MAX = 2_000  # distinct; what comes after is not counted
VALUES_A_MODEL_MAX = 200  # tags that are counted
_VALUE_CHARACTERS_MAX = 80
_WORD_CHARACTERS_MAX = 30
_LETTERS_MIN = 3
_DIGITS_MAX = 2  # "wav2vec2" is a word; with more digits it is a version, a date or a hash
TERM_SHARE_MIN = 0.05  # of a kind's cards: a word of fewer does not stand for the kind
VALUE_SHARE_MIN = 0.1
VALUE_LIFT_MIN = 1.2


@cache
def word_file() -> Mapping[str, Any]:
    """`words.toml`, read once."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@cache
def stop_words() -> frozenset[str]:
    """Words of any card, in lower case."""
    file = word_file()
    return frozenset(chain.from_iterable(file[name].split() for name in ("english", "cards", "others")))


# ------------------------------------------------------------------------------------------------- words

_LEFT_OUT = re.compile(
    r"(?:https?://|www\.)\S{1,2000}"
    r"|(?<!\S)\S{1,80}@\S{1,80}\.\w{2,10}"
    r"|(?<![A-Za-z0-9_.-])[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_./-]{1,200}"  # owner/name, and paths
    r"|(?<!\w)\w{1,60}_\w{1,200}"  # of inline code, which the parser does not mark, at least snake case
)
# Combining signs are not letters to `\w`: without them words of most Indian scripts fall to pieces.
_SIGNS = (
    "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670"  # Latin, Hebrew, Arabic
    "\u0900-\u0963\u0981-\u0dff\u0e31-\u0e4e\u0f71-\u0f84\u102b-\u103e"  # India, Thailand, Tibet, Burma
)
_CJK = "\u3005\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_HANGUL = "\uac00-\ud7af"
_WORD = re.compile(rf"[{_CJK}]+|(?:(?![{_CJK}])[^\W_]|[{_SIGNS}])+")
_IS_CJK = re.compile(f"[{_CJK}]")
_IS_HANGUL = re.compile(f"[{_HANGUL}]")
_HIRAGANA_ALONE = re.compile("[\u3041-\u309f]+")  # grammar, as a rule
_HEX = re.compile("(?=.*[0-9])[0-9a-f]{6,}")


def telling_words(text: str) -> list[str]:
    """The words of a card that may say what it is about, each once, in their order; at most `WORDS_A_CARD_MAX`.

    They come from paragraphs, list items and headings, in lower case, with three letters or more (Hangul: two; Chinese
    and Japanese: every two characters). Stop words, code, tables, URLs, names of models and hashes are left out.
    """
    found: dict[str, None] = {}
    stop = stop_words()
    for section in parse_card(text).sections:
        for passage in (section.title, *section.blocks):
            plain = _LEFT_OUT.sub(" ", unicodedata.normalize("NFC", passage)).lower()
            for match in _WORD.finditer(plain):
                for word in _words_of(match[0]):
                    if word not in stop:
                        found[word] = None
                if len(found) >= WORDS_A_CARD_MAX:
                    return list(found)[:WORDS_A_CARD_MAX]
    return list(found)


def _words_of(run: str) -> tuple[str, ...]:
    if _IS_CJK.match(run):
        pairs = (run[at : at + 2] for at in range(min(len(run) - 1, WORDS_A_CARD_MAX)))
        return tuple(pair for pair in pairs if not _HIRAGANA_ALONE.fullmatch(pair))
    # Its length comes first: the cache then holds short strings only, whatever is in a card.
    return (run,) if len(run) <= _WORD_CHARACTERS_MAX and _is_word(run) else ()


@lru_cache(maxsize=65_536)
def _is_word(run: str) -> bool:
    """Whether a run of letters and digits, in lower case, is a word: with enough letters, and no hash or number."""
    letters = sum(map(str.isalpha, run))
    digits = sum(map(str.isdigit, run))
    fewest = 2 if _IS_HANGUL.search(run) else _LETTERS_MIN
    return letters >= fewest and digits <= _DIGITS_MAX and not _HEX.fullmatch(run)


# ------------------------------------------------------------------------------------------------- counts


class _Counts:
    """Counts of values, by kind and over all, in tables of at most `entries_max` entries together.

    When they are full, the entries with the smallest counts are dropped until they are half full. A count is then too
    low by at most `floor`, and never too high.
    """

    def __init__(self, entries_max: int) -> None:
        self._entries_max = max(entries_max, 2)
        self.within: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self.overall: dict[str, float] = defaultdict(float)
        self.total: dict[int, float] = defaultdict(float)  # by kind, dropped values included
        self.entries = 0
        self.floor = 0.0

    def add(self, kind: int, values: Iterable[str], weight: float) -> None:
        table = self.within[kind]
        self.total[kind] += 0.0  # a kind counts even without values
        for value in values:
            self.entries += (value not in table) + (value not in self.overall)
            table[value] += weight
            self.overall[value] += weight
            self.total[kind] += weight
        if self.entries > self._entries_max:
            self._prune()

    def over_all(self, value: str, at_least: float) -> float:
        """Its count over all kinds, and not less than one kind's count of it."""
        return max(self.overall.get(value, 0.0), at_least)

    def _prune(self) -> None:
        tables = [*self.within.values(), self.overall]
        counts = sorted(chain.from_iterable(table.values() for table in tables))
        limit = counts[len(counts) // 2]  # half of all entries are not above it
        self.floor += limit
        for table in tables:
            for value in [value for value, count in table.items() if count <= limit]:
                del table[value]
        self.entries = sum(map(len, tables))


class TermCounts:
    """Words of cards, counted by kind. Each card is counted once; similar cards of one author have a lower `weight`."""

    def __init__(self, entries_max: int = ENTRIES_MAX) -> None:
        self._counts = _Counts(entries_max)
        self._cards: dict[int, float] = defaultdict(float)

    def count(self, kind: int, words: Iterable[str], weight: float = 1.0) -> None:
        """Count a card of a kind and its words, each once, however often it occurs. `weight` is above 0."""
        if not weight > 0:
            raise ValueError(f"the weight of a card must be above 0, not {weight}")
        self._cards[kind] += weight
        self._counts.add(kind, dict.fromkeys(words), weight)

    def top_terms(self, kind: int, n: int) -> list[tuple[str, float]]:
        """The kind's n terms of greatest weight, the greatest first; none of fewer than 5 % of its cards.

        The weight is c-TF-IDF with frequencies as shares of the kind's words; ties are in alphabetical order. Empty for
        a kind without cards.
        """
        table, cards = self._counts.within.get(kind, {}), self._cards.get(kind, 0.0)
        total = self._counts.total.get(kind, 0.0)
        if not total:
            return []
        mean = sum(self._counts.total.values()) / len(self._counts.total)
        weights = (
            (word, count / total * log(1 + mean / self._counts.over_all(word, count)))
            for word, count in table.items()
            if count >= TERM_SHARE_MIN * cards
        )
        return heapq.nsmallest(n, weights, key=lambda entry: (-entry[1], entry[0]))


# ------------------------------------------------------------------------------------------- composition


@dataclass(frozen=True, slots=True)
class TermValue:
    """A value that is over-represented in a kind: its share of the kind's models, and that over its share of all."""

    value: str
    share: float
    lift: float


@dataclass(frozen=True, slots=True)
class Composition:
    """Of each column, the values that a kind's models have more often than others."""

    tags: tuple[TermValue, ...] = ()
    libraries: tuple[TermValue, ...] = ()
    authors: tuple[TermValue, ...] = ()
    formats: tuple[TermValue, ...] = ()
    languages: tuple[TermValue, ...] = ()
    pipelines: tuple[TermValue, ...] = ()


def languages_of(tags: Iterable[str]) -> list[str]:
    """The language codes among a model's tags."""
    known = word_file()["languages"]
    return [tag for tag in dict.fromkeys(tags) if tag in known]


class CompositionCounts:
    """Models of kinds, counted by their tags, libraries and so on."""

    def __init__(self, entries_max: int = ENTRIES_MAX) -> None:
        self._columns = {column.name: _Counts(entries_max // 6) for column in fields(Composition)}
        self._models: Counter[int] = Counter()

    def count(self, kind: int, tags: Iterable[str] = (), **values: str | None) -> None:
        """Count a model of a kind: its tags, its languages, which are among them, and its value in other columns."""
        tags = list(tags)[:VALUES_A_MODEL_MAX]
        columns: dict[str, Iterable[str | None]] = {"tags": tags, "languages": languages_of(tags)}
        columns |= {name: [value] for name, value in values.items()}
        self._models[kind] += 1
        for name, given in columns.items():
            distinct = dict.fromkeys(value[:_VALUE_CHARACTERS_MAX] for value in given if value)
            self._columns[name].add(kind, distinct, 1.0)

    def composition(self, kind: int, n: int = 5) -> Composition:
        """Of each column, the kind's n most over-represented values among those that a tenth of its models have."""
        return Composition(**{name: self._values(counts, kind, n) for name, counts in self._columns.items()})

    def _values(self, counts: _Counts, kind: int, n: int) -> tuple[TermValue, ...]:
        within, models, everywhere = counts.within.get(kind, {}), self._models[kind], self._models.total()
        shares = (
            TermValue(value, count / models, (count / models) / (counts.over_all(value, count) / everywhere))
            for value, count in within.items()
            if count >= VALUE_SHARE_MIN * models
        )
        # The log-ratio times the share: at equal lift, a value of 90 % of the models says more than one of 10 %.
        telling = (value for value in shares if value.lift >= VALUE_LIFT_MIN or value.share >= 0.5)
        return tuple(heapq.nsmallest(n, telling, key=lambda v: (-v.share * log(1 + v.lift), v.value)))
