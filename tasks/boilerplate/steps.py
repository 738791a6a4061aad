"""How much of a snapshot's text the table of boilerplate knows, measured once."""

from __future__ import annotations

from prefect import task

from tasks.boilerplate.learning import check
from tasks.cards.boilerplate import Boilerplate
from tasks.records import BoilerplateCheck
from tasks.work.run import Run


@task(task_run_name="check the boilerplate of {run.snapshot}")
def check_boilerplate(run: Run, table: Boilerplate) -> None:
    """Record how much of a snapshot's text the table knows, unless that is known."""
    part = f"boilerplate_checks/{run.snapshot}-{table.version}.parquet"
    if run.lake.has(part):
        return
    with run.warehouse.open() as db:
        found = check(db, run.snapshot, table)
    run.lake.write(part, BoilerplateCheck, [found])
