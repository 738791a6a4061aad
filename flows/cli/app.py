"""The `cardiograph` command. Heavy imports wait until a command needs them: `--help` is for people in a hurry."""

from __future__ import annotations

import sys
import traceback
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from flows.cli.analyse import analyse
from flows.cli.atlas import atlas
from flows.cli.boilerplate import boilerplate
from flows.cli.calibrate import calibrate
from flows.cli.deploy import deploy
from flows.cli.doctor import doctor
from flows.cli.hub import hub
from flows.cli.label import label
from flows.cli.neighbours import neighbours
from flows.cli.passport import passport
from flows.cli.plain_help import CommandGroup
from flows.cli.plan import plan
from flows.cli.publish import rebuild, report
from flows.cli.quarantine import quarantine
from flows.cli.query import query
from flows.cli.snapshot import demo, snapshot
from flows.cli.status import status
from tasks.cards.one_line import printable
from tasks.errors import CardiographError


def _print_version(is_asked: bool) -> None:
    if not is_asked:
        return
    try:
        typer.echo(f"cardiograph {version_of('cardiograph')}")
    except PackageNotFoundError:
        typer.echo("cardiograph, from files that are not installed as a package")
    raise typer.Exit


app = CommandGroup(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# In the order of `--help`; the groups of commands come last in their panel.
_COMMANDS = {
    "Start": (snapshot, demo, plan, doctor),
    "Look": (query, report, analyse, neighbours),
    "Judge": (label, calibrate, passport),
    "Operate": (status, rebuild, deploy),
}
_GROUPS = {
    "Look": {"atlas": atlas},
    "Judge": {"boilerplate": boilerplate},
    "Operate": {"quarantine": quarantine, "hub": hub},
}
for panel, commands in _COMMANDS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
for panel, groups in _GROUPS.items():
    for name, group in groups.items():
        app.add_typer(group, name=name, rich_help_panel=panel)


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


def main() -> None:
    """Entry point: what is raised on purpose becomes one line and an exit code."""
    try:
        app()
    except CardiographError as error:
        _clear_frames(error)
        message = printable(str(error))  # it may name what strangers wrote: a column, a model
        typer.secho(f"cardiograph: {message}", err=True, fg=typer.colors.RED if sys.stderr.isatty() else None)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        typer.echo("cardiograph: stopped; run the same command again to continue", err=True)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
