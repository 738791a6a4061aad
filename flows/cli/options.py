"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.completion import complete_judge
from flows.cli.home import Home as Home
from flows.cli.home import NewHome as NewHome
from flows.cli.printing import AsJson as AsJson
from flows.cli.printing import Format as Format
from tasks.work.request import SnapshotRequest

DEFAULTS = SnapshotRequest()

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
        help="Most money that the run may spend on `openai`; docs/judge.md says how its prices are set.",
    ),
]
BudgetRequests = Annotated[
    int | None, typer.Option(min=1, help="Most requests that the run may send to `openai`.")
]
