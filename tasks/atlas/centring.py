"""What a text's two vectors, of its body and of its front matter, become where texts are compared.

All cards are much alike: they are model cards. What they share says nothing of their kind, so the mean of the texts
that a map is fitted on is taken from each vector (Mu & Viswanath 2018, "All-but-the-Top", arXiv:1702.01417). Bodies and
front matter have a mean each, because a card without front matter should be neither near nor far for it: it is where
the mean is. The means are those of fitted texts, whose vectors are in the lake, and so no state of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.embedders.passages import Vector, Vectors

METADATA_WEIGHT = 0.75  # what the model is, said in a line, against all that is said of it
_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class Halves:
    """n texts as two unit vectors each (n x d); `metadata` is 0 for a text without front matter."""

    bodies: Vectors
    metadata: Vectors

    def __len__(self) -> int:
        return len(self.bodies)

    def of(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Halves:
        """Those of some texts."""
        return Halves(self.bodies[rows], self.metadata[rows])


@dataclass(frozen=True, slots=True)
class Centre:
    """The means of bodies and of front matter."""

    body: Vector
    metadata: Vector


def centre_of(texts: Halves) -> Centre:
    """The centre of the texts that a map is fitted on."""
    has_metadata = texts.metadata.any(axis=1)
    metadata = texts.metadata[has_metadata] if has_metadata.any() else texts.metadata
    return Centre(
        texts.bodies.mean(axis=0, dtype=np.float64).astype(np.float32),
        metadata.mean(axis=0, dtype=np.float64).astype(np.float32),
    )


def centred(texts: Halves, centre: Centre) -> Vectors:
    """One unit vector a text (n x d), of its distance from the centre."""
    vectors = np.empty_like(texts.bodies)
    for start in range(0, len(texts), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        metadata = texts.metadata[rows]
        apart = np.where(metadata.any(axis=1, keepdims=True), metadata - centre.metadata, 0)
        both = texts.bodies[rows] - centre.body + np.float32(METADATA_WEIGHT) * apart
        vectors[rows] = both / np.maximum(np.linalg.norm(both, axis=1, keepdims=True), 1e-9)
    return vectors
