"""The real topology, started once for all tests here: what it takes and how it is asked."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import duckdb
import pytest

from deployments.native import Topology, native_topology, running, temporary_place
from deployments.native.layout import BUCKET
from deployments.native.rest import Rest
from tasks.demo import write_demo_corpus
from tasks.replica.serving import Serving

MODELS = 400
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

_SETTINGS = {
    "CARDIOGRAPH_PART_CARDS": "10",
    "CARDIOGRAPH_JUDGE_PART_CARDS": "20",
    "CARDIOGRAPH_HUB_THREADS": "4",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """The topology, with Prefect's API beside it."""

    topology: Topology
    corpus: Path
    rest: Rest

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One request of Prefect's REST API; its answer."""
        return self.rest.ask(method, path, body)

    def deployment(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/deployments/name/{name}")
        return found

    def let_the_schedule_fire(self, name: str, parameters: dict[str, Any]) -> datetime:
        """Move the deployed schedule to the next minute that is not too near; when that is."""
        deployment = self.deployment(name)
        (entry,) = deployment["schedules"]
        due = (datetime.now(UTC) + timedelta(seconds=75)).replace(second=0, microsecond=0)
        entry["schedule"]["cron"] = f"{due.minute} {due.hour} * * {due.isoweekday() % 7}"
        self.ask(
            "PATCH",
            f"/deployments/{deployment['id']}",
            {
                "parameters": deployment["parameters"] | parameters,
                "schedules": [{"schedule": entry["schedule"], "active": True}],
            },
        )
        return due

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        """Flow runs of a deployment that have begun, oldest first."""
        name = deployment.partition("/")[2]
        flow = deployment.partition("/")[0]
        found = self.ask(
            "POST",
            "/flow_runs/filter",
            {"flows": {"name": {"any_": [flow]}}, "deployments": {"name": {"any_": [name]}}},
        )
        begun = [run for run in found if run["start_time"]]
        return sorted(begun, key=lambda run: str(run["start_time"]))

    def started(self, deployment: str, parameters: dict[str, Any]) -> None:
        """Ask for a run of a deployment now."""
        found = self.deployment(deployment)
        self.ask("POST", f"/deployments/{found['id']}/create_flow_run", {"parameters": parameters})

    def ended(self, deployment: str, within_s: float) -> dict[str, Any]:
        """The only run of a deployment, once it has ended."""
        deadline = monotonic() + within_s
        while monotonic() < deadline:
            for run in self.runs(deployment):
                if run["state_type"] in ENDED:
                    return run
            sleep(1)
        raise AssertionError(f"{deployment} has not ended after {within_s:g} s: {self.runs(deployment)}")

    def task_runs(self, flow_run: str) -> list[str]:
        """Names of the completed task runs of a flow run, and of the flows that it called."""
        called = {"flow_runs": {"parent_flow_run_id": {"any_": [flow_run]}}}
        family = [flow_run, *(run["id"] for run in self.ask("POST", "/flow_runs/filter", called))]
        found = self.ask("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": family}}})
        return [run["name"] for run in found if run["state_type"] == "COMPLETED"]

    def task_runs_once(
        self, flow_run: str, are_there: Callable[[list[str]], bool], within_s: float = 60
    ) -> list[str]:
        """The same, once those are among them that are waited for."""
        deadline = monotonic() + within_s
        while monotonic() < deadline:
            if are_there(names := self.task_runs(flow_run)):
                return names
            sleep(1)
        raise AssertionError(f"{flow_run} has not done what it should: {self.task_runs(flow_run)}")

    def said(self, flow_run: str) -> str:
        """The end of what a flow run logged."""
        asked = {"logs": {"flow_run_id": {"any_": [flow_run]}}, "sort": "TIMESTAMP_DESC", "limit": 40}
        return "\n".join(line["message"] for line in reversed(self.ask("POST", "/logs/filter", asked)))

    def worker_of(self, flow_run: str) -> str:
        """Name of the worker that ran it; several may have reached for it, and all but one were refused."""
        logs = {name: self.topology.log(name).read_text() for name in self.topology.workers}
        (worker,) = (
            name
            for name, said in logs.items()
            if f"Worker '{name}' submitting flow run '{flow_run}'" in said
            and f"Aborted submission of flow run '{flow_run}'" not in said
        )
        return worker

    def hub_stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.topology.hub_url}/-/replica/stats", timeout=30) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found

    def published(self, name: str) -> Path:
        """A file that was published to the store, as it lies there."""
        return self.topology.layout.folder / "s3/buckets" / BUCKET / "lake/published" / name

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the published warehouse answers."""
        with duckdb.connect(self.published("warehouse.duckdb"), read_only=True) as db:
            return db.sql(sql).fetchall()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three workers, one for a GPU, and all that they stand on; the Hub has so little to give that the week takes a
    minute, so that nobody is late for it."""
    corpus = tmp_path_factory.mktemp("corpus") / "small.parquet"
    write_demo_corpus(corpus, models=MODELS, weeks=2, seed=3)
    hub = Serving(corpus=corpus, plan="free", window_s=10, quota_scale=0.02, latency_ms=50)
    with temporary_place() as folder:
        topology = native_topology(folder, workers=3, gpu_workers=1, judges=1, hub=hub, settings=_SETTINGS)
        with running(topology):
            topology.run("cardiograph", "deploy")
            yield Cluster(topology, corpus, topology.rest())
