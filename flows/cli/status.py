"""`cardiograph status`: the state of a home, in one table."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

import typer
from rich.markup import escape

from flows.cli.console import Console, count, fail_fast, plain_table, print_json, size
from flows.cli.options import AsJson, Format, Home
from flows.cli.progress_bars import busy
from tasks.cards.one_line import printable
from tasks.clock import utc_now

if TYPE_CHECKING:
    from tasks.operations.status import State


def status(home: Home, as_json: AsJson = False, output_format: Format = "table") -> None:
    """Show the state of a home: what is published, held back, running, failed, and scheduled next.

    \b
    cardiograph status
    cardiograph status --json | jq .published.age_days

    \b
    The current run is the one that holds the lake's lease, wherever it runs;
    its parts are those that workers have yet to do. With PREFECT_API_URL set,
    the next scheduled runs are shown too. The exit code is 1 where the
    warehouse cannot be read.
    """
    as_json = as_json or output_format == "json"
    fail_fast()
    with busy("Looking"):
        from tasks.operations.status import read_state

        state = read_state(home, utc_now())
    if as_json:
        print_json(state)
    else:
        table = plain_table()
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in _rows(state):
            table.add_row(name, escape(printable(value)))
        Console(emoji=False).print(table)
    if state.is_broken:
        raise typer.Exit(1)


def _rows(state: State) -> list[tuple[str, str]]:
    """Names and values for people."""
    rows = [("home", f"{state.home}, lake {state.lake}"), *_published_rows(state)]
    rows += [("quarantined", f"{day}: {'; '.join(reasons)}") for day, reasons in state.quarantined.items()]
    rows.append(("run", _run_words(state)))
    for stage in state.stages:
        holders = f" by {', '.join(stage.holders)}" if stage.holders else ""
        claimed = f"{count(stage.parts)} parts left, {stage.claimed} claimed{holders}"
        rows.append(("", f"{stage.snapshot} {stage.stage}: {claimed}"))
    for failure in state.failures:
        words = f"{count(failure.n)} at {failure.stage}: {failure.reason}, for example {failure.example}"
        rows.append(("failures", words))
    return [*rows, *_scheduled_rows(state), *(("unknown", problem) for problem in state.problems)]


def _published_rows(state: State) -> list[tuple[str, str]]:
    published = state.published
    if state.is_broken:
        return [("published", "unknown: the warehouse cannot be read")]
    if published is None:
        return [("published", "nothing yet; `cardiograph snapshot` takes the first snapshot")]
    score = (
        "no score" if published.median_score is None else f"median score {published.median_score:.2f} of 5"
    )
    late = f", crawled {published.days_late} days late" if published.days_late else ""
    return [
        (
            "published",
            f"snapshot of {published.snapshot}, {published.age_days} days old{late}: {count(published.models)} models, "
            f"{count(published.cards)} with a card, {score}",
        ),
        ("judge", f"{published.judge} {published.fingerprint[:8]}"),
        *([("", abilities)] if (abilities := published.judge_abilities) else []),
        (
            "warehouse",
            f"{size(published.warehouse_bytes)}, published {published.published_at:%Y-%m-%d %H:%M} UTC",
        ),
    ]


def _run_words(state: State) -> str:
    if state.run is None:
        return "none" + ("; a stopped run has left parts" if state.stages else "")
    words = f"of {state.run.snapshot}, coordinated by {state.run.holder}"
    return f"{words}, which has ended: the next run takes over" if state.run.is_gone else words


def _scheduled_rows(state: State) -> list[tuple[str, str]]:
    if state.coming:
        next_at: dict[str, datetime] = {}
        for run in state.coming:
            next_at.setdefault(run.deployment, run.at)
        return [("next", f"{name} at {at:%Y-%m-%d %H:%M} UTC") for name, at in next_at.items()]
    if state.coming is not None:
        return [("next", "nothing is scheduled; `cardiograph deploy` sets up the weekly snapshot")]
    if os.environ.get("PREFECT_API_URL"):
        return []
    return [("next", "nothing is scheduled: PREFECT_API_URL names no Prefect server")]
