"""`cardiograph plan`, `doctor`, `status` and `quarantine`: before a run, around it, and when one looks wrong."""

from __future__ import annotations

import os
from datetime import date
from typing import Annotated

import typer

from flows.cli.options import AsJson, Home, JudgeModel, JudgeUrls
from tasks.errors import UsageError
from tasks.records import HubPlan, Sort
from tasks.settings import OFFICIAL_HUB

quarantine = typer.Typer(
    help="Snapshots held back because they look wrong beside the week before.", invoke_without_command=True
)


def plan(
    home: Home,
    limit: Annotated[int | None, typer.Option(min=1, help="The top N models. Default: 1000.")] = None,
    all_models: Annotated[bool, typer.Option("--all", help="Every model of the Hub.")] = False,
    sort: Annotated[Sort, typer.Option(help="What the top N is by.")] = "downloads",
    hub_plan: Annotated[
        HubPlan,
        typer.Option("--plan", help="Whose quota: without a token, of an account, or of a subscription."),
    ] = "anonymous",
    ask: Annotated[
        bool,
        typer.Option("--ask", help="Ask the Hub instead, by one request, what this machine's token may."),
    ] = False,
    hub: Annotated[str, typer.Option(help="The Hub that --ask asks.")] = OFFICIAL_HUB,
    judge: Annotated[
        list[str] | None,
        typer.Option(
            help="`checklist`, `vllm` or `vllm:MODEL`; repeated, a panel.", show_default="checklist"
        ),
    ] = None,
    judge_model: JudgeModel = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that share the judging; GPUs, of a judge model.")
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Tell what a snapshot will take before anything starts: requests, time, GPU minutes, tokens, disk.

    \b
    cardiograph plan --limit 10000
    cardiograph plan --all --plan pro --judge vllm --workers 4
    cardiograph plan --all --ask                 with the quota of your token

    \b
    Reckons with what this home has measured itself in its last snapshots;
    where it has no history, with documented figures. It says which is which.
    Nothing is sent anywhere without --ask.
    """
    from flows.cli.operating import print_plan
    from tasks.judges import DEFAULT_JUDGE

    if all_models and limit is not None:
        raise UsageError("--all and --limit exclude each other")
    if ask:
        _hurry()
    print_plan(
        home,
        limit=None if all_models else limit or 1000,
        sort=sort,
        judges=judge or [DEFAULT_JUDGE],
        judge_model=judge_model,
        workers=workers,
        plan=hub_plan,
        ask=hub if ask else None,
        as_json=as_json,
    )


def doctor(
    home: Home,
    hub: Annotated[str, typer.Option(help="Address of the Hub to ask.")] = OFFICIAL_HUB,
    judge_urls: JudgeUrls = None,
    as_json: AsJson = False,
) -> None:
    """Check what a snapshot needs: packages, token, quota, disk, lake, GPU, judges, Prefect, clock, warehouse.

    \b
    cardiograph doctor
    cardiograph doctor --judge-url http://gpu:8000

    \b
    One line a check, with a remedy where it is not well; none takes more than
    five seconds. The Hub is asked once, for the account of the token, which is
    never printed. Leaves with exit code 1 if a check fails; a warning is none.
    """
    from flows.cli.operating import print_findings
    from tasks.operations.doctor import checks_for, examine

    _hurry()
    findings = examine(checks_for(home, hub, judge_urls or []))
    print_findings(findings, as_json=as_json)
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(1)


def status(home: Home, as_json: AsJson = False) -> None:
    """Tell how things stand: what is published, held back, under way, failed, and what comes next.

    \b
    cardiograph status
    cardiograph status --json | jq .published.age_days

    \b
    The run under way is the one that holds the lake's lease, wherever it
    runs; its parts are those that workers are still to do. With
    PREFECT_API_URL set, the next scheduled runs are told too.
    """
    from flows.cli.operating import print_state

    _hurry()
    print_state(home, as_json=as_json)


@quarantine.callback()
def _list(context: typer.Context, home: Home, as_json: AsJson = False) -> None:
    """List the snapshots that are held back, and why.

    \b
    cardiograph quarantine
    cardiograph quarantine release 2026-11-16 --reason "the Hub's outage"

    \b
    A snapshot too unlike the one before it is kept and not shown: the views,
    the leaderboard and the report stay those of the last good week. Take it
    again (the same command) where cards could not be read; release it where
    what it shows is so. What is compared with what: the table base.gates,
    and the settings CARDIOGRAPH_GATE_….
    """
    if context.invoked_subcommand is None:
        from flows.cli.operating import print_quarantine

        print_quarantine(home, as_json=as_json)


@quarantine.command()
def release(
    snapshot: Annotated[str, typer.Argument(metavar="DATE", help="The snapshot, YYYY-MM-DD.")],
    home: Home,
    reason: Annotated[
        str, typer.Option(help="Why it may be shown; stands in the report and in `snapshots`.")
    ],
) -> None:
    """Let a quarantined snapshot pass: publish it, and write the report with it.

    \b
    cardiograph quarantine release 2026-11-16 --reason "the Hub did delete them"
    """
    from flows.cli.operating import release_snapshot

    if not reason.strip():
        raise UsageError("--reason is blank; say why the snapshot may be shown")
    try:
        day = date.fromisoformat(snapshot)
    except ValueError as error:
        raise UsageError(f"{snapshot}: not a date; write it as 2026-11-16") from error
    release_snapshot(home, day, " ".join(reason.split()))


def _hurry() -> None:
    """A person waits: what is away is told at once, not after the patience that a run has."""
    os.environ.setdefault("CARDIOGRAPH_LAKE_PATIENCE_S", "3")
    os.environ.setdefault("PREFECT_API_REQUEST_TIMEOUT", "5")
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "0")
