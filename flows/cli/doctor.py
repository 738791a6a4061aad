"""`cardiograph doctor`: one line for each check of what a snapshot needs."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from flows.cli.completion import complete_judge
from flows.cli.console import Console, fail_fast, plain_table, print_json
from flows.cli.options import AsJson, Budget, BudgetRequests, Format, Home, JudgeModel, JudgeUrls
from flows.cli.progress_bars import busy, progress_bars
from tasks.cards.one_line import printable
from tasks.errors import UsageError
from tasks.judges import specs_of
from tasks.records import SpendingCap
from tasks.settings import OFFICIAL_HUB

_MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[red]fail[/]"}


def doctor(
    home: Home,
    hub: Annotated[str, typer.Option(help="Address of the Hub to ask.")] = OFFICIAL_HUB,
    judge: Annotated[
        str | None,
        typer.Option(
            help="What the servers of --judge-url are: `vllm`, `vllm:MODEL` or `openai:MODEL`.",
            show_default="vllm",
            autocompletion=complete_judge,
        ),
    ] = None,
    judge_model: JudgeModel = None,
    judge_urls: JudgeUrls = None,
    budget: Budget = None,
    budget_requests: BudgetRequests = None,
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
    cardiograph doctor --judge openai:MODEL --judge-url URL

    \b
    Prints one line per check, with a remedy where something is wrong; each
    check takes five seconds at most. The Hub is asked once, for the account
    of the token, which is never printed. A judge is asked what it serves, and
    to score made-up cards of known quality, the canaries: as many as it can in
    that time, or all of them with --canaries. One that is paid for costs some
    twenty requests; its key is CARDIOGRAPH_JUDGE_API_KEY. The exit code is 1
    if a check fails; a warning does not change it.
    """
    as_json = as_json or output_format == "json"
    fail_fast()
    cap = SpendingCap(budget, budget_requests)
    (spec,) = specs_of([judge or "vllm"], judge_model, judge_urls or [], cap=cap)
    if judge and not spec.urls:
        raise UsageError(f"--judge {judge} is checked where it is served; name its servers with --judge-url")
    with busy("Checking"):
        from tasks.operations.doctor import (
            CANARIES_WITHIN_S,
            canary_checks,
            checks_for,
            examine,
            judges_at,
            late_canaries,
        )

        judges = judges_at(spec)
        checks = checks_for(home, hub, judges)
        if not canaries:
            checks += canary_checks(judges)
        results = examine(checks, late=late_canaries(judges))
    if canaries:
        with progress_bars("doctor"):
            results += examine(canary_checks(judges, CANARIES_WITHIN_S), within_s=CANARIES_WITHIN_S)
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
