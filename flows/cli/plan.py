"""`cardiograph plan`: what a snapshot will take, and where each figure comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from rich.markup import escape
from rich.table import Table

from flows.cli.console import Console, count, fail_fast, plain_table, print_json, size
from flows.cli.options import (
    DEFAULTS,
    AllModels,
    AsJson,
    Home,
    IncludePrivate,
    JudgeModel,
    SampleSize,
    TopN,
    limit_of,
)
from tasks.errors import UsageError
from tasks.records import HubPlan, Selection, Sort
from tasks.sentences.scopes import private_sentence, sample_hint

if TYPE_CHECKING:
    from tasks.operations.planning import Costs, Rate


def plan(
    home: Home,
    top_n: TopN = None,
    all_models: AllModels = False,
    sample: SampleSize = DEFAULTS.sample,
    sort: Annotated[Sort, typer.Option(help="What the top N is by.")] = DEFAULTS.sort,
    include_private: IncludePrivate = DEFAULTS.include_private,
    hub_plan: Annotated[
        HubPlan,
        typer.Option("--plan", help="Whose quota: without a token, of an account, or of a subscription."),
    ] = "anonymous",
    ask: Annotated[
        bool,
        typer.Option(
            "--ask", help="Instead, ask the Hub for the quota of this machine's token: one request."
        ),
    ] = False,
    hub: Annotated[str, typer.Option(help="The Hub that --ask asks.")] = DEFAULTS.hub,
    judge: Annotated[
        list[str] | None,
        typer.Option(
            help="`checklist`, `vllm`, `vllm:MODEL` or `openai:MODEL`; repeat it for a panel.",
            show_default=", ".join(DEFAULTS.judges),
        ),
    ] = None,
    judge_model: JudgeModel = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that share the judging; for a judge model, GPUs.")
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Estimate what a snapshot will take before it starts: requests, time, GPU minutes, tokens, disk.

    \b
    cardiograph plan --limit 10000
    cardiograph plan --sample 3000               the whole listing is walked
    cardiograph plan --all --plan pro --judge vllm --workers 4
    cardiograph plan --limit 1000 --judge openai:MODEL   what a provider will cost
    cardiograph plan --all --ask                 with the quota of your token

    \b
    Uses the rates that this home has measured in its last snapshots, and
    documented ones where it has no history; each figure names its source.
    Nothing is sent anywhere without --ask.
    """
    from tasks.hub.account import ask_account
    from tasks.judges import specs_of
    from tasks.operations.history import rates_of
    from tasks.operations.planning import PlanRequest, first_costs, next_costs, rates_used
    from tasks.settings import settings

    limit = limit_of(top_n, all_models=all_models, sample=sample)
    selection = Selection(limit, sort, sample=sample, include_private=include_private)
    specs = specs_of(judge or DEFAULTS.judges, judge_model, [])
    names = tuple(spec.kind if spec.model is None else f"{spec.kind}:{spec.model}" for spec in specs)
    quota_plan, quota_source = str(hub_plan), ""
    if ask:
        fail_fast()
        reported = ask_account(hub, settings()).plan
        if reported not in get_args(HubPlan):
            raise UsageError(f"{hub} does not report its quota; name a plan with --plan")
        quota_plan, quota_source = str(reported), f", as {hub} reports"
    rates, has_selection = rates_of(home, selection.describe(), names)
    request = PlanRequest(sample or limit, names, quota_plan, workers, is_sample=sample is not None)
    first, after, used = first_costs(request, rates), next_costs(request, rates), rates_used(request, rates)
    if as_json:
        print_json(
            {
                "wanted": request,
                "has_a_snapshot_of_it": has_selection,
                "first": {**asdict(first), "total_s": first.total_s},
                "each_after_it": {**asdict(after), "total_s": after.total_s} if after else None,
                "rates": used,
            }
        )
        return
    console = Console()
    columns = [first, *([after] if after else [])]
    table = plain_table("_ first_snapshot>" + " each_later_snapshot>" * (after is not None))
    for name, cells in _cost_rows(columns):
        table.add_row(escape(name), *cells)
    console.print(table)
    notes = _notes(quota_plan, quota_source, has_next=after is not None, has_selection=has_selection)
    for note in [*notes, *filter(None, [private_sentence(selection), sample_hint(selection)])]:
        console.print(note, markup=False, highlight=False)
    console.print()
    console.print(_rates_table(used.values()))


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


def _notes(quota_plan: str, source: str, *, has_next: bool, has_selection: bool) -> list[str]:
    from tasks.operations.planning import quota

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
