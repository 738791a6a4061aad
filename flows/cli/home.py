"""The option `--home`, in a file of its own: `query` needs few others, and those take long to import."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.console import echo
from tasks.settings import settings

DEMO_HOME = Path("cardiograph-demo")


def is_home(folder: Path) -> bool:
    """Whether a run has written into it."""
    return (folder / "warehouse.duckdb").exists() or (folder / "lake").is_dir()


def home_here() -> Path:
    """The home to look at where none is named: that of the settings, the working directory, or the demo's in it."""
    usual = settings().home
    if "CARDIOGRAPH_HOME" in os.environ or is_home(usual):
        return usual
    return next(filter(is_home, (Path(), DEMO_HOME)), usual)


def _told(context: typer.Context, home: Path) -> Path:
    """The home; says so where nobody named it and it is the demo's, which nobody should take for the Hub."""
    source = context.get_parameter_source("home")
    is_found = source is not None and source.name == "DEFAULT"
    if is_found and home == DEMO_HOME and not context.resilient_parsing:  # that is a shell that completes
        echo(f"There is no {settings().home} here; this is about the demo: --home {home}", err=True)
    return home


Home = Annotated[
    Path,
    typer.Option(
        help="Folder of the lake, the warehouse and the report.",
        default_factory=home_here,
        callback=_told,
        show_default="cardiograph-data, or CARDIOGRAPH_HOME; else a home that is found here",
    ),
]
# For what makes one: never that of the demo, which a snapshot of the Hub would spoil.
NewHome = Annotated[
    Path,
    typer.Option(
        "--home",
        help="Folder of the lake, the warehouse and the report.",
        default_factory=lambda: settings().home,
        show_default="cardiograph-data, or CARDIOGRAPH_HOME",
    ),
]
