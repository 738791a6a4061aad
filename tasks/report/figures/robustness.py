"""How sure: popularity step by step of the score, and the answer by every defensible choice."""

from __future__ import annotations

import polars as pl

from tasks.charts import draw
from tasks.estimators import Estimator, family
from tasks.records import Finding
from tasks.report.data import ReportData
from tasks.report.figures.figure import Figure, drawable_of, spec
from tasks.report.tables import findings_table
from tasks.sentences.estimates import is_interval, is_ranked, reading
from tasks.sentences.numbers import count, decimal
from tasks.sentences.robustness import steps_sentence
from tasks.sentences.words import estimator_words, plain, stratum_words, upper_first

_WEIGHTS: dict[str, str] = {
    Estimator.SPEARMAN_PER_AUTHOR: "each author weighs one",
    Estimator.SPEARMAN_WITHIN_AUTHOR: "within authors",
}
_SPECIFIED = ("rank_correlation", "partial_rank_correlation")


def dose_response(data: ReportData) -> Figure | None:
    """The mean rank in downloads and likes of each half point of score; None where there are fewer than two steps."""
    steps = [f for f in data.findings if f.question == "dose_response"]
    drawn = [f for f in steps if is_interval(f)]
    if len({f.stratum for f in drawn}) < 2:
        return None
    summary = " ".join(filter(None, (steps_sentence(steps, what) for what in ("downloads", "likes"))))
    rows = pl.DataFrame(
        {
            "score": [_middle(f) for f in drawn],
            "series": [plain(f.outcome) for f in drawn],
            "estimate": [f.estimate for f in drawn],
            "ci_low": [f.ci_low for f in drawn],
            "ci_high": [f.ci_high for f in drawn],
            "n": [f.n for f in drawn],
        }
    )
    note = (
        "The mean rank of the models at each half point of score: 0 is the least popular of the scored models, 1 the "
        "most popular, 0.5 the middle. Lines are 95\u202f% intervals over authors; steps of a few authors have none."
    )
    chart = draw.how_popularity_rises(rows)
    return Figure(
        "dose-response",
        "Popularity, step by step",
        summary,
        spec(chart, summary),
        findings_table(steps),
        note,
    )


def _middle(finding: Finding) -> float:
    low, high = finding.stratum.removeprefix("score=").split(" to ")
    return (float(low) + float(high)) / 2


def specification_curve(data: ReportData, outcome: str) -> Figure | None:
    """Every rank correlation of score and outcome that could be defended, in their order; None for fewer than two.

    Simonsohn, Simmons & Nelson (2020), "Specification curve analysis".
    """
    choices = [
        f
        for f in data.findings
        if f.question in _SPECIFIED
        and f.outcome == outcome
        and f.predictor == "score"
        and "=" not in f.stratum
        and is_ranked(f)
        and family(f.estimator) != Estimator.KENDALL  # on a scale of its own
    ]
    drawn = sorted(drawable_of(choices), key=lambda f: f.estimate or 0.0)
    if len(drawn) < 2:
        return None
    verdicts = [reading(f) for f in drawn]
    more, less, one = (count(verdicts.count(kind)) for kind in ("more", "less", "one_author"))
    summary = (
        f"Of {count(len(drawn))} ways to ask how score and {outcome} go together, {more} give a clear positive answer, "
        f"{less} a clear negative one, {one} hang on one author; from {decimal(drawn[0].estimate)} to "
        f"{decimal(drawn[-1].estimate)}, half of them above {decimal(_median(drawn))}."
    )
    rows = pl.DataFrame(
        {
            "place": range(1, len(drawn) + 1),
            "series": [_WEIGHTS.get(f.estimator, "each model weighs one") for f in drawn],
            "choice": [f"{stratum_words(f.stratum)}, {estimator_words(f.estimator)}" for f in drawn],
            "estimate": [f.estimate for f in drawn],
            "ci_low": [f.ci_low for f in drawn],
            "ci_high": [f.ci_high for f in drawn],
        }
    )
    note = (
        "Each line is one choice of models, weights and controls, in the order of the estimates, with its 95\u202f% "
        "interval over authors. The choices are not independent: count what agrees rather than what is significant."
    )
    chart = draw.how_the_answer_depends_on_choices(rows, "Spearman ρ")
    title = f"{upper_first(outcome)}, by every defensible choice"
    return Figure(f"choices-{outcome}", title, summary, spec(chart, summary), findings_table(choices), note)


def _median(findings: list[Finding]) -> float | None:
    return findings[len(findings) // 2].estimate
