"""The same question asked of many libraries and formats, with p-values adjusted for the asking."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
from scipy import stats

from tasks.estimators import Estimator
from tasks.findings import rank
from tasks.findings.sample import (
    MODELS_TO_TRUST,
    Estimate,
    Sample,
    Stamp,
    cannot_estimate,
    scored,
)
from tasks.findings.study import Study
from tasks.records import Finding


def by_dimension(models: pl.DataFrame, study: Study, stamp: Stamp, seed: int) -> list[Finding]:
    """Spearman in each level of each stratum, as each library; a family is one dimension and one outcome."""
    found: list[Finding] = []
    for dimension, column in study.strata.items():
        for outcome in study.outcomes:
            samples = _samples(models, study, dimension, column, outcome)
            found += adjust([_spearman(sample, stamp, seed) for sample in samples])
    return found


def _samples(models: pl.DataFrame, study: Study, dimension: str, column: str, outcome: str) -> list[Sample]:
    """The levels with at least 30 models that have both a score and the outcome, by name."""
    every = scored(models, "", outcome, study.score).rows
    parts = every.partition_by(column, as_dict=True, maintain_order=True)
    named = {str(level): rows for (level,), rows in parts.items() if rows.height >= MODELS_TO_TRUST}
    return [Sample(f"{dimension}={level}", outcome, named[level], study.score) for level in sorted(named)]


def _spearman(sample: Sample, stamp: Stamp, seed: int) -> Finding:
    """A level in which nothing varies keeps its row, without an estimate and flagged."""
    estimate = Estimate()
    if not cannot_estimate(sample):
        estimate = rank.spearman(sample.x, sample.y, sample.clusters, seed=seed)
    return stamp.finding("rank_correlation", Estimator.SPEARMAN, sample, estimate)


def adjust(family: list[Finding]) -> list[Finding]:
    """p_adjusted by Benjamini & Hochberg (1995): the share of false discoveries that quoting this row risks.

    p * m / rank, made monotone, over the m rows that have a p. Assumes independent or positively dependent tests.
    """
    tested = [row for row in family if row.p is not None]
    if not tested:
        return family
    adjusted = iter(stats.false_discovery_control([row.p for row in tested], method="bh"))
    return [row if row.p is None else replace(row, p_adjusted=float(next(adjusted))) for row in family]
