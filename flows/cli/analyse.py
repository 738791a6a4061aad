"""`cardiograph analyse`: what is associated with the score, in the warehouse or in any table of models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from flows.cli.console import Console, plain_table, print_json
from flows.cli.options import AsJson, Format, Home
from flows.cli.progress_bars import busy
from tasks.errors import UsageError
from tasks.records import Finding, Scope

# Answered in sentences first: the rank correlation, the regression with controls, what follows an edit.
_FIRST = ("rank_correlation", "regression_controlled", "edit_effect")


def analyse(
    home: Home,
    table: Annotated[
        Path | None,
        typer.Option(help="A .parquet, .csv or .tsv file, one row per model. Default: the warehouse."),
    ] = None,
    score: Annotated[
        str | None, typer.Option(help="The column whose association with the outcomes is estimated.")
    ] = None,
    outcome: Annotated[
        list[str] | None, typer.Option(help="A column of counts, such as likes; may be repeated.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(help="The column that groups models which depend on each other, such as the author."),
    ] = None,
    controls: Annotated[
        list[str] | None, typer.Option(help="A column to control for; may be repeated.")
    ] = None,
    strata: Annotated[
        list[str] | None,
        typer.Option(help="A column whose levels are also analysed one by one; may be repeated."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="The column of people's scores, blank for most: coefficients are then corrected for judge error."
        ),
    ] = None,
    panel: Annotated[
        str | None,
        typer.Option(
            help="Models over weeks: a file, a folder of dated folders, or a pattern of files. Only what follows an "
            "edit of a card is estimated."
        ),
    ] = None,
    as_json: AsJson = False,
    output_format: Format = "table",
) -> None:
    """Estimate what is associated with the score: correlations, regressions and counts, with intervals and caveats.

    \b
    cardiograph analyse                        the latest snapshot, as in its report
    cardiograph analyse --table models.csv --score stars --outcome installs \\
        --cluster owner --controls age_days --controls language --strata language

    \b
    A table needs one row per model. Outcomes are counts; missing values are
    left out and counted. Numeric controls enter as logarithms, others by
    their more common levels. Intervals treat the models of one cluster as
    dependent; without --cluster every model is its own cluster. Labelled
    models are taken as drawn at random within fifths of the score.

    \b
    cardiograph analyse --panel weeks.csv
    cardiograph analyse --panel history/     of 2026-01-05/models.parquet and so on
    cardiograph analyse --panel 'history/2026-*/models.parquet'

    \b
    model_id,author,date,downloads,likes,edited,documented
    ada/one,ada,2026-01-05,120,3,false,false
    ada/one,ada,2026-01-12,131,3,true,true

    \b
    A panel needs six weeks or more and thirty documented models; a row per
    model and week (of daily rows the week's last). edited: the card changed;
    documented: and says more. Or a score instead: a rise by one level or more
    documents, another change does not. Optional: downloads_all_time,
    created_at or age_days. The Hub's names (id, downloadsAllTime, createdAt)
    do too; a change of sha or lastModified is not taken for an edit.
    """
    as_json = as_json or output_format == "json"
    options = {
        "--score": score,
        "--outcome": outcome,
        "--cluster": cluster,
        "--controls": controls,
        "--strata": strata,
        "--label": label,
    }
    if panel is not None:
        if extra := [name for name, value in {"--table": table, **options}.items() if value]:
            raise UsageError(f"{extra[0]} does not describe a panel; leave it out, or --panel")
        with busy("Estimating"):
            from tasks.findings.panels import analyse_panel

            found = analyse_panel(panel)
        print_findings(found, as_json=as_json)
        return
    if table is None:
        if extra := [name for name, value in options.items() if value]:
            raise UsageError(f"{extra[0]} describes a table; name the table with --table")
        with busy("Reading the warehouse"):
            from tasks.findings.steps import latest_findings

            findings, scope = latest_findings(home)
        print_findings(findings, scope, as_json=as_json)
        return
    if score is None or not outcome:
        raise UsageError("a table needs --score COLUMN and at least one --outcome COLUMN")
    with busy("Estimating"):
        from tasks.findings.tables import analyse_table

        findings = analyse_table(
            table,
            score=score,
            outcomes=outcome,
            cluster=cluster,
            controls=controls or [],
            strata=strata or [],
            label=label,
        )
    print_findings(findings, as_json=as_json)


def print_findings(findings: Sequence[Finding], scope: Scope | None = None, *, as_json: bool) -> None:
    """Print counts and main results as sentences, then every estimate in tables by question and outcome; or JSON.

    `scope`: the models of the snapshot; null for a table.
    """
    if as_json:
        print_json(findings)
        return
    from tasks.sentences.edits import edit_verdict
    from tasks.sentences.estimates import is_number, is_second_opinion
    from tasks.sentences.findings import as_people_score, sentence
    from tasks.sentences.ingredients import ingredients_summary, is_detail
    from tasks.sentences.words import plain, question_words, upper_first

    console = Console(highlight=False, emoji=False)
    for text in dict.fromkeys(sentence(f, unsaid=f.flags) for f in findings if is_number(f) and f.estimate):
        console.print(escape(text))
    for f in findings:
        if f.question in _FIRST and f.stratum == "all" and not is_second_opinion(f):
            console.print(f"\n{escape(sentence(f, scope))}")
    for outcome in dict.fromkeys(f.outcome for f in findings):
        if corrected := as_people_score(findings, outcome):
            console.print(f"\n{escape(corrected)}")
        if summary := ingredients_summary(findings, outcome):
            console.print(f"\n{escape(summary)}")
    for outcome in dict.fromkeys(f.outcome for f in findings):
        if verdict := edit_verdict(findings, outcome):
            console.print(f"\n{escape(upper_first(plain(outcome)))} after an edit: {escape(verdict)}")
    estimates = [f for f in findings if not is_number(f) and not is_detail(f)]
    for question in dict.fromkeys(f.question for f in estimates):
        answers = [f for f in estimates if f.question == question]
        for outcome in sorted({plain(f.outcome) for f in answers}):
            rows = [f for f in answers if plain(f.outcome) == outcome]
            console.print(_table(f"\n{upper_first(question_words(question))}: {outcome}", rows))


def _table(title: str, findings: Iterable[Finding]) -> Table:
    from tasks.sentences.estimates import both_ends, figure
    from tasks.sentences.numbers import percent, probability
    from tasks.sentences.words import estimator_words, flag_names, ingredient_words, plain, stratum_words

    table = plain_table("models,_estimator n> zeros> ties> estimate> 95_%_interval> p>", title=title)
    table.columns[0].min_width = 24
    for f in findings:
        what = f"{stratum_words(f.stratum)}, {estimator_words(f.estimator)}"
        # Estimates by the judge's score and by people's are side by side there.
        what += f", {plain(f.predictor)}" * (f.question == "judge_error")
        if f.question == "ingredient":
            what = ingredient_words(f.predictor)
        table.add_row(
            escape(what) + (f"\n[dim]  {escape(flag_names(f.flags))}[/]" if f.flags else ""),
            f"{f.n:,}",
            percent(f.zero_share),
            percent(f.tie_share),
            figure(f, f.estimate),
            both_ends(f),
            probability(f.p if f.p_adjusted is None else f.p_adjusted),
        )
    return table
