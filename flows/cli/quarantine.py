"""`cardiograph quarantine`: the snapshots that are held back, and how one is released."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.console import date_in, echo, print_json
from flows.cli.options import AsJson, Format, Home
from flows.cli.plain_help import CommandGroup
from flows.cli.progress_bars import busy
from tasks.errors import UsageError, WriterBusy

quarantine = CommandGroup(invoke_without_command=True)


@quarantine.callback()
def _list(
    context: typer.Context, home: Home, as_json: AsJson = False, output_format: Format = "table"
) -> None:
    """List the snapshots that are held back, and why.

    \b
    cardiograph quarantine
    cardiograph quarantine release 2026-11-16 --reason "the Hub's outage"

    \b
    A snapshot too unlike the one before it is kept but not shown: the views,
    the leaderboard and the report stay those of the last good week. Where
    cards could not be read, take it again (the same command); where what it
    shows is true, release it. The table base.gates holds what is compared;
    settings that begin with CARDIOGRAPH_GATE hold the limits.
    """
    as_json = as_json or output_format == "json"
    if context.invoked_subcommand is not None:
        return
    from tasks.operations.gate import quarantine_reasons, quarantined

    held = quarantined(home)
    if as_json:
        print_json({str(day): measures for day, measures in held.items()})
        return
    if not held:
        echo("No snapshot is quarantined.")
    reasons = quarantine_reasons(home)
    for day, measures in held.items():
        echo(f"{day}, judged by {', '.join(sorted({m.fingerprint[:8] for m in measures}))}")
        for words in reasons[day]:
            echo(f"  {words}")


@quarantine.command()
def release(
    snapshot: Annotated[str, typer.Argument(metavar="DATE", help="The snapshot, YYYY-MM-DD.")],
    home: Home,
    reason: Annotated[
        str, typer.Option(help="Why it may be shown; printed in the report and kept in `snapshots`.")
    ],
) -> None:
    """Release a quarantined snapshot: publish it, and write the report with it.

    \b
    cardiograph quarantine release 2026-11-16 --reason "the Hub did delete them"
    """
    if not reason.strip():
        raise UsageError("--reason is blank; say why the snapshot may be shown")
    day = date_in(snapshot, snapshot)
    with busy("Publishing"):
        report = _release(home, day, " ".join(reason.split()))
    if report is None:
        echo(f"Another run is writing to {home}; the next publication will contain the snapshot of {day}.")
        return
    echo(f"The snapshot of {day} is published.\nReport: {os.path.relpath(report)}")


def _release(home: Path, day: date, reason: str) -> Path | None:
    """Write the release into the lake, and publish it; null where another run does so later."""
    from tasks.operations.gate import write_release
    from tasks.report.steps import publish_report
    from tasks.work.coordinator import coordinating
    from tasks.work.steps import publish_warehouse

    write_release(home, day, reason)
    try:
        with coordinating(home, day) as run:
            publish_warehouse.fn(run)
            return publish_report.fn(run)
    except WriterBusy:
        return None
