"""The judge compared with people and with other judges."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from tasks.charts import draw
from tasks.records import PassportEntry
from tasks.report.data import JudgingReport
from tasks.report.figures.figure import Figure, intervals, spec
from tasks.report.tables import grid_table
from tasks.rubric import load_rubric
from tasks.sentences.numbers import decimal, percent, texts
from tasks.sentences.words import judge_words, upper_first

_AGREEING = {
    ("agreement", "quadratic_kappa"): "judge and people",
    ("raters", "mean_pairwise_kappa"): "two people",
}


def agreement(passport: Iterable[PassportEntry]) -> Figure | None:
    """Weighted kappas overall and by criterion; None with fewer than two intervals."""
    titles = {"score": "Overall score"} | {c.id: c.title for c in load_rubric().criteria}
    entries = [
        entry
        for subject in titles
        for entry in passport
        if entry.subject == subject
        and (entry.probe, entry.measure) in _AGREEING
        and None not in (entry.estimate, entry.ci_low, entry.ci_high)
    ]
    if len(entries) < 2:
        return None
    frame = intervals(entries, lambda e: titles[e.subject], lambda e: _AGREEING[e.probe, e.measure])
    summary = _where_they_agree(frame.filter(pl.col("series") == _AGREEING["agreement", "quadratic_kappa"]))
    chart = draw.how_far_judge_and_people_agree(frame, "Quadratic weighted kappa")
    note = (
        "Marks are estimates, lines their 95\u202f% intervals. 1 is full agreement, 0 what chance would give; where "
        "people disagree with each other, no judge can agree with all of them."
    )
    return Figure("agreement", "Judge and people", summary, spec(chart, summary), None, note)


_NOTICING = {"share_moved": "evidence came or went", "share_stirred": "something else was edited"}


def noticing(passport: Iterable[PassportEntry]) -> Figure | None:
    """By criterion, how often its checks moved with their evidence and with other things; None where nobody tried."""
    titles = {criterion.id: criterion.title for criterion in load_rubric().criteria}
    entries = [
        entry
        for subject in titles
        for entry in passport
        if entry.is_label_free and entry.subject == subject and entry.measure in _NOTICING
        if entry.estimate is not None
    ]
    if not entries:
        return None
    rows = [
        {
            "row": titles[e.subject],
            "series": _NOTICING[e.measure],
            "estimate": e.estimate,
            "ci_low": e.estimate if e.ci_low is None else e.ci_low,
            "ci_high": e.estimate if e.ci_high is None else e.ci_high,
        }
        for e in entries
    ]
    summary = _best_and_worst([e for e in entries if e.measure == "share_moved"], titles)
    chart = draw.how_often_checks_move(
        pl.DataFrame(rows), "Share of trials in which a check changed its answer"
    )
    note = (
        "The checks of a criterion should change whenever their evidence is put in or taken away (marks at the right), "
        "and never when something else is edited (marks at the left). Lines are 95\u202f% intervals over cards."
    )
    return Figure("noticing", "By criterion", summary, spec(chart, summary), None, note)


def _best_and_worst(moved: list[PassportEntry], titles: dict[str, str]) -> str:
    ordered = sorted(moved, key=lambda e: e.estimate or 0.0, reverse=True)
    if len(ordered) < 2:
        return "How often the checks of each criterion changed their answer."
    best, worst = (f"{titles[e.subject].lower()} ({percent(e.estimate)})" for e in (ordered[0], ordered[-1]))
    return f"Evidence that comes or goes is noticed most often for {best}, least often for {worst}."


def _where_they_agree(kappas: pl.DataFrame) -> str:
    ordered = kappas.sort("estimate", descending=True, maintain_order=True).to_dicts()
    if len(ordered) < 2:
        return "Agreement of the judge with people, and of people with each other."
    best, worst = (f"{row['row'].lower()} ({decimal(row['estimate'])})" for row in (ordered[0], ordered[-1]))
    return f"Judge and people are closest on {best} and farthest apart on {worst}."


def compared(judge: str, judging: JudgingReport) -> list[Figure]:
    """The texts that two judges scored, by both scores: the judge and each other one whose grid was read."""
    others = judging.others.filter(pl.col("fingerprint").is_in(list(judging.grids))).to_dicts()
    figures = []
    for number, other in enumerate(others):
        grid = judging.grids[other["fingerprint"]]
        this, that = judge_words(judge), judge_words(other["judge"])
        if this == that:
            that = f"{that} ({other['fingerprint'][:8]})"
        chart = draw.how_two_judges_compare(grid, this, that)
        summary = _sides(grid, this, that)
        title = f"{upper_first(this)} compared with {that}"
        note = "Each cell is half a point wide and high and shows its number of texts; on the dashed line both agree."
        table = grid_table(grid, this, that)
        figures.append(Figure(f"judges-{number}", title, summary, spec(chart, summary), table, note))
    return figures


def _sides(grid: pl.DataFrame, this: str, that: str) -> str:
    step, n = pl.col("score_low") - pl.col("other_low"), int(grid["n"].sum())
    same, more, less = (
        percent(int(grid.filter(side)["n"].sum()) / n) for side in (step == 0, step > 0, step < 0)
    )
    return (
        f"Of {texts(n)} that both scored, {same} fall into the same half point, {more} into a higher one with {this} "
        f"and {less} into a higher one with {that}."
    )
