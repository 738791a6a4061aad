"""Judge error: coefficients of the score that people would give, from the few models whose cards people labelled.

A judge's score is a measurement of what people mean by it: noise in it draws coefficients towards zero, and where it
errs more for popular models the coefficient is biased either way. Predict-then-debias (Kluger, Lu, Zrnic, Wang & Bates
2025, "Prediction-powered inference with imputed covariates and nonuniform sampling", arXiv:2501.18577; after Chen &
Chen 2000) makes three estimates: by the judge's score on all models, and by the judge's and by people's score on the
labelled ones. It moves the last by the difference of the first two:

    theta = theta_labelled - omega (gamma_labelled - gamma_all)

It is valid for any judge; a good judge makes the interval shorter. The package ppi-python predicts outcomes, not
covariates, and does not support clusters, so the estimator is our own.

The labelled models are taken as drawn within levels of the judge's score, and weighted so that each level counts for as
many models as it has (poststratification). Levels without labels say nothing about the judge: their models are left
out, and a flag names them.

Variances are of sums of influence values over authors; as the labelled models are a subset of all, this gives the
covariances of the three estimates too. Some labels stand for many more models than others, so G is the effective number
of authors of labelled models (Kish 1965): G / (G - 1) times the variance, t on G - 1 degrees of freedom, or on fewer
where a few authors move the estimate most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import polars as pl

from tasks.arrays import Floats
from tasks.estimators import Estimator
from tasks.findings import rank, regression
from tasks.findings.authors import cluster_sums
from tasks.findings.controls import Design, controls, independent
from tasks.findings.regression import NoFit
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
    t_estimate,
)
from tasks.findings.study import CLUSTER, Labels, Study
from tasks.records import Finding

TEXTS_TO_TRUST = 100  # with fewer labels the interval depends on a handful per level
HEAVY_SHARE = 0.1  # one text that stands for more than this share of the models decides the result
FIFTHS = 5


@dataclass(frozen=True, slots=True)
class Moved:
    """An estimate, and each model's contribution to it (n); summed over an author, how far the author moves it."""

    value: float
    by: Floats


# Of a design (n x k, the score last) whose models count by its weights.
Method = Callable[[Design], Moved | NoFit]


@dataclass(frozen=True, slots=True)
class LabelledModels:
    """Models of the levels with labels. `stands_for` (n): how many models each stands for, 0 for unlabelled ones."""

    x: Floats  # n x k: intercept, controls, and the judge's score last
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
        """The effective number of authors of labelled models: (sum of weights)^2 / sum of squares."""
        weights = cluster_sums(self.stands_for[:, None], self.authors)[:, 0]
        return float(weights.sum() ** 2 / np.sum(weights**2))

    def as_judged(self) -> Design:
        """The outcome on the judge's score, over all models."""
        return Design(self.x, self.y, self.authors, pl.DataFrame(), self.flags)

    def of_labelled(self, score: Floats) -> Design:
        """The outcome on one of the two scores (n), over the labelled models weighted by what they stand for."""
        its = self.is_labelled
        x = np.column_stack([self.x[its, :-1], score[its]])
        authors = np.unique(self.authors[its], return_inverse=True)[1]
        weights = self.stands_for[its] / self.stands_for[its].mean()
        return Design(x, self.y[its], authors, pl.DataFrame(), self.flags, weights)


def correct_for_judge(models: pl.DataFrame, study: Study, stamp: Stamp) -> list[Finding]:
    """Each outcome by each estimator: as the judge scores, corrected, and of the labelled alone; none without labels.

    Predictor and stratum distinguish them: the judge's score of all, people's of all, people's of the `labelled`.
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
        held = replace(study, amounts=(), kinds={}) if is_rank else study
        data = labelled_of(judged, held, labels)
        answers = (
            [Estimate(flags=("collinear",))] * 3 if data is None else estimates(data, method, is_rank=is_rank)
        )
        for sample, answer in zip(samples, answers, strict=True):
            flagged = replace(answer, flags=(*answer.flags, *flags))
            found.append(stamp.finding("judge_error", name, sample, flagged, outcome=outcome))
    return found


def _plan(outcome: str) -> tuple[tuple[str, str, Method, bool], ...]:
    """Name, outcome as modelled, estimator, and whether it is a rank correlation, which has no controls."""
    return (
        (Estimator.SPEARMAN, outcome, spearman, True),
        (Estimator.HUBER, f"log1p_{outcome}", huber, False),
        (Estimator.POISSON, outcome, poisson, False),
    )


# ------------------------------------------------------------------------------------------------ what was labelled


def covered(rows: pl.DataFrame, score: str, labels: Labels) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The models of the levels with labels, with their level, and flags about the labels."""
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
    # Every level here has a label.
    share = weight / weight.sum().over(_LEVEL) * pl.len().over(_LEVEL)
    return rows.select(share.alias("share"))["share"].to_numpy()


