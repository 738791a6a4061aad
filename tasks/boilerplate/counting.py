"""Which sentences stand in whose cards: DuckDB counts them, from files on disk, so that the whole Hub fits.

Each model's card gives rows of (sentence, author, writer, family). The *writer* tells copies from forms: a card that
others copied holds the same names and numbers wherever it stands, and a form is filled in differently each time. The
smallest digest of a card's names and numbers is equal for two cards as often as they share them (Broder 1997, "On the
resemblance and containment of documents"). The *family* is the first word of the model's name: somebody wrote the one
card that twenty checkpoints of a model share, while a converter's models come from many families.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import polars as pl

from tasks.cards.boilerplate import digest_of, names_in, sentence_id, sentences_of
from tasks.cards.parse import parse_card

AUTHORS_MIN = 5  # whose cards hold a sentence of a form
WRITERS_SHARE = 0.2  # of these authors at least have filled it in in their own way
HOUSE_MODELS_MIN, HOUSE_FAMILIES_MIN = 20, 3  # of one author, for a form of its own
MODELS_PER_FILE = 5_000
_NAMES_MIN = 3  # in a card, to know it by
_COLUMNS = dict.fromkeys(("sentence", "author", "writer", "family"), pl.Int64)
_FAMILY = re.compile(r"[^\W\d_]*")


@dataclass(frozen=True, slots=True)
class ReadCard:
    """Of a card text: the ids of its sentences, the words of each, and the digest that its copies share, if any."""

    sentences: tuple[int, ...]
    words: tuple[int, ...]
    writer: int | None


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What was read of the card of a model."""

    model_id: str
    author: str
    read: ReadCard


def model_cards(rows: Iterable[tuple[str, str, str]]) -> Iterator[ModelCard]:
    """The cards of rows of model id, author and text."""
    return (ModelCard(model_id, author, read_card(text)) for model_id, author, text in rows)


@lru_cache(maxsize=1)
def read_card(text: str) -> ReadCard:
    """The sentences of a card; kept for the next, because models that share a text come one after another."""
    ids: list[int] = []
    words: list[int] = []
    names: set[str] = set()
    for block in parse_card(text).blocks:
        for sentence in sentences_of(block):
            ids.append(sentence_id(sentence))
            words.append(len(sentence.split()))
            names.update(names_in(sentence))
    writer = min(map(digest_of, names)) if len(names) >= _NAMES_MIN else None
    return ReadCard(tuple(ids), tuple(words), writer)


def write_rows(cards: Iterable[ModelCard], folder: Path) -> int:
    """Write a row per model and distinct sentence as Parquet files, one at least; returns the number of models."""
    models, cards = 0, iter(cards)
    while (batch := list(islice(cards, MODELS_PER_FILE))) or not models:
        rows = pl.DataFrame([row for card in batch for row in _rows(card)], schema=_COLUMNS, orient="row")
        rows.write_parquet(folder / f"{models:09}.parquet")
        models += len(batch)
        if not batch:
            break
    return models


def _rows(card: ModelCard) -> Iterator[tuple[int, int, int, int]]:
    read, author = card.read, digest_of(card.author)
    family = _FAMILY.match(card.model_id.rpartition("/")[2])
    writer = author if read.writer is None else read.writer
    for sentence in set(read.sentences) - {0}:
        yield sentence, author, writer, digest_of(family[0].casefold() if family else "")
