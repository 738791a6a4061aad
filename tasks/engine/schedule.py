"""The scheduled time of a run: it dates a snapshot, and makes a late run stale."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from prefect.runtime import flow_run


def dated(flow: str) -> Callable[[], str]:
    """A run-name function for a flow: its name and the date of the snapshot, given or scheduled."""
    return lambda: f"{flow} {flow_run.parameters.get('snapshot_date') or date_of_run()}"


def date_of_run() -> date:
    """The date (UTC) that the run was scheduled for; today for a run without a schedule."""
    return _scheduled_at().date()


def late_by() -> timedelta:
    """How long after its scheduled time the run is."""
    return datetime.now(UTC) - _scheduled_at()


def is_stale(stale_after_h: float | None) -> bool:
    """Whether the run starts more than so many hours after its scheduled time, and is better skipped; null: never.

    A retried run is never stale: somebody requested it, however late.
    """
    is_first = (flow_run.run_count or 1) == 1
    return stale_after_h is not None and is_first and late_by() > timedelta(hours=stale_after_h)


def _scheduled_at() -> datetime:
    scheduled = flow_run.scheduled_start_time
    return datetime.now(UTC) if scheduled is None else scheduled.astimezone(UTC)
