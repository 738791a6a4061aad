"""Every finding of a table of models: which questions are asked of which stratum."""

from __future__ import annotations

from datetime import date

import polars as pl

from tasks.findings import questions
from tasks.findings.judge_error import correct_for_judge
from tasks.findings.outliers import count_outliers, fences
from tasks.findings.sample import Stamp, clean
from tasks.findings.selected import flag_selected
from tasks.findings.study import HUB, Study
from tasks.findings.threads import on_one_thread
from tasks.records import Finding


@on_one_thread
def find(
    frame: pl.DataFrame,
    study: Study = HUB,
    *,
    snapshot: date,
    judge: str,
    fingerprint: str,
    selected_on: str | None = None,
) -> list[Finding]:
    """Every finding of a table of models: of one snapshot and judge, the rows of `sql/out/analysis_frame.sql`.

    Pure, and the same for the same rows in any order. p-values are adjusted for their number (`questions.adjust`). What
    cannot be estimated is a finding without an estimate, and its flags say why. `selected_on`: the outcome that the
    models were selected by, as a top N is; findings on it are flagged.
    """
    models, stamp = clean(frame, study), Stamp(snapshot, judge, fingerprint)
    limits = fences(models, study)
    found = questions.count_missing(models, study, stamp) + count_outliers(models, study, limits, stamp)
    for sample in questions.strata(models, study, limits):
        found += questions.rank_correlations(sample, stamp)
        found += questions.partial_correlations(sample, study, stamp)
        found += questions.regressions(sample, study, stamp)
        if sample.stratum == "all":
            found += questions.dose_response(sample, stamp)
    if study.status:
        found += questions.no_card_lowest(models, study, study.status, stamp)
        found += questions.has_card(models, study, study.status, stamp)
        found += questions.left_out(models, study, study.status, stamp)
    found += questions.negative_controls(models, study, stamp)
    found = questions.adjust(found)
    found += questions.by_dimension(models, study, stamp) + correct_for_judge(models, study, stamp)
    return flag_selected(found, selected_on)
