"""The questions about the models, each answered as findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl
from scipy import stats

from tasks.arrays import Floats
from tasks.estimators import Estimator, spearman_given
from tasks.findings import rank, regression
from tasks.findings.authors import mean_estimate
from tasks.findings.controls import Design, control_columns, design
from tasks.findings.outliers import Fence, without_outliers
from tasks.findings.sample import (
    MODELS_TO_ESTIMATE,
    MODELS_TO_TRUST,
    Codes,
    Estimate,
    Sample,
    Stamp,
    cannot_estimate,
    scored,
)
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
SampleMethod = Callable[[Sample], Estimate]


def answered(
    sample: Sample,
    stamp: Stamp,
    question: str,
    estimator: str,
    method: SampleMethod,
    *,
    outcome: str | None = None,
) -> Finding:
    """The answer of a method from a sample, and what it is without one author.

    That is the author who moves it furthest, or, where the answer is clear and another author's absence makes it
    unclear, that one.
    """
    estimate = Estimate() if cannot_estimate(sample) else method(sample)
    found = stamp.finding(question, estimator, sample, estimate, outcome=outcome)
    if found.estimate is None:
        return found
    for code in dict.fromkeys((estimate.most_influential, estimate.most_moving)):
        if code is None:
            continue
        author, rest = sample.without(code)
        left = Estimate() if cannot_estimate(rest) else method(rest)
        found = replace(
            found,
            influential_author=author,
            estimate_without=left.value,
            ci_low_without=left.low,
            ci_high_without=left.high,
        )
        if _is_clear(estimate) and not _is_clear(left):
            break
    return found


def _is_clear(estimate: Estimate) -> bool:
    """Whether the interval lies on one side of zero."""
    return estimate.low is not None and estimate.high is not None and estimate.low * estimate.high > 0


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


_RANK_METHODS: dict[str, Callable[[Floats, Floats, Codes], Estimate]] = {
    Estimator.SPEARMAN: rank.spearman,
    Estimator.KENDALL: rank.kendall,
    Estimator.SPEARMAN_PER_AUTHOR: rank.spearman_per_author,
    Estimator.SPEARMAN_WITHIN_AUTHOR: rank.spearman_within_author,
}


def rank_correlations(sample: Sample, stamp: Stamp) -> list[Finding]:
    """Spearman and Kendall of the score and one outcome, each model weighing one; per author, and within authors."""
    found = [
        answered(sample, stamp, "rank_correlation", name, by_ranks(method))
        for name, method in _RANK_METHODS.items()
    ]
    # Where each author weighs one, none weighs more.
    found = [
        replace(row, flags=[flag for flag in row.flags if flag != "dominant_author"])
        if row.estimator == Estimator.SPEARMAN_PER_AUTHOR
        else row
        for row in found
    ]
    return _flag_disagreement(found, (Estimator.SPEARMAN, Estimator.KENDALL), compare_intervals=False)


def by_ranks(method: Callable[[Floats, Floats, Codes], Estimate]) -> SampleMethod:
    """A statistic of two columns and their clusters as a method of a sample."""
    return lambda sample: method(sample.x, sample.y, sample.clusters)


def partial_correlations(sample: Sample, study: Study, stamp: Stamp) -> list[Finding]:
    """Spearman of score and outcome given each amount, the previous outcome, all controls, and rival explanations.

    A rival, such as the length of the card, may be why a card scores high, or a part of documenting well: it is held
    equal to see how much of the association it carries, and is no control. All else equal, the robustness value says
    how strong a confounder that nobody measured would have to be.
    """
    before = study.outcomes[: study.outcomes.index(sample.outcome)][-1:]
    found = [_given_one(sample, column, stamp) for column in (*study.amounts, *before, *study.rivals)]
    if study.amounts or study.kinds:
        held = answered(
            sample,
            stamp,
            _PARTIAL,
            Estimator.SPEARMAN_GIVEN_CONTROLS,
            lambda used: _given_controls(used, study),
        )
        found += [held, _robustness(held)]
    if study.rivals:
        found.append(
            answered(
                sample,
                stamp,
                _PARTIAL,
                Estimator.SPEARMAN_GIVEN_CONTROLS_AND_RIVALS,
                lambda used: _given_controls(used, replace(study, amounts=(*study.amounts, *study.rivals))),
            )
        )
    return found


_PARTIAL = "partial_rank_correlation"


def _given_one(sample: Sample, column: str, stamp: Stamp) -> Finding:
    known = replace(sample, rows=sample.rows.drop_nulls(column))

    def method(used: Sample) -> Estimate:
        if used.rows[column].n_unique() < 2:
            return Estimate(flags=("constant",))
        given = used.rows[column].cast(pl.Float64).to_numpy()
        return rank.partial_spearman(used.x, used.y, given, used.clusters)

    return answered(known, stamp, _PARTIAL, spearman_given(column), method)


def _given_controls(sample: Sample, study: Study) -> Estimate:
    given, fixed, flags = control_columns(sample.rows, study, sample.outcome)
    estimate = rank.partial_spearman(sample.x, sample.y, given, sample.clusters, fixed=fixed)
    return estimate.flagged(*flags)


def _robustness(held: Finding) -> Finding:
    """How strong an unmeasured confounder would have to be: the robustness value, from 0 to 1.

    A confounder that explains less than this share of what the controls leave of the score, and of the outcome, cannot
    be the whole of the association; `ci_low` is the share with which it could make the interval reach zero. With f =
    r / sqrt(1 - r^2) it is (sqrt(f^4 + 4 f^2) - f^2) / 2, of the partial correlation of the ranks.
    Cinelli & Hazlett (2020), "Making sense of sensitivity: extending omitted variable bias".
    """
    value, low = held.estimate, None
    if value is not None and held.ci_low is not None and held.ci_high is not None:
        crosses = held.ci_low <= 0 <= held.ci_high
        low = 0.0 if crosses else _robustness_value(min(abs(held.ci_low), abs(held.ci_high)))
    return replace(
        held,
        question="robustness",
        estimator=str(Estimator.ROBUSTNESS_VALUE),
        estimate=None if value is None else _robustness_value(abs(value)),
        ci_low=low,
        ci_high=None,
        p=None,
        influential_author=None,
        estimate_without=None,
        ci_low_without=None,
        ci_high_without=None,
    )


def _robustness_value(r: float) -> float:
    if r >= 1:
        return 1.0
    f2 = r**2 / (1 - r**2)
    return float((np.sqrt(f2**2 + 4 * f2) - f2) / 2)


def negative_controls(models: pl.DataFrame, study: Study, stamp: Stamp) -> list[Finding]:
    """The main correlations with a predictor that cannot matter in place of the score.

    What is found there is not due to documentation, so it shows how far confounding alone goes (Lipsitch, Tchetgen
    Tchetgen & Cohen 2010, "Negative controls").
    """
    methods: dict[str, SampleMethod] = {
        name: by_ranks(_RANK_METHODS[name]) for name in (Estimator.SPEARMAN, Estimator.SPEARMAN_PER_AUTHOR)
    }
    methods[Estimator.SPEARMAN_GIVEN_CONTROLS] = lambda used: _given_controls(used, study)
    found: list[Finding] = []
    for column in study.negative_controls:
        for outcome in study.outcomes:
            sample = Sample("all", outcome, models.drop_nulls([study.score, outcome, column]), column)
            found += [
                answered(sample, stamp, "negative_control", name, method) for name, method in methods.items()
            ]
    return found


def dose_response(sample: Sample, stamp: Stamp) -> list[Finding]:
    """The mean rank in the outcome, from 0 to 1, of the models at each half point of score.

    0.5 is the middle of all scored models. It shows whether popularity rises all the way with the score; the intervals
    are over authors, the ranks taken as they are.
    """
    if cannot_estimate(sample):
        return []
    ranks = pl.Series("rank", (stats.rankdata(sample.y) - 0.5) / len(sample.y))
    placed = sample.rows.with_columns(ranks, (pl.col(sample.predictor) * 2).floor().alias(_HALF_POINT))
    found = []
    for (half,), rows in sorted(placed.partition_by(_HALF_POINT, as_dict=True).items()):
        if rows.height < MODELS_TO_TRUST:
            continue
        start = float(half) / 2
        part = replace(sample, stratum=f"score={start:g} to {start + 0.5:g}", rows=rows)
        estimate = mean_estimate(rows["rank"].to_numpy(), part.clusters)
        low, high = (
            None if end is None else min(max(end, 0.0), 1.0) for end in (estimate.low, estimate.high)
        )
        within = replace(estimate, low=low, high=high)  # ranks end there
        row = stamp.finding("dose_response", Estimator.MEAN_RANK, part, within)
        found.append(replace(row, flags=[flag for flag in row.flags if flag != "constant"]))
    return found


_HALF_POINT = "__half_point"


def left_out(models: pl.DataFrame, study: Study, status: str, stamp: Stamp) -> list[Finding]:
    """Models that no score covers, by why, compared in each outcome with the scored ones: Cliff's delta.

    Where those left out are more or less popular, the estimates are not about the whole Hub.
    """
    found = []
    is_scored = pl.col(study.score).is_not_null()
    for (why,), rows in sorted(models.filter(~is_scored).partition_by(status, as_dict=True).items(), key=str):
        if rows.height < MODELS_TO_ESTIMATE:
            continue
        both = pl.concat([models.filter(is_scored), rows])
        both = both.with_columns((~is_scored).cast(pl.Float64).alias("left_out"))
        for outcome in study.outcomes:
            sample = Sample(f"status={why}", outcome, both.drop_nulls(outcome), "left_out")
            found.append(
                answered(sample, stamp, "left_out", Estimator.CLIFFS_DELTA, by_ranks(rank.cliffs_delta))
            )
    return found


def regressions(sample: Sample, study: Study, stamp: Stamp) -> list[Finding]:
    """The score's coefficient by every estimator, alone and with controls, all on the same design."""
    found: list[Finding] = []
    for question, controlled in (("regression", False), ("regression_controlled", True)):
        if controlled and not (study.amounts or study.kinds):
            continue
        rows = [
            answered(used, stamp, question, name, method, outcome=outcome)
            for name, outcome, used, method in _fits(sample, study, controlled=controlled)
        ]
        found += _flag_disagreement(rows, SAME_UNIT, compare_intervals=True)
    return found


