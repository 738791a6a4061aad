"""The vector by which a text is compared, from those of its body and of its front matter.

All model cards resemble each other. What they share says nothing about their kind, so the mean of the texts that a map
is fitted on is subtracted from each vector (Mu & Viswanath 2018, "All-but-the-Top", arXiv:1702.01417). Bodies and front
matter have a mean each, so that a card without front matter is neither near nor far because of that: it is at the mean.
The means follow from the fitted texts, whose vectors are in the lake, so they are not stored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.embedders.passages import Vector, Vectors

RowNumbers = np.ndarray[tuple[int], np.dtype[np.int64]]

METADATA_WEIGHT = 0.75  # of the line that says what the model is, against all other text
_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class TextVectors:
    """n texts as two unit vectors each (n x d); `metadata` is 0 for a text without front matter."""

    bodies: Vectors
    metadata: Vectors

    def __len__(self) -> int:
        return len(self.bodies)

    def of(self, rows: RowNumbers) -> TextVectors:
        """The vectors of some texts."""
        return TextVectors(self.bodies[rows], self.metadata[rows])


@dataclass(frozen=True, slots=True)
class Centre:
    """The means of bodies and of front matter."""

    body: Vector
    metadata: Vector


def centre_of(texts: TextVectors) -> Centre:
    """The centre of the texts that a map is fitted on."""
    has_metadata = texts.metadata.any(axis=1)
    metadata = texts.metadata[has_metadata] if has_metadata.any() else texts.metadata
    return Centre(
        texts.bodies.mean(axis=0, dtype=np.float64).astype(np.float32),
        metadata.mean(axis=0, dtype=np.float64).astype(np.float32),
    )


def centred(texts: TextVectors, centre: Centre) -> Vectors:
    """One unit vector per text (n x d): its direction from the centre."""
    vectors = np.empty_like(texts.bodies)
    for start in range(0, len(texts), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        metadata = texts.metadata[rows]
        offset = np.where(metadata.any(axis=1, keepdims=True), metadata - centre.metadata, 0)
        both = texts.bodies[rows] - centre.body + np.float32(METADATA_WEIGHT) * offset
        vectors[rows] = both / np.maximum(np.linalg.norm(both, axis=1, keepdims=True), 1e-9)
    return vectors
