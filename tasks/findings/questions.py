"""The questions about the models, each answered as findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np
import polars as pl
from scipy import stats

from tasks.estimators import Estimator, spearman_given
from tasks.findings import rank, regression
from tasks.findings.controls import Design, controls, design
from tasks.findings.outliers import Fence, without_outliers
from tasks.findings.sample import MODELS_TO_TRUST, Estimate, Sample, Stamp, cannot_estimate, scored
from tasks.findings.study import Study
from tasks.findings.theil_sen import theil_sen
from tasks.records import Finding

SAME_UNIT = (
    Estimator.HUBER,
    Estimator.TUKEY,
    Estimator.MEDIAN,
    Estimator.THEIL_SEN,
)  # slopes of log1p(outcome)
NO_CARD = ("empty", "none")  # no README, or an empty one; not a card that could not be read


def strata(models: pl.DataFrame, study: Study, limits: Mapping[str, Fence]) -> list[Sample]:
    """The scored models of each outcome: all, without outliers, and without generated cards where those are known."""
    found: list[Sample] = []
    for outcome in study.outcomes:
        parts = {"all": models, "without_outliers": without_outliers(models, study, outcome, limits)}
        if study.generated:
            parts["not_generated"] = models.filter(~pl.col(study.generated))
        found += [scored(rows, name, outcome, study.score) for name, rows in parts.items()]
    return found


def count_missing(models: pl.DataFrame, study: Study, stamp: Stamp) -> list[Finding]:
    """How many models are left out of every estimate on an outcome: without the outcome, and without a score."""
    found = []
    for outcome in study.outcomes:
        sample = Sample("all", outcome, models, study.score)
        for estimator, column in (
            (Estimator.WITHOUT_OUTCOME, outcome),
            (Estimator.WITHOUT_SCORE, study.score),
        ):
            row = stamp.finding("missing", estimator, sample, Estimate(float(models[column].null_count())))
            known = models[outcome].drop_nulls()
            share = float((known == 0).to_numpy().mean()) if known.len() else None
            found.append(replace(row, zero_share=share, flags=[f for f in row.flags if f != "constant"]))
    return found


def no_card_lowest(models: pl.DataFrame, study: Study, status: str, stamp: Stamp) -> list[Finding]:
    """The rank correlations again, with models without a card ranked below every card.

    Without a card there is nothing to score, so no other estimate on the score includes those models. Ranks can include
    them without a made-up number.
    """
    score = pl.col(study.score)
    is_cardless = pl.col(status).is_in(NO_CARD) & score.is_null()
    filled = pl.when(is_cardless).then(score.min() - 1.0).otherwise(score).alias(study.score)
    found: list[Finding] = []
    for outcome in study.outcomes:
        sample = scored(models.with_columns(filled), "no_card_lowest", outcome, study.score)
        found += rank_correlations(sample, stamp)
    return found


def rank_correlations(sample: Sample, stamp: Stamp) -> list[Finding]:
    """Spearman and Kendall of the score and one outcome."""
    methods = {Estimator.SPEARMAN: rank.spearman, Estimator.KENDALL: rank.kendall}
    found = [_correlation(sample, name, method, stamp) for name, method in methods.items()]
    return _flag_disagreement(found, tuple(methods), compare_intervals=False)


def _correlation(
    sample: Sample, name: Estimator, method: Callable[..., Estimate], stamp: Stamp, seed: int
) -> Finding:
    return stamp.finding("rank_correlation", name, sample, _by_ranks(sample, method, seed))


def _by_ranks(sample: Sample, method: Callable[..., Estimate], seed: int) -> Estimate:
    if cannot_estimate(sample):
        return Estimate()
    return method(sample.x, sample.y, sample.clusters, seed=seed)


def partial_correlations(sample: Sample, study: Study, stamp: Stamp) -> list[Finding]:
    """Spearman of score and outcome given each amount, the previous outcome, and all controls together."""
    before = study.outcomes[: study.outcomes.index(sample.outcome)][-1:]
    found = [_given_one(sample, column, stamp) for column in (*study.amounts, *before)]
    if study.amounts or study.kinds:
        found.append(_given_controls(sample, study, stamp))
    return found


def _given_one(sample: Sample, column: str, stamp: Stamp, seed: int) -> Finding:
    known = replace(sample, rows=sample.rows.drop_nulls(column))
    if cannot_estimate(known):
        estimate = Estimate()
    elif known.rows[column].n_unique() < 2:
        estimate = Estimate(flags=("constant",))
    else:
        given = known.rows[column].to_numpy()
        estimate = rank.partial_spearman(known.x, known.y, given, known.clusters, seed=seed)
    return stamp.finding("partial_rank_correlation", spearman_given(column), known, estimate)


def _given_controls(sample: Sample, study: Study, stamp: Stamp, seed: int) -> Finding:
    estimate = Estimate()
    if not cannot_estimate(sample):
        amounts, kinds, flags = controls(sample.rows, study, sample.outcome)
        given, fixed = (
            np.column_stack([np.empty((sample.rows.height, 0)), *part]) for part in (amounts, kinds)
        )
        estimate = rank.partial_spearman(sample.x, sample.y, given, sample.clusters, fixed=fixed, seed=seed)
        estimate = replace(estimate, flags=(*estimate.flags, *flags))
    return stamp.finding("partial_rank_correlation", Estimator.SPEARMAN_GIVEN_CONTROLS, sample, estimate)


def regressions(sample: Sample, study: Study, stamp: Stamp) -> list[Finding]:
    """The score's coefficient by every estimator, alone and with controls, all on the same design."""
    found: list[Finding] = []
    for question, controlled in (("regression", False), ("regression_controlled", True)):
        if controlled and not (study.amounts or study.kinds):
            continue
        rows = [
            stamp.finding(question, name, used, estimate, outcome=outcome)
            for name, outcome, used, estimate in _fits(sample, study, controlled=controlled, seed=seed)
        ]
        found += _flag_disagreement(rows, SAME_UNIT, compare_intervals=True)
    return found


