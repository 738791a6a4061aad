"""The state of a Prefect server: deployments, work pools, limits, scheduled runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from prefect import __version__
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, WorkerFilter
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectHTTPStatusError

from tasks.engine.prefect_api import refusal
from tasks.errors import EngineFailed
from tasks.settings import settings

_SCHEDULED = FlowRunFilter.model_validate({"state": {"type": {"any_": [StateType.SCHEDULED]}}})
_ONLINE = WorkerFilter.model_validate({"status": {"any_": ["ONLINE"]}})


@dataclass(frozen=True, slots=True)
class PoolState:
    """A work pool, and how many of its workers are online."""

    name: str
    workers: int
    is_paused: bool


@dataclass(frozen=True, slots=True)
class ScheduledRun:
    """A scheduled run; `at` is UTC."""

    deployment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EngineState:
    """A Prefect server as it is now; `limit` is null if no active limit on Hub requests is set up."""

    version: str
    deployments: tuple[str, ...]
    pools: tuple[PoolState, ...]
    limit: int | None
    scheduled: tuple[ScheduledRun, ...]


def client_version() -> str:
    """The version of Prefect in this environment."""
    return __version__


def read_engine() -> EngineState:
    """Ask the server of `PREFECT_API_URL`. Raises `EngineFailed` if it does not answer, or refuses."""
    with get_client(sync_client=True) as client:
        if problem := client.api_healthcheck():
            raise EngineFailed(f"Prefect's server at {client.api_url} does not answer ({problem})")
        try:
            return _read(client)
        except PrefectHTTPStatusError as error:
            raise EngineFailed(f"Prefect's server at {client.api_url} refuses: {refusal(error)}") from error


def _read(client: SyncPrefectClient) -> EngineState:
    deployments = client.read_deployments(limit=200)
    flows = {flow: client.read_flow(flow).name for flow in {one.flow_id for one in deployments}}
    names = {one.id: f"{flows[one.flow_id]}/{one.name}" for one in deployments}
    runs = client.read_flow_runs(
        flow_run_filter=_SCHEDULED, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=20
    )
    limits = client.read_global_concurrency_limits(limit=200, offset=0)
    hub_limits = [one.limit for one in limits if one.name == settings().hub_limit and one.active]
    return EngineState(
        version=client.api_version(),
        deployments=tuple(sorted(names.values())),
        pools=tuple(
            PoolState(
                pool.name,
                len(client.read_workers_for_work_pool(pool.name, worker_filter=_ONLINE)),
                pool.is_paused,
            )
            for pool in sorted(client.read_work_pools(), key=lambda pool: pool.name)
        ),
        limit=hub_limits[0] if hub_limits else None,
        scheduled=tuple(
            ScheduledRun(names[run.deployment_id], _utc(run.expected_start_time))
            for run in runs
            if run.deployment_id in names and run.expected_start_time
        ),
    )


def _utc(time: datetime) -> datetime:
    """A plain datetime, UTC without an offset: Prefect's own kind loses its time zone when copied."""
    return datetime.fromtimestamp(time.timestamp(), UTC).replace(tzinfo=None)
