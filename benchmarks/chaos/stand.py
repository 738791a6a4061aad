"""What all rounds share: the topology behind its gates, last week's snapshot, and how this week's looks undisturbed."""

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
LEASE_S = 6.0  # shorter than a pause, so that a paused worker wakes up to find its part taken

# Small parts, so that there are many of them to lose; little patience, so that a round is soon over.
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
    """This week's warehouse as a run leaves it that nobody touches, and how long that run lasts."""

    warehouse: Path
    lasts_s: float


@dataclass(slots=True)
class Stand:
    """Lives for all rounds."""

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
        """What must stand nowhere, by name."""
        names = ("PostgreSQL's password", "Redis's password", "the S3 key", "HF_TOKEN")
        found = dict(zip(names, self.scene.topology.secrets, strict=True))
        return found | {"the judge's key": SETTINGS["CARDIOGRAPH_JUDGE_API_KEY"]}

    @property
    def hub_url(self) -> str:
        """The replica's, through its gate."""
        return self.scene.gates["hub"].url

    def lake_on_disk(self, name: str) -> Path:
        """Where the S3 endpoint keeps a prefix."""
        return self.layout.folder_of("s3") / "buckets" / BUCKET / name

    def upload(self, folder: Path, name: str) -> None:
        """Put the files of a lake under a prefix, past the gate."""
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
        """The lake of the coming runs, whoever asks for them."""
        for deployment in (SNAPSHOT, ANOTHER, CREW):
            self.scene.api.set_environment(deployment, {"CARDIOGRAPH_LAKE": lake})


@contextmanager
def running_stand(folder: Path | None, *, models: int, seed: int) -> Iterator[Stand]:
    """The topology, deployed and at rest, with last week's snapshot taken."""
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
        api = PrefectApi(topology.api_url)
        api.pause_schedule(SNAPSHOT)  # a clock a week off would bring its run, and that reads the real Hub
        for run_id in api.unfinished():  # of a folder that was used before
            api.cancel(run_id)
        api.copy(SNAPSHOT, ANOTHER.partition("/")[2])
        yield Stand(place, Scene(topology, gates, api), take_last_week(place, corpus))


def _set_up(topology: Topology, gates: Mapping[str, Gate]) -> None:
    """Workers reach S3 through its gate, and are in a hurry."""
    for name in topology.services:
        there = {MARK: str(os.getpid())}
        if name in topology.workers:
            there |= SETTINGS | {"AWS_ENDPOINT_URL": gates["s3"].url}
        topology.stages = with_environment(topology.stages, name, there)


def take_last_week(place: Path, corpus: Path) -> Path:
    """A home with last week's snapshot, taken by the command alone; its lake inside it."""
    home = place / "before"
    if not (home / "warehouse.duckdb").exists():
        words = ["snapshot", "--hub", str(corpus), "--all", "--as-of", str(WEEK_BEFORE), "--home", str(home)]
        subprocess.run([sys.executable, "-m", "flows.cli", *words, "--json"], check=True, capture_output=True)
        shutil.rmtree(home / "prefect", ignore_errors=True)
    return home
