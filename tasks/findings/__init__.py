"""The first findings: how documentation goes with popularity, each estimate with its interval and caveats."""

from __future__ import annotations

from datetime import date

import polars as pl

from tasks.findings import questions
from tasks.findings.families import by_dimension
from tasks.findings.outliers import OUTLIER_RULE, count_outliers, fences
from tasks.findings.sample import Stamp, clean
from tasks.records import Finding

__all__ = ["OUTLIER_RULE", "find"]


def find(
    frame: pl.DataFrame, *, snapshot: date, judge: str, fingerprint: str, seed: int = 20
) -> list[Finding]:
    """Every finding of one snapshot and judge, from the rows of `sql/out/analysis_frame.sql`.

    Pure, and the same for the same rows in any order; `seed` decides the resamples and the random pairs alone.
    What cannot be estimated is a finding without an estimate whose flags say why.
    """
    models, stamp = clean(frame), Stamp(snapshot, judge, fingerprint)
    limits = fences(models)
    found = questions.count_missing(models, stamp) + count_outliers(models, limits, stamp)
    for sample in questions.strata(models, limits):
        found += questions.rank_correlations(sample, stamp, seed)
        found += questions.partial_correlations(sample, stamp, seed)
        found += questions.regressions(sample, stamp, seed)
    return found + questions.has_card(models, stamp, seed) + by_dimension(models, stamp, seed)
