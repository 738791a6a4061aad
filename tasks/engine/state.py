"""What a Prefect server of its own says of itself: deployments, work pools, limits, runs to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prefect import __version__
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, WorkerFilter, WorkerFilterStatus
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectHTTPStatusError

from tasks.errors import EngineFailed
from tasks.settings import settings

_SCHEDULED = FlowRunFilter.model_validate({"state": {"type": {"any_": [StateType.SCHEDULED]}}})


@dataclass(frozen=True, slots=True)
class PoolState:
    """A work pool, and how many workers of it are online."""

    name: str
    workers: int
    is_paused: bool


@dataclass(frozen=True, slots=True)
class ScheduledRun:
    """A run to come; times are UTC."""

    deployment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EngineState:
    """A Prefect server as it is now; `limit` is null where the Hub's limit was never set up."""

    version: str
    deployments: tuple[str, ...]
    pools: tuple[PoolState, ...]
    limit: int | None
    scheduled: tuple[ScheduledRun, ...]


def client_version() -> str:
    """The version of Prefect here."""
    return __version__


def read_engine() -> EngineState:
    """Ask the server of `PREFECT_API_URL`. Raises `EngineFailed` where it does not answer, or refuses."""
    with get_client(sync_client=True) as client:
        if problem := client.api_healthcheck():
            raise EngineFailed(f"Prefect's server at {client.api_url} does not answer ({problem})")
        try:
            return _read(client)
        except PrefectHTTPStatusError as error:
            told = str(error).splitlines()[0]
            raise EngineFailed(f"Prefect's server at {client.api_url} refuses: {told}") from error


def _read(client: SyncPrefectClient) -> EngineState:
    deployments = {found.id: found for found in client.read_deployments(limit=200)}
    flows = {found.flow_id for found in deployments.values()}
    names = {flow: client.read_flow(flow).name for flow in flows}
    called = {key: f"{names[found.flow_id]}/{found.name}" for key, found in deployments.items()}
    coming = client.read_flow_runs(
        flow_run_filter=_SCHEDULED, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=20
    )
    limits = {found.name: found for found in client.read_global_concurrency_limits(limit=200, offset=0)}
    limit = limits.get(settings().hub_limit)
    return EngineState(
        version=client.api_version(),
        deployments=tuple(sorted(called.values())),
        pools=_pools(client),
        limit=limit.limit if limit and limit.active else None,
        scheduled=tuple(
            ScheduledRun(called[run.deployment_id], _utc(run.expected_start_time))
            for run in coming
            if run.deployment_id in called and run.expected_start_time
        ),
    )


def _utc(time: datetime) -> datetime:
    """A plain datetime, UTC without a zone: Prefect's own kind loses its zone when copied."""
    return datetime.fromtimestamp(time.timestamp(), UTC).replace(tzinfo=None)


def _pools(client: SyncPrefectClient) -> tuple[PoolState, ...]:
    online = WorkerFilter(status=WorkerFilterStatus.model_validate({"any_": ["ONLINE"]}))
    found = sorted(client.read_work_pools(), key=lambda pool: pool.name)
    workers: Sequence[int] = [
        len(client.read_workers_for_work_pool(pool.name, worker_filter=online)) for pool in found
    ]
    return tuple(
        PoolState(pool.name, count, pool.is_paused) for pool, count in zip(found, workers, strict=True)
    )
