"""When a run was meant to start: what dates a scheduled snapshot, and what makes one stale."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from prefect.runtime import flow_run


def dated(flow: str) -> Callable[[], str]:
    """What names the runs of a flow: with the snapshot's date, though it be the schedule's."""
    return lambda: f"{flow} {flow_run.parameters.get('snapshot_date') or date_of_run()}"


def date_of_run() -> date:
    """The date (UTC) that the run was scheduled for; today's for a run of its own accord."""
    return _meant_for().date()


def late_by() -> timedelta:
    """How long after its time the run has started."""
    return datetime.now(UTC) - _meant_for()


def is_stale(stale_after_h: float | None) -> bool:
    """Whether the run starts so many hours after its time that it is better skipped; null: never.

    One that is run again was wanted by somebody, however late.
    """
    is_first = (flow_run.run_count or 1) == 1
    return stale_after_h is not None and is_first and late_by() > timedelta(hours=stale_after_h)


def _meant_for() -> datetime:
    meant = flow_run.scheduled_start_time
    return datetime.now(UTC) if meant is None else meant.astimezone(UTC)