def _fits(
    sample: Sample, study: Study, *, controlled: bool, seed: int
) -> Iterator[tuple[str, str, Sample, Estimate]]:
    """Name, outcome as modelled, models used and estimate of each method.

    `logit` and `hurdle_log` together are a hurdle model: whether there are any, and how many where there are.
    """
    logged, outcome = f"log1p_{sample.outcome}", sample.outcome
    positive = replace(sample, rows=sample.rows.filter(pl.col(outcome) > 0))
    of_all, of_positive = (
        None if cannot_estimate(used) else design(used, study, controlled=controlled)
        for used in (sample, positive)
    )
    plan: list[tuple[str, str, Callable[[Design], Estimate]]] = [
        (Estimator.HUBER, logged, regression.huber),
        (Estimator.TUKEY, logged, regression.tukey),
        (Estimator.MEDIAN, logged, regression.median),
        (Estimator.POISSON, outcome, regression.poisson),
        (Estimator.LOGIT, f"any_{outcome}", regression.logit_any),
    ]
    if not controlled:
        plan.append((Estimator.THEIL_SEN, logged, partial(_theil_sen, seed=seed)))
    for name, modelled, method in plan:
        yield name, modelled, sample, Estimate() if of_all is None else method(of_all)
    hurdle = Estimate() if of_positive is None else regression.log_positive(of_positive)
    yield Estimator.HURDLE_LOG, f"log_{outcome}", positive, hurdle


def _theil_sen(matrix: Design, *, seed: int) -> Estimate:
    """Theil-Sen's slope from a design without controls, whose last column is the score."""
    if not matrix.x.shape[1]:
        return Estimate(flags=("constant",))
    return theil_sen(matrix.x[:, -1], np.log1p(matrix.y), matrix.clusters, seed=seed)


def has_card(models: pl.DataFrame, study: Study, status: str, stamp: Stamp) -> list[Finding]:
    """Models with a card against models without one, so that the latter are neither dropped nor scored 1.

    Without: no README, or an empty one. Cards that could not be read, or are not read yet, are in neither group.
    """
    known = models.filter(pl.col(status).is_in(["card", *NO_CARD]))
    known = known.with_columns((pl.col(status) == "card").cast(pl.Float64).alias("has_card"))
    parts = {"all": known}
    if study.generated:
        parts["not_generated"] = known.filter(~pl.col(study.generated))
    found = []
    for stratum, rows in parts.items():
        for outcome in study.outcomes:
            sample = Sample(stratum, outcome, rows.drop_nulls(outcome), "has_card")
            estimate = _by_ranks(sample, rank.cliffs_delta, seed)
            found.append(stamp.finding("has_card", Estimator.CLIFFS_DELTA, sample, estimate))
    return found


def _flag_disagreement(
    rows: list[Finding], names: tuple[str, ...], *, compare_intervals: bool
) -> list[Finding]:
    """Flag the rows of `names` where two have opposite signs, or each estimate is outside the other's interval."""
    compared = [row for row in rows if row.estimator in names]
    if not any(_disagree(a, b, compare_intervals=compare_intervals) for a, b in combinations(compared, 2)):
        return rows
    return [
        replace(row, flags=sorted({*row.flags, "estimators_disagree"}) if row in compared else row.flags)
        for row in rows
    ]


def _disagree(a: Finding, b: Finding, *, compare_intervals: bool) -> bool:
    if a.estimate is None or b.estimate is None:
        return False
    if a.estimate * b.estimate < 0:
        return True
    return compare_intervals and _outside(a.estimate, b) and _outside(b.estimate, a)


def _outside(value: float, row: Finding) -> bool:
    return row.ci_low is not None and row.ci_high is not None and not row.ci_low <= value <= row.ci_high


def by_dimension(models: pl.DataFrame, study: Study, stamp: Stamp) -> list[Finding]:
    """Spearman within each level of each stratum, p-values adjusted within one dimension and outcome.

    Levels are those with at least 30 models that have a score and the outcome. One in which nothing varies keeps its
    row, without an estimate and flagged.
    """
    found: list[Finding] = []
    for dimension, column in study.strata.items():
        for outcome in study.outcomes:
            every = scored(models, "", outcome, study.score).rows
            levels = {
                str(level): rows
                for (level,), rows in every.partition_by(column, as_dict=True, maintain_order=True).items()
                if rows.height >= MODELS_TO_TRUST
            }
            samples = [
                Sample(f"{dimension}={level}", outcome, rows, study.score)
                for level, rows in sorted(levels.items(), key=lambda item: item[0])
            ]
            found += adjust(
                [_correlation(sample, Estimator.SPEARMAN, rank.spearman, stamp) for sample in samples]
            )
    return found


def adjust(family: list[Finding]) -> list[Finding]:
    """p_adjusted by Benjamini & Hochberg (1995): the false discovery rate at which the row would be reported.

    p * m / rank, made monotone, over the m rows that have a p. Assumes independent or positively dependent tests.
    """
    tested = [row.p for row in family if row.p is not None]
    adjusted = iter(stats.false_discovery_control(tested, method="bh") if tested else ())
    return [row if row.p is None else replace(row, p_adjusted=float(next(adjusted))) for row in family]
