"""`cardiograph plan`: what a snapshot will take, and where each figure comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from rich.markup import escape
from rich.table import Table

from flows.cli.console import Console, count, fail_fast, plain_table, print_json, size
from flows.cli.options import (
    AsJson,
    Format,
    NewHome,
)
from flows.cli.progress_bars import busy
from flows.cli.requests import takes_request
from tasks.errors import UsageError
from tasks.records import HubPlan, Selection, SpendingCap
from tasks.sentences.scopes import private_sentence, sample_hint
from tasks.work.request import SnapshotRequest

if TYPE_CHECKING:
    from tasks.operations.planning import Costs, JudgingCost, PlanRequest, Rate


@takes_request
def plan(
    home: NewHome,
    request: SnapshotRequest,
    hub_plan: Annotated[
        HubPlan,
        typer.Option(
            "--plan",
            metavar="PLAN",
            help="Whose quota: anonymous, without a token; that of a free or pro account; of a team, enterprise or "
            "enterprise-plus subscription.",
        ),
    ] = "anonymous",
    ask: Annotated[
        bool,
        typer.Option(
            "--ask", help="Instead, ask the Hub for the quota of this machine's token: one request."
        ),
    ] = False,
    as_json: AsJson = False,
    output_format: Format = "table",
) -> None:
    """Estimate what a snapshot will take before it starts: requests, time, GPU minutes, tokens, disk.

    \b
    cardiograph plan --limit 10000
    cardiograph plan --sample 3000               the whole listing is walked
    cardiograph plan --all --plan pro --judge vllm --workers 4
    cardiograph plan --limit 1000 --judge openai:MODEL   what a provider will cost
    cardiograph plan --all --ask                 with the quota of your token

    \b
    Takes the options of `cardiograph snapshot`, and plans what they ask for.
    Uses the rates that this home has measured in its last snapshots, and
    documented ones where it has no history; each figure names its source.
    Nothing is sent anywhere without --ask.
    """
    as_json = as_json or output_format == "json"
    with busy("Estimating"):
        from tasks.operations.history import rates_of
        from tasks.operations.planning import first_costs, next_costs, rates_used

        quota_plan, quota_source = _quota_of(request.hub, str(hub_plan), is_asked=ask)
        planned = _planned(home, request, quota_plan)
        rates, has_selection = rates_of(home, request.selection.describe(), planned.judges)
        first, after = first_costs(planned, rates), next_costs(planned, rates)
        used = rates_used(planned, rates)
    if as_json:
        print_json(
            {
                "wanted": planned,
                "has_a_snapshot_of_it": has_selection,
                "first": {**asdict(first), "total_s": first.total_s},
                "each_after_it": {**asdict(after), "total_s": after.total_s} if after else None,
                "rates": used,
            }
        )
        return
    console = Console(emoji=False)
    columns = [first, *([after] if after else [])]
    table = plain_table("_ first_snapshot>" + " each_later_snapshot>" * (after is not None))
    for name, cells in _cost_rows(columns):
        table.add_row(escape(name), *cells)
    console.print(table)
    selection = request.selection
    notes = [
        *_notes(quota_plan, quota_source, has_next=after is not None, has_selection=has_selection),
        *_budget_notes(first, request.cap),
        _match_sentence(selection),
        private_sentence(selection),
        sample_hint(selection),
    ]
    for note in filter(None, notes):
        console.print(note, markup=False, highlight=False)
    console.print()
    console.print(_rates_table(used.values()))


def _quota_of(hub: str, named: str, *, is_asked: bool) -> tuple[str | None, str]:
    """The plan whose quota holds, null where none does, and who says so. Raises `UsageError` for an unknown one."""
    from tasks.hub.account import ask_account
    from tasks.hub.source import check_hub
    from tasks.settings import settings

    check_hub(hub)
    if "://" not in hub:
        return None, ""
    if not is_asked:
        return named, ""
    fail_fast()
    reported = str(ask_account(hub, settings()).plan)
    if reported not in get_args(HubPlan):
        raise UsageError(f"{hub} does not report its quota; name a plan with --plan")
    return reported, f", as {hub} reports"


def _planned(home: Path, request: SnapshotRequest, quota_plan: str | None) -> PlanRequest:
    """What `request` would have a run do, in figures."""
    from tasks.hub.source import models_in
    from tasks.judges import specs_of
    from tasks.operations.history import tried_judges
    from tasks.operations.planning import PlanRequest

    named = request.judges, request.judge_model, request.judge_urls
    specs = specs_of(*named, explains=request.explain > 0, cap=request.cap)
    judges = tuple(spec.kind if spec.model is None else f"{spec.kind}:{spec.model}" for spec in specs)
    return PlanRequest(
        len(request.models) or request.sample or request.limit,
        judges,
        quota_plan,
        request.judge_workers if request.judge_pool else request.workers,
        is_sample=request.sample is not None,
        is_named=bool(request.models),
        tried=tried_judges(home, judges),
        explain=request.explain,
        has_judge_pool=request.judge_pool is not None,
        embedder=request.embedder,
        on_hub=models_in(request.hub, home, request.snapshot_date),
    )


def _cost_rows(columns: Sequence[Costs]) -> list[tuple[str, list[str]]]:
    from tasks.operations.planning import is_paid
    from tasks.sentences.numbers import duration, money

    rows = [
        ("models listed", [count(c.listed) for c in columns]),
        ("cards read", [count(c.cards_read) for c in columns]),
        ("API requests (listing)", [count(c.api_requests) for c in columns]),
        ("resolver requests (cards)", [count(c.resolver_requests) for c in columns]),
        ("time at the quota", [duration(c.listing_s + c.reading_s) for c in columns]),
    ]
    for place, judging in enumerate(columns[0].judging):
        name, costs = judging.judge, [c.judging[place] for c in columns]
        rows += [
            (f"{name}: texts", [count(j.texts) for j in costs]),
            *_asides(name, costs),
            (f"{name}: time", [duration(j.seconds) for j in costs]),
        ]
        if judging.gpu_minutes:
            rows.append((f"{name}: GPU minutes", [count(round(j.gpu_minutes + 0.5)) for j in costs]))
        if judging.tokens_in:
            tokens = [f"{count(j.tokens_in)} / {count(j.tokens_out)}" for j in costs]
            rows.append((f"{name}: tokens in / out", tokens))
        if is_paid(name):
            rows.append(
                (f"{name}: cost", ["no price is set" if j.money is None else money(j.money) for j in costs])
            )
    if columns[0].atlas_s:
        rows.append(("embedding, map", [duration(c.atlas_s) for c in columns]))
    return [
        *rows,
        ("landing, parsing, analysis", [duration(c.local_s) for c in columns]),
        ("Prefect task runs", [count(c.task_runs) for c in columns]),
        ("total time", [duration(c.total_s) for c in columns]),
        ("lake grows by", [size(c.lake_bytes) for c in columns]),
        ("warehouse grows by (twice that while it is built)", [size(c.warehouse_bytes) for c in columns]),
    ]


def _asides(name: str, costs: Sequence[JudgingCost]) -> list[tuple[str, list[str]]]:
    """What a judge is asked besides the texts of the snapshot."""
    rows = [
        (f"{name}: edited texts of its passport", [j.passport_texts for j in costs]),
        (f"{name}: explanations", [j.explained for j in costs]),
    ]
    return [(title, [count(n) for n in numbers]) for title, numbers in rows if any(numbers)]


def _budget_notes(first: Costs, cap: SpendingCap) -> list[str]:
    """Where the budget ends before the work does."""
    from tasks.operations.planning import is_paid

    notes = []
    for judging in first.judging:
        if not is_paid(judging.judge):
            continue
        shares = [
            1.0 if cap.requests is None else cap.requests / max(1, judging.requests),
            1.0 if cap.money is None or not judging.money else cap.money / judging.money,
        ]
        if min(shares) < 1:
            texts = count(int(min(shares) * judging.texts))
            notes.append(
                f"{judging.judge}: the budget ends after about {texts} of {count(judging.texts)} texts."
            )
    return notes


def _match_sentence(selection: Selection) -> str | None:
    """What nobody knows before the listing is walked."""
    if not (selection.filters or selection.author):
        return None
    return "How many models match --filter and --author is known once they are listed: these figures are at most."


def _notes(quota_plan: str | None, source: str, *, has_next: bool, has_selection: bool) -> list[str]:
    from tasks.operations.planning import quota

    if quota_plan is None:
        notes = ["No quota: a replica on this machine serves the corpus."]
    else:
        api, resolvers = map(count, quota(quota_plan))
        notes = [
            f"Quota of the plan {quota_plan}{source}: {api} API requests and {resolvers} files per five minutes."
        ]
    if not has_next:
        notes.append(
            "How much changes from week to week is unknown until this home has a second snapshot; unchanged cards "
            "cost nothing to read."
        )
    elif has_selection:
        notes.append(
            "This home already has a snapshot of this selection: the last column holds for the next one."
        )
    return notes


def _rates_table(rates: Iterable[Rate]) -> Table:
    table = plain_table("rate source", title="Where the figures come from")
    for rate in rates:
        origin = "measured: " if rate.is_own else "documented: "
        value = f"{rate.value:,.3g}" if rate.value < 1000 else count(rate.value)
        table.add_row(escape(f"{value} {rate.unit}"), escape(origin + rate.source))
    return table
