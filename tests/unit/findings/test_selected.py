"""Findings on an outcome that the models were selected by are flagged, whatever form the outcome has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl
import pytest

from tasks.findings.find import find
from tasks.findings.selected import SELECTED, flag_selected
from tasks.findings.study import Study
from tasks.records import Finding

Make = Callable[..., Finding]


@pytest.mark.parametrize("form", ["{}", "log1p_{}", "log_{}", "any_{}", "{}_gained"])
def test_every_form_of_a_selected_outcome_is_flagged(finding: Make, form: str) -> None:
    row = finding(outcome=form.format("downloads"), flags=["few_models"])
    (flagged,) = flag_selected([row], "downloads")
    assert flagged.flags == ["few_models", SELECTED]
    assert flag_selected([row], "likes") == flag_selected([row], None) == [row]


@pytest.mark.parametrize("question", ["missing", "outliers", "left_out"])
def test_what_is_said_of_the_snapshot_itself_is_not_flagged(finding: Make, question: str) -> None:
    assert flag_selected([row := finding(question=question)], "downloads") == [row]


def test_a_top_n_has_flags_on_its_outcome_alone() -> None:
    rng = np.random.default_rng(4)
    score = rng.normal(size=200)
    table = pl.DataFrame(
        {"score": score, "downloads": rng.poisson(np.exp(score)), "likes": rng.poisson(2, 200)}
    )
    study = Study(score="score", outcomes=("downloads", "likes"))
    made = {"snapshot": date(2026, 1, 5), "judge": "table", "fingerprint": "f"}
    plain, selected = (find(table, study, **made, selected_on=by) for by in (None, "downloads"))  # type: ignore[arg-type]
    assert not any(SELECTED in row.flags for row in plain)
    flagged = {(row.question, row.outcome) for row in selected if SELECTED in row.flags}
    assert ("rank_correlation", "downloads") in flagged
    assert ("regression", "log1p_downloads") in flagged
    assert not any("likes" in outcome for _, outcome in flagged)


def test_selection_by_an_outcome_can_hide_what_goes_with_it() -> None:
    """The reason for the flag: downloads of made-up models go with the score, and the top tenth shows little of it."""
    rng = np.random.default_rng(5)
    score = rng.normal(size=20_000)
    downloads = 0.5 * score + rng.normal(size=20_000)
    top = downloads >= np.quantile(downloads, 0.9)
    drawn = rng.choice(20_000, 2000, replace=False)
    assert np.corrcoef(score[drawn], downloads[drawn])[0, 1] > 0.4
    assert np.corrcoef(score[top], downloads[top])[0, 1] < 0.25
