"""Kinds keep their identity when a map is fitted anew: which new cluster is which old kind, and where it is drawn.

Clusters are matched by the texts of both maps: of all one-to-one matchings, the one with the greatest sum of Jaccard
indices (Kuhn 1955, "The Hungarian method for the assignment problem"). A pair is accepted where it shares enough; every
other new cluster is a kind of its own, with an id that no kind ever had.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tasks.records import EventOfKind, KindEvent

JACCARD_MIN = 0.3  # of shared texts: from here on a new cluster is the old kind
CONTAINMENT_MIN = 0.8  # or this much of the smaller is within the larger,
CONTAINED_JACCARD_MIN = 0.1  # unless it is a tiny part of it
PART_SHARE_MIN = 0.2  # a part of a kind that deserves a row of a split or a merge
PARTS_SHARE_MIN = 0.5  # and this much of the kind is in such parts, of which there are two or more

Positions = NDArray[np.float64]
KindOfText = Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Matching:
    """`ids` has the id of each new cluster; `highest` is the highest id that was ever used, these included."""

    ids: dict[int, int]
    events: tuple[KindEvent, ...]
    highest: int


@dataclass(frozen=True, slots=True)
class _Overlap:
    """Old and new clusters, and what they share. The order of both does not depend on their labels."""

    old: list[int]
    new: list[int]
    old_sizes: Counter[int]  # of all texts
    new_sizes: Counter[int]
    old_shared: Counter[int]  # of texts of both maps, in a kind or in none
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


def match(old: KindOfText, new: KindOfText, highest: int, snapshot: date) -> Matching:
    """Ids for the clusters of a new map, given the kind of each text on the old one and its cluster on the new one.

    None is a text in no kind. `highest` is the highest id ever used (-1: none); new ids follow it, the larger clusters
    first. Events are dated by `snapshot`, in the order of kinds. How new clusters are labelled does not matter.
    """
    overlap = _overlap(old, new)
    accepted = _assigned(overlap)
    last = max([highest, *overlap.old])
    ids: dict[int, int] = {}
    for cluster in overlap.new:
        last += cluster not in accepted
        ids[cluster] = accepted.get(cluster, last)
    events = [*_lives(overlap, accepted, ids, snapshot), *_divisions(overlap, ids, snapshot)]
    order = {"continues": 0, "birth": 1, "death": 2, "split": 3, "merge": 4}
    events.sort(key=lambda e: (order[e.event], e.kind, -1 if e.other is None else e.other))
    return Matching(ids, tuple(events), last)


def on_the_same_map(old: KindOfText, new: KindOfText, snapshot: date) -> list[KindEvent]:
    """What happened to kinds whose numbers are the same: they continue, lose their last text, or get a first one."""
    overlap = _overlap(old, new)
    events = []
    for kind in sorted(overlap.old_sizes.keys() | overlap.new_sizes.keys()):
        before, now = overlap.old_sizes[kind], overlap.new_sizes[kind]
        event: EventOfKind = "continues" if before and now else "birth" if now else "death"
        events.append(KindEvent(snapshot, event, kind, None, now or before, overlap.jaccard(kind, kind)))
    return events


def _overlap(old: KindOfText, new: KindOfText) -> _Overlap:
    pairs = [(old[text], new[text]) for text in old.keys() & new.keys()]
    old_sizes, new_sizes = _counted(old.values()), _counted(new.values())
    first: dict[int, str] = {}
    for text, cluster in new.items():
        if cluster is not None:
            first[cluster] = min(text, first.get(cluster, text))
    return _Overlap(
        old=sorted(old_sizes),
        # Large ones first; those of one size by their first text, which does not depend on labels.
        new=sorted(new_sizes, key=lambda cluster: (-new_sizes[cluster], first[cluster])),
        old_sizes=old_sizes,
        new_sizes=new_sizes,
        old_shared=_counted(one for one, _ in pairs),
        new_shared=_counted(two for _, two in pairs),
        both=Counter((one, two) for one, two in pairs if one is not None and two is not None),
    )


def _counted(kinds: Iterable[int | None]) -> Counter[int]:
    return Counter(kind for kind in kinds if kind is not None)


def _assigned(overlap: _Overlap) -> dict[int, int]:
    """The old kind of each new cluster that continues one. Pairs that are not acceptable are left out."""
    if not overlap.old or not overlap.new:
        return {}
    from scipy.optimize import linear_sum_assignment

    rows = {kind: row for row, kind in enumerate(overlap.old)}
    columns = {cluster: column for column, cluster in enumerate(overlap.new)}
    gain = np.zeros((len(rows), len(columns)))
    for one, two in overlap.both:
        if overlap.is_same(one, two):
            gain[rows[one], columns[two]] = overlap.jaccard(one, two)
    chosen = zip(*linear_sum_assignment(gain, maximize=True), strict=True)
    return {overlap.new[column]: overlap.old[row] for row, column in chosen if gain[row, column] > 0}


def _lives(
    overlap: _Overlap, accepted: Mapping[int, int], ids: Mapping[int, int], snapshot: date
) -> list[KindEvent]:
    """One row for each new cluster and for each old kind that none of them continues."""
    events = []
    for cluster, size in overlap.new_sizes.items():
        if cluster in accepted:
            jaccard = overlap.jaccard(accepted[cluster], cluster)
            events.append(KindEvent(snapshot, "continues", ids[cluster], None, size, jaccard))
        else:
            unseen = size - overlap.new_shared[cluster]
            events.append(KindEvent(snapshot, "birth", ids[cluster], None, size, unseen / size))
    for kind in set(overlap.old) - set(accepted.values()):
        size = overlap.old_sizes[kind]
        lost = size - sum(overlap.both[kind, cluster] for cluster in overlap.new)
        events.append(KindEvent(snapshot, "death", kind, None, size, lost / size))
    return events


def _divisions(overlap: _Overlap, ids: Mapping[int, int], snapshot: date) -> list[KindEvent]:
    """Splits and merges: a row per large part of each whole that is mostly in two such parts or more."""
    splits: dict[int, dict[int, int]] = defaultdict(dict)
    merges: dict[int, dict[int, int]] = defaultdict(dict)
    for (one, two), texts in overlap.both.items():
        splits[one][ids[two]] = merges[two][one] = texts
    wholes: list[tuple[EventOfKind, int, int, dict[int, int]]] = [
        *(("split", kind, overlap.old_shared[kind], parts) for kind, parts in splits.items()),
        *(("merge", ids[two], overlap.new_shared[two], parts) for two, parts in merges.items()),
    ]
    events = []
    for event, kind, whole, parts in wholes:
        large = {other: n for other, n in parts.items() if n >= PART_SHARE_MIN * whole}
        if len(large) > 1 and sum(large.values()) >= PARTS_SHARE_MIN * whole:
            events += [KindEvent(snapshot, event, kind, other, n, n / whole) for other, n in large.items()]
    return events


# ------------------------------------------------------------------------------------------------ positions


def align(old: Positions, new: Positions, rest: Positions) -> Positions:
    """`rest` (m x 2) moved, turned or mirrored, and scaled in the way that brings `new` (n x 2) closest to `old`.

    Orthogonal Procrustes with translation and one scale for both axes (Schönemann 1966, "A generalized solution of the
    orthogonal Procrustes problem"). With one shared text, or all in one place, `rest` is only moved; without any it
    stays. ValueError for other shapes, and for positions that are not finite.
    """
    old, new, rest = (np.asarray(points, dtype=np.float64) for points in (old, new, rest))
    if old.shape != new.shape or any(points.ndim != 2 or points.shape[1] != 2 for points in (old, new, rest)):
        raise ValueError(f"positions of shapes {old.shape}, {new.shape} and {rest.shape} cannot be aligned")
    if not all(np.isfinite(points).all() for points in (old, new, rest)):
        raise ValueError("a position is not finite")
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
    """Whether all are in one place up to rounding, which grows with the distance from the origin."""
    return bool(np.ptp(points, axis=0).max() <= 1e-12 * max(1.0, float(np.abs(points).max())))
