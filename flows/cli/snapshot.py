"""`cardiograph snapshot` and `demo`: Prefect's server and progress around the flow, the closing table after it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from flows.cli.console import date_in, print_json
from flows.cli.options import (
    DEFAULTS,
    AllModels,
    AsJson,
    Budget,
    BudgetRequests,
    EmbedderOption,
    Home,
    IncludePrivate,
    JudgeModel,
    JudgePool,
    JudgeUrls,
    JudgeWorkers,
    PoolOption,
    SampleSize,
    TopN,
    Workers,
    limit_of,
)
from tasks.clock import utc_now
from tasks.errors import UsageError
from tasks.records import Sort
from tasks.sentences.judges import abilities_words
from tasks.sentences.scopes import sample_hint
from tasks.work.request import SnapshotRequest

if TYPE_CHECKING:
    from tasks.operations.summary import Summary


def snapshot(
    home: Home,
    hub: Annotated[
        str, typer.Option(help="`demo`, the address of a Hub, or a corpus file (served by a replica).")
    ] = DEFAULTS.hub,
    as_of: Annotated[
        str | None, typer.Option(help="Date of the snapshot, YYYY-MM-DD. Default: today, or a corpus's last.")
    ] = None,
    top_n: TopN = None,
    all_models: AllModels = False,
    sample: SampleSize = DEFAULTS.sample,
    sample_seed: Annotated[
        int, typer.Option(help="The seed of --sample: the same one draws mostly the same models every week.")
    ] = DEFAULTS.sample_seed,
    sort: Annotated[Sort, typer.Option(help="What the top N is by.")] = DEFAULTS.sort,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="Only models with this tag; may be repeated.")
    ] = None,
    author: Annotated[str | None, typer.Option(help="Only models of this author.")] = DEFAULTS.author,
    models: Annotated[
        Path | None, typer.Option(help="Only the models named in this file, one per line.")
    ] = None,
    include_private: IncludePrivate = DEFAULTS.include_private,
    judge: Annotated[
        list[str] | None,
        typer.Option(
            help="Who scores the cards: `checklist`, `vllm`, `vllm:MODEL` or `openai:MODEL`; repeat it for a panel.",
            show_default=", ".join(DEFAULTS.judges),
        ),
    ] = None,
    judge_model: JudgeModel = DEFAULTS.judge_model,
    judge_urls: JudgeUrls = None,
    budget: Budget = None,
    budget_requests: BudgetRequests = None,
    explain: Annotated[
        int, typer.Option(min=0, help="How many scores a judge model is asked to explain.")
    ] = DEFAULTS.explain,
    embedder: EmbedderOption = DEFAULTS.embedder,
    workers: Workers = DEFAULTS.workers,
    pool: PoolOption = DEFAULTS.pool,
    judge_pool: JudgePool = DEFAULTS.judge_pool,
    judge_workers: JudgeWorkers = DEFAULTS.judge_workers,
    as_json: AsJson = False,
) -> None:
    """Take one dated snapshot of a Hub: list, read, judge, analyse, report.

    \b
    cardiograph snapshot --limit 200                  the 200 most downloaded
    cardiograph snapshot --filter gguf --sort likes   the most liked GGUFs
    cardiograph snapshot --hub corpus.parquet --all   a corpus, not the Hub
    cardiograph snapshot --sample 3000                3,000 drawn at random
    cardiograph snapshot --models my-models.txt       models that you name
    cardiograph snapshot --judge vllm                 a judge model scores them
    cardiograph snapshot --judge openai:MODEL --judge-url URL   one of a server
    cardiograph snapshot --workers 2                  two processes share the work
    cardiograph snapshot --workers 4 --pool default   … of a Prefect work pool

    \b
    Run it again after an interruption: it resumes where it stopped. A token
    (HF_TOKEN, or `hf auth login`) raises the Hub's quota; it is sent to the
    Hub and written nowhere.
    """
    limit = limit_of(top_n, all_models=all_models, sample=sample)
    if models and (all_models or top_n is not None or sample is not None or filters or author):
        raise UsageError(
            "--models takes exactly the models of its file; leave out --all, --limit, --sample, --filter and --author"
        )
    request = SnapshotRequest(
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
    take_snapshots(home, [request], as_json=as_json)
    if not as_json and (hint := sample_hint(request.selection)):
        typer.echo(f"\n{hint}")


def demo(
    home: Annotated[Path, typer.Option(help="Folder of the demo.")] = Path("cardiograph-demo"),
    as_json: AsJson = False,
) -> None:
    """Two weekly snapshots of a made-up Hub of 1,000 models: the whole job, on this machine alone."""
    from tasks.hub.source import DEMO, date_of
    from tasks.storage.warehouse import prepare_home

    prepare_home(home)
    latest = date_of(DEMO, home, None)
    weeks = [latest - timedelta(days=7), latest]
    requests = [SnapshotRequest(hub=DEMO, snapshot_date=week, limit=None) for week in weeks]
    take_snapshots(home, requests, as_json=as_json)
    if not as_json:
        _print_next_steps(home)


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


def take_snapshots(home: Path, requests: Sequence[SnapshotRequest], *, as_json: bool) -> None:
    """Take the snapshots in a home one after the other, and print what they hold."""
    from flows.cli.prefect_server import prefect_server
    from flows.cli.progress_bars import progress_bars
    from tasks.hub.source import date_of
    from tasks.judges import identify, specs_of
    from tasks.storage.warehouse import prepare_home

    prepare_home(home)
    requests = [
        replace(request, home=home, snapshot_date=date_of(request.hub, home, request.snapshot_date))
        for request in requests
    ]
    for request in requests:
        if request.judge_pool:
            continue  # only its workers can identify the judge
        names, explains = (request.judges, request.judge_model, request.judge_urls), request.explain > 0
        for spec in specs_of(*names, explains=explains, cap=request.cap):
            judge = identify(spec)  # one that cannot be identified is reported before anything starts
            if words := abilities_words(judge.record(utc_now().date(), utc_now()).settings):
                typer.echo(f"{judge.name} at {words}", err=True)
    with prefect_server(home, meanwhile=lambda: _import_for(home)):
        from flows.snapshot import snapshot

        summaries = []
        for request in requests:
            with progress_bars(f"{request.snapshot_date}"):
                summaries.append(snapshot(**request.parameters(SnapshotRequest)))
    if as_json:
        print_json(summaries)
        return
    for summary in summaries:
        _print_summary(summary)
    typer.echo(f"\n{summaries[-1].headline}\n\nReport:    {summaries[-1].report.resolve()}")
    if (page := summaries[-1].map) is not None:
        typer.echo(f"Map:       {page.resolve()}")
    typer.echo(f"Warehouse: {summaries[-1].warehouse.resolve()}")


def _import_for(home: Path) -> None:
    """Import what takes seconds to import; the server takes longer to start, on another processor.

    The first run of a home needs all of it, a second one of a week does not.
    """
    import flows.snapshot  # noqa: F401
    from tasks.storage.warehouse import Warehouse

    if not Warehouse(home).published.exists():
        import tasks.findings.find
        import tasks.report.page  # noqa: F401
        from tasks.embedders.steps import embedder_of

        if embedder_of(None):
            from tasks.atlas.projecting import import_umap
            from tasks.embedders.sentence import import_libraries

            import_libraries()
            import_umap()


def _print_next_steps(home: Path) -> None:
    """What to do with a finished demo, in three lines."""
    command = _command()
    typer.echo(
        "\nNext:\n"
        f"  open {home / 'report.html'} and {home / 'atlas.html'} in a browser\n"
        f"  {command} query --home {home} best-documented    (--list shows the others)\n"
        f"  {command} snapshot --limit 200    (the real Hub, no account needed)"
    )


def _command() -> str:
    """How to call this command again: by its name where a shell finds it, else by its path."""
    if shutil.which("cardiograph"):
        return "cardiograph"
    return os.path.relpath(Path(sys.executable).with_name("cardiograph"))


def _print_summary(summary: Summary) -> None:
    table = Table(show_header=False, title=f"Snapshot of {summary.snapshot}", title_justify="left")
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in summary.rows():
        table.add_row(name, value)
    Console().print(table)
