"""Kinds from places: groups that lie clear of each other, and those that hide in a larger one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import adjusted_rand_score

from tasks.atlas import clustering
from tasks.atlas.clustering import LARGE_SHARE, NOISE, SPLIT_NOISE_MAX, cluster, kind_size, stability
from tasks.atlas.projecting import Coordinates

SIZE = 12


def blobs(*middles: tuple[float, float], each: int, spread: float = 0.1, seed: int = 1) -> Coordinates:
    rng = np.random.default_rng(seed)
    found: Coordinates = np.concatenate([rng.normal(middle, spread, size=(each, 2)) for middle in middles])
    return found


def groups(sizes: Sequence[int]) -> Coordinates:
    found: Coordinates = np.repeat(np.arange(len(sizes)), sizes)
    return found


def test_separate_groups_are_kinds_numbered_from_0() -> None:
    found = cluster(blobs((0, 0), (10, 0), (0, 10), each=40), SIZE)
    assert adjusted_rand_score(groups([40] * 3), found.kinds) == 1
    assert sorted(set(found.kinds.tolist())) == [0, 1, 2]
    assert 0 < found.strength.min() <= found.strength.max() <= 1


# Two groups that lie close, far from six more: HDBSCAN by itself takes the two for one.
CLOSE = np.concatenate(
    [
        blobs((0, 0), (1.0, 0), each=60, spread=0.2),
        blobs(*[(30.0 * place, 30.0) for place in range(6)], each=20),
    ]
)


def test_a_kind_of_more_than_a_fifth_of_the_texts_is_clustered_again() -> None:
    found = cluster(CLOSE, SIZE)
    left, right = (kinds[kinds != NOISE] for kinds in (found.kinds[:60], found.kinds[60:120]))
    one, other = (int(np.bincount(kinds).argmax()) for kinds in (left, right))
    assert one != other
    assert (left == one).mean() > 0.95
    assert (right == other).mean() > 0.95
    assert (found.kinds[:120] == NOISE).mean() < 0.2
    assert sorted(set(found.kinds.tolist()) - {NOISE}) == list(range(8))


def test_a_large_kind_that_does_not_fall_apart_stays_whole() -> None:
    found = cluster(blobs((0, 0), (9, 9), each=80), SIZE)
    assert LARGE_SHARE < 0.5
    assert adjusted_rand_score(groups([80, 80]), found.kinds) > 0.9
    assert (found.kinds == NOISE).mean() < 0.1


def test_texts_that_are_too_few_are_of_no_kind() -> None:
    found = cluster(blobs((0, 0), each=SIZE), SIZE)
    assert set(found.kinds.tolist()) == {NOISE}
    assert not found.strength.any()


def test_the_size_of_a_kind_grows_with_the_texts_but_more_slowly() -> None:
    sizes = [kind_size(texts) for texts in (50, 1_000, 14_000, 500_000)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 8
    assert sizes[2] < 14_000 / 100


def test_kinds_that_are_nowhere_have_no_stability() -> None:
    nothing = stability(
        np.eye(50, dtype=np.float32), np.full(50, NOISE, np.int64), replicates=1, texts_max=100
    )
    assert (nothing.seeds_ari, nothing.samples_ari, nothing.of_kinds) == (None, None, {})


def test_a_large_kind_whose_parts_would_leave_most_of_it_over_stays_whole() -> None:
    """A wide cloud, far from everything: by itself HDBSCAN finds parts of it, and calls much of the rest noise."""
    far = blobs(*[(300.0 * place, 300.0) for place in range(6)], each=20)
    cloud = blobs((0, 0), each=160, spread=4.0, seed=2)
    alone = clustering._hdbscan(cloud, SIZE)
    assert (alone.kinds == NOISE).mean() > SPLIT_NOISE_MAX
    assert len(set(alone.kinds.tolist()) - {NOISE}) >= 2
    found = cluster(np.concatenate([cloud, far]), SIZE)
    assert (found.kinds[:160] == NOISE).mean() < SPLIT_NOISE_MAX
