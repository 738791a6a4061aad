"""The `cardiograph` command. Heavy imports wait until a command needs them: `--help` is for people in a hurry."""

from __future__ import annotations

import errno
import sys
import traceback
from typing import NoReturn

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
from flows.cli.plan import plan
from flows.cli.publish import rebuild, report
from flows.cli.quarantine import quarantine
from flows.cli.query import query
from flows.cli.snapshot import demo, snapshot
from flows.cli.status import status
from tasks.cards.one_line import printable
from tasks.errors import CardiographError, UsageError
from tasks.stopping import heeded

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The weekly pulse of the Hugging Face Hub's model cards.\n\n"
    "Start with `cardiograph demo`: two weeks of a made-up Hub, no account, no network, about a minute. "
    "Then `cardiograph snapshot` reads the real one.",
)
# In the order of `--help`.
for command in (
    label, calibrate, passport, analyse, neighbours, plan, doctor, status, snapshot, demo, query, deploy, rebuild,
    report,
):  # fmt: skip
    app.command()(command)
for name, group in (("hub", hub), ("quarantine", quarantine), ("atlas", atlas), ("boilerplate", boilerplate)):
    app.add_typer(group, name=name)


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
            raise
        _fail(error, message, 1)


def _fail(error: Exception, message: str, exit_code: int) -> NoReturn:
    _clear_frames(error)
    text = printable(message)  # it may name what strangers wrote: a column, a model
    typer.secho(f"cardiograph: {text}", err=True, fg=typer.colors.RED if sys.stderr.isatty() else None)
    raise SystemExit(exit_code) from None


if __name__ == "__main__":
    main()
