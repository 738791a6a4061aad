"""Judge error: coefficients of the score as people would give it, from the few models whose cards people labelled.

A judge's score is a measurement of what people mean by it: noise in it draws coefficients towards zero, and where it
errs more for popular models the coefficient is biased either way. Predict-then-debias (Kluger, Lu, Zrnic, Wang & Bates
2025, "Prediction-powered inference with imputed covariates and nonuniform sampling", arXiv:2501.18577; after Chen &
Chen 2000) estimates three times: by the judge's score on all models, and by the judge's and by people's on the
labelled ones, and moves the last by what the second differs from the first:

    theta = theta_labelled - omega (gamma_labelled - gamma_all)

It holds whatever the judge is like; a good judge makes the interval shorter. The package ppi-python predicts outcomes,
not covariates, and knows no clusters, so the estimator is our own.

The labelled are taken as drawn within levels of the judge's score. Each counts for as many models as its level has
among all, divided by the weights of the labelled in it (poststratification). In levels where nobody labelled anything
nothing is known of the judge: their models are left out, and a flag names them.

Variances are of sums of influence values over authors, the labelled being some of all, so that the covariances of the
three estimates are known as well as their variances. Some labels stand for many more models than others, so G, the
authors of labelled models, is what they are worth (Kish 1965): G / (G - 1) times the variance, t on G - 1 degrees, or
on fewer where a few authors move the estimate most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import polars as pl
from scipy import stats

from tasks.arrays import Floats
from tasks.estimators import Estimator
from tasks.findings import rank, regression
from tasks.findings.bootstrap import cluster_sums
from tasks.findings.controls import Design, controls, independent
from tasks.findings.sample import (
    AUTHORS_FOR_INTERVAL,
    AUTHORS_TO_TRUST,
    Bools,
    Codes,
    Estimate,
    Sample,
    Stamp,
    cannot_estimate,
    data_flags,
    dense_codes,
    scored,
)
from tasks.findings.study import CLUSTER, Labels, Study
from tasks.records import Finding

TEXTS_TO_TRUST = 100  # fewer labels, and the interval rests on a handful a level
HEAVY_SHARE = 0.1  # one text that stands for more than this share of the models carries the result
FIFTHS = 5


@dataclass(frozen=True, slots=True)
class Moved:
    """An estimate, and what each model adds to it (n): their sum over an author is how far the author moves it."""

    value: float
    by: Floats


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is no estimate."""

    flags: tuple[str, ...]


# Of a design (n x k, the score last) whose models count by its weights.
Method = Callable[[Design], Moved | Failed]


@dataclass(frozen=True, slots=True)
class LabelledModels:
    """Models of levels where people labelled some. `stands_for` (n): models, 0 where nobody labelled the model."""

    x: Floats  # n x k: intercept, what is held equal, and the judge's score last
    y: Floats
    people: Floats  # n: people's score, NaN where there is none
    levels: Codes
    authors: Codes
    stands_for: Floats
    flags: tuple[str, ...] = ()

    @property
    def is_labelled(self) -> Bools:
        return np.asarray(self.stands_for > 0)

    @property
    def labelling_authors(self) -> float:
        """How many authors of equal weight the labelled models are worth: (sum of weights)^2 / sum of squares."""
        weights = cluster_sums(self.stands_for[:, None], self.authors)[:, 0]
        return float(weights.sum() ** 2 / np.sum(weights**2))

    def as_judged(self) -> Design:
        """The outcome on the judge's score, over all models."""
        return Design(self.x, self.y, self.authors, pl.DataFrame(), self.flags)

    def of_labelled(self, score: Floats) -> Design:
        """The outcome on one of the two scores (n), over the labelled models by what they stand for."""
        its = self.is_labelled
        x = np.column_stack([self.x[its, :-1], score[its]])
        authors = np.unique(self.authors[its], return_inverse=True)[1]
        weights = self.stands_for[its] / self.stands_for[its].mean()
        return Design(x, self.y[its], authors, pl.DataFrame(), self.flags, weights)


