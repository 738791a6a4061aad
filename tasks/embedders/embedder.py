"""Cards to vectors with any model: what is read, cut, embedded once and pooled, and which exact embedder it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np

from tasks.embedders.passages import Passages, Vector, Vectors, pack, pool
from tasks.embedders.reading import BODY_CHARACTERS_MIN, READING_VERSION, read_card
from tasks.records import CardText, Embedding
from tasks.settings import settings

_CARDS_AT_ONCE = 64  # enough for batches of similar lengths, and few enough for progress to be visible
_ROUNDING = 1e-6  # of a unit vector's length in float32, with room to spare


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """An exact embedder. Vectors of different fingerprints are never compared."""

    name: str
    fingerprint: str
    weights: str
    settings: str
    folder: Path


def identity_of(name: str, folder: Path, files: Iterable[Path]) -> EmbedderIdentity:
    """The identity of the model that `files`, its weights and vocabulary, make: the same wherever they are."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    weights, limits = digest.hexdigest(), settings()
    settings_json = json.dumps(
        {
            "reading": READING_VERSION,
            "body_characters_min": BODY_CHARACTERS_MIN,
            "passage_tokens": limits.embed_passage_tokens,
            "passages_max": limits.embed_passages_max,
        },
        sort_keys=True,
    )
    fingerprint = hashlib.sha256(f"{weights} {settings_json}".encode()).hexdigest()[:16]
    return EmbedderIdentity(name, fingerprint, weights, settings_json, folder)


class PassageModel(Protocol):
    """A loaded model. Texts longer than `passage_tokens` are cut by it."""

    passage_tokens: int
    """Tokens that fit, without those that mark the beginning and the end."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without those that mark the beginning and the end."""
        ...

    def vectors(self, passages: Sequence[str]) -> Vectors:
        """Unit vectors (n x d, float32), in the order of the passages."""
        ...


class Embedder:
    """A loaded model, and how cards are read for it. Threads take turns."""

    def __init__(self, identity: EmbedderIdentity, model: PassageModel) -> None:
        self.identity, self.model = identity, model
        self._passages_max = settings().embed_passages_max
        self._lock = Lock()

    def embed(self, cards: Sequence[CardText]) -> Iterator[list[Embedding]]:
        """Embed cards: one row per card, some dozens at a time. A card with too little text has empty vectors.

        Equal passages of these cards are embedded once. In half precision the third digit of a vector depends on the
        other texts of its batch. So nothing is kept between calls: the same cards have the same vectors, whichever
        worker embeds them, and whenever.
        """
        with self._lock:
            kept: dict[str, Vector] = {}
            for start in range(0, len(cards), _CARDS_AT_ONCE):
                block = cards[start : start + _CARDS_AT_ONCE]
                passages = [self.passages_of(card) for card in block]
                texts = {text for of_card in passages if of_card for text in of_card.texts}
                if new := sorted(texts - kept.keys()):
                    kept.update(zip(new, self.model.vectors(new), strict=True))
                yield [self._row(card, of_card, kept) for card, of_card in zip(block, passages, strict=True)]

    def passages_of(self, card: CardText) -> Passages | None:
        """A card cut into passages that fit the model; null where it has too little text."""
        reading = read_card(card.card_text)
        if reading is None:
            return None
        tokens = self.model.count_tokens(reading.sections)
        return pack(
            reading, tokens, passage_tokens=self.model.passage_tokens, passages_max=self._passages_max
        )

    def _row(self, card: CardText, passages: Passages | None, kept: Mapping[str, Vector]) -> Embedding:
        if passages is None:
            return Embedding(card.card_hash, self.identity.fingerprint, [], [], 0, 0, False)
        return Embedding(
            card_hash=card.card_hash,
            embedder=self.identity.fingerprint,
            body=pool(passages, kept.__getitem__).tolist(),
            metadata=kept[passages.metadata].tolist() if passages.metadata else [],
            passages=len(passages.body),
            tokens=sum(passage.tokens for passage in passages.body),
            is_truncated=passages.is_truncated,
        )


def unit_length(vectors: Vectors) -> Vectors:
    """Vectors (n x d) divided by their lengths: a model in half precision normalises with an error of up to 0.7 %.

    Vectors whose length is 1 but for float32 rounding stay as they are, to the last bit.
    """
    vectors = vectors.astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    is_off = (np.abs(lengths - 1) > _ROUNDING) & (lengths > 0)
    np.divide(vectors, lengths, out=vectors, where=is_off)
    return vectors


def by_length(passages: Sequence[str]) -> list[int]:
    """Places of the passages, the shortest first: a batch of similar lengths is padded least."""
    return sorted(range(len(passages)), key=lambda place: len(passages[place]))


def processors() -> int:
    """Processors that this process may use."""
    return (os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()) or 1
