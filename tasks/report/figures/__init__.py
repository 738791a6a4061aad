"""The page's figures, by their names in the template."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from tasks.report.data import ReportData
from tasks.report.figures.associations import (
    EDIT_OUTCOMES,
    association,
    edits,
    judge_error,
    slopes,
    stratum_associations,
)
from tasks.report.figures.contents import documented, documented_words, sections
from tasks.report.figures.figure import Figure
from tasks.report.figures.ingredients import ingredients
from tasks.report.figures.judging import agreement, compared, noticing
from tasks.report.figures.robustness import dose_response, specification_curve
from tasks.report.figures.scores import popularity, spread, stratum_scores

__all__ = [
    "Figure",
    "association",
    "documented",
    "documented_words",
    "every",
    "ingredients",
    "judge_error",
    "spread",
    "stratum_associations",
]

Group: TypeAlias = "Figure | list[Figure]"


def every(data: ReportData) -> dict[str, Group]:
    """All figures of the page, by their names in the template."""
    return {
        "spread": spread(data),
        "downloads": popularity(data, "downloads"),
        "likes": popularity(data, "likes"),
        "association": association(data),
        "steps": _known([dose_response(data)]),
        "choices": _known(specification_curve(data, outcome) for outcome in ("downloads", "likes")),
        "ingredients": _known([ingredients(data)]),
        "slopes": [slopes(data, outcome) for outcome in ("downloads", "likes")],
        "judge_error": _known([judge_error(data)]),
        "edits": _known(edits(data, outcome) for outcome in EDIT_OUTCOMES),
        "sections": sections(data),
        "documented": _known([documented(data)]),
        "strata": _known(
            drawn
            for dimension in ("library", "format")
            for drawn in (stratum_scores(data, dimension), stratum_associations(data, dimension))
        ),
        "agreement": _known([agreement(data.judging.passport)]),
        "noticing": _known([noticing(data.judging.passport)]),
        "compared": compared(data.judge.judge, data.judging),
    }


def _known(figures: Iterable[Figure | None]) -> list[Figure]:
    return [figure for figure in figures if figure is not None]
