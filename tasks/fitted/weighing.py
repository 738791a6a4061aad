"""Weights on a judge's answers, learned from marks: everything that is learned, from one set of texts alone.

The answers are centred and scaled, the marks regressed on them, and the penalty chosen by cross-validation by author
inside the same texts. So whoever keeps texts aside and calls `learned` with the others has leaked nothing.

The weights shrink towards the rubric's own, times a factor that is learned too, and not towards 0: the rubric is the
best guess there is where labels are few. Tried on 13,000 real cards: docs/calibration.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.arrays import Floats
from tasks.findings.sample import Codes
from tasks.fitted.folds import folds_of
from tasks.fitted.ordinal import CumulativeLogit, fit_path

# From large to small, in units of the log-likelihood of one text.
PENALTIES = (1000.0, 250.0, 60.0, 15.0, 4.0, 1.0)
PENALTY_UNCHOSEN = 30.0  # where there are too few authors to choose one
# An answer that varies less counts as one that varies so much: what two texts of hundreds have earns no large weight.
SPREAD_MIN = 0.2
TOWARDS_RUBRIC = 2.0  # the rubric's direction is penalised by the square of this less than others


@dataclass(frozen=True, slots=True)
class Answers:
    """What a judge said of n texts, as p numbers each, and `direction` (p): what the rubric's score gives each."""

    values: Floats
    direction: Floats

    def of(self, chosen: Codes) -> Answers:
        """Those of some texts."""
        return Answers(self.values[chosen], self.direction)


@dataclass(frozen=True, slots=True)
class Weighing:
    """A fitted model in the units of the answers, and the penalty that was chosen."""

    model: CumulativeLogit
    penalty: float

    def expected(self, answers: Answers) -> Floats:
        """The expected mark of each text (n)."""
        return self.model.expected(answers.values)


def learned(answers: Answers, marks: Floats, groups: Codes, rng: np.random.Generator) -> Weighing:
    """Fit to `marks` (n), with the penalty that predicts the marks of authors left out with the least squared error."""
    penalty = _chosen(answers, marks, groups, rng)
    (model,) = _path(answers, marks, (penalty,))
    return Weighing(model, penalty)


def _chosen(answers: Answers, marks: Floats, groups: Codes, rng: np.random.Generator) -> float:
    folds = folds_of(groups, marks, rng)
    if folds.max() == 0:
        return PENALTY_UNCHOSEN
    errors = np.zeros(len(PENALTIES))
    for fold in range(folds.max() + 1):
        apart, kept = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        for at, model in enumerate(_path(answers.of(kept), marks[kept], PENALTIES)):
            errors[at] += np.sum((model.expected(answers.values[apart]) - marks[apart]) ** 2)
    return PENALTIES[int(np.argmin(errors))]


def _path(answers: Answers, marks: Floats, penalties: tuple[float, ...]) -> Iterator[CumulativeLogit]:
    """One model per penalty, in the units of the answers."""
    middle = answers.values.mean(0)
    scales = np.diag(1 / np.maximum(answers.values.std(0), SPREAD_MIN))
    along = (answers.values - middle) @ answers.direction
    towards = TOWARDS_RUBRIC * answers.direction / max(along.std(), SPREAD_MIN)
    basis = np.column_stack([scales, towards])
    for model in fit_path((answers.values - middle) @ basis, marks, penalties):
        weights = basis @ model.weights
        yield CumulativeLogit(model.levels, model.thresholds + middle @ weights, weights)
