"""What is asked of the models, question by question, each answered as findings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl

from tasks.findings import rank, regression
from tasks.findings.controls import Design, design
from tasks.findings.outliers import Fence, without_outliers
from tasks.findings.sample import (
    OUTCOMES,
    Codes,
    Estimate,
    Floats,
    Sample,
    Stamp,
    cannot_estimate,
    dense_codes,
    scored,
)
from tasks.findings.theil_sen import theil_sen
from tasks.records import Finding

SAME_UNIT = ("huber", "tukey", "theil_sen")  # slopes of log1p(outcome)


def strata(models: pl.DataFrame, limits: dict[str, Fence]) -> list[Sample]:
    """The scored models of each outcome: all, without its outliers, and without generated cards."""
    handwritten = models.filter(~pl.col("is_generated"))
    found: list[Sample] = []
    for outcome in OUTCOMES:
        found.append(scored(models, "all", outcome))
        found.append(scored(without_outliers(models, outcome, limits[outcome]), "without_outliers", outcome))
        found.append(scored(handwritten, "not_generated", outcome))
    return found


def count_missing(models: pl.DataFrame, stamp: Stamp) -> list[Finding]:
    """How many models are left out of every estimate on an outcome, and why: it is unknown, or has no score."""
    found = []
    for outcome in OUTCOMES:
        sample = Sample("all", outcome, models)
        for estimator, column in (("without_outcome", outcome), ("without_score", "score")):
            row = stamp.finding("missing", estimator, sample, Estimate(float(models[column].null_count())))
            known = models[outcome].drop_nulls()
            share = float((known == 0).to_numpy().mean()) if known.len() else None
            found.append(replace(row, zero_share=share, flags=[f for f in row.flags if f != "constant"]))
    return found


def rank_correlations(sample: Sample, stamp: Stamp, seed: int) -> list[Finding]:
    """Spearman and Kendall of the score and one outcome."""
    found = []
    for name, method in (("spearman", rank.spearman), ("kendall", rank.kendall)):
        estimate = (
            Estimate() if cannot_estimate(sample) else method(sample.x, sample.y, sample.authors, seed=seed)
        )
        found.append(stamp.finding("rank_correlation", name, sample, estimate))
    return _flag_disagreement(found, ("spearman", "kendall"), compare_intervals=False)


def partial_correlations(sample: Sample, stamp: Stamp, seed: int) -> list[Finding]:
    """Spearman of score and outcome given the age, and for likes given the downloads, where those are known."""
    given = {"age_days": "spearman_given_age"}
    if sample.outcome == "likes":
        given["downloads"] = "spearman_given_downloads"
    return [_partial(sample, column, name, stamp, seed) for column, name in given.items()]


def _partial(sample: Sample, column: str, name: str, stamp: Stamp, seed: int) -> Finding:
    known = replace(sample, rows=sample.rows.filter(pl.col(column).is_not_null()))
    if cannot_estimate(known):
        estimate = Estimate()
    elif known.rows[column].n_unique() < 2:
        estimate = Estimate(flags=("constant",))
    else:
        given = known.rows[column].to_numpy()
        estimate = rank.partial_spearman(known.x, known.y, given, known.authors, seed=seed)
    return stamp.finding("partial_rank_correlation", name, known, estimate)


def regressions(sample: Sample, stamp: Stamp, seed: int) -> list[Finding]:
    """Slopes of log1p(outcome) on the score, alone and with controls; for likes also the count models."""
    found: list[Finding] = []
    for question, controlled in (("regression", False), ("regression_controlled", True)):
        rows = [
            stamp.finding(question, name, used, estimate, outcome=outcome)
            for name, outcome, used, estimate in _fits(sample, controlled=controlled, seed=seed)
        ]
        found += _flag_disagreement(rows, SAME_UNIT, compare_intervals=True)
    return found


def _fits(sample: Sample, *, controlled: bool, seed: int) -> Iterator[tuple[str, str, Sample, Estimate]]:
    """Name, outcome as modelled, the models used and the estimate of each method."""
    logged = f"log1p_{sample.outcome}"
    plan = [("huber", logged, regression.huber), ("tukey", logged, regression.tukey)]
    if sample.outcome == "likes":
        plan += [("poisson", "likes", regression.poisson), ("logit", "any_likes", regression.logit_any)]
    matrix = None if cannot_estimate(sample) else design(sample, controlled=controlled)
    used = sample if matrix is None else replace(sample, rows=matrix.rows)
    for name, outcome, method in plan:
        yield name, outcome, used, Estimate() if matrix is None or cannot_estimate(used) else method(matrix)
    if not controlled:
        yield "theil_sen", logged, used, Estimate() if matrix is None else _theil_sen(matrix, seed)


def _theil_sen(matrix: Design, seed: int) -> Estimate:
    """The regression of the simple design; its last column is the score."""
    x: Floats = matrix.x[:, -1]
    authors: Codes = matrix.authors
    return theil_sen(x, np.log1p(matrix.y), authors, seed=seed)


def has_card(models: pl.DataFrame, stamp: Stamp, seed: int) -> list[Finding]:
    """Models with a card against models without, so that the latter are neither dropped nor scored 1.

    Without: no README, or an empty one. Cards that could not be read, or are not read yet, are on neither side.
    """
    with_card = pl.col("card_status") == "card"
    known = models.filter(pl.col("card_status").is_in(["card", "empty", "none"]))
    known = known.with_columns(with_card.cast(pl.Float64).alias("has_card"))
    found = []
    for stratum, rows in (("all", known), ("not_generated", known.filter(~pl.col("is_generated")))):
        for outcome in OUTCOMES:
            sample = Sample(stratum, outcome, rows.filter(pl.col(outcome).is_not_null()), "has_card")
            estimate = Estimate()
            if not cannot_estimate(sample):
                authors = dense_codes(sample.rows["author"])
                estimate = rank.cliffs_delta(sample.x, sample.y, authors, seed=seed)
            found.append(stamp.finding("has_card", "cliffs_delta", sample, estimate))
    return found


def _flag_disagreement(
    rows: list[Finding], names: tuple[str, ...], *, compare_intervals: bool
) -> list[Finding]:
    """Flag the rows of `names` of which two have opposite signs, or each lies outside the other's interval."""
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
