"""The nearest vectors, against the plain way of finding them."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.atlas import nearest as module
from tasks.atlas.nearest import nearest, nearest_of_all
from tasks.embedders.passages import Vectors


def units(n: int, d: int = 16, seed: int = 0) -> Vectors:
    drawn = np.random.default_rng(seed).normal(size=(n, d))
    units: Vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return units


def test_neighbours_have_the_largest_cosines_the_nearest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 7)
    vectors, among = units(50), units(40, seed=1)
    found = nearest(vectors, among, 5)
    assert found.places.tolist() == np.argsort(-(vectors @ among.T), axis=1)[:, :5].tolist()
    assert found.similarity == pytest.approx(-np.sort(-(vectors @ among.T), axis=1)[:, :5], abs=1e-6)


def test_no_text_is_its_own_neighbour_even_where_another_is_the_same() -> None:
    vectors = np.repeat(units(10), 2, axis=0)
    found = nearest(vectors, vectors, 1, is_same=True)
    assert found.places[:, 0].tolist() == [place ^ 1 for place in range(20)]


def test_fewer_are_found_where_there_are_fewer() -> None:
    vectors = units(3)
    assert nearest(vectors, vectors, 10, is_same=True).places.shape == (3, 2)
    assert nearest(vectors, vectors[:0], 10).places.shape == (3, 0)


@pytest.mark.slow  # its index is compiled, which takes half a minute
def test_an_index_finds_nearly_the_same_for_more_texts_than_are_compared_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vectors = units(600, d=4)
    exact = nearest_of_all(vectors, 5)
    monkeypatch.setattr(module, "EXACT_MAX", 100)
    found = nearest_of_all(vectors, 5)
    assert found.places.shape == exact.places.shape
    hits = [len(set(a) & set(b)) / 5 for a, b in zip(found.places, exact.places, strict=True)]
    assert np.mean(hits) > 0.95
    assert found.similarity == pytest.approx(exact.similarity, abs=0.02)


@pytest.mark.slow  # its index is compiled, which takes half a minute
def test_an_index_finds_equal_vectors_with_a_cosine_of_at_most_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "EXACT_MAX", 100)
    found = nearest_of_all(np.repeat(units(300), 2, axis=0), 2)
    assert found.places[:, 0].tolist() == [place ^ 1 for place in range(600)]
    assert found.similarity.max() <= 1
    assert found.similarity[:, 0] == pytest.approx(1)
