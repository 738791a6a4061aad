"""Randomisation inference for edits: what chance alone would do, from the same models with the edits dealt out again.

A p from a formula trusts a variance that few authors with bursts do not give. So the edits are reassigned at random,
999 times, and p is the share of reassignments that differ at least as much as the edits did (Fisher 1935, "The Design
of Experiments"; MacKinnon & Webb 2020, "Randomization inference for difference-in-differences with few treated
clusters"; Rambachan & Roth 2020, "Design-based uncertainty for quasi-experiments").

What is exchanged: models of one author are alike and are often edited together, so the unit is the author. In each
stack, that is among the models compared for one week's edits, the authors that have equally many models exchange how
many of them are edited; then each author's edits fall on models of its own at random. An author of a size that no other
has keeps its number. So every reassignment has as many edits, in the same weeks, as concentrated on authors.

What is compared: the efficient score of the difference over its own standard error over authors. Such a ratio stays
valid in large samples where models differ in how much they vary (MacKinnon & Webb 2020; DiCiccio & Romano 2017). The
interval consists of the differences that the same test does not reject, with the reassignments' critical value at no
difference. So it excludes 0 exactly where p < 0.05.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import optimize, sparse, stats

from tasks.arrays import Floats
from tasks.findings.authors import effective_number, too_few
from tasks.findings.sample import AUTHORS_FOR_INTERVAL, Bools, Codes, Estimate

DRAWS = 999
LEVEL = 0.05
POWER = 0.8
_WIDEST = 20.0  # log points: a difference beyond it is none that was estimated
_AT_ONCE = 100  # reassignments in memory
_NOTHING = 1e-12
_ALIKE = 1 - 1e-9  # reassignments that repeat the edits differ by rounding


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which units (n) are edited, each a model in a stack, and which are in the reassignments (each n x some)."""

    edited: Bools
    stacks: Codes
    authors: Codes
    reassigned: tuple[sparse.csr_array, ...]

    @classmethod
    def drawn(
        cls, edited: Bools, stacks: Codes, authors: Codes, *, seed: int, draws: int = DRAWS
    ) -> Assignment:
        """With edits dealt out again within stacks, among authors with equally many models there."""
        rng = np.random.default_rng(seed)
        none = np.empty(0, np.int64)
        units, columns = [none], [none]
        for places in _alike(stacks, authors):
            counts = edited[places].sum(axis=1)
            if counts.any():
                place, column = np.nonzero(_dealt(counts, places.shape[1], draws, rng))
                units.append(places.ravel()[place])
                columns.append(column)
        at = (np.concatenate(units), np.concatenate(columns))
        drawn = sparse.csc_array((np.ones(len(at[0])), at), shape=(len(edited), draws))
        parts = [drawn[:, start : start + _AT_ONCE].tocsr() for start in range(0, draws, _AT_ONCE)]
        return cls(edited, stacks, authors, tuple(parts))


def _alike(stacks: Codes, authors: Codes) -> Iterator[Codes]:
    """The units (authors x models) of the authors of one stack that have equally many models there."""
    order = np.lexsort((authors, stacks))
    keys = np.column_stack([stacks, authors])[order]
    starts = np.flatnonzero(np.any(np.diff(keys, axis=0, prepend=-1) != 0, axis=1))
    sizes = np.diff(starts, append=len(order))
    of_stack = keys[starts, 0]
    for stack, size in np.unique(np.column_stack([of_stack, sizes]), axis=0):
        firsts = starts[(of_stack == stack) & (sizes == size)]
        yield order[firsts[:, None] + np.arange(size)]


def _dealt(counts: Codes, size: int, draws: int, rng: np.random.Generator) -> Bools:
    """Numbers of edits exchanged among authors, and laid on `size` models of each: authors * models x draws."""
    exchanged = rng.permuted(np.tile(counts, (draws, 1)), axis=1)
    places = rng.random((draws, len(counts), size)).argsort(axis=2)
    return np.asarray((places < exchanged[:, :, None]).reshape(draws, -1).T)


