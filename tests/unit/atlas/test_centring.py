"""How texts are compared: by body and front matter, less what all texts have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.atlas import centring
from tasks.atlas.centring import METADATA_WEIGHT, TextVectors, centre_of, centred

DIMENSIONS = 6
AXES = np.eye(DIMENSIONS, dtype=np.float32)


def text_vectors(*rows: tuple[Any, Any]) -> TextVectors:
    bodies, metadata = zip(*rows, strict=True)
    return TextVectors(np.array(bodies, np.float32), np.array(metadata, np.float32))


NONE = np.zeros(DIMENSIONS)


def test_text_that_all_bodies_share_does_not_make_them_alike() -> None:
    """As vectors they are alike (cosine 0.8); as cards among others they are two and two."""
    common, one, other = AXES[0] * 2, AXES[1], AXES[2]
    bodies = [
        body / np.linalg.norm(body) for body in (common + one, common + one, common + other, common + other)
    ]
    texts = text_vectors(*((body, NONE) for body in bodies))
    vectors = centred(texts, centre_of(texts))
    assert vectors[0] @ vectors[1] == pytest.approx(1)
    assert vectors[0] @ vectors[2] == pytest.approx(-1)


def test_a_text_without_front_matter_is_where_the_mean_of_front_matter_is() -> None:
    """Of two texts with the same body, one without front matter is as near to one that says A as to one that says B."""
    texts = text_vectors((AXES[0], AXES[3]), (AXES[1], AXES[4]), (AXES[2], NONE))
    vectors = centred(texts, centre_of(texts))
    bodies = centred(TextVectors(texts.bodies, np.zeros_like(texts.metadata)), centre_of(texts))
    assert vectors[2] == pytest.approx(bodies[2])
    assert vectors[2] @ vectors[0] == pytest.approx(vectors[2] @ vectors[1])


def test_front_matter_has_its_weight_beside_the_body() -> None:
    texts = text_vectors((AXES[0], AXES[2]), (AXES[1], AXES[3]))
    (one, other) = centred(texts, centre_of(texts))
    assert (one - other)[2] / (one - other)[0] == pytest.approx(METADATA_WEIGHT)


def test_texts_that_are_all_the_same_have_no_direction_and_none_is_made_up() -> None:
    texts = text_vectors(*[(AXES[0], AXES[1])] * 3)
    assert centred(texts, centre_of(texts)) == pytest.approx(np.zeros((3, DIMENSIONS)))


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_texts_are_centred_in_blocks_as_at_once(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    metadata = rng.normal(size=(n, DIMENSIONS)) * (rng.random((n, 1)) < 0.5)
    texts = TextVectors(rng.normal(size=(n, DIMENSIONS)).astype(np.float32), metadata.astype(np.float32))
    centre = centre_of(texts)
    at_once = centred(texts, centre)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(centring, "_ROWS_AT_ONCE", 3)
        assert centred(texts, centre) == pytest.approx(at_once, abs=1e-5)
    assert np.linalg.norm(at_once, axis=1) == pytest.approx(np.ones(n), abs=1e-3) or n == 1
