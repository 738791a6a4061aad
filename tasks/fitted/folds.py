"""What must stay on one side of a split: texts that share an author or that are nearly the same."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from tasks.arrays import Floats
from tasks.findings.sample import Codes

FOLDS = 5


def joined(keys: Sequence[Iterable[Hashable]]) -> Codes:
    """The group of each text (0 to G - 1): texts that share a key are in one, directly or through others.

    `keys` are those of each text: its authors, its family. A text without any is a group of its own.
    """
    parents = list(range(len(keys)))
    first: dict[Hashable, int] = {}
    for text, own in enumerate(keys):
        for key in own:
            parents[_root(parents, text)] = _root(parents, first.setdefault(key, text))
    roots = [_root(parents, text) for text in range(len(keys))]
    return np.unique(roots, return_inverse=True)[1].astype(np.int64)


def _root(parents: list[int], place: int) -> int:
    while parents[place] != place:
        parents[place] = place = parents[parents[place]]
    return place


def folds_of(groups: Codes, marks: Floats, rng: np.random.Generator, folds: int = FOLDS) -> Codes:
    """The fold of each text (n): groups stay whole, and each fold has its share of the texts and of every level.

    Groups are dealt out from large to small, equal ones in random order, each to the fold that stays the most even by
    it. Where there are fewer groups than `folds`, each group is a fold.
    """
    own, groups = np.unique(groups, return_inverse=True)
    levels = np.unique(marks, return_inverse=True)[1]
    counts = np.zeros((len(own), levels.max() + 2))
    np.add.at(counts, (groups, levels), 1)
    counts[:, -1] = np.bincount(groups)
    shares = counts / counts.sum(0)
    order = rng.permutation(len(own))
    order = order[np.argsort(-counts[order, -1], kind="stable")]
    filled = np.zeros((min(folds, len(own)), counts.shape[1]))
    fold_of_group = np.zeros(len(own), np.int64)
    for group in order:
        # What the squares grow by: a fold that is full of these levels already grows most.
        growth = (2 * filled + shares[group]) @ shares[group]
        fold_of_group[group] = fold = int(np.argmin(growth))
        filled[fold] += shares[group]
    return fold_of_group[groups]