def _fits(
    sample: Sample, study: Study, *, controlled: bool
) -> Iterator[tuple[str, str, Sample, SampleMethod]]:
    """Name, outcome as modelled, models used and method of each.

    `logit` and `hurdle_log` together are a hurdle model: whether there are any, and how many where there are.
    """
    logged, outcome = f"log1p_{sample.outcome}", sample.outcome
    positive = replace(sample, rows=sample.rows.filter(pl.col(outcome) > 0))
    every: dict[bool, Design] = {}  # of all models that are used, for each method

    def by(method: Callable[[Design], Estimate], whole: Sample) -> SampleMethod:
        is_positive = whole is positive

        def of(used: Sample) -> Estimate:
            if used is not whole:
                return method(design(used, study, controlled=controlled))
            if is_positive not in every:
                every[is_positive] = design(used, study, controlled=controlled)
            return method(every[is_positive])

        return of

    plan: list[tuple[str, str, Callable[[Design], Estimate]]] = [
        (Estimator.HUBER, logged, regression.huber),
        (Estimator.TUKEY, logged, regression.tukey),
        (Estimator.MEDIAN, logged, regression.median),
        (Estimator.POISSON, outcome, regression.poisson),
        (Estimator.LOGIT, f"any_{outcome}", regression.logit_any),
    ]
    if not controlled:
        plan.append((Estimator.THEIL_SEN, logged, _theil_sen))
    for name, modelled, method in plan:
        yield name, modelled, sample, by(method, sample)
    yield Estimator.HURDLE_LOG, f"log_{outcome}", positive, by(regression.log_positive, positive)


def _theil_sen(matrix: Design) -> Estimate:
    """Theil-Sen's slope from a design without controls, whose last column is the score."""
    if not matrix.x.shape[1]:
        return Estimate(flags=("constant",))
    return theil_sen(matrix.x[:, -1], np.log1p(matrix.y), matrix.clusters)


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
            found.append(
                answered(sample, stamp, "has_card", Estimator.CLIFFS_DELTA, by_ranks(rank.cliffs_delta))
            )
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
                [
                    answered(sample, stamp, "rank_correlation", Estimator.SPEARMAN, by_ranks(rank.spearman))
                    for sample in samples
                ]
            )
    return found


def adjust(family: list[Finding]) -> list[Finding]:
    """p_adjusted by Benjamini & Hochberg (1995): the false discovery rate at which the row would be reported.

    p * m / rank, made monotone, over the m rows that have a p. Assumes independent or positively dependent tests.
    """
    tested = [row.p for row in family if row.p is not None]
    adjusted = iter(stats.false_discovery_control(tested, method="bh") if tested else ())
    return [row if row.p is None else replace(row, p_adjusted=float(next(adjusted))) for row in family]
