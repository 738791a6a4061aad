"""What all rounds share: the topology behind its gates, last week's snapshot, and this week's without faults."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from obstore.store import S3Store

from benchmarks.chaos.gate import Gate
from benchmarks.chaos.prefect_api import PrefectApi
from benchmarks.chaos.processes import MARK
from benchmarks.chaos.scene import Scene, with_environment
from deployments.native import Layout, Topology, native_topology
from deployments.native.layout import BUCKET
from tasks.demo import write_demo_corpus
from tasks.demo.corpus import LAST_SNAPSHOT
from tasks.replica.serving import Serving

WEEK = LAST_SNAPSHOT
WEEK_BEFORE = LAST_SNAPSHOT - timedelta(days=7)
LEASE_S = 6.0  # shorter than a pause, so that a resumed worker finds its part taken over

# Small parts, so that many can be lost; short time-outs, so that a round ends soon.
SETTINGS = {
    "CARDIOGRAPH_LEASE_S": str(LEASE_S),
    "CARDIOGRAPH_PART_CARDS": "10",
    "CARDIOGRAPH_JUDGE_PART_CARDS": "8",
    "CARDIOGRAPH_HUB_READ_TIMEOUT_S": "8",
    "CARDIOGRAPH_LAKE_PATIENCE_S": "40",
    "CARDIOGRAPH_JUDGE_PATIENCE_S": "40",
    "CARDIOGRAPH_JUDGE_API_KEY": "chaos-judge-key-7f3e9a",
}
SNAPSHOT, CREW = "snapshot/weekly", "crew/default"
ANOTHER = "snapshot/another"  # without the limit of one run at a time, as if started by hand elsewhere


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """The warehouse that a run without faults leaves this week, and the duration of that run."""

    warehouse: Path
    lasts_s: float


@dataclass(slots=True)
class Stand:
    """The state that all rounds share."""

    folder: Path
    scene: Scene
    before: Path  # a home with last week's snapshot, its lake inside
    expected: dict[str, Undisturbed] = field(default_factory=dict)

    @property
    def layout(self) -> Layout:
        """Ports, folders and secrets of the topology."""
        return self.scene.topology.layout

    @property
    def secrets(self) -> Mapping[str, str]:
        """The secrets that must appear nowhere, by name."""
        names = ("PostgreSQL's password", "Redis's password", "Prefect's secret", "the S3 key", "HF_TOKEN")
        found = dict(zip(names, self.scene.topology.secrets, strict=True))
        return found | {"the judge's key": SETTINGS["CARDIOGRAPH_JUDGE_API_KEY"]}

    @property
    def hub_url(self) -> str:
        """The address of the replica, through its gate."""
        return self.scene.gates["hub"].url

    def lake_on_disk(self, name: str) -> Path:
        """The folder in which the S3 endpoint keeps a prefix."""
        return self.layout.folder_of("s3") / "buckets" / BUCKET / name

    def upload(self, folder: Path, name: str) -> None:
        """Upload the files of a lake under a prefix, not through the gate."""
        variables = self.layout.variables
        store = S3Store(
            BUCKET,
            prefix=name,
            endpoint=f"http://{self.layout.address('s3')}",
            access_key_id=variables["AWS_ACCESS_KEY_ID"],
            secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region=variables["AWS_REGION"],
            client_options={"allow_http": True},
        )
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                store.put(path.relative_to(folder).as_posix(), path.read_bytes())

    def point_workers_at(self, lake: str) -> None:
        """Set the lake of all later runs."""
        for deployment in (SNAPSHOT, ANOTHER, CREW):
            self.scene.api.set_environment(deployment, {"CARDIOGRAPH_LAKE": lake})


@contextmanager
def running_stand(folder: Path | None, *, models: int, seed: int) -> Iterator[Stand]:
    """The topology, deployed and idle, with last week's snapshot taken."""
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cardiograph-chaos-")))
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o711)  # PostgreSQL's user passes through
        corpus = place / "demo.parquet"
        write_demo_corpus(corpus, models=models, weeks=2, seed=7)
        hub = Serving(corpus=corpus, as_of=WEEK, plan="free", latency_ms=30)
        topology = native_topology(place / "topology", workers=3, hub=hub, judges=1, judge_latency_s=0.05)
        gates = {name: Gate(topology.layout.ports[name], seed) for name in ("s3", "hub")}
        for gate in gates.values():
            stack.callback(gate.close)
        _set_up(topology, gates)
        stack.callback(topology.stop_all)
        topology.start_all()
        topology.run("cardiograph", "deploy")
        api = PrefectApi(topology.rest())
        for pool in ("default", "gpu"):
            api.let_runs_set_their_environment(pool)
        for worker in topology.workers:
            topology.restart(worker)  # it keeps the pool as it was when it last asked
        api.pause_schedule(SNAPSHOT)  # a clock a week off would start its run, which reads the real Hub
        for run_id in api.unfinished():  # left in a folder that was used before
            api.cancel(run_id)
        api.copy(SNAPSHOT, ANOTHER.partition("/")[2])
        yield Stand(place, Scene(topology, gates, api), take_last_week(place, corpus))


def _set_up(topology: Topology, gates: Mapping[str, Gate]) -> None:
    """Let workers reach S3 through its gate, with short time-outs; mark every process."""
    for name in topology.services:
        variables = {MARK: str(os.getpid())}
        if name in topology.workers:
            variables |= SETTINGS | {
                "AWS_ENDPOINT_URL": gates["s3"].url,
                "CARDIOGRAPH_TRUSTED_HUBS": gates["hub"].url,
            }
        topology.stages = with_environment(topology.stages, name, variables)


def take_last_week(place: Path, corpus: Path) -> Path:
    """A home with last week's snapshot, taken by the command without the topology; its lake is inside."""
    home = place / "before"
    if not (home / "warehouse.duckdb").exists():
        arguments = [
            "snapshot",
            "--hub",
            str(corpus),
            "--all",
            "--as-of",
            str(WEEK_BEFORE),
            "--home",
            str(home),
        ]
        subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments, "--json"], check=True, capture_output=True
        )
        shutil.rmtree(home / "prefect", ignore_errors=True)
    return home
