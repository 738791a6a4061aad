"""The crew: what a worker does for a snapshot that another process coordinates."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows.run_orders import pull
from tasks.embedders import is_installed
from tasks.hub.client import leave_hubs
from tasks.settings import settings
from tasks.work.coordinator import at_work_for
from tasks.work.crew import CARD_KINDS
from tasks.work.orders import WorkKind
from tasks.work.run import Run


@flow(
    flow_run_name="crew of {snapshot_date}",
    task_runner=ThreadPoolTaskRunner(max_workers=8),  # type: ignore[arg-type]  # invariant in its future
)
def crew(snapshot_date: date, home: Path | None = None, kinds: list[WorkKind] | None = None) -> int:
    """Do a snapshot's parts of these kinds for as long as another process coordinates it; returns how many."""
    run = Run(home or settings().home, snapshot_date)
    able = [kind for kind in kinds or CARD_KINDS if kind != "embed" or is_installed()]
    with at_work_for(run, able) as (puller, is_over):
        done = pull(run, puller, is_over)
    leave_hubs()
    return done


if __name__ == "__main__":
    from tasks.engine.child import exit_with_parent
    from tasks.stopping import heeded

    exit_with_parent()
    with heeded():
        crew(date.fromisoformat(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])  # type: ignore[arg-type]  # Prefect looks