def correct_for_judge(models: pl.DataFrame, study: Study, stamp: Stamp) -> list[Finding]:
    """Each outcome by each estimator: as the judge scores, corrected, and of the labelled alone; none without labels.

    Predictor and stratum tell them apart: the judge's score of all, people's of all, people's of the `labelled`.
    """
    labels = study.labels
    if labels is None or not models[labels.mark].count():
        return []
    found: list[Finding] = []
    for outcome in study.outcomes:
        every = scored(models, "all", outcome, study.score)
        rows, flags = covered(every.rows, study.score, labels)
        found += _of_outcome(replace(every, rows=rows), study, labels, flags, stamp)
    return found


def _of_outcome(
    judged: Sample, study: Study, labels: Labels, flags: tuple[str, ...], stamp: Stamp
) -> list[Finding]:
    people = replace(judged, predictor=labels.mark)
    labelled = Sample("labelled", judged.outcome, judged.rows.drop_nulls(labels.mark), predictor=labels.mark)
    samples = (judged, people, labelled)
    if any(map(cannot_estimate, samples)):
        flags += tuple(flag for flag in data_flags(labelled) if flag in ("constant", "few_models"))
        return [
            stamp.finding("judge_error", name, sample, Estimate(flags=flags), outcome=outcome)
            for name, outcome, _, _ in _plan(judged.outcome)
            for sample in samples
        ]
    found = []
    for name, outcome, method, is_rank in _plan(judged.outcome):
        data = labelled_of(judged, _alone(study) if is_rank else study, labels)
        answers = (
            [Estimate(flags=("collinear",))] * 3 if data is None else estimates(data, method, is_rank=is_rank)
        )
        found += [
            stamp.finding("judge_error", name, sample, _flagged(answer, flags), outcome=outcome)
            for sample, answer in zip(samples, answers, strict=True)
        ]
    return found


def _plan(outcome: str) -> tuple[tuple[str, str, Method, bool], ...]:
    """Name, outcome as modelled, estimator, and whether it is a rank correlation, which holds nothing equal."""
    return (
        (Estimator.SPEARMAN, outcome, spearman, True),
        (Estimator.HUBER, f"log1p_{outcome}", huber, False),
        (Estimator.POISSON, outcome, poisson, False),
    )


def _flagged(estimate: Estimate, flags: tuple[str, ...]) -> Estimate:
    return replace(estimate, flags=tuple(dict.fromkeys((*estimate.flags, *flags))))


def _alone(study: Study) -> Study:
    """The study with nothing held equal."""
    return replace(study, amounts=(), kinds={})


# ------------------------------------------------------------------------------------------------ what was labelled


