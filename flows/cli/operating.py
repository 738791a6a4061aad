"""What `plan`, `doctor`, `status` and `quarantine` print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tasks.errors import UsageError, WriterBusy
from tasks.hub.account import ask_account
from tasks.judges import specs_of
from tasks.operations.doctor import CheckResult
from tasks.operations.gate import measure_words, quarantine, release
from tasks.operations.history import rates_of
from tasks.operations.planning import (
    Costs,
    PlanRequest,
    Rate,
    first_costs,
    next_costs,
    quota,
    rates_used,
)
from tasks.operations.status import State, read_state
from tasks.records import HubPlan, JudgeSpec, Selection, Sort
from tasks.sentences.numbers import duration
from tasks.settings import settings

_MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[red]fail[/]"}


def _printed(value: object, *, as_json: bool) -> bool:
    """Print as JSON where asked; whether that was all."""
    if as_json:
        typer.echo(json.dumps(value, indent=2, default=_plain))
    return as_json


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def count(n: float) -> str:
    """`1,234`."""
    return f"{n:,.0f}"


def _table(*columns: str, title: str | None = None) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
        show_header=bool(columns),
    )
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number == 0 else "right", overflow="fold")
    return table


# plan


def print_plan(
    home: Path,
    *,
    limit: int | None,
    sort: Sort,
    judges: Sequence[str],
    judge_model: str | None,
    workers: int,
    plan: str,
    ask: str | None,
    as_json: bool,
) -> None:
    """What a snapshot takes, the first one and each after it, and what that is reckoned from."""
    names = tuple(_named(spec) for spec in specs_of(judges, judge_model, []))
    told = ""
    if ask:
        account = ask_account(ask, settings())
        if account.plan is None or account.plan not in get_args(HubPlan):
            raise UsageError(f"{ask} does not tell its quota; name a plan with --plan")
        plan, told = account.plan, f", as {ask} says"
    rates, has_selection = rates_of(home, Selection(limit, sort).describe(), names)
    wanted = PlanRequest(limit, names, plan, workers)
    first, after = first_costs(wanted, rates), next_costs(wanted, rates)
    used = rates_used(wanted, rates)
    if not _printed(_plan_as_json(wanted, first, after, has_selection, used), as_json=as_json):
        _print_costs(wanted, first, after, has_selection, told)
        _print_rates(used)


def _named(spec: JudgeSpec) -> str:
    return spec.kind if spec.model is None else f"{spec.kind}:{spec.model}"


def _plan_as_json(
    wanted: PlanRequest, first: Costs, after: Costs | None, has_selection: bool, used: Mapping[str, Rate]
) -> dict[str, Any]:
    return {
        "wanted": asdict(wanted),
        "has_a_snapshot_of_it": has_selection,
        "first": {**asdict(first), "total_s": first.total_s},
        "each_after_it": {**asdict(after), "total_s": after.total_s} if after else None,
        "rates": {name: asdict(rate) for name, rate in used.items()},
    }


def _print_costs(
    wanted: PlanRequest, first: Costs, after: Costs | None, has_selection: bool, told: str
) -> None:
    api, resolvers = quota(wanted.plan)
    columns = [first, *([after] if after else [])]
    table = _table("", "first snapshot", *(["each after it"] if after else []))
    for name, cells in _cost_rows(columns):
        table.add_row(escape(name), *cells)
    console = Console()
    console.print(table)
    lines = [
        f"Quota of the plan {wanted.plan}{told}: {count(api)} API requests, {count(resolvers)} files in five minutes."
    ]
    if after is None:
        lines.append(
            "How much changes from week to week is not known here before a second snapshot; reading what has not "
            "changed is free."
        )
    elif has_selection:
        lines.append(
            "This home has a snapshot of this selection: the next one takes what the last column says."
        )
    for line in lines:
        console.print(line, markup=False, highlight=False)
    console.print()


def _cost_rows(columns: Sequence[Costs]) -> list[tuple[str, list[str]]]:
    rows = [
        ("models listed", [count(c.models) for c in columns]),
        ("cards read", [count(c.cards_read) for c in columns]),
        ("API requests (listing)", [count(c.api_requests) for c in columns]),
        ("resolver requests (cards)", [count(c.resolver_requests) for c in columns]),
        ("time at the quota", [duration(c.listing_s + c.reading_s) for c in columns]),
    ]
    for place, judging in enumerate(columns[0].judging):
        of_judge = [c.judging[place] for c in columns]
        rows.append((f"{judging.judge}: texts", [count(j.texts) for j in of_judge]))
        rows.append((f"{judging.judge}: time", [duration(j.seconds) for j in of_judge]))
        if judging.gpu_minutes:
            rows.append(
                (f"{judging.judge}: GPU minutes", [count(round(j.gpu_minutes + 0.5)) for j in of_judge])
            )
            rows.append(
                (
                    f"{judging.judge}: tokens in / out",
                    [f"{count(j.tokens_in)} / {count(j.tokens_out)}" for j in of_judge],
                )
            )
    return [
        *rows,
        *([("embedding, map", [duration(c.atlas_s) for c in columns])] if columns[0].atlas_s else []),
        ("landing, parsing, analysis", [duration(c.local_s) for c in columns]),
        ("Prefect task runs", [count(c.task_runs) for c in columns]),
        ("all of it", [duration(c.total_s) for c in columns]),
        ("lake grows by", [size(c.lake_bytes) for c in columns]),
        ("warehouse grows by (twice that while it is built)", [size(c.warehouse_bytes) for c in columns]),
    ]


def _print_rates(used: Mapping[str, Rate]) -> None:
    table = _table("reckoned with", "", title="Where the figures come from")
    table.columns[1].justify = "left"
    for rate in used.values():
        origin = "measured: " if rate.is_own else "documented: "
        value = f"{rate.value:,.3g}" if rate.value < 1000 else count(rate.value)
        table.add_row(escape(f"{value} {rate.unit}"), escape(origin + rate.source))
    Console().print(table)


def size(n: float) -> str:
    """`12 KB`, `3.4 MB`, `6.4 GB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if n >= factor:
            return f"{n / factor:,.1f} {unit}"
    return f"{n / 1e3:,.0f} KB"


# doctor


def print_findings(findings: Sequence[CheckResult], *, as_json: bool) -> None:
    """One line a finding; the remedy below it where there is one."""
    if _printed([asdict(finding) for finding in findings], as_json=as_json):
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        remedy = f"\n[dim]→ {escape(finding.remedy)}[/]" if finding.remedy and finding.status != "ok" else ""
        table.add_row(
            _MARKS[finding.status], escape(finding.name), escape(_printable(finding.detail)) + remedy
        )
    Console().print(table)


def _printable(text: str) -> str:
    """What comes from outside may hold escape sequences that drive a terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)


# status


def print_state(home: Path, *, as_json: bool) -> None:
    """How a home stands."""
    state = read_state(home, datetime.now(UTC).replace(tzinfo=None))
    if _printed(asdict(state), as_json=as_json):
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in state_rows(state):
        table.add_row(name, escape(_printable(value)))
    Console().print(table)


def state_rows(state: State) -> list[tuple[str, str]]:
    """Names and values for people."""
    return [
        ("home", f"{state.home}, lake {state.lake}"),
        *_published_rows(state),
        *[("quarantined", f"{day}: {'; '.join(why)}") for day, why in state.quarantined.items()],
        ("run", _run_words(state)),
        *[
            (
                "",
                f"{stage.snapshot} {stage.stage}: {count(stage.parts)} parts left, {stage.claimed} under way"
                + (f" at {', '.join(stage.holders)}" if stage.holders else ""),
            )
            for stage in state.stages
        ],
        *[
            (
                "failures",
                f"{count(failure.n)} at {failure.stage}: {failure.reason}, such as {failure.example}",
            )
            for failure in state.failures
        ],
        *_coming_rows(state),
        *[("not known", problem) for problem in state.problems],
    ]


def _published_rows(state: State) -> list[tuple[str, str]]:
    published = state.published
    if published is None:
        return [("published", "nothing yet; `cardiograph snapshot` takes the first")]
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
        (
            "warehouse",
            f"{size(published.warehouse_bytes)}, published {published.published_at:%Y-%m-%d %H:%M} UTC",
        ),
    ]


def _run_words(state: State) -> str:
    if state.run is None:
        return "none under way" + (", and parts left by one that was stopped" if state.stages else "")
    what = f"of {state.run.snapshot}, coordinated by {state.run.holder}"
    return f"{what}, which is no more: the next run takes over" if state.run.is_gone else what


def _coming_rows(state: State) -> list[tuple[str, str]]:
    if state.coming is None:
        is_set = bool(os.environ.get("PREFECT_API_URL"))
        return (
            [] if is_set else [("next", "nothing is scheduled: no Prefect server is set (PREFECT_API_URL)")]
        )
    if not state.coming:
        return [("next", "nothing is scheduled; `cardiograph deploy` sets up the weekly snapshot")]
    first: dict[str, datetime] = {}
    for run in state.coming:
        first.setdefault(run.deployment, run.at)
    return [("next", f"{name} at {at:%Y-%m-%d %H:%M} UTC") for name, at in first.items()]


# quarantine


def print_quarantine(home: Path, *, as_json: bool) -> None:
    """The snapshots that are held back, measure by measure."""
    held = quarantine(home)
    plain = {str(day): [asdict(measure) for measure in measures] for day, measures in held.items()}
    if _printed(plain, as_json=as_json):
        return
    if not held:
        typer.echo("No snapshot is quarantined.")
    for day, measures in held.items():
        typer.echo(f"{day}, judged by {', '.join(sorted({m.fingerprint[:8] for m in measures}))}")
        for measure in measures:
            typer.echo(f"  {measure_words(measure)}")


def release_snapshot(home: Path, snapshot: date, reason: str) -> None:
    """Write the release, publish the warehouse with the snapshot in it, and the report."""
    from tasks.findings.steps import publish_report, publish_warehouse
    from tasks.work.coordinator import coordinating

    release(home, snapshot, reason)
    try:
        with coordinating(home, snapshot):
            publish_warehouse.fn(home)
            report = publish_report.fn(home)
    except WriterBusy:
        typer.echo(
            f"Another run is writing to {home}; the snapshot of {snapshot} will stand in what is published next."
        )
        return
    typer.echo(f"The snapshot of {snapshot} is published.\nReport: {os.path.relpath(report)}")
