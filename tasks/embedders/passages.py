"""Cutting what is read of a card into passages that fit a model, and pooling their vectors.

Sections are packed whole, as many as fit; a passage of a third of the length or more ends with its section, so that a
section that many cards share (a tool's, a template's) is a passage of its own, which is embedded once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.embedders.reading import CardReading

Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]
Vector = np.ndarray[tuple[int], np.dtype[np.float32]]

CLOSED_FROM = 0.3  # of a passage's length


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a card, with the tokens that it takes of a model's window."""

    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Passages:
    """A card in pieces; `metadata` is its front matter in words, where it has any."""

    metadata: str
    body: tuple[Passage, ...]
    is_truncated: bool

    @property
    def texts(self) -> list[str]:
        """All that is to be embedded."""
        return [*([self.metadata] if self.metadata else []), *(passage.text for passage in self.body)]


def pack(reading: CardReading, tokens: Sequence[int], *, passage_tokens: int, passages_max: int) -> Passages:
    """Sections, of which each takes so many tokens, as passages of at most `passage_tokens` but for a longer one."""
    body: list[Passage] = []
    held: list[str] = []
    length = 0

    def close() -> None:
        nonlocal length
        if held:
            body.append(Passage(". ".join(held), min(length, passage_tokens)))
        held.clear()
        length = 0

    for section, taken in zip(reading.sections, tokens, strict=True):
        if length + taken > passage_tokens:
            close()
        held.append(section)
        length += taken
        if length > CLOSED_FROM * passage_tokens:
            close()
    close()
    return Passages(reading.metadata, tuple(body[:passages_max]), len(body) > passages_max)


def pool(passages: Passages, vector_of: Callable[[str], Vector]) -> Vector:
    """The vector of a card's body, of length 1, from the unit vectors of its passages.

    A passage weighs the square root of its tokens, because two sentences on a thing do not say twice as much as one,
    over the square root of its place, because a card says what it is first.
    """
    body = np.zeros_like(vector_of(passages.body[0].text))
    for place, passage in enumerate(passages.body, start=1):
        body = body + vector_of(passage.text) * np.float32(np.sqrt(max(passage.tokens, 1) / place))
    length = np.linalg.norm(body)
    return body if length == 0 else (body / length).astype(np.float32)
