"""The clock: every `…_at` column holds UTC without an offset, because DuckDB's `timestamp` has none."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time now, UTC, without an offset."""
    return datetime.now(UTC).replace(tzinfo=None)
