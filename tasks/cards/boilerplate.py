"""What nobody wrote: sentences that stand in many people's cards word for word, but for names and numbers.

A list of tools that write cards is always older than the tools. So what they write is learned from the cards: a
sentence, without its names, numbers and addresses, that the cards of five authors hold was written by a form or a tool.
`tasks/boilerplate/` counts them; a table holds digests alone, never text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

import polars as pl

_SHIPPED = Path(__file__).parent / "boilerplate.parquet"

# A sentence ends at a mark before a blank, or at one of an unspaced script; a label's colon ends one, too.
_SENTENCE_END = re.compile(r"(?<=[.!?:؟।])\s+|(?<=[。！？：])")
_PLAIN = "[^\\s\u3000-\uffff]"  # of scripts with blanks between words: elsewhere a name is no word of its own
# Numbers, paths, ids, code and addresses; words of three parts, as models have; words with capitals that do not begin
# the sentence: names of models, data, people and languages.
_NAME = re.compile(
    rf"{_PLAIN}*[\d/_@{{}}<>=\\]{_PLAIN}*|{_PLAIN}+-{_PLAIN}+-{_PLAIN}*|(?<=\s){_PLAIN}*[A-Z]{_PLAIN}*"
)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """A table of such sentences: their digests (`sentence_id`), and the version that verdicts and facts are kept by."""

    version: str
    ids: frozenset[int]

    def own(self, block: str) -> str:
        """The sentences of a paragraph that are in no table, joined; the paragraph itself where all are."""
        sentences = [sentence for sentence in sentences_of(block) if sentence]
        own = [sentence for sentence in sentences if sentence_id(sentence) not in self.ids]
        return block if len(own) == len(sentences) else " ".join(own)


def sentences_of(block: str) -> Iterator[str]:
    """The sentences of a paragraph or list item."""
    return (sentence for sentence in _SENTENCE_END.split(block))


def sentence_id(sentence: str) -> int:
    """A digest of a sentence without its names, numbers and addresses (64 bits, signed); 0 for less than two words."""
    words = _WORD.findall(_NAME.sub(" ", sentence).casefold())
    if len(words) < 2 and (not words or words[0].isascii()):
        return 0
    return digest_of(" ".join(words))


def names_in(sentence: str) -> list[str]:
    """What `sentence_id` leaves out: by these two cards with one form differ, and a card and its copy do not."""
    return _NAME.findall(sentence)


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
