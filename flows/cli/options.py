"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tasks.errors import UsageError
from tasks.settings import settings
from tasks.work.request import SnapshotRequest

DEFAULTS = SnapshotRequest()


Home = Annotated[
    Path,
    typer.Option(
        help="Folder of the lake, the warehouse and the report.",
        default_factory=lambda: settings().home,
        show_default="cardiograph-data, or CARDIOGRAPH_HOME",
    ),
]
JudgeModel = Annotated[
    str | None,
    typer.Option(help="The judge model of `vllm` (its name on the Hub, or a folder) or of `openai`."),
]
Workers = Annotated[int, typer.Option(min=1, help="Processes that share the work, this one included.")]
PoolOption = Annotated[
    str | None,
    typer.Option(help="Work pool whose workers share the work. Default: processes on this machine."),
]
JudgePool = Annotated[
    str | None, typer.Option(help="Work pool of GPU machines: only its workers judge, each with its vLLM.")
]
JudgeWorkers = Annotated[int, typer.Option(min=1, help="Workers of --judge-pool that judge.")]
EmbedderOption = Annotated[
    str | None,
    typer.Option(
        help="What embeds cards for the map: a sentence-transformers model by its Hub name or folder "
        "(cardiograph[torch]), or `none`.",
        show_default="all-MiniLM-L6-v2-int8, where cardiograph[atlas] is installed",
    ),
]
AllModels = Annotated[bool, typer.Option("--all", help="Every model of the Hub.")]
TopN = Annotated[
    int | None,
    typer.Option("--limit", min=1, help="Only the top N models.", show_default=str(DEFAULTS.limit)),
]
SampleSize = Annotated[
    int | None,
    typer.Option(
        "--sample", min=10, help="So many models drawn at random from the whole listing, popular or not."
    ),
]
IncludePrivate = Annotated[
    bool,
    typer.Option(
        "--include-private",
        help="Also private models, which only your token's account may see. Default: they are counted and left out.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
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


def limit_of(top_n: int | None, *, all_models: bool, sample: int | None = None) -> int | None:
    """How many models `--limit` and `--all` ask for; null for every one, or for a sample of them.

    Raises `UsageError` for more than one of the three.
    """
    if all_models and top_n is not None:
        raise UsageError("--all and --limit exclude each other")
    if sample is not None and (all_models or top_n is not None):
        raise UsageError("--sample draws from the whole listing; leave out --limit and --all")
    return None if all_models or sample is not None else top_n or DEFAULTS.limit
