"""Who is kept aside with whom."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.fitted.folds import FOLDS, folds_of, joined


def test_texts_are_joined_by_what_they_share_and_through_others() -> None:
    groups = joined([{"ada"}, {"bob"}, {"ada", "family 1"}, set(), {"family 1", "cid"}, {"cid"}, set()])
    assert groups[0] == groups[2] == groups[4] == groups[5]
    assert len(set(groups)) == 4
    assert sorted(set(groups.tolist())) == [0, 1, 2, 3]


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 4)), min_size=2, max_size=60), st.integers(0, 99))
def test_a_group_is_never_in_two_folds(texts: list[tuple[int, int]], seed: int) -> None:
    groups, marks = (np.array(column) for column in zip(*texts, strict=True))
    folds = folds_of(groups, marks.astype(float), np.random.default_rng(seed))
    assert all(len(set(folds[groups == group])) == 1 for group in set(groups))
    count = min(FOLDS, len(set(groups)))
    assert set(folds) == set(range(count))


def test_each_fold_has_its_share_of_every_level() -> None:
    rng = np.random.default_rng(1)
    marks = rng.choice([1.0, 2.0, 5.0], 300, p=[0.7, 0.2, 0.1])
    folds = folds_of(np.arange(300), marks, rng)
    for level in (1.0, 2.0, 5.0):
        counts = np.bincount(folds[marks == level])
        assert counts.max() - counts.min() <= 2


def test_another_seed_gives_other_folds_and_the_same_seed_the_same() -> None:
    groups, marks = np.arange(40), np.tile([1.0, 2.0], 20)
    one, other, again = (folds_of(groups, marks, np.random.default_rng(seed)) for seed in (1, 2, 1))
    assert (one == again).all()
    assert (one != other).any()