class Followed(Protocol):
    """An outcome of n units whose difference after an edit is tested."""

    def residuals(self, difference: float, assignment: Assignment) -> tuple[Floats, Floats]:
        """What a unit deviates from its stack where edits make this difference, and its weight; 0 where unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Changes:
    """A change of each unit (n; NaN where unknown), compared by least squares with one constant per stack."""

    change: Floats

    def residuals(self, difference: float, assignment: Assignment) -> tuple[Floats, Floats]:
        """Deviations from the mean of the stack."""
        known = np.isfinite(self.change)
        weights = known.astype(np.float64)
        rest = np.where(known, self.change - difference * assignment.edited, 0.0)
        mean = _ratio(_sums(assignment.stacks, rest), _sums(assignment.stacks, weights))
        return (rest - mean[assignment.stacks]) * known, weights


@dataclass(frozen=True, slots=True)
class Ratios:
    """Counts of each unit before and after (n; NaN where unknown), by Poisson pseudo-likelihood.

    With an effect for each unit and for each stack's two times, a unit's share after the edit is a logit of its total
    (the conditional likelihood; Wooldridge 1999), and each stack is a table of two by two.
    """

    before: Floats
    after: Floats

    def residuals(self, difference: float, assignment: Assignment) -> tuple[Floats, Floats]:
        """Counts after the edit less those expected at this log ratio; weights are their variances."""
        known = np.isfinite(self.before) & np.isfinite(self.after)
        after = np.where(known, self.after, 0.0)
        total = np.where(known, self.before + self.after, 0.0)
        edited, stacks = assignment.edited, assignment.stacks
        of_edited, of_all = _sums(stacks, total * edited), _sums(stacks, total)
        expected = _expected(of_edited, of_all - of_edited, _sums(stacks, after), math.exp(difference))
        share = np.where(
            edited,
            _ratio(expected[0], of_edited)[stacks],
            _ratio(expected[1], of_all - of_edited)[stacks],
        )
        return after - total * share, total * share * (1 - share)


def _expected(edited: Floats, others: Floats, after: Floats, odds_ratio: float) -> tuple[Floats, Floats]:
    """Counts after the edit, of edited models and others, in tables with these margins and this odds ratio."""
    b = others - after + odds_ratio * (edited + after)
    root = np.sqrt(np.maximum(b**2 + 4 * (1 - odds_ratio) * odds_ratio * edited * after, 0.0))
    of_edited = np.clip(_ratio(2 * odds_ratio * edited * after, b + root), 0.0, np.minimum(edited, after))
    return of_edited, after - of_edited


def _sums(groups: Codes, values: Floats) -> Floats:
    """The sum of the values of each group."""
    return np.bincount(groups, values).astype(np.float64)


def _ratio(a: Floats, b: Floats) -> Floats:
    """a / b, 0 where b is 0."""
    return np.divide(a, b, out=np.zeros_like(a, dtype=np.float64), where=b > 0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """An estimate with its interval and p, and what a study of this size detects with 80 % power; null without."""

    estimate: Estimate
    detectable: float | None = None


def compare(followed: Followed, assignment: Assignment) -> Comparison:
    """The difference that edits make, by randomisation; flagged where nothing or no interval can be estimated.

    `few_edits`: no stack has both edited models and others that say something. `constant`: nothing moves apart.
    `not_converged`: a ratio of 0, or without end. `few_clusters`: fewer than ten authors
    of either. `few_effective_authors`: fewer than five that count equally, or an interval without end.
    """
    test = _Test(followed, assignment)
    if not test.information.sum() > 0:
        return Comparison(Estimate(flags=("few_edits",)))
    if test.is_constant:
        return Comparison(Estimate(flags=("constant",)))
    value = test.value()
    if value is None:
        return Comparison(Estimate(flags=("not_converged",)))
    effective = effective_number(test.information)
    bare = Estimate(value, effective_authors=effective)
    if (flag := test.too_few) is not None:
        return Comparison(bare.flagged(flag))
    drawn = np.abs(np.concatenate([_ratios(scores[0]) for scores in _reassigned([followed], assignment)]))
    p = p_of(abs(test.ratio(0.0)), drawn)
    critical = float(np.sort(drawn)[len(drawn) - math.ceil(LEVEL * (len(drawn) + 1)) + 1])
    low, high = (test.end(value, side, critical, is_clear=p < LEVEL) for side in (-1, 1))
    if low is None or high is None:
        return Comparison(bare.flagged("few_effective_authors"))
    detectable = (critical + float(stats.norm.ppf(POWER))) * test.error(value)
    return Comparison(bare.between(low, high, p), detectable)


def compare_jointly(followed: Sequence[Followed], assignment: Assignment) -> Estimate:
    """The test that none of several outcomes differs: the largest of their ratios in size, p by randomisation.

    Not Wald's F: its covariance, of few effective authors, rejected 4 to 11 of 100 on real series where nothing was.
    The reassignments account for how the ratios depend on each other (Westfall & Young 1993).
    """
    tests = [_Test(one, assignment) for one in followed]
    known = [(one, test) for one, test in zip(followed, tests, strict=True) if test.information.sum() > 0]
    if not known:
        return Estimate(flags=("constant",))
    for _, test in known:
        if (flag := test.too_few) is not None:
            return Estimate(flags=(flag,))
    observed = _largest(np.array([test.scores(0.0) for _, test in known])[:, :, None])[0]
    if not observed > 0:
        return Estimate(flags=("collinear",))
    drawn = [_largest(scores) for scores in _reassigned([one for one, _ in known], assignment)]
    effective = min(effective_number(test.information) for _, test in known)
    p = p_of(float(observed), np.concatenate(drawn))
    return Estimate(float(observed), p=p, effective_authors=effective)


def p_of(observed: float, drawn: Floats) -> float:
    """The share of the reassignments, with the edits as they were among them, that differ at least as much."""
    return float(1 + np.sum(drawn >= observed * _ALIKE)) / (len(drawn) + 1)


def _largest(scores: Floats) -> Floats:
    """The largest of K ratios in size (K x G x draws to draws)."""
    return np.asarray(np.max([np.abs(_ratios(one)) for one in scores], axis=0))


def _ratios(scores: Floats) -> Floats:
    """Sums over their standard errors over authors (G x draws to draws); 0 where nothing varies."""
    return _ratio(scores.sum(axis=0), np.sqrt(np.sum(scores**2, axis=0)))


def _reassigned(followed: Sequence[Followed], assignment: Assignment) -> Iterator[Floats]:
    """The authors' scores of no difference (outcomes x G x draws) under the reassignments, some of them at a time."""
    n, (stacks, authors) = len(assignment.edited), (assignment.stacks, assignment.authors)
    groups, units = int(authors.max()) + 1, np.arange(n)
    matrices = []
    for one in followed:
        residuals, weights = one.residuals(0.0, assignment)
        whole = _sums(stacks, weights)
        rows = np.concatenate([authors, groups + stacks])
        values = np.concatenate([residuals, _ratio(weights, whole[stacks])])
        # The authors' sums above the stacks' shares.
        both = sparse.csr_array((values, (rows, np.tile(units, 2))), shape=(groups + len(whole), n))
        of_stack = sparse.csr_array((residuals, (authors, stacks)), shape=(groups, len(whole)))
        matrices.append((both, of_stack))
    for edited in assignment.reassigned:
        found = []
        for both, of_stack in matrices:
            sums = (both @ edited).toarray()
            found.append(sums[:groups] - of_stack @ sums[groups:])
        yield np.array(found)


