"""What in a card, or around it, goes with popularity."""

from __future__ import annotations

import polars as pl

from tasks.charts import draw
from tasks.estimators import Estimator
from tasks.records import Finding
from tasks.report.data import ReportData
from tasks.report.figures.figure import Figure, drawable_of, intervals, spec
from tasks.report.tables import ingredients_table
from tasks.sentences.ingredients import does_hold, ingredients_summary, is_made_of_checks
from tasks.sentences.words import caveats, ingredient_words, plain, upper_first

_OUTCOMES = ("downloads", "likes")


def ingredients(data: ReportData) -> Figure | None:
    """Each ingredient with the controls held equal, for downloads and likes; None where none was estimated."""
    overall = [f for f in data.findings if f.question == "ingredient" and f.stratum == "all"]
    controlled = [
        f
        for f in drawable_of(overall)
        if f.estimator == Estimator.SPEARMAN_GIVEN_CONTROLS and f.outcome in _OUTCOMES
    ]
    drawn = [f for f in controlled if not is_made_of_checks(f)]
    if not drawn:
        return None
    order = _by_estimate(controlled)
    drawn.sort(key=lambda f: (order.index(f.predictor), _OUTCOMES.index(f.outcome)))
    frame = intervals(
        drawn, lambda f: upper_first(ingredient_words(f.predictor)), lambda f: plain(f.outcome)
    ).with_columns(pl.Series("holds", [does_hold(f) for f in drawn]))
    summary = " ".join(filter(None, (ingredients_summary(overall, outcome) for outcome in _OUTCOMES)))
    chart = draw.what_goes_with_popularity(frame, "Rank correlation at equal controls")
    note = (
        "Marks are Spearman’s ρ of scored models with age, library, format, pipeline tag, number of parameters and the "
        "author’s number of models held equal; lines are 95\u202f% intervals over authors. Filled marks remain after "
        "correction for the number of ingredients (Benjamini–Hochberg), hollow ones do not. Rows are answers to the "
        "rubric’s checks by this judge, and what stands around the card. Ingredients occur together: the last estimate "
        "of the table holds all others equal. People convert, like and demonstrate what is popular already, so none of "
        "this says what adding an ingredient would do. By library and format: `cardiograph query ingredients`."
    )
    missing = {flag for f in drawn for flag in f.flags if flag.startswith(("unknown:", "partly_known:"))}
    note = f"{note} {caveats(sorted(missing))}".rstrip()
    title = "What goes with popularity"
    return Figure(
        "ingredients", title, summary, spec(chart, summary), ingredients_table(overall, order), note
    )


def _by_estimate(findings: list[Finding]) -> list[str]:
    """The ingredients, the highest estimate first; of two outcomes their mean."""
    estimates: dict[str, list[float]] = {}
    for f in findings:
        estimates.setdefault(f.predictor, []).append(f.estimate or 0.0)
    return sorted(estimates, key=lambda name: (-sum(estimates[name]) / len(estimates[name]), name))
