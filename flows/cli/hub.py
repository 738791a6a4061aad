"""`cardiograph hub …`: a Hub on loopback, to try, test and measure things against."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.console import echo
from flows.cli.plain_help import CommandGroup
from flows.cli.progress_bars import busy
from tasks.replica.faults import FAULT_HELP
from tasks.replica.protocol import PLANS

if TYPE_CHECKING:
    from tasks.replica.corpus import Corpus

hub = CommandGroup(
    help="Serve a corpus file as a Hub on loopback, or make such a file.",
    no_args_is_help=True,
)

_DAY = ["%Y-%m-%d"]
_FAULTS = "; ".join(f"{name}: {effect}" for name, effect in FAULT_HELP.items())
_FAULTS_HELP = f"Rates of failures, such as 5xx=0.02,drop=0.01. {_FAULTS}."
_ACCOUNT_HELP = "Who may write, with a made-up token: hf_try=ada:some-org. Default: nobody."
_PLAN_HELP = f"Quotas of this plan; choose from: {', '.join(PLANS)}."


@hub.command()
def serve(
    corpus: Annotated[
        Path, typer.Argument(metavar="CORPUS.parquet", help="The corpus file.", show_default=False)
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any free one.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    as_of: Annotated[
        datetime | None,
        typer.Option(
            metavar="DATE", formats=_DAY, help="Serve the latest snapshot up to this date. Default: the last."
        ),
    ] = None,
    latency_ms: Annotated[float, typer.Option(min=0, help="Delay of every answer.")] = 0.0,
    plan: Annotated[str, typer.Option(help=_PLAN_HELP)] = "none",
    window_s: Annotated[float, typer.Option(help="Length of a quota window; 300 on the Hub.")] = 300.0,
    quota_scale: Annotated[float, typer.Option(help="Multiplies the plan's quotas.")] = 1.0,
    faults: Annotated[str | None, typer.Option(metavar="SPEC", help=_FAULTS_HELP, show_default=False)] = None,
    seed: Annotated[int, typer.Option(help="The same seed, the same failures.")] = 0,
    accounts: Annotated[
        list[str] | None,
        typer.Option("--account", metavar="TOKEN=NAME[:ORG]", help=_ACCOUNT_HELP, show_default=False),
    ] = None,
    no_discussions: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="A model that takes no pull request.", show_default=False),
    ] = None,
    exit_with_parent: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Serve a corpus file over the Hub's own HTTP API, until Ctrl-C.

    \b
    cardiograph hub serve demo.parquet --port 8080
    HF_ENDPOINT=http://127.0.0.1:8080 hf models ls --limit 5      elsewhere
    cardiograph hub serve demo.parquet --as-of 2026-10-05         as on that day
    cardiograph hub serve demo.parquet --faults 5xx=0.02,drop=0.01     a bad day
    cardiograph hub serve demo.parquet --account hf_try=ada     takes pull requests
    cardiograph hub serve demo.parquet --plan free --window-s 30 --quota-scale 0.1

    \b
    Every program that reads HF_ENDPOINT works against it: huggingface_hub, hf,
    and cardiograph. The last line keeps the pace of a free account, in windows
    a tenth as long. docs/corpus.md describes the file.

    \b
    curl http://127.0.0.1:8080/-/replica/stats               answers so far
    curl -X POST http://127.0.0.1:8080/-/replica/reset       counts from 0 again
    """
    if exit_with_parent:
        from tasks.engine.child import exit_with_parent as watch_parent

        watch_parent()
    with ExitStack() as reading:
        reading.enter_context(busy(f"Reading {corpus}"))
        from tasks.replica.server import serve as serve_until_stopped
        from tasks.replica.serving import Serving

        serving = Serving(
            corpus=corpus,
            host=host,
            port=port,
            as_of=as_of.date() if as_of else None,
            plan=plan,
            latency_ms=latency_ms,
            faults=faults,
            window_s=window_s,
            quota_scale=quota_scale,
            seed=seed,
            accounts=tuple(accounts or ()),
            no_discussions=tuple(no_discussions or ()),
        )

        def announce(url: str, corpus: Corpus) -> None:
            reading.close()
            _announce(url, corpus)

        serve_until_stopped(serving, announce)


def _announce(url: str, corpus: Corpus) -> None:
    what = f"{corpus.models.height:,} models of {corpus.name} as of {corpus.snapshot}"
    echo(f"{url} serves {what}; try: HF_ENDPOINT={url} hf models ls --limit 5")


@hub.command("make-corpus")
def make_corpus(
    out: Annotated[
        Path, typer.Argument(metavar="OUT.parquet", help="The file to write.", show_default=False)
    ],
    models: Annotated[int, typer.Option(min=1, help="Models in the last week.")] = 1000,
    weeks: Annotated[int, typer.Option(min=1, help="Weekly snapshots of each.")] = 8,
    seed: Annotated[int, typer.Option(help="The same seed, the same corpus.")] = 7,
    end: Annotated[
        datetime | None,
        typer.Option(metavar="DATE", formats=_DAY, help="Date of the last snapshot.", show_default=False),
    ] = None,
    dominant: Annotated[
        float,
        typer.Option(
            "--dominant-author",
            min=0.0,
            max=0.9,
            help="Share of the models that one author has, whose well documented models are unpopular.",
        ),
    ] = 0.0,
) -> None:
    """Make a synthetic corpus: models, their cards and some weeks of their history, with known truth.

    \b
    cardiograph hub make-corpus demo.parquet
    cardiograph hub make-corpus large.parquet --models 100000 --weeks 2
    """
    last = end.date() if end else None
    with busy("Inventing models"):
        from tasks.demo import write_demo_corpus

        write_demo_corpus(out, models=models, weeks=weeks, seed=seed, end=last, dominant=dominant)
    size_mb = out.stat().st_size / 1e6
    echo(f"Wrote {out} ({size_mb:.1f} MB): {models:,} models, {weeks} weeks, seed {seed}.")
    echo(f"Serve it: cardiograph hub serve {out}")
