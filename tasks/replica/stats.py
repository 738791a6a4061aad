"""Counts of what a replica answered, for tests and benchmarks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stats:
    """Counts since the start or the last reset."""

    routes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    buckets: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    body_bytes: int = 0
    in_flight: int = 0
    concurrent_max: int = 0

    @contextmanager
    def flight(self) -> Iterator[None]:
        """Count a request as in flight inside."""
        self.in_flight += 1
        self.concurrent_max = max(self.concurrent_max, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1

    def report(self) -> dict[str, object]:
        """The counts for JSON. `config_requests` are GETs and HEADs that the Hub would count as downloads."""
        return {
            "requests": sum(self.routes.values()),
            "by_route": dict(self.routes),
            "by_status": dict(self.statuses),
            "by_bucket": dict(self.buckets),
            "by_fault": dict(self.faults),
            "by_file": dict(self.files),
            "refused_429": self.statuses["429"],
            "config_requests": self.files["config.json"],
            "body_bytes": self.body_bytes,
            "concurrent_max": self.concurrent_max,
        }

    def reset(self) -> None:
        """Forget everything but what is in flight right now."""
        for counter in (self.routes, self.statuses, self.buckets, self.faults, self.files):
            counter.clear()
        self.body_bytes = 0
        self.concurrent_max = self.in_flight
