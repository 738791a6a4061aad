"""`cardiograph analyse`: what goes with the score, in the warehouse or in anybody's table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import AsJson, Home
from tasks.errors import UsageError


def analyse(
    home: Home,
    table: Annotated[
        Path | None,
        typer.Option(help="A .parquet, .csv or .tsv file, one row a model. Without: the warehouse."),
    ] = None,
    score: Annotated[
        str | None, typer.Option(help="The column that is held to go with the outcomes.")
    ] = None,
    outcome: Annotated[
        list[str] | None, typer.Option(help="A column of counts, such as likes; may be repeated.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(help="The column of those whose models are not independent of each other: the author."),
    ] = None,
    controls: Annotated[
        list[str] | None, typer.Option(help="A column to hold equal; may be repeated.")
    ] = None,
    strata: Annotated[
        list[str] | None,
        typer.Option(help="A column in each level of which it is asked again; may be repeated."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="The column of people's score, blank for most: coefficients are then corrected for the judge's error."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what goes with the score: correlations, regressions and counts, each with its interval and caveats.

    \b
    cardiograph analyse                        the latest snapshot, as its report has it
    cardiograph analyse --table models.csv --score stars --outcome installs \\
        --cluster owner --controls age_days --controls language --strata language

    \b
    A table needs one row a model. Outcomes are counts; what is missing is
    left out and counted. Controls that are numbers are held equal as
    logarithms, others by their more common levels. Intervals treat the
    models of one cluster as dependent; without --cluster each is its own.
    Labelled models are taken as drawn at random within fifths of the score.
    """
    from flows.cli.analysing import print_findings
    from tasks.findings.steps import latest_findings
    from tasks.findings.tables import analyse_table

    asked = {
        "--score": score,
        "--outcome": outcome,
        "--cluster": cluster,
        "--controls": controls,
        "--strata": strata,
        "--label": label,
    }
    if table is None:
        if extra := [name for name, given in asked.items() if given]:
            raise UsageError(f"{extra[0]} says what to ask of a table; name one with --table")
        print_findings(latest_findings(home), as_json=as_json)
        return
    if score is None or not outcome:
        raise UsageError("a table needs --score COLUMN and at least one --outcome COLUMN")
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