def labelled_of(sample: Sample, study: Study, labels: Labels) -> LabelledModels | None:
    """The regression's columns, the same for all models and for the labelled; null where the latter are collinear.

    Controls are those that enough labelled models report: with more controls for all models than for the labelled ones,
    the two estimates by the judge's score would not estimate the same thing.
    """
    rows = sample.rows
    its = rows[labels.mark].is_not_null().to_numpy()
    amounts, kinds, flags = controls(rows, study, sample.outcome, enough_in=rows.filter(its))
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
        flag for one in (gamma_all, gamma, theta) if isinstance(one, NoFit) for flag in one.flags
    )
    if isinstance(gamma_all, NoFit) or isinstance(gamma, NoFit) or isinstance(theta, NoFit):
        none = Estimate(flags=(*failed, *data.flags))
        return none, none, none
    everyone = int(data.authors.max()) + 1
    by_judge, of_gamma = gamma_all.by, over_levels(gamma.by, data)
    of_theta = over_levels(theta.by, data)
    of_judge, of_people, between = cluster_sums(
        np.column_stack([by_judge, of_theta, of_gamma - by_judge]), data.authors
    ).T
    omega, corrected = tuned(of_people, between)
    estimate = partial(_estimate, is_rank=is_rank, flags=data.flags)
    return (
        estimate(gamma_all.value, of_judge, groups=everyone),
        estimate(
            theta.value - omega * (gamma.value - gamma_all.value), corrected, groups=data.labelling_authors
        ),
        estimate(theta.value, of_people, groups=data.labelling_authors),
    )


def tuned(theta: Floats, delta: Floats) -> tuple[float, Floats]:
    """The omega of least variance, and each author's contribution to theta - omega delta (G), from their sums.

    omega = Cov(theta, delta) / Var(delta); 0 where delta does not vary: all models are labelled, and the judge adds
    nothing. It is fitted to these sums, so each is divided by 1 - h, as a least-squares residual is, to be what it
    would be with omega fitted without that author.
    """
    squares = float(delta @ delta)
    if squares <= 1e-12 * float(theta @ theta):
        return 0.0, theta
    omega = float(theta @ delta) / squares
    return omega, np.asarray((theta - omega * delta) / np.maximum(1 - delta**2 / squares, _NEVER_LESS))


_NEVER_LESS = 1e-3  # of 1 - h, where one author decides delta


def over_levels(by: Floats, data: LabelledModels) -> Floats:
    """The contribution of each model to an estimate from the labelled ones (n), from those of the labelled ones.

    By poststratification each level has its share of all models, so its mean influence is spread over all of them; the
    labelled ones keep their deviation from it (Holt & Smith 1979, "Post stratification"), times sqrt(a / (a - 1)) for a
    labelled authors in the level, because its mean is fitted. A level with one labelled author has no spread of its
    own: it deviates from the overall mean, which is 0.
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
    """The t interval from the authors' sums (G); for a rank correlation on Fisher's scale."""
    if groups < AUTHORS_FOR_INTERVAL:
        return Estimate(value, flags=("few_clusters", *flags))
    room = 1 - value**2 if is_rank else 1.0
    error = float(np.linalg.norm(sums)) * float(np.sqrt(groups / (groups - 1))) / room if room > 0 else 0.0
    if not error > 0:
        return Estimate(flags=("not_converged", *flags))
    degrees = min(groups - 1, degrees_of(sums))
    if not is_rank:
        return t_estimate(value, error, degrees, flags)
    fisher = t_estimate(float(np.arctanh(value)), error, degrees)
    low, high = (float(np.tanh(end)) for end in (fisher.low, fisher.high) if end is not None)
    return Estimate(value, low, high, fisher.p, flags)


def degrees_of(sums: Floats) -> float:
    """The degrees of freedom of a sum of squares: 2 G / (kurtosis - 1), which is G where the sums (G) are normal.

    A chi2 with as many has that sum's variance (Satterthwaite 1946); a few heavy authors leave few.
    """
    squares = sums**2
    kurtosis = len(sums) * float(np.sum(squares**2)) / float(squares.sum()) ** 2
    return max(2.0, 2 * len(sums) / max(kurtosis - 1, 1e-9))


# ------------------------------------------------------------------------------------------------ the estimators


def spearman(design: Design) -> Moved | NoFit:
    """Spearman's rho of the score and the outcome, by weighted ranks; the controls of the design are not used."""
    x, y, weights = design.x[:, -1], design.y, design.weights
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return NoFit(("constant",))
    both = rank.levels(x), rank.levels(y)
    value, influence = rank.correlation(*both, partial(rank.rank_covariance, weights=weights), weights)
    shares = np.full(len(x), 1 / len(x)) if weights is None else weights / weights.sum()
    # How far the value would move without the model: a mean moves by 1 / (1 - its share) more.
    return Moved(value, shares / np.maximum(1 - shares, _NEVER_LESS) * influence)


def huber(design: Design) -> Moved | NoFit:
    """Huber's slope of log1p of the outcome."""
    return _of_fit(design, regression.huber_fit(design))


def poisson(design: Design) -> Moved | NoFit:
    """The Poisson coefficient of the outcome as counted."""
    return _of_fit(design, regression.poisson_fit(design))


def _of_fit(design: Design, fit: regression.Fit | NoFit) -> Moved | NoFit:
    if isinstance(fit, NoFit):
        return fit
    by = regression.contributions(design, fit)
    return NoFit(("not_converged",)) if by is None else Moved(float(fit.coefficients[-1]), by)
