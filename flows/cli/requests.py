"""The options of a snapshot, for the commands that take one or plan one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from flows.cli.completion import complete_judge
from flows.cli.console import date_in
from flows.cli.options import DEFAULTS, Budget, BudgetRequests, JudgeModel, JudgeUrls
from tasks.clock import utc_now
from tasks.errors import UsageError
from tasks.records import Sort
from tasks.work.request import SnapshotRequest

T = TypeVar("T")

SORTS = "downloads, likes, trending or created"


def snapshot_request(
    hub: Annotated[
        str, typer.Option(help="`demo`, the address of a Hub, or a corpus file (served by a replica).")
    ] = DEFAULTS.hub,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Date of the snapshot. Default: today, or a corpus's last."),
    ] = None,
    top_n: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Only the top N models.", show_default=str(DEFAULTS.limit)),
    ] = None,
    all_models: Annotated[bool, typer.Option("--all", help="Every model of the Hub.")] = False,
    sample: Annotated[
        int | None,
        typer.Option(min=10, help="So many models drawn at random from the whole listing, popular or not."),
    ] = DEFAULTS.sample,
    sample_seed: Annotated[
        int, typer.Option(help="The seed of --sample: the same one draws mostly the same models every week.")
    ] = DEFAULTS.sample_seed,
    sort: Annotated[Sort, typer.Option(metavar="BY", help=f"What the top N is by: {SORTS}.")] = DEFAULTS.sort,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="Only models with this tag; may be repeated.")
    ] = None,
    author: Annotated[str | None, typer.Option(help="Only models of this author.")] = DEFAULTS.author,
    models: Annotated[
        Path | None, typer.Option(help="Only the models named in this file, one per line.")
    ] = None,
    include_private: Annotated[
        bool,
        typer.Option(
            "--include-private",
            help="Also private models, which only your token's account may see. Else they are counted and left out.",
        ),
    ] = DEFAULTS.include_private,
    judge: Annotated[
        list[str] | None,
        typer.Option(
            help="Who scores the cards: `checklist`, `vllm`, `vllm:MODEL` or `openai:MODEL`; repeat it for a panel.",
            show_default=", ".join(DEFAULTS.judges),
            autocompletion=complete_judge,
        ),
    ] = None,
    judge_model: JudgeModel = DEFAULTS.judge_model,
    judge_urls: JudgeUrls = None,
    budget: Budget = None,
    budget_requests: BudgetRequests = None,
    explain: Annotated[
        int, typer.Option(min=0, help="How many scores a judge model is asked to explain.")
    ] = DEFAULTS.explain,
    embedder: Annotated[
        str | None,
        typer.Option(
            help="What embeds cards for the map: a sentence-transformers model by its Hub name or folder "
            "(cardiograph[torch]), or `none`.",
            show_default="all-MiniLM-L6-v2-int8, where cardiograph[atlas] is installed",
        ),
    ] = DEFAULTS.embedder,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that share the work, this one included.")
    ] = DEFAULTS.workers,
    pool: Annotated[
        str | None,
        typer.Option(help="Work pool whose workers share the work. Default: processes on this machine."),
    ] = DEFAULTS.pool,
    judge_pool: Annotated[
        str | None,
        typer.Option(help="Work pool of GPU machines: only its workers judge, each with its vLLM."),
    ] = DEFAULTS.judge_pool,
    judge_workers: Annotated[
        int, typer.Option(min=1, help="Workers of --judge-pool that judge.")
    ] = DEFAULTS.judge_workers,
) -> SnapshotRequest:
    """What the options ask for: its parameters are the options. Raises `UsageError` where they contradict."""
    limit = limit_of(top_n, all_models=all_models, sample=sample)
    if models and (all_models or top_n is not None or sample is not None or filters or author):
        raise UsageError(
            "--models takes exactly the models of its file; leave out --all, --limit, --sample, --filter and --author"
        )
    return SnapshotRequest(
        hub=hub,
        snapshot_date=_date(as_of),
        limit=None if models else limit,
        sort=sort,
        filters=tuple(filters or ()),
        author=author,
        models=_names(models) if models else (),
        sample=sample,
        sample_seed=sample_seed,
        include_private=include_private,
        judges=tuple(judge or DEFAULTS.judges),
        judge_model=judge_model,
        judge_urls=tuple(judge_urls or ()),
        budget=budget,
        budget_requests=budget_requests,
        explain=explain,
        embedder=embedder,
        workers=workers,
        pool=pool,
        judge_pool=judge_pool,
        judge_workers=judge_workers,
    )


def takes_request(command: Callable[..., T]) -> Callable[..., T]:
    """Give a command the options of `snapshot_request` in place of its parameter `request`."""
    own = inspect.signature(command, eval_str=True).parameters
    options = inspect.signature(snapshot_request, eval_str=True).parameters
    parameters: list[inspect.Parameter] = []
    for name, parameter in own.items():
        parameters += options.values() if name == "request" else [parameter]

    @wraps(command)
    def taking(**values: Any) -> T:
        request = snapshot_request(**{name: values.pop(name) for name in options})
        return command(request=request, **values)

    keywords = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    taking.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    taking.__annotations__ = {parameter.name: parameter.annotation for parameter in keywords}
    del taking.__wrapped__  # Typer would look through it
    return taking


def limit_of(top_n: int | None, *, all_models: bool, sample: int | None = None) -> int | None:
    """How many models `--limit` and `--all` ask for; null for every one, or for a sample of them.

    Raises `UsageError` for more than one of the three.
    """
    if all_models and top_n is not None:
        raise UsageError("--all and --limit exclude each other")
    if sample is not None and (all_models or top_n is not None):
        raise UsageError("--sample draws from the whole listing; leave out --limit and --all")
    return None if all_models or sample is not None else top_n or DEFAULTS.limit


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    day = date_in(text, f"--as-of {text}")
    if day > utc_now().date():
        raise UsageError(f"--as-of {text}: the date is in the future")
    return day


def _names(path: Path) -> tuple[str, ...]:
    """Model ids of a file, one per line; blank lines and what follows # are left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--models {path}: cannot be read ({error})") from error
    names = tuple(dict.fromkeys(name for line in lines if (name := line.split("#")[0].strip())))
    if not names:
        raise UsageError(f"--models {path}: names no model; write one owner/name per line")
    return names
