"""Findings on an outcome that decided which models are in the snapshot at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tasks.records import Finding

SELECTED = "selected_on_outcome"
# These are about the snapshot itself: they claim nothing about other models.
_COUNTED = ("missing", "outliers", "left_out")
_FORMS = ("{}", "log1p_{}", "log_{}", "any_{}", "{}_gained")


def flag_selected(findings: Iterable[Finding], selected_on: str | None) -> list[Finding]:
    """Flag what is said about the outcome that the models were selected by; null: they were selected by none.

    Of the most downloaded models, those with few downloads are missing whatever their card: the range of the outcome is
    restricted, which mostly shrinks a correlation and can reverse it (Thorndike 1949, "Personnel selection";
    Heckman 1979, "Sample selection bias as a specification error"). No estimator here corrects for it.
    """
    names = set() if selected_on is None else {form.format(selected_on) for form in _FORMS}
    return [_flagged(f) if f.outcome in names and f.question not in _COUNTED else f for f in findings]


def _flagged(finding: Finding) -> Finding:
    return replace(finding, flags=sorted({*finding.flags, SELECTED}))
