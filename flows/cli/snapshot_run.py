"""What the command does around flows: Prefect's server, progress, the closing table."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from flows.cli.prefect_server import prefect_server
from flows.cli.progress_bars import progress_bars
from tasks.errors import UsageError
from tasks.hub.source import DEMO, date_of
from tasks.judges import DEFAULT_JUDGE, identify, specs_of
from tasks.operations.summary import Summary
from tasks.storage.warehouse import Warehouse, make_home


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What one snapshot was asked for with; `as_of` is null for the latest there is."""

    hub: str
    home: Path
    as_of: date | None = None
    limit: int | None = None
    sort: str = "downloads"
    filters: list[str] = dataclasses.field(default_factory=list)
    author: str | None = None
    models: list[str] = dataclasses.field(default_factory=list)
    judges: list[str] = dataclasses.field(default_factory=lambda: [DEFAULT_JUDGE])
    judge_model: str | None = None
    judge_urls: list[str] = dataclasses.field(default_factory=list)
    explain: int = 12
    embedder: str | None = None
    workers: int = 1
    pool: str | None = None
    judge_pool: str | None = None
    judge_workers: int = 1


def demo_requests(home: Path) -> list[Request]:
    """The demo corpus's last two weeks."""
    make_home(home)
    latest = date_of(DEMO, home, None)
    return [Request(DEMO, home, as_of=latest - timedelta(days=7 * week)) for week in (1, 0)]


def run(requests: Sequence[Request], *, as_json: bool) -> None:
    """Take the snapshots one after the other, and tell what they hold."""
    home = requests[0].home
    make_home(home)
    dated = [(request, date_of(request.hub, home, request.as_of)) for request in requests]
    for request in requests:
        if request.judge_pool:
            continue  # who judges is known there, not here
        for spec in specs_of(request.judges, request.judge_model, request.judge_urls):
            identify(spec)  # one that cannot be is told before anything starts
    with prefect_server(home, meanwhile=lambda: _import_for(home)):
        from flows.snapshot import snapshot

        summaries = []
        for request, snapshot_date in dated:
            with progress_bars(f"{snapshot_date}"):
                options = dataclasses.asdict(request)
                del options["as_of"]
                summaries.append(snapshot(snapshot_date=snapshot_date, **options))
    if as_json:
        typer.echo(json.dumps([summary.plain() for summary in summaries], indent=2))
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

    if not Warehouse(home).published.exists():
        import tasks.findings
        import tasks.report  # noqa: F401
        from tasks.embedders.steps import embedder_of

        if embedder_of(None):
            from tasks.atlas.projecting import import_umap
            from tasks.embedders.sentence import import_libraries

            import_libraries()
            import_umap()


def what_next(home: Path) -> None:
    """Three lines on what to do with a finished demo."""
    command = _command()
    typer.echo(
        "\nNext:\n"
        f"  open {home / 'report.html'} and {home / 'atlas.html'} in a browser\n"
        f"  {command} query --home {home} best-documented    (--list shows the others)\n"
        f"  {command} snapshot --limit 200    (the real Hub, no account needed)"
    )


def _command() -> str:
    """How this command can be called again: by its name where a shell finds it, else by its path."""
    if shutil.which("cardiograph"):
        return "cardiograph"
    return os.path.relpath(Path(sys.executable).with_name("cardiograph"))


def rebuild_warehouse(home: Path) -> None:
    """Publish a warehouse made from the lake alone."""
    warehouse = Warehouse(home)
    if not warehouse.lake.exists():
        raise UsageError(
            f"{home} has no lake at {warehouse.lake.location}; run `cardiograph snapshot` first, name the folder "
            "with --home, or the lake with CARDIOGRAPH_LAKE"
        )
    with warehouse.writer():
        warehouse.begin(afresh=True)
        warehouse.publish(always=True)
    typer.echo(f"{warehouse.published.resolve()} made again from {len(warehouse.lake.all_parts())} parts")


def _print_summary(summary: Summary) -> None:
    table = Table(show_header=False, title=f"Snapshot of {summary.snapshot}", title_justify="left")
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in summary.rows():
        table.add_row(name, value)
    Console().print(table)
