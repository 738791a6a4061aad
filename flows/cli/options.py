"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.cli.completion import complete_judge
from tasks.settings import settings
from tasks.work.request import SnapshotRequest

DEFAULTS = SnapshotRequest()
DEMO_HOME = Path("cardiograph-demo")

TableOrJson = Literal["table", "json"]


def is_home(folder: Path) -> bool:
    """Whether a run has written into it."""
    return (folder / "warehouse.duckdb").exists() or (folder / "lake").is_dir()


def home_here() -> Path:
    """The home to look at where none is named: that of the settings, the working directory, or the demo's in it."""
    usual = settings().home
    if "CARDIOGRAPH_HOME" in os.environ or is_home(usual):
        return usual
    if is_home(Path()):
        return Path()
    if is_home(DEMO_HOME):
        typer.echo(f"There is no {usual} here; this is about the demo, --home {DEMO_HOME}.", err=True)
        return DEMO_HOME
    return usual


Home = Annotated[
    Path,
    typer.Option(
        help="Folder of the lake, the warehouse and the report.",
        default_factory=home_here,
        show_default="cardiograph-data, or CARDIOGRAPH_HOME; else the home that is found here",
    ),
]
# Of what is not there yet: never the demo's, which a snapshot of the Hub would spoil.
NewHome = Annotated[
    Path,
    typer.Option(
        "--home",
        help="Folder of the lake, the warehouse and the report.",
        default_factory=lambda: settings().home,
        show_default="cardiograph-data, or CARDIOGRAPH_HOME",
    ),
]
JudgeName = Annotated[
    str,
    typer.Option(
        help="The judge: `checklist`, `vllm`, `vllm:MODEL` or `openai:MODEL`.", autocompletion=complete_judge
    ),
]
JudgeModel = Annotated[
    str | None,
    typer.Option(help="The judge model of `vllm` (its name on the Hub, or a folder) or of `openai`."),
]
AsJson = Annotated[bool, typer.Option("--json", help="The same as --format json.")]
Format = Annotated[TableOrJson, typer.Option("--format", help="How to print.")]
JudgeUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--judge-url",
        help="Address of a server of `vllm` or `openai`; repeat it for replicas. Default: a server of vLLM is started.",
    ),
]
Budget = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Most money that the run may spend on `openai`, by the prices of CARDIOGRAPH_JUDGE_PRICE_IN and _OUT.",
    ),
]
BudgetRequests = Annotated[
    int | None, typer.Option(min=1, help="Most requests that the run may send to `openai`.")
]
