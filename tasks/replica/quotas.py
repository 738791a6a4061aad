"""The Hub's quotas: so many requests of a kind per fixed window, reported in every answer, enforced with 429."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from time import monotonic

from tasks.errors import UsageError
from tasks.replica.answers import ReplicaResponse, error_answer
from tasks.replica.protocol import PLANS, ServedBucket

_CLOSED_WINDOWS_KEPT = 1_000


def bucket_of(raw_path: str) -> ServedBucket:
    """Which quota a path uses. The Hub does not recognise an id in `owner%2Fname` and counts a page."""
    path = raw_path.lower()
    if path.startswith("/api/resolve-cache/"):
        return "resolvers"
    if path.startswith("/api/"):
        return "pages" if "%2f" in path.split("/revision/")[0] else "api"
    repository, is_resolve, _ = path.partition("/resolve/")
    return "resolvers" if is_resolve and "%2f" not in repository else "pages"


@dataclass(slots=True)
class Window:
    """One identity's use of one bucket, from its first request on."""

    identity: str
    bucket: ServedBucket
    limit: int
    started: float
    used: int = 0
    refused: int = 0


@dataclass(slots=True)
class Quotas:
    """Counts requests by identity and bucket. Every identity has the same `plan`, in windows of its own."""

    plan: str = "none"
    window_s: float = 300.0
    scale: float = 1.0
    clock: Callable[[], float] = monotonic
    windows: dict[tuple[str, ServedBucket], Window] = field(default_factory=dict)
    closed: deque[Window] = field(default_factory=lambda: deque(maxlen=_CLOSED_WINDOWS_KEPT))

    def __post_init__(self) -> None:
        if self.plan not in PLANS:
            raise UsageError(f"no plan is called {self.plan!r}; choose from: {', '.join(PLANS)}")
        if not (self.window_s > 0 and self.scale > 0):
            raise UsageError("the window and the scale of a quota must be positive")

    def take(self, identity: str, bucket: ServedBucket) -> tuple[Window | None, bool]:
        """Count one request: its window (None where there is no quota) and whether it may pass."""
        limit = PLANS[self.plan].get(bucket)
        if limit is None:
            return None, True
        window = self._window(identity, bucket, max(1, round(limit * self.scale)))
        if window.used >= window.limit:
            window.refused += 1
            return window, False
        window.used += 1
        return window, True

    def _window(self, identity: str, bucket: ServedBucket, limit: int) -> Window:
        now = self.clock()
        window = self.windows.get((identity, bucket))
        if window is None or now >= window.started + self.window_s:
            if window is not None:
                self.closed.append(window)
            window = self.windows[identity, bucket] = Window(identity, bucket, limit, now)
        return window

    def headers(self, window: Window) -> tuple[tuple[str, str], ...]:
        """`RateLimit` and `RateLimit-Policy`, in whole seconds as on the Hub."""
        left_s = max(0, math.ceil(window.started + self.window_s - self.clock()))
        policy = f'"fixed window";"{window.bucket}";q={window.limit};w={max(1, round(self.window_s))}'
        return (
            ("ratelimit", f'"{window.bucket}";r={window.limit - window.used};t={left_s}'),
            ("ratelimit-policy", policy),
        )

    def refusal(self, window: Window) -> ReplicaResponse:
        """The answer 429."""
        return error_answer(
            429,
            f"We had to rate limit you, you hit the quota of {window.limit} {window.bucket} requests "
            f"per {self.window_s:g} seconds. Wait for the window to end, or use a plan with a higher limit.",
        )

    def report(self) -> list[dict[str, object]]:
        """Every window, closed ones first; `started` is on the replica's own clock, in seconds."""
        return [asdict(window) for window in (*self.closed, *self.windows.values())]

    def reset(self) -> None:
        self.windows.clear()
        self.closed.clear()
