"""`cardiograph snapshot` and `demo`: Prefect's server and progress around the flow, the closing table after it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from flows.cli.prefect_server import prefect_server
from flows.cli.progress_bars import progress_bars
from tasks.errors import UsageError
from tasks.hub.source import DEMO, date_of
from tasks.judges import identify, specs_of
from tasks.operations.summary import Summary
from tasks.storage.warehouse import Warehouse, make_home
from tasks.work.request import SnapshotRequest


def demo_requests(home: Path) -> list[SnapshotRequest]:
    """The demo corpus's last two weeks, all models."""
    make_home(home)
    latest = date_of(DEMO, home, None)
    days = [latest - timedelta(days=7), latest]
    return [SnapshotRequest(hub=DEMO, home=home, snapshot_date=day, limit=None) for day in days]


def take_snapshots(home: Path, requests: Sequence[SnapshotRequest], *, as_json: bool) -> None:
    """Take the snapshots in a home one after the other, and print what they hold."""
    make_home(home)
    requests = [
        replace(request, home=home, snapshot_date=date_of(request.hub, home, request.snapshot_date))
        for request in requests
    ]
    for request in requests:
        if request.judge_pool:
            continue  # only its workers can identify the judge
        for spec in specs_of(request.judges, request.judge_model, request.judge_urls):
            identify(spec)  # one that cannot be identified is reported before anything starts
    with prefect_server(home, meanwhile=lambda: _import_for(home)):
        from flows.snapshot import snapshot

        summaries = []
        for request in requests:
            with progress_bars(f"{request.snapshot_date}"):
                summaries.append(snapshot(**request.parameters(SnapshotRequest)))
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
        import tasks.findings.find
        import tasks.report.page  # noqa: F401
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
