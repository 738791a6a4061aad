"""Concordant less discordant pairs of each model: what Kendall's tau and Theil-Sen's interval count."""

from __future__ import annotations

import numpy as np

from tasks.arrays import Floats
from tasks.findings.sample import Codes


def net_concordance(a: Codes, b: Codes) -> Floats:
    """For each model i: pairs (i, j) that are concordant less those that are discordant; ties count 0.

    `a` and `b` (n): codes from 0 that order as their values do.
    """
    up, down = a.max(initial=0) - a, b.max(initial=0) - b
    concordant = _below_in_both(a, b) + _below_in_both(up, down)
    discordant = _below_in_both(a, down) + _below_in_both(up, b)
    return (concordant - discordant).astype(np.float64)


def _below_in_both(a: Codes, b: Codes) -> Codes:
    """For each i the number of j with a_j < a_i and b_j < b_i, for codes from 0.

    Merge counting (Knight 1966, "A computer method for calculating Kendall's tau with ungrouped data"), all
    blocks of one size at a time: O(n log^2 n), 50 ms for 30,000 rows. Sorting ties in a by falling b keeps them
    from counting.
    """
    order = np.lexsort((-b, a))
    top = int(b.max(initial=0)) + 1
    width = 1 << max(len(b) - 1, 0).bit_length()
    queue = np.full(width, top, dtype=np.int64)
    queue[: len(b)] = b[order]
    counts = np.zeros(width, dtype=np.int64)
    half = 1
    while half < width:
        _count_left_of_right(queue.reshape(-1, 2 * half), counts.reshape(-1, 2 * half), half, top)
        half *= 2
    below = np.empty(len(b), dtype=np.int64)
    below[order] = counts[: len(b)]
    return below


def _count_left_of_right(blocks: Codes, counts: Codes, half: int, top: int) -> None:
    """Add to each element of a block's right half how many of the left half are smaller; in place."""
    offsets = np.arange(len(blocks), dtype=np.int64)[:, None]
    left = np.sort(blocks[:, :half], axis=1) + offsets * (top + 1)
    right = blocks[:, half:] + offsets * (top + 1)
    places = np.searchsorted(left.ravel(), right.ravel()).reshape(right.shape)
    counts[:, half:] += places - offsets * half
