"""What a run should do: records with their defaults, the one source for the command, the flows and deployments.

A flow takes the fields of its record as parameters of its own (`takes`), not as one nested object: Prefect validates
each, its UI shows and edits each, and `--param limit=200` changes one and leaves the others as deployed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, get_type_hints

from tasks.records import DEFAULT_EMBEDDER, DEFAULT_JUDGE, Selection, Sort, SpendingCap
from tasks.settings import OFFICIAL_HUB

if TYPE_CHECKING:
    from tasks.work.run import Run

R = TypeVar("R", bound="RunRequest")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CrewRequest:
    """How many processes do parts, the coordinator included, and in which pools; null: on this machine.

    Where `judge_pool` is set, only its `judge_workers` processes do a judge model's parts.
    """

    workers: int = 1
    pool: str | None = None
    judge_pool: str | None = None
    judge_workers: int = 1


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """Which snapshot, and where. Null: the date of the schedule, or today (UTC); the home of the settings."""

    snapshot_date: date | None = None
    home: Path | None = None

    def of(self, run: Run) -> Self:
        """The same, with the date and the home that the run found where the request left them open."""
        return replace(self, snapshot_date=run.snapshot, home=run.home)

    def parameters(self, record: type[RunRequest], **changes: object) -> dict[str, Any]:
        """The parameters of the flow that takes `record`: those of this request but for `changes`."""
        names = [field.name for field in fields(record)]
        return {name: changes[name] if name in changes else getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True)
class PartsRequest(RunRequest):
    """Which processes do the parts: `workers` processes, of work pool `pool` or, without one, on this machine."""

    workers: int = 1
    pool: str | None = None

    @property
    def crew(self) -> CrewRequest:
        """The same as a record of its own."""
        return CrewRequest(self.workers, self.pool)


@dataclass(frozen=True, kw_only=True)
class CrawlRequest(PartsRequest):
    """Which models of which Hub; the fields after `hub` are those of `Selection`. With `sample`, `limit` is ignored."""

    hub: str = OFFICIAL_HUB
    limit: int | None = 1000
    sort: Sort = "downloads"
    filters: tuple[str, ...] = ()
    author: str | None = None
    models: tuple[str, ...] = ()
    sample: int | None = None
    sample_seed: int = 1
    include_private: bool = False

    @property
    def selection(self) -> Selection:
        """The part of it that is recorded with the snapshot."""
        limit = None if self.sample else self.limit
        return Selection(
            limit,
            self.sort,
            self.filters,
            self.author,
            self.models,
            self.sample,
            self.sample_seed,
            self.include_private,
        )


@dataclass(frozen=True, kw_only=True)
class JudgingRequest(PartsRequest):
    """The judge model: its name, its servers (none: the run starts one), and how many scores it explains.

    `budget` (money) and `budget_requests` are the most that the run may spend on a judge that is paid for.
    """

    judge_model: str | None = None
    judge_urls: tuple[str, ...] = ()
    budget: float | None = None
    budget_requests: int | None = None
    explain: int = 12
    judge_pool: str | None = None
    judge_workers: int = 1

    @property
    def cap(self) -> SpendingCap:
        """The budget as a record of its own."""
        return SpendingCap(self.budget, self.budget_requests)

    @property
    def crew(self) -> CrewRequest:
        """The same as a record of its own."""
        return CrewRequest(self.workers, self.pool, self.judge_pool, self.judge_workers)


@dataclass(frozen=True, kw_only=True)
class JudgeRequest(JudgingRequest):
    """One judge, in the words of the command line."""

    judge: str = DEFAULT_JUDGE


@dataclass(frozen=True, kw_only=True)
class FindingsRequest(RunRequest):
    """Whose verdicts: a judge's fingerprint; null for the judge that judged the snapshot last."""

    fingerprint: str | None = None


@dataclass(frozen=True, kw_only=True)
class EmbedRequest(PartsRequest):
    """What embeds: the default embedder, or a sentence-transformers model by its name on the Hub or its folder."""

    embedder: str = DEFAULT_EMBEDDER


@dataclass(frozen=True, kw_only=True)
class AtlasRequest(PartsRequest):
    """What makes the map; `embedder` null: that of the settings. `namer`: the judge that names new kinds, if any."""

    embedder: str | None = None
    namer: str | None = None
    judge_model: str | None = None
    judge_urls: tuple[str, ...] = ()
    budget: float | None = None
    budget_requests: int | None = None

    @property
    def cap(self) -> SpendingCap:
        """The budget as a record of its own."""
        return SpendingCap(self.budget, self.budget_requests)


@dataclass(frozen=True, kw_only=True)
class SnapshotRequest(JudgingRequest, CrawlRequest):
    """Everything that a snapshot can be asked to do. Of several `judges` the report shows the first one's scores."""

    judges: tuple[str, ...] = (DEFAULT_JUDGE,)
    embedder: str | None = None
    stale_after_h: float | None = None


def takes(record: type[R]) -> Callable[[Callable[[R], T]], Callable[..., T]]:
    """Turn a function of one request into a function of its fields: each a parameter with its type and default."""
    hints = get_type_hints(record)
    signature = inspect.Signature(
        [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=hints[field.name],
            )
            for field in fields(record)
        ]
    )

    def decorate(function: Callable[[R], T]) -> Callable[..., T]:
        @wraps(function)
        def taking(**values: Any) -> T:
            return function(record(**values))

        taking.__signature__ = signature  # type: ignore[attr-defined]
        del taking.__wrapped__  # Prefect would look through it
        return taking

    return decorate