class _Test:
    """The score test of one outcome."""

    def __init__(self, followed: Followed, assignment: Assignment) -> None:
        self.followed, self.assignment = followed, assignment
        residuals, weights = followed.residuals(0.0, assignment)
        self.is_constant = not np.any(np.abs(residuals) > _NOTHING)
        each = weights * self._apart(weights) ** 2
        self.information = _sums(assignment.authors, each)
        says = weights * _sums(assignment.stacks, each)[assignment.stacks] > 0
        both = [assignment.authors[says & (assignment.edited == kind)] for kind in (True, False)]
        self.authors = min(len(np.unique(authors)) for authors in both)

    @property
    def too_few(self) -> str | None:
        """The flag of authors that are too few, or too unequal, for an interval."""
        return "few_clusters" if self.authors < AUTHORS_FOR_INTERVAL else too_few(self.information)

    def _apart(self, weights: Floats) -> Floats:
        """Whether a unit is edited, less the weighted share of its stack that is."""
        stacks, edited = self.assignment.stacks, self.assignment.edited
        share = _ratio(_sums(stacks, weights * edited), _sums(stacks, weights))
        return edited - share[stacks]

    def scores(self, difference: float) -> Floats:
        """What each author contributes to the score of this difference (G)."""
        residuals, weights = self.followed.residuals(difference, self.assignment)
        return _sums(self.assignment.authors, self._apart(weights) * residuals)

    def ratio(self, difference: float) -> float:
        """The score over its standard error over authors."""
        return float(_ratios(self.scores(difference)[:, None])[0])

    def value(self) -> float | None:
        """The difference with a score of 0; null where there is none."""

        def score(difference: float) -> float:
            return float(self.scores(difference).sum())

        if not score(-_WIDEST) > 0 > score(_WIDEST):
            return None
        return float(optimize.brentq(score, -_WIDEST, _WIDEST, xtol=1e-10))

    def error(self, value: float) -> float:
        """The standard error over authors of the estimate."""
        _, weights = self.followed.residuals(value, self.assignment)
        information = np.sum(weights * self._apart(weights) ** 2)
        return float(np.sqrt(np.sum(self.scores(value) ** 2)) / information)

    def end(self, value: float, side: int, critical: float, *, is_clear: bool) -> float | None:
        """The furthest difference on one side of the estimate that is not rejected; null where there is no end.

        0 is inside the interval exactly where it is not rejected: the search goes no further than 0, or begins there.
        """

        def rejected(difference: float) -> float:
            return abs(self.ratio(difference)) - critical

        def between(inner: float, outer: float) -> float:
            return float(optimize.brentq(rejected, min(inner, outer), max(inner, outer), xtol=1e-9))

        is_towards_0 = value * side < 0
        if is_clear and is_towards_0:
            return between(value, 0.0)
        start = 0.0 if is_towards_0 else value
        if rejected(start) > 0:  # by rounding
            return start
        step = max(critical * self.error(value), 1e-6)
        while step < _WIDEST:
            if rejected(start + side * step) > 0:
                return between(start, start + side * step)
            step *= 2
        return None
