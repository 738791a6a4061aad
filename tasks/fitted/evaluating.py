"""Honest figures: every mark is predicted by weights that were learned without its author and its near-copies.

Two loops: the outer one keeps authors aside, the inner one chooses the penalty among the rest (`weighing.learned`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tasks.arrays import Floats
from tasks.findings.sample import Codes, Estimate
from tasks.findings.threads import on_one_thread
from tasks.fitted.agreeing import Jackknifed, Tried, concordance, rank_correlation, weighted_kappa
from tasks.fitted.folds import folds_of
from tasks.fitted.ordinal import fit_path
from tasks.fitted.weighing import Answers, learned
from tasks.progress import advance

STAGE = "fit"
SPLITS_MIN, SPLITS_MAX = 4, 8  # few texts need more splits: each has few pairs within a fold
_TEXTS_PREDICTED = 2000
CURVE_SIZES = (10, 25, 50, 100, 200, 400, 800, 1600)
CURVE_DRAWS = 5
CURVE_SHARE_MAX = 0.75  # of all labels
_BARELY = 1e-3  # a penalty that only keeps the slope of a single predictor finite


@dataclass(frozen=True, slots=True)
class Material:
    """What is known of n labelled texts: a judge's answers and scores, their words, people's marks, their groups."""

    answers: Answers
    scores: Floats
    words: Floats
    marks: Floats
    groups: Codes

    def of(self, chosen: Codes) -> Material:
        """Those of some texts."""
        return Material(
            self.answers.of(chosen),
            self.scores[chosen],
            self.words[chosen],
            self.marks[chosen],
            self.groups[chosen],
        )

    @property
    def splits(self) -> int:
        """How many times the texts are split into folds."""
        return int(np.clip(_TEXTS_PREDICTED // len(self.marks), SPLITS_MIN, SPLITS_MAX))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well a scorer (fitted, judge or length) agrees with the marks, by one measure; `gain` is of fitted over it.

    `auc` is from 0 to 1, the other measures from -1 to 1.
    """

    scorer: str
    measure: str
    estimate: Estimate
    gain: Estimate | None = None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The AUC with `labels` labels: the median of the draws, the lowest and the highest of them."""

    labels: int
    auc: float
    low: float
    high: float


@on_one_thread
def agreements(material: Material, seed: int, splits: int | None = None) -> list[Agreement]:
    """Every measure of the fitted weights, of the judge's own score and of length alone, on the same folds.

    On the raters' scale score and length are put by a regression on them alone, in the same folds.
    """
    rng = np.random.default_rng([20, seed])
    folds = np.array(
        [folds_of(material.groups, material.marks, rng) for _ in range(splits or material.splits)]
    )
    fitted = []
    for split in folds:
        fitted.append(_predicted(material, split, rng))
        advance(STAGE)
    expected = {
        "fitted": np.array(fitted),
        "judge": np.array([_rescaled(material, material.scores, split) for split in folds]),
        "length": np.array([_rescaled(material, np.log1p(material.words), split) for split in folds]),
    }
    ordered = expected | {
        "judge": _repeated(material.scores, folds),
        "length": _repeated(material.words, folds),
    }
    tried = {
        scorer: Tried(material.marks, material.groups, folds, ordered[scorer], expected[scorer])
        for scorer in expected
    }
    return [
        one
        for name, measure in (
            ("auc", concordance),
            ("spearman", rank_correlation),
            ("quadratic_kappa", weighted_kappa),
        )
        for one in compared(name, {scorer: measure(of) for scorer, of in tried.items()})
    ]


def compared(name: str, found: dict[str, Jackknifed]) -> Iterator[Agreement]:
    """The measure of each scorer and the gain of `fitted` over it; the concordance as the AUC that it is."""
    for scorer, statistic in found.items():
        gain = found["fitted"].gain_over(statistic) if scorer != "fitted" else None
        estimate = statistic.estimate
        if name == "auc":
            estimate, gain = _halved(estimate, 0.5), gain and _halved(gain, 0.0)
        yield Agreement(scorer, name, estimate, gain)


def _halved(estimate: Estimate, from_zero: float) -> Estimate:
    """Half of the value and of the ends of its interval, plus a constant."""
    ends = (
        None if end is None else from_zero + end / 2 for end in (estimate.value, estimate.low, estimate.high)
    )
    value, low, high = ends
    return replace(estimate, value=value, low=low, high=high, value_without=None)


def _predicted(material: Material, folds: Codes, rng: np.random.Generator) -> Floats:
    """The expected mark of each text, by weights learned from the other folds (n)."""
    expected = np.empty(len(folds))
    for apart, kept in _sides(folds):
        of = material.of(kept)
        expected[apart] = learned(of.answers, of.marks, of.groups, rng).expected(material.answers.of(apart))
    return expected


def _rescaled(material: Material, column: Floats, folds: Codes) -> Floats:
    """The expected mark of each text given one column alone, learned from the other folds (n)."""
    expected = np.empty(len(folds))
    for apart, kept in _sides(folds):
        middle, spread = column[kept].mean(), column[kept].std() or 1.0
        units = (column[:, None] - middle) / spread
        (model,) = fit_path(units[kept], material.marks[kept], (_BARELY,))
        expected[apart] = model.expected(units[apart])
    return expected


def _sides(folds: Codes) -> Iterator[tuple[Codes, Codes]]:
    """The texts of each fold, and all others."""
    for fold in range(folds.max() + 1):
        yield np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)


def _repeated(column: Floats, folds: Codes) -> Floats:
    """The same column for each split."""
    return np.broadcast_to(column, (len(folds), len(column)))


@on_one_thread
def transferred(material: Material, other: Material, seed: int) -> list[Agreement]:
    """How well weights learned from one set of labels agree with another set's marks, beside score and length.

    The groups of both share their numbers, and both are split alike: an author's marks in one set teach nothing that
    is tried on the author's cards in the other.
    """
    rng = np.random.default_rng([23, seed])
    n = len(other.marks)
    groups = np.concatenate([other.groups, material.groups])
    # Of the two scales only the order of levels matters, and each set's levels are dealt out by themselves.
    marks = np.concatenate([other.marks, material.marks - 10])
    folds = np.array([folds_of(groups, marks, rng) for _ in range(other.splits)])
    expected = np.array([_carried(material, other, split[n:], split[:n], rng) for split in folds])
    ordered = {
        "fitted": expected,
        "judge": _repeated(other.scores, folds),
        "length": _repeated(other.words, folds),
    }
    own = np.unique(other.groups, return_inverse=True)[1].astype(np.int64)
    tried = {name: Tried(other.marks, own, folds[:, :n], column, column) for name, column in ordered.items()}
    return [
        one
        for name, measure in (("auc", concordance), ("spearman", rank_correlation))
        for one in compared(name, {scorer: measure(of) for scorer, of in tried.items()})
    ]


def _carried(
    material: Material, other: Material, own: Codes, folds: Codes, rng: np.random.Generator
) -> Floats:
    """The expected mark of each text of `other`, by weights learned from `material` outside its fold (n)."""
    expected = np.empty(len(folds))
    for fold in np.unique(folds):
        of = material.of(np.flatnonzero(own != fold))
        apart = np.flatnonzero(folds == fold)
        expected[apart] = learned(of.answers, of.marks, of.groups, rng).expected(other.answers.of(apart))
    return expected


# ------------------------------------------------------------------------------------------- what labels are worth


@on_one_thread
def curve(material: Material, seed: int) -> list[CurvePoint]:
    """The AUC by the number of labels that the weights are learned from.

    Of each draw the texts are split by author; weights are learned from so many labels of the authors of four folds,
    one per author as far as they reach, and tried on those of the fifth. Each fold has its turn.
    """
    return [_point(material, size, np.random.default_rng([21, seed, size])) for size in sizes_of(material)]


def sizes_of(material: Material) -> list[int]:
    """Numbers of labels of which the worth can be measured: the others are needed to see how good the weights are."""
    return [size for size in CURVE_SIZES if size <= CURVE_SHARE_MAX * len(material.marks)]


def work_of(material: Material) -> int:
    """Units of progress of both parts."""
    return material.splits + len(sizes_of(material)) * CURVE_DRAWS


def _point(material: Material, size: int, rng: np.random.Generator) -> CurvePoint:
    found = []
    for _ in range(CURVE_DRAWS):
        found.append(_draw(material, size, rng))
        advance(STAGE)
    return CurvePoint(size, float(np.median(found)), min(found), max(found))


def _draw(material: Material, size: int, rng: np.random.Generator) -> float:
    folds = folds_of(material.groups, material.marks, rng)
    expected = np.empty(len(folds))
    for apart, kept in _sides(folds):
        of = material.of(kept[_by_author(material.groups[kept], size, rng)])
        expected[apart] = learned(of.answers, of.marks, of.groups, rng).expected(material.answers.of(apart))
    tried = Tried(material.marks, material.groups, folds[None], expected[None], expected[None])
    return (1 + concordance(tried).value) / 2


def _by_author(groups: Codes, size: int, rng: np.random.Generator) -> Codes:
    """So many texts: one of each group, groups in random order, then a second of each that has one, and so on.

    `cardiograph label` draws one per author too.
    """
    shuffled = rng.permutation(len(groups))
    own = groups[shuffled]
    order = np.argsort(own, kind="stable")
    starts = np.searchsorted(own[order], own[order])
    turn = np.empty(len(own), np.int64)
    turn[order] = np.arange(len(own)) - starts
    return shuffled[np.argsort(turn, kind="stable")][:size]
