"""`cardiograph snapshot` and `demo`: Prefect's server and progress around the flow, the closing table after it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from flows.cli.console import Console, echo, print_json
from flows.cli.home import DEMO_HOME
from flows.cli.options import (
    AsJson,
    Format,
    NewHome,
)
from flows.cli.progress_bars import busy, progress_bars
from flows.cli.requests import takes_request
from tasks.clock import utc_now
from tasks.sentences.judges import abilities_words
from tasks.sentences.scopes import sample_hint
from tasks.work.request import SnapshotRequest

if TYPE_CHECKING:
    from tasks.operations.summary import Summary


@takes_request
def snapshot(
    home: NewHome, request: SnapshotRequest, as_json: AsJson = False, output_format: Format = "table"
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
    cardiograph snapshot --workers 4 --pool default   four, of a Prefect work pool

    \b
    Run it again after an interruption: it resumes where it stopped. A token
    (HF_TOKEN, or `hf auth login`) raises the Hub's quota; it is sent to the
    Hub and written nowhere.
    """
    as_json = as_json or output_format == "json"
    take_snapshots(home, [request], as_json=as_json)
    if not as_json and (hint := sample_hint(request.selection)):
        echo(f"\n{hint}")


def demo(
    home: Annotated[Path, typer.Option(help="Folder of the demo.")] = DEMO_HOME,
    as_json: AsJson = False,
    output_format: Format = "table",
) -> None:
    """Two weekly snapshots of a made-up Hub of 1,000 models: the whole job, on this machine alone."""
    as_json = as_json or output_format == "json"
    with busy("Inventing a Hub"):
        from tasks.hub.source import DEMO, date_of
        from tasks.storage.warehouse import prepare_home

        prepare_home(home)
        latest = date_of(DEMO, home, None)
    weeks = [latest - timedelta(days=7), latest]
    requests = [SnapshotRequest(hub=DEMO, snapshot_date=week, limit=None) for week in weeks]
    take_snapshots(home, requests, as_json=as_json)
    if not as_json:
        print_next_steps(home)


def take_snapshots(home: Path, requests: Sequence[SnapshotRequest], *, as_json: bool) -> None:
    """Take the snapshots in a home one after the other, and print what they hold."""
    with ExitStack() as running:
        with busy("Starting", in_log=True):
            from flows.cli.prefect_server import prefect_server
            from tasks.hub.source import date_of
            from tasks.storage.warehouse import prepare_home

            prepare_home(home)
            requests = [
                replace(request, home=home, snapshot_date=date_of(request.hub, home, request.snapshot_date))
                for request in requests
            ]
            for words in _judges_in_words(requests):
                echo(words, err=True)
            running.enter_context(prefect_server(home, meanwhile=lambda: _import_for(home)))
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
    echo(f"\n{summaries[-1].headline}\n\nReport:    {summaries[-1].report.resolve()}")
    if (page := summaries[-1].map) is not None:
        echo(f"Map:       {page.resolve()}")
    echo(f"Warehouse: {summaries[-1].warehouse.resolve()}")


def _judges_in_words(requests: Sequence[SnapshotRequest]) -> Iterator[str]:
    """What the servers of judges can do. One that cannot be identified is reported before anything starts."""
    from tasks.judges import identify, specs_of

    for request in requests:
        if request.judge_pool:
            continue  # only its workers can identify the judge
        names, explains = (request.judges, request.judge_model, request.judge_urls), request.explain > 0
        for spec in specs_of(*names, explains=explains, cap=request.cap):
            judge = identify(spec)
            if words := abilities_words(judge.record(utc_now().date(), utc_now()).settings):
                yield f"{judge.name} at {words}"


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

            import_umap()


def print_next_steps(home: Path) -> None:
    """What to do with a finished demo; each command on a line of its own, to be copied into a shell."""
    command, named = shlex.quote(_command()), shlex.quote(str(home))
    pages = " and ".join(
        str(page) for name in ("report", "atlas") if (page := home / f"{name}.html").exists()
    )
    echo(
        "\nNext:\n"
        f"  open {pages} in a browser\n"
        "  ask the warehouse; `--list` instead of a name shows the questions:\n"
        f"    {command} query --home {named} best-documented\n"
        "  read the real Hub, no account needed:\n"
        f"    {command} snapshot --limit 200"
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
    Console(emoji=False).print(table)
