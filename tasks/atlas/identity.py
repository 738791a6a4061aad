"""Kinds keep their identity when the atlas is fitted anew: which new cluster is which old kind, and where it lies.

Clusters are matched by the texts that both atlases know: of all one-to-one matchings the one of the greatest sum of
Jaccard's indices (Kuhn 1955, "The Hungarian method for the assignment problem"). A pair is accepted where enough is
shared; every other new cluster is a kind of its own, with an id that no kind ever had.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tasks.records import EventOfKind, KindEvent

JACCARD_MIN = 0.3  # of shared texts: from here on a new cluster is the old kind
CONTAINMENT_MIN = 0.8  # or so much of the smaller lies in the larger,
CONTAINED_JACCARD_MIN = 0.1  # which must not be a crumb of it
PART_SHARE_MIN = 0.2  # a part of a kind that is worth a row of a split or a merge
PARTS_SHARE_MIN = 0.5  # and so much of it lies in such parts, of which there are two or more

Positions = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Matching:
    """`ids` has the id of each new cluster; `highest` is the highest id that was ever used, these included."""

    ids: dict[int, int]
    events: tuple[KindEvent, ...]
    highest: int


@dataclass(frozen=True, slots=True)
class _Table:
    """Old and new clusters, each in an order that their labels have no part in, and what they share."""

    old: list[int]
    new: list[int]
    old_sizes: Counter[int]  # of all texts
    new_sizes: Counter[int]
    old_shared: Counter[int]  # of texts that both atlases placed or left out
    new_shared: Counter[int]
    both: Counter[tuple[int, int]]

    def jaccard(self, one: int, two: int) -> float:
        shared = self.both[one, two]
        union = self.old_shared[one] + self.new_shared[two] - shared
        return shared / union if union else 0.0

    def is_same(self, one: int, two: int) -> bool:
        """Whether the new cluster may be the old kind."""
        jaccard = self.jaccard(one, two)
        if jaccard >= JACCARD_MIN:
            return True
        smaller = min(self.old_shared[one], self.new_shared[two])
        return jaccard >= CONTAINED_JACCARD_MIN and self.both[one, two] >= CONTAINMENT_MIN * smaller


def match(
    old: Mapping[str, int | None], new: Mapping[str, int | None], highest: int, snapshot: date
) -> Matching:
    """Ids for the clusters of a new atlas, given each text's kind in the old one and its cluster in the new.

    None is a text in no kind. `highest` is the highest id ever used (-1: none); ids that are new follow it, the larger
    clusters first. Events are dated by `snapshot`, in the order of kinds. How new clusters are numbered has no
    influence on the outcome.
    """
    table = _table(old, new)
    accepted = _assigned(table)
    last = max(highest, *table.old) if table.old else highest
    ids: dict[int, int] = {}
    for cluster in table.new:
        if cluster in accepted:
            ids[cluster] = accepted[cluster]
        else:
            last += 1
            ids[cluster] = last
    events = [*_lives(table, accepted, ids, old, new, snapshot), *_splits(table, ids, snapshot)]
    events += _merges(table, ids, snapshot)
    order = {"continues": 0, "birth": 1, "death": 2, "split": 3, "merge": 4}
    events.sort(key=lambda e: (order[e.event], e.kind, -1 if e.other is None else e.other))
    return Matching(ids, tuple(events), last)


def _table(old: Mapping[str, int | None], new: Mapping[str, int | None]) -> _Table:
    old_shared: Counter[int] = Counter()
    new_shared: Counter[int] = Counter()
    both: Counter[tuple[int, int]] = Counter()
    for text in old.keys() & new.keys():
        one, two = old[text], new[text]
        if one is not None:
            old_shared[one] += 1
        if two is not None:
            new_shared[two] += 1
        if one is not None and two is not None:
            both[one, two] += 1
    old_sizes, new_sizes = _sizes(old), _sizes(new)
    first: dict[int, str] = {}
    for text, cluster in new.items():
        if cluster is not None and (cluster not in first or text < first[cluster]):
            first[cluster] = text
    # Large ones first; those of one size by their first text, which no numbering changes.
    ordered = sorted(new_sizes, key=lambda cluster: (-new_sizes[cluster], first[cluster]))
    return _Table(sorted(old_sizes), ordered, old_sizes, new_sizes, old_shared, new_shared, both)


def _sizes(clusters: Mapping[str, int | None]) -> Counter[int]:
    return Counter(cluster for cluster in clusters.values() if cluster is not None)


def _assigned(table: _Table) -> dict[int, int]:
    """The old kind of each new cluster that is one. Pairs that are not acceptable take no part."""
    if not table.old or not table.new:
        return {}
    from scipy.optimize import linear_sum_assignment

    rows = {kind: row for row, kind in enumerate(table.old)}
    columns = {cluster: column for column, cluster in enumerate(table.new)}
    gain = np.zeros((len(rows), len(columns)))
    for one, two in table.both:
        if table.is_same(one, two):
            gain[rows[one], columns[two]] = table.jaccard(one, two)
    chosen = zip(*linear_sum_assignment(gain, maximize=True), strict=True)
    return {table.new[column]: table.old[row] for row, column in chosen if gain[row, column] > 0}


def _lives(
    table: _Table,
    accepted: Mapping[int, int],
    ids: Mapping[int, int],
    old: Mapping[str, int | None],
    new: Mapping[str, int | None],
    snapshot: date,
) -> list[KindEvent]:
    """One row for each new cluster and each old kind that is none of them."""
    unseen = Counter(cluster for text, cluster in new.items() if cluster is not None and text not in old)
    lost = Counter(kind for text, kind in old.items() if kind is not None and new.get(text) is None)
    events = []
    for cluster in table.new:
        size = table.new_sizes[cluster]
        if cluster in accepted:
            jaccard = table.jaccard(accepted[cluster], cluster)
            events.append(KindEvent(snapshot, "continues", ids[cluster], None, size, jaccard))
        else:
            events.append(KindEvent(snapshot, "birth", ids[cluster], None, size, unseen[cluster] / size))
    for kind in sorted(set(table.old) - set(accepted.values())):
        size = table.old_sizes[kind]
        events.append(KindEvent(snapshot, "death", kind, None, size, lost[kind] / size))
    return events


def _splits(table: _Table, ids: Mapping[int, int], snapshot: date) -> list[KindEvent]:
    parts: dict[int, Counter[int]] = {}
    for (one, two), texts in table.both.items():
        parts.setdefault(one, Counter())[ids[two]] = texts
    return _parted("split", parts, table.old_shared, snapshot)


def _merges(table: _Table, ids: Mapping[int, int], snapshot: date) -> list[KindEvent]:
    parts: dict[int, Counter[int]] = {}
    shared: Counter[int] = Counter()
    for (one, two), texts in table.both.items():
        parts.setdefault(ids[two], Counter())[one] = texts
        shared[ids[two]] = table.new_shared[two]
    return _parted("merge", parts, shared, snapshot)


def _parted(
    event: EventOfKind, parts: Mapping[int, Counter[int]], shared: Counter[int], snapshot: date
) -> list[KindEvent]:
    """A row a part that is large enough, of each whole that lies mostly in two such parts or more."""
    events = []
    for kind, texts in parts.items():
        whole = shared[kind]
        large = {other: n for other, n in texts.items() if n >= PART_SHARE_MIN * whole}
        if len(large) > 1 and sum(large.values()) >= PARTS_SHARE_MIN * whole:
            events += [KindEvent(snapshot, event, kind, other, n, n / whole) for other, n in large.items()]
    return events


# ------------------------------------------------------------------------------------------------ positions


def align(old: Positions, new: Positions, rest: Positions) -> Positions:
    """`rest` (m by 2) moved, turned or mirrored, and scaled as brings `new` (n by 2) closest to `old`, text by text.

    Orthogonal Procrustes with translation and one scale for both axes (Schönemann 1966, "A generalized solution of the
    orthogonal Procrustes problem"). Where there is one shared text, or all lie in one place, `rest` is only moved;
    without any it stays. ValueError for other shapes, and for positions that are no numbers.
    """
    old, new, rest = (np.asarray(points, dtype=np.float64) for points in (old, new, rest))
    if old.shape != new.shape or any(points.ndim != 2 or points.shape[1] != 2 for points in (old, new, rest)):
        raise ValueError(f"positions of shapes {old.shape}, {new.shape} and {rest.shape} cannot be aligned")
    if not all(np.isfinite(points).all() for points in (old, new, rest)):
        raise ValueError("a position is no number")
    if not len(old):
        return rest.copy()
    from scipy.linalg import orthogonal_procrustes

    old_mean, new_mean = old.mean(axis=0), new.mean(axis=0)
    if len(old) < 2 or _is_one_place(old) or _is_one_place(new):
        return np.asarray(rest - new_mean + old_mean)
    turn, gain = orthogonal_procrustes(new - new_mean, old - old_mean)
    scale = float(gain) / float(((new - new_mean) ** 2).sum())
    return np.asarray((rest - new_mean) @ turn * scale + old_mean)


def _is_one_place(points: Positions) -> bool:
    """But for rounding, which grows with the distance from the origin."""
    return bool(np.ptp(points, axis=0).max() <= 1e-12 * max(1.0, float(np.abs(points).max())))
