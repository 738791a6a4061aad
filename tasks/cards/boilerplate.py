"""What nobody wrote: sentences that stand in many people's cards word for word, but for names and numbers.

A list of tools that write cards is always older than the tools. So what they write is learned from the cards: a
sentence, without its names, numbers and addresses, that the cards of five authors hold was written by a form or a tool.
`tasks/boilerplate/` counts them; a table holds digests alone, never text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path

import polars as pl

_SHIPPED = Path(__file__).parent / "boilerplate.parquet"

# A sentence ends at a mark before a blank, or at one of an unspaced script; a label's colon ends one, too.
_SENTENCE_END = re.compile(r"(?<=[.!?:؟।])\s+|(?<=[。！？：])")
# A name has a digit, a mark of paths, code or addresses, or three parts; or a capital, unless it begins the sentence:
# names of models, data, people and languages.
_MARKED = re.compile(r"[\d/_@{}<>=\\]|[^-]-[^-]+-")
_SHORT_CHARACTERS = 400  # of a sentence whose digest is kept
_CAPITAL = re.compile(r"[A-Z]")
# Scripts without blanks between words, in which a name stands among other words.
_PIECES = re.compile("[^\u3000-\uffff]+|[\u3000-\uffff]+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """A table of such sentences: their digests (`sentence_id`), and the version that verdicts and facts are kept by."""

    version: str
    ids: frozenset[int]

    def own(self, block: str) -> str:
        """The sentences of a paragraph that are in no table, joined; the paragraph itself where all are."""
        sentences = sentences_of(block)
        own = [sentence for sentence in sentences if sentence_id(sentence) not in self.ids]
        return block if len(own) == len(sentences) else " ".join(own)


def sentences_of(block: str) -> list[str]:
    """The sentences of a paragraph or list item."""
    return [sentence for sentence in _SENTENCE_END.split(block) if sentence]


def sentence_id(sentence: str) -> int:
    """A digest of a sentence without its names, numbers and addresses (64 bits, signed); 0 for less than two words."""
    return _short_id(sentence) if len(sentence) < _SHORT_CHARACTERS else _id(sentence)


def _id(sentence: str) -> int:
    text = " ".join([w for n, w in enumerate(_pieces(sentence)) if not _is_name(w, not n)]).casefold()
    kept = [text] if text.isalpha() else _WORD.findall(text)
    if len(kept) < 2 and (not kept or kept[0].isascii()):
        return 0
    return digest_of(" ".join(kept))


@lru_cache(maxsize=65_536)
def _short_id(sentence: str) -> int:
    """The same, kept: many cards share sentences."""
    return _id(sentence)


def names_in(sentence: str) -> list[str]:
    """What `sentence_id` leaves out: by these two cards with one form differ, and a card and its copy do not."""
    return [word for number, word in enumerate(_pieces(sentence)) if _is_name(word, not number)]


def _pieces(sentence: str) -> list[str]:
    """What stands between blanks, or between a script with blanks and one without."""
    words = sentence.split()
    return words if sentence.isascii() else [piece for word in words for piece in _PIECES.findall(word)]


def _is_name(word: str, is_first: bool) -> bool:
    if word.isalpha() and (is_first or word.islower()):
        return False
    return bool(_MARKED.search(word)) or (not is_first and bool(_CAPITAL.search(word)))


def digest_of(text: str) -> int:
    """64 bits, signed."""
    return int.from_bytes(
        blake2b(text.encode(errors="replace"), digest_size=8).digest(), "little", signed=True
    )


def boilerplate(version: str, ids: Iterable[int]) -> Boilerplate:
    """A table of these sentences."""
    return Boilerplate(version, frozenset(ids))


@cache
def shipped() -> Boilerplate:
    """The table that comes with the package; its columns are those of `BoilerplateSentence`."""
    rows = pl.read_parquet(_SHIPPED)
    return boilerplate(str(rows["version"].first()), rows["sentence"])