def covered(rows: pl.DataFrame, score: str, labels: Labels) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The models of levels in which somebody labelled something, with their level, and what to know of the labels."""
    levelled = rows.with_columns(_level(labels, score).alias(_LEVEL))
    marked = levelled.drop_nulls(labels.mark)
    bare = sorted(set(levelled[_LEVEL]) - set(marked[_LEVEL]))
    kept = levelled.filter(pl.col(_LEVEL).is_in(marked[_LEVEL].unique().to_list()))
    flags = [f"unlabelled_level:{level}" for level in bare]
    texts = marked[labels.text].n_unique() if labels.text else marked.height
    if texts < TEXTS_TO_TRUST:
        flags.append("few_labels")
    if marked[CLUSTER].n_unique() < AUTHORS_TO_TRUST:
        flags.append("few_clusters")
    if marked.height and _heaviest(kept, labels) > HEAVY_SHARE:
        flags.append("heavy_label")
    return kept, tuple(flags)


_LEVEL = "__level"


def _level(labels: Labels, score: str) -> pl.Expr:
    if labels.level:
        return pl.col(labels.level).cast(pl.Int64)
    # Ties stay together, so that a model's level does not depend on the order of rows.
    return ((pl.col(score).rank("average") - 0.5) / pl.len() * FIFTHS).floor().cast(pl.Int64) + 1


def _heaviest(rows: pl.DataFrame, labels: Labels) -> float:
    """The largest share of all models that the models of one labelled text stand for."""
    weights = rows.select(
        pl.Series("weight", _stands_for(rows, labels)),
        pl.col(labels.text) if labels.text else pl.int_range(pl.len()).alias("text"),
    )
    by_text = weights.group_by(weights.columns[1]).agg(pl.col("weight").sum())["weight"]
    return float(np.max(by_text.to_numpy())) / rows.height


def _stands_for(rows: pl.DataFrame, labels: Labels) -> Floats:
    """How many models of its level each labelled one stands for (n); 0 for the others."""
    each = pl.col(labels.weight).fill_null(1.0) if labels.weight else pl.lit(1.0)
    weight = pl.when(pl.col(labels.mark).is_not_null()).then(each).otherwise(0.0)
    # A level in which nothing is labelled is never here.
    share = weight / weight.sum().over(_LEVEL) * pl.len().over(_LEVEL)
    return rows.select(share.alias("share"))["share"].to_numpy()


def labelled_of(sample: Sample, study: Study, labels: Labels) -> LabelledModels | None:
    """The regression's columns, the same for all models and for the labelled; null where the labelled cannot bear it.

    What is held equal is what is known of enough labelled models: were it more for all than for the labelled, the two
    estimates by the judge's score would not be of the same thing.
    """
    rows = sample.rows
    its = rows[labels.mark].is_not_null().to_numpy()
    amounts, kinds, flags = controls(rows, study, sample.outcome, borne_by=rows.filter(its))
    held = np.column_stack([np.ones(rows.height), *amounts, *kinds])
    people = rows[labels.mark].cast(pl.Float64).fill_null(np.nan).to_numpy()
    own = [independent(np.column_stack([held, score])[its]) for score in (sample.x, people)]
    if not all(keep[-1] for keep in own):
        return None
    return LabelledModels(
        x=np.column_stack([held[:, own[0][:-1]], sample.x]),
        y=sample.y,
        people=people,
        levels=dense_codes(rows[_LEVEL]),
        authors=sample.clusters,
        stands_for=_stands_for(rows, labels),
        flags=flags,
    )


# ------------------------------------------------------------------------------------------------ the three estimates


def estimates(data: LabelledModels, method: Method, *, is_rank: bool) -> tuple[Estimate, Estimate, Estimate]:
    """As the judge scores, over all; as people score, over all; as people score, of the labelled alone."""
    gamma_all = method(data.as_judged())
    gamma = method(data.of_labelled(data.x[:, -1]))
    theta = method(data.of_labelled(data.people))
    failed = dict.fromkeys(
        flag for one in (gamma_all, gamma, theta) if isinstance(one, Failed) for flag in one.flags
    )
    if isinstance(gamma_all, Failed) or isinstance(gamma, Failed) or isinstance(theta, Failed):
        none = Estimate(flags=(*failed, *data.flags))
        return none, none, none
    everyone = int(data.authors.max()) + 1
    by_judge, of_gamma = gamma_all.by, over_levels(gamma.by, data)
    of_theta = over_levels(theta.by, data)
    of_judge, of_people, between = cluster_sums(
        np.column_stack([by_judge, of_theta, of_gamma - by_judge]), data.authors
    ).T
    omega, corrected = tuned(of_people, between)
    told = partial(_estimate, is_rank=is_rank, flags=data.flags)
    return (
        told(gamma_all.value, of_judge, groups=everyone),
        told(theta.value - omega * (gamma.value - gamma_all.value), corrected, groups=data.labelling_authors),
        told(theta.value, of_people, groups=data.labelling_authors),
    )


def tuned(theta: Floats, delta: Floats) -> tuple[float, Floats]:
    """omega, which makes the variance least, and what each author adds to theta - omega delta (G), from their sums.

    omega = Cov(theta, delta) / Var(delta); 0 where delta does not vary: all models are labelled, and the judge adds
    nothing. It was fitted to these very sums, so each is taken as if omega were fitted without that author: divided by
    1 - h, as a residual of least squares is.
    """
    squares = float(delta @ delta)
    if squares <= 1e-12 * float(theta @ theta):
        return 0.0, theta
    omega = float(theta @ delta) / squares
    return omega, np.asarray((theta - omega * delta) / np.maximum(1 - delta**2 / squares, _NEVER_LESS))


_NEVER_LESS = 1e-3  # of 1 - h: one author is all that is known of delta


def over_levels(by: Floats, data: LabelledModels) -> Floats:
    """What each of all models adds to an estimate of the labelled ones (n), from what each labelled one adds.

    By poststratification the share of each level is that of all models, so that a level's mean influence is spread over
    them; of the labelled stays what they differ from it (Holt & Smith 1979, "Post stratification"), times
    sqrt(a / (a - 1)) for a authors labelled in the level, whose mean is fitted. A level with one labelled author tells
    no spread: it differs from the mean of all, which is 0.
    """
    its, levels = data.is_labelled, data.levels
    count = int(levels.max()) + 1
    spread = np.zeros(len(levels))
    spread[its] = by
    pairs = np.unique(np.column_stack([levels[its], data.authors[its]]), axis=0)
    authors = np.bincount(pairs[:, 0], minlength=count)
    totals = np.where(authors > 1, np.bincount(levels, weights=spread, minlength=count), 0.0)
    models = np.bincount(levels, minlength=count)
    widened = np.sqrt(authors / np.maximum(authors - 1, 1))
    own = (spread - data.stands_for / models[levels] * totals[levels]) * widened[levels]
    return np.asarray(np.where(its, own, 0.0) + totals[levels] / models[levels])


def _estimate(
    value: float, sums: Floats, *, groups: float, is_rank: bool, flags: tuple[str, ...]
) -> Estimate:
    """The t interval from the authors' sums (G); of a rank on Fisher's scale."""
    if groups < AUTHORS_FOR_INTERVAL:
        return Estimate(value, flags=("few_clusters", *flags))
    room = 1 - value**2 if is_rank else 1.0
    error = float(np.linalg.norm(sums)) * float(np.sqrt(groups / (groups - 1))) / room if room > 0 else 0.0
    if not error > 0:
        return Estimate(flags=("not_converged", *flags))
    degrees = min(groups - 1, degrees_of(sums))
    centre = float(np.arctanh(value)) if is_rank else value
    reach = float(stats.t.ppf(0.975, degrees)) * error
    low, high = (float(np.tanh(end)) if is_rank else end for end in (centre - reach, centre + reach))
    p = float(2 * stats.t.sf(abs(centre) / error, degrees))
    return Estimate(value, low, high, p, flags)


def degrees_of(sums: Floats) -> float:
    """The degrees of freedom of a sum of squares: 2 G / (kurtosis - 1), which is G where the sums (G) are normal.

    A chi2 with as many has that sum's variance (Satterthwaite 1946); a few heavy authors leave few.
    """
    squares = sums**2
    kurtosis = len(sums) * float(np.sum(squares**2)) / float(squares.sum()) ** 2
    return max(2.0, 2 * len(sums) / max(kurtosis - 1, 1e-9))


# ------------------------------------------------------------------------------------------------ the estimators


def spearman(design: Design) -> Moved | Failed:
    """Spearman's rho of the score and the outcome, by weighted ranks; what else the design holds is not used."""
    x, y, weights = design.x[:, -1], design.y, design.weights
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Failed(("constant",))
    value, influence = rank.correlation(x, y, partial(rank.rank_covariance, weights=weights), weights)
    shares = np.full(len(x), 1 / len(x)) if weights is None else weights / weights.sum()
    # As far as the value would move without the model: a mean moves by 1 / (1 - its share) more.
    return Moved(value, shares / np.maximum(1 - shares, _NEVER_LESS) * influence)


def huber(design: Design) -> Moved | Failed:
    """Huber's slope of log1p of the outcome."""
    return _of_fit(design, regression.huber_fit(design))


def poisson(design: Design) -> Moved | Failed:
    """The Poisson coefficient of the outcome as counted."""
    return _of_fit(design, regression.poisson_fit(design))


def _of_fit(design: Design, fit: regression.Fit | regression.NoFit) -> Moved | Failed:
    if isinstance(fit, regression.NoFit):
        return Failed(fit.flags)
    by = regression.contributions(design, fit)
    return Failed(("not_converged",)) if by is None else Moved(float(fit.coefficients[-1]), by)
