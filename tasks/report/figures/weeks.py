"""What follows an edit of a card."""

from __future__ import annotations

import polars as pl

from tasks.charts import draw
from tasks.report.data import ReportData
from tasks.report.figures.figure import Figure, spec
from tasks.report.tables import findings_table
from tasks.sentences.edits import edit_verdict
from tasks.sentences.estimates import is_interval
from tasks.sentences.findings import sentence
from tasks.sentences.words import plain, upper_first

_EDITS = {"documentation_edit": "documenting more", "cosmetic_edit": "documenting nothing more"}


def edits(data: ReportData, outcome: str) -> Figure | None:
    """What edited models gain compared with models not edited yet, week by week; None where nothing was estimated."""
    of_outcome = [f for f in data.findings if f.outcome == outcome and f.question.startswith("edit_")]
    curve = [f for f in of_outcome if f.question == "edit_curve" and is_interval(f)]
    verdict = edit_verdict(of_outcome, outcome)
    if not curve or verdict is None:
        return None
    rows = [
        {
            "week": int(f.stratum.removeprefix("week=")),
            "series": _EDITS[f.predictor],
            "estimate": f.estimate,
            "ci_low": f.ci_low,
            "ci_high": f.ci_high,
        }
        for f in curve
    ]
    base = [
        {"week": -1, "series": name, "estimate": 0.0, "ci_low": 0.0, "ci_high": 0.0}
        for name in dict.fromkeys(row["series"] for row in rows)
    ]
    frame = pl.DataFrame([*rows, *base]).sort("series", "week")
    effect = next(f for f in of_outcome if (f.question, f.predictor) == ("edit_effect", "documentation_edit"))
    says = f"{sentence(effect)} {verdict}"
    title = f"{upper_first(plain(outcome))} around an edit of the card"
    chart = draw.how_an_edit_is_followed(frame, "Difference of logarithms to week −1")
    note = (
        "Models whose card was edited, compared with models of the same weeks whose card was not edited yet; week −1 "
        "is the base. Lines are 95 % intervals over authors."
    )
    return Figure(f"edits-{outcome}", title, says, spec(chart, says), findings_table(of_outcome), note)
