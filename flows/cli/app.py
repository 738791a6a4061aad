"""The `cardiograph` command. Heavy imports wait until a command needs them: `--help` is for people in a hurry."""

from __future__ import annotations

import sys
import traceback
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.analyse import analyse
from flows.cli.atlas import atlas
from flows.cli.calibrate import calibrate
from flows.cli.deploy import deploy
from flows.cli.doctor import doctor
from flows.cli.hub import hub
from flows.cli.label import label
from flows.cli.neighbours import neighbours
from flows.cli.options import (
    AsJson,
    EmbedderOption,
    Home,
    JudgeModel,
    JudgePool,
    JudgeUrls,
    JudgeWorkers,
    PoolOption,
    Workers,
)
from flows.cli.plan import plan
from flows.cli.quarantine import quarantine
from flows.cli.query import query
from flows.cli.status import status
from tasks.errors import CardiographError, UsageError
from tasks.records import Sort
from tasks.work.request import SnapshotRequest

DEFAULTS = SnapshotRequest()

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The weekly pulse of the Hugging Face Hub's model cards.\n\n"
    "Start with `cardiograph demo`: two weeks of a made-up Hub, no account, no network, about a minute. "
    "Then `cardiograph snapshot` reads the real one.",
)
app.add_typer(hub, name="hub")
app.command()(label)
app.command()(calibrate)
app.command()(analyse)
app.command()(neighbours)
app.command()(plan)
app.command()(doctor)
app.command()(status)
app.add_typer(quarantine, name="quarantine")
app.add_typer(atlas, name="atlas")


@app.command()
def snapshot(
    home: Home,
    hub: Annotated[
        str, typer.Option(help="`demo`, the address of a Hub, or a corpus file (served by a replica).")
    ] = DEFAULTS.hub,
    as_of: Annotated[
        str | None, typer.Option(help="Date of the snapshot, YYYY-MM-DD. Default: today, or a corpus's last.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"Only the top N models. Default: {DEFAULTS.limit}.")
    ] = None,
    all_models: Annotated[bool, typer.Option("--all", help="Every model of the Hub.")] = False,
    sort: Annotated[Sort, typer.Option(help="What the top N is by.")] = DEFAULTS.sort,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="Only models with this tag; may be repeated.")
    ] = None,
    author: Annotated[str | None, typer.Option(help="Only models of this author.")] = DEFAULTS.author,
    models: Annotated[
        Path | None, typer.Option(help="Only the models named in this file, one per line.")
    ] = None,
    judge: Annotated[
        list[str] | None,
        typer.Option(
            help="Who scores the cards: `checklist`, `vllm` or `vllm:MODEL`; repeated, a panel.",
            show_default=", ".join(DEFAULTS.judges),
        ),
    ] = None,
    judge_model: JudgeModel = DEFAULTS.judge_model,
    judge_urls: JudgeUrls = None,
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
    cardiograph snapshot --models my-models.txt       models that you name
    cardiograph snapshot --judge vllm                 a judge model scores them
    cardiograph snapshot --workers 2                  two processes share the work
    cardiograph snapshot --workers 4 --pool default   workers of a Prefect work pool do

    \b
    Run it again after an interruption: it resumes where it stopped. A token
    (HF_TOKEN, or `hf auth login`) raises the Hub's quota; it is sent to the
    Hub and written nowhere.
    """
    from flows.cli.snapshot_run import take_snapshots

    if all_models and limit is not None:
        raise UsageError("--all and --limit exclude each other")
    if models and (all_models or limit is not None or filters or author):
        raise UsageError("--models names its models itself; leave out --all, --limit, --filter and --author")
    request = SnapshotRequest(
        hub=hub,
        snapshot_date=_date(as_of),
        limit=None if all_models or models else limit or DEFAULTS.limit,
        sort=sort,
        filters=tuple(filters or ()),
        author=author,
        models=_names(models) if models else (),
        judges=tuple(judge or DEFAULTS.judges),
        judge_model=judge_model,
        judge_urls=tuple(judge_urls or ()),
        explain=explain,
        embedder=embedder,
        workers=workers,
        pool=pool,
        judge_pool=judge_pool,
        judge_workers=judge_workers,
    )
    take_snapshots(home, [request], as_json=as_json)


@app.command()
def demo(
    home: Annotated[Path, typer.Option(help="Folder of the demo.")] = Path("cardiograph-demo"),
    as_json: AsJson = False,
) -> None:
    """Two weekly snapshots of a made-up Hub of 1,000 models: the whole job, on this machine alone."""
    from flows.cli.snapshot_run import demo_requests, take_snapshots, what_next

    take_snapshots(home, demo_requests(home), as_json=as_json)
    if not as_json:
        what_next(home)


app.command()(query)
app.command()(deploy)


@app.command()
def rebuild(home: Home) -> None:
    """Make the warehouse again from the lake alone."""
    from flows.cli.snapshot_run import rebuild_warehouse

    rebuild_warehouse(home)


@app.command()
def report(
    home: Home,
    pictures: Annotated[
        Path | None, typer.Option(help="Also write the charts and the map as PNG files to this folder.")
    ] = None,
) -> None:
    """Write the report of the latest snapshot again, and the page of its map."""
    from tasks.atlas.page.latest import write_latest_atlas, write_map_picture
    from tasks.report.steps import write_latest_report

    written = [*write_latest_report(home, pictures), write_latest_atlas(home)]
    for path in [*written, write_map_picture(home, pictures) if pictures else None]:
        if path:
            typer.echo(path)


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--as-of {text}: not a date; write it as 2026-11-16") from error
    if found > datetime.now(UTC).date():
        raise UsageError(f"--as-of {text}: the date is in the future")
    return found


def _names(path: Path) -> tuple[str, ...]:
    """Model ids of a file, one a line; blank lines and what follows # are left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--models {path}: cannot be read ({error})") from error
    names = tuple(dict.fromkeys(name for line in lines if (name := line.split("#")[0].strip())))
    if not names:
        raise UsageError(f"--models {path}: names no model; write one owner/name per line")
    return names


def _let_go(error: BaseException | None) -> None:
    """Drop what the frames of a caught error hold: DuckDB complains of connections still held at exit."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def main() -> None:
    """Entry point: what we raise on purpose becomes one line and an exit code."""
    try:
        app()
    except CardiographError as error:
        _let_go(error)
        typer.secho(f"cardiograph: {error}", err=True, fg=typer.colors.RED if sys.stderr.isatty() else None)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        typer.echo("cardiograph: stopped; run the same command again to go on", err=True)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
