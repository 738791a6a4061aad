"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tasks.settings import settings

Home = Annotated[
    Path,
    typer.Option(
        help="Folder of the lake, the warehouse and the report.",
        default_factory=lambda: settings().home,
        show_default="cardiograph-data, or CARDIOGRAPH_HOME",
    ),
]
JudgeModel = Annotated[
    str | None, typer.Option(help="The judge model of `vllm`: its name on the Hub, or a folder.")
]
Workers = Annotated[int, typer.Option(min=1, help="Processes that work at parts, this one included.")]
PoolOption = Annotated[
    str | None, typer.Option(help="Work pool whose workers help. Without: processes on this machine.")
]
JudgePool = Annotated[
    str | None, typer.Option(help="Work pool of GPU machines: only its workers judge, each with its vLLM.")
]
JudgeWorkers = Annotated[int, typer.Option(min=1, help="Workers of --judge-pool that judge.")]
EmbedderOption = Annotated[
    str | None,
    typer.Option(
        help="What embeds cards for the map: a sentence-transformers model by its Hub name, a folder, or `none`.",
        show_default="all-MiniLM-L6-v2, where cardiograph[atlas] is installed",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
JudgeUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--judge-url", help="Where vLLM serves it; repeated, replicas. Without: a server is started."
    ),
]
