"""The `cardiograph` command. A command is imported when it is called: `--help` is for people in a hurry."""

from __future__ import annotations

import errno
import sys
import traceback
from typing import Annotated, NoReturn

import typer

from flows.cli.console import echo, print_traceback
from flows.cli.lazy import CommandEntry, LazyGroup
from tasks.cards.one_line import printable
from tasks.errors import CardiographError, UsageError
from tasks.stopping import heeded


class Cardiograph(LazyGroup):
    """The commands, in the order and the panels of `--help`."""

    entries = (
        CommandEntry(
            "snapshot",
            "flows.cli.snapshot",
            "Take one dated snapshot of a Hub: list, read, judge, analyse, report.",
            "Start",
        ),
        CommandEntry(
            "demo",
            "flows.cli.snapshot",
            "Two weekly snapshots of a made-up Hub of 1,000 models: the whole job, on this machine alone.",
            "Start",
        ),
        CommandEntry(
            "plan",
            "flows.cli.plan",
            "Estimate what a snapshot will take before it starts: requests, time, GPU minutes, tokens, disk.",
            "Start",
        ),
        CommandEntry(
            "doctor",
            "flows.cli.doctor",
            "Check what a snapshot needs: packages, token, quota, disk, lake, GPU, judges, Prefect, clock, warehouse.",
            "Start",
        ),
        CommandEntry(
            "card",
            "flows.cli.card",
            "Score one card, and say what to write where: the publisher's tool.",
            "Advise",
        ),
        CommandEntry(
            "check",
            "flows.cli.check",
            "Check cards against a bar: 0 where all is well, 1 with findings, 2 where it cannot be run.",
            "Advise",
        ),
        CommandEntry(
            "history",
            "flows.cli.history",
            "Show one model over the snapshots: score, likes, downloads, and what changed its card.",
            "Advise",
        ),
        CommandEntry(
            "badge",
            "flows.cli.badge",
            "Make a badge of a card's score by the checklist: an SVG, or JSON for shields.io.",
            "Advise",
        ),
        CommandEntry(
            "mcp",
            "flows.cli.mcp",
            "Serve card advice to assistants over the Model Context Protocol, on standard input and output.",
            "Advise",
        ),
        CommandEntry(
            "query",
            "flows.cli.query",
            "Query the published warehouse, read-only; works while a snapshot is being taken.",
            "Look",
        ),
        CommandEntry(
            "report",
            "flows.cli.publish",
            "Write the report of the latest snapshot again, and the page of its map.",
            "Look",
        ),
        CommandEntry(
            "analyse",
            "flows.cli.analyse",
            "Estimate what is associated with the score: correlations, regressions and counts, with intervals and "
            "caveats.",
            "Look",
        ),
        CommandEntry(
            "neighbours",
            "flows.cli.neighbours",
            "Show the cards nearest to a model's card, and what the better documented ones contain that it lacks.",
            "Look",
        ),
        CommandEntry(
            "atlas",
            "flows.cli.atlas",
            "The map of card texts: its kinds and their names, a viewer, a file.",
            "Look",
        ),
        CommandEntry(
            "label",
            "flows.cli.label",
            "Score cards yourself, without seeing judges' scores or popularity, so that judges can be compared with "
            "you.",
            "Judge",
        ),
        CommandEntry(
            "calibrate",
            "flows.cli.calibrate",
            "Compare a judge with people and with itself, and attack it as authors might: its passport.",
            "Judge",
        ),
        CommandEntry(
            "passport",
            "flows.cli.passport",
            "Find out what a judge notices: edit real cards one thing at a time. No labels needed.",
            "Judge",
        ),
        CommandEntry(
            "boilerplate",
            "flows.cli.boilerplate",
            "Sentences that nobody wrote: what forms and tools put into many people's cards.",
            "Judge",
        ),
        CommandEntry(
            "status",
            "flows.cli.status",
            "Show the state of a home: what is published, held back, running, failed, and scheduled next.",
            "Operate",
        ),
        CommandEntry(
            "quarantine",
            "flows.cli.quarantine",
            "List the snapshots that are held back, and why.",
            "Operate",
        ),
        CommandEntry(
            "rebuild",
            "flows.cli.publish",
            "Make the warehouse again from the lake alone.",
            "Operate",
        ),
        CommandEntry(
            "server",
            "flows.cli.server",
            "Run a Prefect server for schedules and workers, until Ctrl-C.",
            "Operate",
        ),
        CommandEntry(
            "deploy",
            "flows.cli.deploy",
            "Set up the Prefect server of PREFECT_API_URL: work pools, limit, deployments, alarms.",
            "Operate",
        ),
        CommandEntry(
            "hub",
            "flows.cli.hub",
            "Serve a corpus file as a Hub on loopback, or make such a file.",
            "Operate",
        ),
    )


def _print_version(is_asked: bool) -> None:
    if not is_asked:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        echo(f"cardiograph {version('cardiograph')}")
    except PackageNotFoundError:
        echo("cardiograph, from files that are not installed as a package")
    raise typer.Exit


app = typer.Typer(
    cls=Cardiograph,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _cardiograph(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit."),
    ] = False,
) -> None:
    """The weekly pulse of the Hugging Face Hub's model cards.

    Start with `cardiograph demo`: two weeks of a made-up Hub, no account, no network, about a minute.
    Then `cardiograph snapshot` reads the real one.
    """


def _clear_frames(error: BaseException | None) -> None:
    """Clear the frames of a caught error: DuckDB reports connections that they still hold at exit."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _check_interpreter() -> None:
    if sys.flags.optimize > 1:
        raise UsageError(
            "Python runs without docstrings (-OO, or PYTHONOPTIMIZE=2), and Altair cannot be imported so; run without"
        )


# What a machine refuses, whatever the program does.
_REFUSED = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EMFILE,
    errno.ENFILE,
    errno.EIO,
}


def _refusal(error: OSError) -> str | None:
    """One line about what the machine refuses; null for an error that may be one of the program."""
    if "No usable temporary directory" in str(error):
        return "no folder for temporary files can be written to; set TMPDIR to one that can"
    if error.errno not in _REFUSED:
        return None
    where = f"{error.filename}: " if error.filename else ""
    remedy = (
        "the disk is full; free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "correct that"
    )
    return f"{where}{error.strerror}; {remedy}, and run again"


def main() -> None:
    """Entry point: what is raised on purpose, or refused by the machine, becomes one line and an exit code."""
    try:
        with heeded():
            _check_interpreter()
            app()
    except CardiographError as error:
        _fail(error, str(error), error.exit_code)
    except OSError as error:
        if (message := _refusal(error)) is None:
            print_traceback(error)
            raise SystemExit(1) from None
        _fail(error, message, 1)
    except Exception as error:  # noqa: BLE001 - Python would print its message as it is
        print_traceback(error)
        raise SystemExit(1) from None


def _fail(error: Exception, message: str, exit_code: int) -> NoReturn:
    _clear_frames(error)
    text = printable(message)  # it may name what strangers wrote: a column, a model
    echo(f"cardiograph: {text}", err=True, colour=typer.colors.RED if sys.stderr.isatty() else None)
    raise SystemExit(exit_code) from None


if __name__ == "__main__":
    main()
