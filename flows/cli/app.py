"""The `cardiograph` command. Heavy imports wait until a command needs them: `--help` is for people in a hurry."""

from __future__ import annotations

import sys
import traceback
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.analyse import analyse
from flows.cli.atlas import atlas
from flows.cli.hub import hub
from flows.cli.judge import calibrate, label
from flows.cli.neighbours import neighbours
from flows.cli.operations import doctor, plan, quarantine, status
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
from tasks.errors import CardiographError, UsageError
from tasks.settings import OFFICIAL_HUB

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


class SortChoice(StrEnum):
    """What `--limit` counts from the top of."""

    downloads = "downloads"
    likes = "likes"
    trending = "trending"
    created = "created"


class RowFormat(StrEnum):
    """How `query` prints rows."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


@app.command()
def snapshot(
    home: Home,
    hub: Annotated[
        str, typer.Option(help="`demo`, the address of a Hub, or a corpus file (served by a replica).")
    ] = OFFICIAL_HUB,
    as_of: Annotated[
        str | None, typer.Option(help="Date of the snapshot, YYYY-MM-DD. Default: today, or a corpus's last.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the top N models. Default: 1000.")] = None,
    all_models: Annotated[bool, typer.Option("--all", help="Every model of the Hub.")] = False,
    sort: Annotated[SortChoice, typer.Option(help="What the top N is by.")] = SortChoice.downloads,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="Only models with this tag; may be repeated.")
    ] = None,
    author: Annotated[str | None, typer.Option(help="Only models of this author.")] = None,
    models: Annotated[
        Path | None, typer.Option(help="Only the models named in this file, one a line.")
    ] = None,
    judge: Annotated[
        list[str] | None,
        typer.Option(
            help="Who scores the cards: `checklist`, `vllm` or `vllm:MODEL`; repeated, a panel.",
            show_default="checklist",
        ),
    ] = None,
    judge_model: JudgeModel = None,
    judge_urls: JudgeUrls = None,
    explain: Annotated[
        int, typer.Option(min=0, help="How many scores a judge model is asked to explain.")
    ] = 12,
    embedder: EmbedderOption = None,
    workers: Workers = 1,
    pool: PoolOption = None,
    judge_pool: JudgePool = None,
    judge_workers: JudgeWorkers = 1,
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
    Run it again after an interruption: it goes on where it was. A token
    (HF_TOKEN, or `hf auth login`) raises the Hub's quota; it is sent to the
    Hub and written nowhere.
    """
    from flows.cli.snapshot_run import Request, run
    from tasks.judges import DEFAULT_JUDGE

    if all_models and limit is not None:
        raise UsageError("--all and --limit exclude each other")
    if models and (all_models or limit is not None or filters or author):
        raise UsageError("--models names its models itself; leave out --all, --limit, --filter and --author")
    everything = all_models or models is not None
    request = Request(
        hub=hub,
        home=home,
        as_of=_date(as_of),
        limit=None if everything else limit or 1000,
        sort=sort.value,
        filters=filters or [],
        author=author,
        models=_names(models) if models else [],
        judges=judge or [DEFAULT_JUDGE],
        judge_model=judge_model,
        judge_urls=judge_urls or [],
        explain=explain,
        embedder=embedder,
        workers=workers,
        pool=pool,
        judge_pool=judge_pool,
        judge_workers=judge_workers,
    )
    run([request], as_json=as_json)


@app.command()
def demo(
    home: Annotated[Path, typer.Option(help="Folder of the demo.")] = Path("cardiograph-demo"),
    as_json: AsJson = False,
) -> None:
    """Two weekly snapshots of a made-up Hub of 1,000 models: the whole job, on this machine alone."""
    from flows.cli.snapshot_run import demo_requests, run, what_next

    run(demo_requests(home), as_json=as_json)
    if not as_json:
        what_next(home)


@app.command()
def query(
    home: Home,
    sql: Annotated[
        str | None, typer.Argument(metavar="[SQL|NAME]", help="A statement, or the name of a saved query.")
    ] = None,
    list_saved: Annotated[bool, typer.Option("--list", help="List the saved queries.")] = False,
    output_format: Annotated[RowFormat, typer.Option("--format", help="How to print.")] = RowFormat.table,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead.")] = None,
) -> None:
    """Ask the published warehouse, read-only; works while a snapshot is being taken.

    \b
    cardiograph query --list
    cardiograph query best-documented
    cardiograph query "select author, max(score) from leaderboard group by all"
    cardiograph query --format parquet --output board.parquet "from leaderboard"

    \b
    Views: models, cards, verdicts, scores, leaderboard, panel, failures,
    families, judge_panel, judge_pairs, judging_rates, explanations, passports,
    labels, out_findings, snapshots, quarantined; of the map: atlases,
    out_atlas, out_clusters, out_archetypes, out_neighbours, kind_events.
    `describe models` tells a view's columns.
    """
    from flows.cli.query import list_queries, print_query

    if list_saved:
        list_queries()
    elif sql is None:
        raise UsageError(
            "give a statement or the name of a saved query; `cardiograph query --list` lists them"
        )
    else:
        print_query(home, sql, output_format.value, output)


@app.command()
def deploy(
    hub_slots: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Requests to the Hub that all workers together may have under way.",
            show_default="32, or what is set",
        ),
    ] = None,
    pool_type: Annotated[
        str, typer.Option(help="Type of the work pools: process, docker or kubernetes.")
    ] = "process",
    alarm_block: Annotated[
        str | None, typer.Option(metavar="TYPE/NAME", help="A notification block that alarms are sent to.")
    ] = None,
) -> None:
    """Tell the Prefect server of PREFECT_API_URL all about Cardiograph: pools, limit, deployments, alarms.

    \b
    export PREFECT_API_URL=http://127.0.0.1:4200/api
    cardiograph deploy
    prefect worker start --pool default
    prefect deployment run snapshot/weekly --param limit=200

    Run it again after an upgrade; it changes what changed.
    """
    from flows.cli.deploying import deploy as run

    run(hub_slots=hub_slots, pool_type=pool_type, alarm_block=alarm_block)


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
    from tasks.findings.steps import write_latest_report

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
        raise UsageError(f"--as-of {text}: lies in the future")
    return found


def _names(path: Path) -> list[str]:
    """Model ids of a file, one a line; blank lines and what follows # are left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--models {path}: cannot be read ({error})") from error
    names = list(dict.fromkeys(name for line in lines if (name := line.split("#")[0].strip())))
    if not names:
        raise UsageError(f"--models {path}: names no model; write one owner/name a line")
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
