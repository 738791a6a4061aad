"""What `analyse` prints: sentences and a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tasks.records import Finding
from tasks.sentences.estimates import figure, is_interval, is_number, is_second_opinion
from tasks.sentences.findings import as_people_score, sentence
from tasks.sentences.numbers import percent, probability
from tasks.sentences.words import estimator_words, plain, question_words, stratum_words, upper_first


def print_findings(findings: Sequence[Finding], *, as_json: bool) -> None:
    """All of them: what is counted and what is clear in sentences, every estimate in a table a question and outcome."""
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2, default=_plain))
        return
    console = Console(highlight=False)
    for text in dict.fromkeys(sentence(f, unsaid=f.flags) for f in findings if is_number(f) and f.estimate):
        console.print(escape(text))
    for finding in _said(findings):
        console.print(f"\n{escape(sentence(finding))}")
    for outcome in dict.fromkeys(finding.outcome for finding in findings):
        if corrected := as_people_score(findings, outcome):
            console.print(f"\n{escape(corrected)}")
    estimates = [finding for finding in findings if not is_number(finding)]
    for question in dict.fromkeys(finding.question for finding in estimates):
        of_question = [finding for finding in estimates if finding.question == question]
        for outcome in sorted({plain(finding.outcome) for finding in of_question}):
            rows = [finding for finding in of_question if plain(finding.outcome) == outcome]
            console.print(_table(f"\n{upper_first(question_words(question))}: {outcome}", rows))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _said(findings: Iterable[Finding]) -> list[Finding]:
    """What answers first: the rank correlation over all models, then the regression with all else held equal."""
    wanted = ("rank_correlation", "regression_controlled", "edit_effect")
    return [
        finding
        for finding in findings
        if finding.question in wanted and finding.stratum == "all" and not is_second_opinion(finding)
    ]


def _table(title: str, findings: Iterable[Finding]) -> Table:
    table = Table(
        title=escape(title), title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0)
    )
    table.add_column("models, estimator", overflow="fold", min_width=24)
    for name in ("n", "zeros", "ties", "estimate", "95 % interval", "p"):
        table.add_column(name, justify="right", overflow="fold")
    for f in findings:
        what = f"{stratum_words(f.stratum)}, {estimator_words(f.estimator)}"
        # The judge's score and people's stand side by side there.
        what += f", {plain(f.predictor)}" * (f.question == "judge_error")
        minds = ", ".join(plain(flag.replace(":", " ")) for flag in f.flags)
        table.add_row(
            escape(what) + (f"\n[dim]  {escape(minds)}[/]" if minds else ""),
            f"{f.n:,}",
            percent(f.zero_share),
            percent(f.tie_share),
            figure(f, f.estimate),
            f"{figure(f, f.ci_low)} to {figure(f, f.ci_high)}" if is_interval(f) else "–",
            probability(f.p if f.p_adjusted is None else f.p_adjusted),
        )
    return table
