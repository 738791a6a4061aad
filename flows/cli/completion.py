"""What a shell completes besides options: saved queries, judges, models and judges of the home's warehouse.

A key has been pressed and a person waits: the warehouse is read as it was published, and where it cannot be read there
is nothing to complete.
"""

from __future__ import annotations

from pathlib import Path

import typer

from tasks.errors import CardiographError


def complete_query(incomplete: str) -> list[tuple[str, str]]:
    """The saved queries, each with what it answers."""
    from tasks.storage.saved import saved_queries

    return [query for query in saved_queries().items() if query[0].startswith(incomplete)]


def complete_judge(incomplete: str) -> list[str]:
    """The kinds of judges; a kind that needs a model ends with a colon, and its model follows."""
    from tasks.judges import judge_names

    return [name for name in judge_names() if name.startswith(incomplete)]


def complete_judge_of_home(context: typer.Context, incomplete: str) -> list[str]:
    """The judges that have judged the latest snapshot of the home."""
    return [name for name in _read(context, "labels/latest_judges") if name.startswith(incomplete)]


def complete_model(context: typer.Context, incomplete: str) -> list[str]:
    """The models of the latest snapshot, the most downloaded first."""
    return _read(context, "out/model_names", begins=incomplete)


def _read(context: typer.Context, query: str, **values: str) -> list[str]:
    """The first column of a query; nothing where the home has no warehouse that this version can read."""
    from flows.cli.home import home_here
    from tasks.storage.warehouse import Warehouse, frame

    named = context.params.get("home")
    warehouse = Warehouse(Path(named) if named else home_here())
    try:
        if not warehouse.is_current():
            return []
        with warehouse.read() as db:
            names: list[str] = frame(db, query, **values).to_series().to_list()
            return names
    except CardiographError:
        return []
