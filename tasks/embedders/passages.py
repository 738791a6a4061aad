"""Passages of a card that fit a model, and the pooling of their vectors.

Sections are packed whole, as many as fit. A passage that fills 30 % of the length or more ends there, so that a section
that many cards share (a tool's, a template's) is a passage of its own, which is embedded once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from tasks.embedders.reading import CardReading

Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]
Vector = np.ndarray[tuple[int], np.dtype[np.float32]]

CLOSED_FROM = 0.3  # of the length: a passage that is longer is complete


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a card, with its tokens in a model's window."""

    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Passages:
    """A card in pieces; `metadata` is its front matter in words, empty if it has none."""

    metadata: str
    body: tuple[Passage, ...]
    is_truncated: bool

    @property
    def texts(self) -> list[str]:
        """All texts to embed."""
        return [*([self.metadata] if self.metadata else []), *(passage.text for passage in self.body)]


def pack(reading: CardReading, tokens: Sequence[int], *, passage_tokens: int, passages_max: int) -> Passages:
    """Pack sections, each with its number of tokens, into passages of `passage_tokens` or one longer section."""
    groups: list[list[tuple[str, int]]] = []
    length = inf  # of the last group
    for section, n in zip(reading.sections, tokens, strict=True):
        if length > CLOSED_FROM * passage_tokens or length + n > passage_tokens:
            groups.append([])
            length = 0
        groups[-1].append((section, n))
        length += n
    body = tuple(
        Passage(". ".join(text for text, _ in group), min(sum(n for _, n in group), passage_tokens))
        for group in groups[:passages_max]
    )
    return Passages(reading.metadata, body, len(groups) > passages_max)


def pool(passages: Passages, vector_of: Callable[[str], Vector]) -> Vector:
    """The vector of a card's body, of length 1, from the unit vectors of its passages.

    A passage weighs the square root of its tokens, because two sentences on a subject do not say twice as much as one,
    over the square root of its position, because a card says first what it is.
    """
    body = np.zeros_like(vector_of(passages.body[0].text))
    for position, passage in enumerate(passages.body, start=1):
        body = body + vector_of(passage.text) * np.float32(np.sqrt(max(passage.tokens, 1) / position))
    length = np.linalg.norm(body)
    return body if length == 0 else (body / length).astype(np.float32)
