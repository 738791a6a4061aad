"""`cardiograph doctor`: one line for each check of what a snapshot needs."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from flows.cli.console import fail_fast, plain_table, print_json
from flows.cli.options import AsJson, Format, Home, JudgeUrls
from flows.cli.progress_bars import progress_bars
from tasks.settings import OFFICIAL_HUB

_MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[red]fail[/]"}


def doctor(
    home: Home,
    hub: Annotated[str, typer.Option(help="Address of the Hub to ask.")] = OFFICIAL_HUB,
    judge_urls: JudgeUrls = None,
    canaries: Annotated[
        bool,
        typer.Option("--canaries", help="Wait until each judge has scored all canaries: up to 10 minutes."),
    ] = False,
    as_json: AsJson = False,
    output_format: Format = "table",
) -> None:
    """Check what a snapshot needs: packages, token, quota, disk, lake, GPU, judges, Prefect, clock, warehouse.

    \b
    cardiograph doctor
    cardiograph doctor --judge-url http://gpu:8000
    cardiograph doctor --judge-url http://gpu:8000 --canaries

    \b
    Prints one line per check, with a remedy where something is wrong; each
    check takes five seconds at most. The Hub is asked once, for the account
    of the token, which is never printed. A judge is asked what it serves, and
    to score made-up cards of known quality, the canaries: as many as it can in
    that time, or all of them with --canaries. The exit code is 1 if a check
    fails; a warning does not change it.
    """
    as_json = as_json or output_format == "json"
    from tasks.cards.one_line import printable
    from tasks.operations.doctor import CANARIES_WITHIN_S, canary_checks, checks_for, examine

    fail_fast()
    urls = judge_urls or []
    checks = checks_for(home, hub, urls)
    results = examine(checks if canaries else [*checks, *canary_checks(urls)])
    if canaries:
        with progress_bars("doctor"):
            results += examine(canary_checks(urls, CANARIES_WITHIN_S), within_s=CANARIES_WITHIN_S)
    if as_json:
        print_json(results)
    else:
        table = plain_table()
        table.add_column()
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for result in results:
            is_open = result.remedy and result.status != "ok"
            remedy = f"\n[dim]→ {escape(result.remedy)}[/]" if is_open else ""
            detail = escape(printable(result.detail))
            table.add_row(_MARKS[result.status], escape(result.name), detail + remedy)
        Console(emoji=False).print(table)
    if any(result.status == "fail" for result in results):
        raise typer.Exit(1)
