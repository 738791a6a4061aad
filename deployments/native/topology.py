"""The topology of docker-compose.yml on this machine, without containers: real programs on loopback, on free ports.

    with running(native_topology(folder, workers=3, hub=Serving(corpus=corpus, plan="free"))) as topology:
        topology.run("cardiograph", "deploy")
        topology.kill("worker-2")

Everything ends with the block, and with this process if that is killed. Needs Linux.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

from deployments.native.engine import client_environment, prefect_server, prefect_services, worker
from deployments.native.layout import Layout, layout_in
from deployments.native.processes import descendants, signal_all
from deployments.native.programs import program
from deployments.native.service import Service
from deployments.native.stores import postgres, redis, s3
from deployments.native.world import hub as hub_service
from deployments.native.world import judge
from tasks.errors import EngineFailed, UsageError
from tasks.replica.serving import Serving

# What this process was told is not for the topology, which has its own of each.
_PRIVATE = ("PREFECT_", "CARDIOGRAPH_", "AWS_", "HF_", "RCLONE_", "PG", "REDIS")
_DIED_WITHIN_S = 20.0
_POLL_S = 0.2


@dataclass(slots=True)
class Topology:
    """Services by name, in the order in which they start; those within one stage start together.

    Names: postgres, redis, s3, hub, judge-1…, prefect-server, prefect-services, worker-1…, gpu-worker-1….
    """

    layout: Layout
    stages: Sequence[Sequence[Service]]
    _supervisors: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def services(self) -> dict[str, Service]:
        return {service.name: service for stage in self.stages for service in stage}

    @property
    def workers(self) -> list[str]:
        """Their names, those with a GPU last."""
        return [name for name in self.services if "worker-" in name]

    @property
    def api_url(self) -> str:
        return f"http://{self.layout.address('prefect-server')}/api"

    @property
    def ui_url(self) -> str:
        return f"http://{self.layout.address('prefect-server')}/"

    @property
    def hub_url(self) -> str:
        """The replica's; what `hub` is to be for a flow."""
        return f"http://{self.layout.address('hub')}"

    @property
    def judge_urls(self) -> list[str]:
        """Where the scripted judges answer."""
        return [f"http://{self.layout.address(n)}" for n in self.services if n.startswith("judge-")]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no log."""
        return self.layout.secrets

    @property
    def environment(self) -> dict[str, str]:
        """What somebody has to export to work with the topology; their home is none of the workers'."""
        return client_environment(self.layout, self.layout.folder_of("client"))

    def run(
        self, *command: str, check: bool = True, timeout_s: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment as a client; with `check`, `EngineFailed` where it fails."""
        done = subprocess.run(
            [program(command[0], "make setup"), *command[1:]],
            env=_outside() | self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        if check and done.returncode:
            raise EngineFailed(
                f"{' '.join(command)} left with {done.returncode}: {(done.stdout + done.stderr)[-4000:]}"
            )
        return done

    def start_all(self) -> None:
        """Every service, each stage once the one before is ready. Raises `EngineFailed` with the last words of one."""
        for stage in self.stages:
            self._together(self.start, [service.name for service in stage])

    def start(self, name: str) -> None:
        """Start it and wait until it is ready; nothing where it runs."""
        if self.is_up(name):
            return
        self._bury(name, 0)  # one that has died by itself
        service = self.services[name]
        supervisor = self._supervisors[name] = self._spawn(service)
        if not _is_ready(service, supervisor):
            said = self.log(name).read_text(errors="replace").strip()[-2000:]
            raise EngineFailed(f"{name} did not start; the end of {self.log(name)}:\n{said}")

    def _spawn(self, service: Service) -> subprocess.Popen[bytes]:
        asked = ["--stop-signal", str(int(service.stop_signal)), "--grace", str(service.grace_s)]
        user = ["--user", service.user] if service.user else []
        with self.log(service.name).open("ab") as log:
            return subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "deployments.native.supervisor",
                    *asked,
                    *user,
                    "--",
                    *service.command,
                ],
                stdin=subprocess.PIPE,  # closed by the kernel when this process ends
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_outside() | dict(service.environment),
                cwd=service.folder,
                start_new_session=True,
            )

    def is_up(self, name: str) -> bool:
        """Whether its process is there; paused or not, ready or not."""
        supervisor = self._supervisors.get(name)
        return supervisor is not None and supervisor.poll() is None

    def pids(self, name: str) -> list[int]:
        """Its processes, the command's own first: the flow runs of a worker, the backends of PostgreSQL."""
        return descendants(self._supervisors[name].pid) if self.is_up(name) else []

    def kill(self, name: str) -> None:
        """-9 to all its processes at once, as when its machine dies; gone on return."""
        signal_all(self.pids(name), signal.SIGKILL)
        self._bury(name, _DIED_WITHIN_S)

    def pause(self, name: str) -> None:
        """SIGSTOP to all its processes: it holds its connections, and says nothing."""
        for _ in range(2):  # one may have been born during the first round
            signal_all(self.pids(name), signal.SIGSTOP)

    def resume(self, name: str) -> None:
        signal_all(self.pids(name), signal.SIGCONT)

    def stop(self, name: str) -> None:
        """End it in order, by force after its grace; gone on return."""
        if self.is_up(name):
            self._supervisors[name].terminate()
        self._bury(name, self.services[name].grace_s + _DIED_WITHIN_S)

    def restart(self, name: str) -> None:
        """Stop it where it runs, start it, wait until it is ready."""
        self.stop(name)
        self.start(name)

    def stop_all(self) -> None:
        """Those that started last end first."""
        for stage in reversed(self.stages):
            self._together(self.stop, [service.name for service in stage])

    def log(self, name: str) -> Path:
        """Where its output goes, that of all its lives."""
        return self.layout.folder_of("logs") / f"{name}.log"

    def logs(self) -> dict[str, str]:
        """What each has said so far."""
        return {
            name: self.log(name).read_text(errors="replace")
            for name in self.services
            if self.log(name).exists()
        }

    def _bury(self, name: str, within_s: float) -> None:
        supervisor = self._supervisors.pop(name, None)
        if supervisor is None:
            return
        try:
            supervisor.wait(within_s)
        except subprocess.TimeoutExpired as error:
            signal_all([*descendants(supervisor.pid), supervisor.pid], signal.SIGKILL)
            supervisor.wait()
            raise EngineFailed(f"{name} did not end within {within_s:g} s") from error
        finally:
            if supervisor.stdin:
                supervisor.stdin.close()

    @staticmethod
    def _together(do: Callable[[str], None], names: Sequence[str]) -> None:
        with ThreadPoolExecutor(max_workers=max(1, len(names))) as threads:
            for done in [threads.submit(do, name) for name in names]:
                done.result()


def native_topology(
    folder: Path,
    *,
    workers: int = 3,
    gpu_workers: int = 0,
    hub: Serving | None = None,
    judges: int = 0,
    judge_latency_s: float = 0.0,
    with_s3: bool = True,
    settings: Mapping[str, str] | None = None,
) -> Topology:
    """The topology, not started yet. In a folder that had one, it goes on with what that one kept.

    `settings` are environment variables of the workers and of clients, such as CARDIOGRAPH_PART_CARDS.
    """
    if sys.platform != "linux":
        raise UsageError("the topology without containers needs Linux; use docker compose up")
    judge_names = [f"judge-{n + 1}" for n in range(judges)]
    worker_names = {f"worker-{n + 1}": "worker" for n in range(workers)}
    worker_names |= {f"gpu-worker-{n + 1}": "gpu-worker" for n in range(gpu_workers)}
    optional = [name for name, is_wanted in {"s3": with_s3, "hub": hub is not None}.items() if is_wanted]
    names = ["postgres", "redis", "prefect-server", *optional, *judge_names, *worker_names]
    layout = layout_in(folder, names, settings or {})
    stores = [postgres(layout), redis(layout)]
    if with_s3:
        stores.append(s3(layout))
    world = [judge(layout, name, judge_latency_s) for name in judge_names]
    if hub is not None:
        world.append(hub_service(layout, hub))
    crew = [worker(layout, name, service) for name, service in worker_names.items()]
    return Topology(layout, [[*stores, *world], [prefect_server(layout)], [prefect_services(layout)], crew])


@contextmanager
def running(topology: Topology) -> Iterator[Topology]:
    """The topology, all of it ready, while inside."""
    try:
        topology.start_all()
        yield topology
    finally:
        topology.stop_all()


@contextmanager
def temporary_place() -> Iterator[Path]:
    """A folder for a topology, gone with the block.

    As root, PostgreSQL runs as the user `postgres`: everybody must be able to pass through the folder's parents, which
    holds for none of pytest's `tmp_path`.
    """
    with tempfile.TemporaryDirectory(prefix="cardiograph-topology-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def _is_ready(service: Service, supervisor: subprocess.Popen[bytes]) -> bool:
    """Whether it came up in time; false at once when it has ended."""
    deadline = monotonic() + service.start_within_s
    while supervisor.poll() is None and monotonic() < deadline:
        if service.is_ready():
            return True
        sleep(_POLL_S)
    return False


def _outside() -> dict[str, str]:
    """This process's environment, without what is the topology's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_PRIVATE)}
