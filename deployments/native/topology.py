"""The topology of docker-compose.yml on this machine without containers: real programs on free loopback ports.

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
from deployments.native.external import hub as hub_service
from deployments.native.external import judge
from deployments.native.layout import Layout, layout_in
from deployments.native.processes import descendants, signal_all
from deployments.native.programs import program
from deployments.native.rest import Rest
from deployments.native.service import Service
from deployments.native.stores import postgres, redis, s3
from tasks.engine.child import SAFE_PATH, without_secrets
from tasks.engine.server import SENT
from tasks.errors import EngineFailed, UsageError
from tasks.replica.serving import Serving

# Variables of this process that the topology must not inherit: it has its own.
_PRIVATE = ("PREFECT_", "CARDIOGRAPH_", "AWS_", "HF_", "RCLONE_", "PG", "REDIS")
_END_WITHIN_S = 20.0
_POLL_S = 0.2


@dataclass(slots=True)
class Topology:
    """Services in stages, in the order in which they start; those of one stage start together.

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
        """The names of the workers, those with a GPU last."""
        return [name for name in self.services if "worker-" in name]

    @property
    def api_url(self) -> str:
        return f"http://{self.layout.address('prefect-server')}/api"

    def rest(self) -> Rest:
        """A client of the API that is not Prefect's."""
        return Rest(self.api_url, self.environment[SENT])

    @property
    def ui_url(self) -> str:
        return f"http://{self.layout.address('prefect-server')}/"

    @property
    def hub_url(self) -> str:
        """The address of the replica: the parameter `hub` of a flow."""
        return f"http://{self.layout.address('hub')}"

    @property
    def judge_urls(self) -> list[str]:
        """The addresses of the scripted judges."""
        return [f"http://{self.layout.address(n)}" for n in self.services if n.startswith("judge-")]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in any log."""
        return self.layout.secrets

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a client of the topology, with a home apart from the workers'."""
        return client_environment(self.layout, self.layout.folder_of("client"))

    def run(
        self, *command: str, check: bool = True, timeout_s: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment as a client; with `check`, raises `EngineFailed` if it fails."""
        done = subprocess.run(
            [program(command[0], "make setup"), *command[1:]],
            env=_inherited() | self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        if check and done.returncode:
            raise EngineFailed(
                f"{' '.join(command)} exited with {done.returncode}: {(done.stdout + done.stderr)[-4000:]}"
            )
        return done

    def start_all(self) -> None:
        """Start all services, stage by stage. Raises `EngineFailed` with the end of the log of one that fails."""
        for stage in self.stages:
            self._together(self.start, [service.name for service in stage])

    def start(self, name: str) -> None:
        """Start a service and wait until it is ready; does nothing if it is running."""
        if self.is_up(name):
            return
        self._reap(name, 0)  # it may have ended by itself
        service = self.services[name]
        supervisor = self._supervisors[name] = self._spawn(service)
        if not _is_ready(service, supervisor):
            tail = self.log(name).read_text(errors="replace").strip()[-2000:]
            raise EngineFailed(f"{name} did not start; the end of {self.log(name)}:\n{tail}")

    def _spawn(self, service: Service) -> subprocess.Popen[bytes]:
        options = ["--stop-signal", str(int(service.stop_signal)), "--grace", str(service.grace_s)]
        options += ["--user", service.user] if service.user else []
        with self.log(service.name).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "deployments.native.supervisor", *options, "--", *service.command],
                stdin=subprocess.PIPE,  # closed by the kernel when this process ends
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_inherited() | dict(service.environment),
                cwd=service.folder,
                start_new_session=True,
            )

    def is_up(self, name: str) -> bool:
        """Whether its process exists, paused or not, ready or not."""
        supervisor = self._supervisors.get(name)
        return supervisor is not None and supervisor.poll() is None

    def pids(self, name: str) -> list[int]:
        """Its processes, the command's own first: the flow runs of a worker, the backends of PostgreSQL."""
        return descendants(self._supervisors[name].pid) if self.is_up(name) else []

    def kill(self, name: str) -> None:
        """Send SIGKILL to all its processes at once, as when its machine dies; they have ended on return."""
        signal_all(self.pids(name), signal.SIGKILL)
        self._reap(name, _END_WITHIN_S)

    def pause(self, name: str) -> None:
        """Send SIGSTOP to all its processes: it keeps its connections open and does not answer."""
        for _ in range(2):  # one may have started during the first round
            signal_all(self.pids(name), signal.SIGSTOP)

    def resume(self, name: str) -> None:
        signal_all(self.pids(name), signal.SIGCONT)

    def stop(self, name: str) -> None:
        """Stop a service, by force after its grace period; it has ended on return."""
        if self.is_up(name):
            self._supervisors[name].terminate()
        self._reap(name, self.services[name].grace_s + _END_WITHIN_S)

    def restart(self, name: str) -> None:
        """Stop a service if it is running, start it, and wait until it is ready."""
        self.stop(name)
        self.start(name)

    def stop_all(self) -> None:
        """Stop all services, those that started last first."""
        for stage in reversed(self.stages):
            self._together(self.stop, [service.name for service in stage])

    def log(self, name: str) -> Path:
        """The log of a service, over all its restarts."""
        return self.layout.folder_of("logs") / f"{name}.log"

    def logs(self) -> dict[str, str]:
        """The logs of all services so far."""
        return {
            name: self.log(name).read_text(errors="replace")
            for name in self.services
            if self.log(name).exists()
        }

    def _reap(self, name: str, within_s: float) -> None:
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
    """A topology, not started yet. In a folder that had one it continues with the data of that one.

    `settings` are environment variables of the workers and of clients, such as CARDIOGRAPH_PART_CARDS.
    """
    if sys.platform != "linux":
        raise UsageError("the topology without containers needs Linux; use docker compose up")
    judge_names = [f"judge-{n + 1}" for n in range(judges)]
    worker_names = {f"worker-{n + 1}": "worker" for n in range(workers)}
    worker_names |= {f"gpu-worker-{n + 1}": "gpu-worker" for n in range(gpu_workers)}
    optional = [name for name, is_on in {"s3": with_s3, "hub": hub is not None}.items() if is_on]
    names = ["postgres", "redis", "prefect-server", *optional, *judge_names, *worker_names]
    layout = layout_in(folder, names, settings or {})
    stores = [postgres(layout), redis(layout)]
    if with_s3:
        stores.append(s3(layout))
    external = [judge(layout, name, judge_latency_s) for name in judge_names]
    if hub is not None:
        external.append(hub_service(layout, hub))
    stages = [
        [*stores, *external],
        [prefect_server(layout)],
        [prefect_services(layout)],
        [worker(layout, name, service) for name, service in worker_names.items()],
    ]
    return Topology(layout, stages)


@contextmanager
def running(topology: Topology) -> Iterator[Topology]:
    """Start the topology, and stop it on leaving; inside all of it is ready."""
    try:
        topology.start_all()
        yield topology
    finally:
        topology.stop_all()


@contextmanager
def temporary_place() -> Iterator[Path]:
    """A folder for a topology, deleted on leaving.

    As root, PostgreSQL runs as the user `postgres`, who must be able to enter the folder's parents. That is not so for
    pytest's `tmp_path`.
    """
    with tempfile.TemporaryDirectory(prefix="cardiograph-topology-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def _is_ready(service: Service, supervisor: subprocess.Popen[bytes]) -> bool:
    """Whether the service became ready in time; false as soon as it has ended."""
    deadline = monotonic() + service.start_within_s
    while supervisor.poll() is None and monotonic() < deadline:
        if service.is_ready():
            return True
        sleep(_POLL_S)
    return False


def _inherited() -> dict[str, str]:
    """This process's environment without its secrets and without the variables that the topology sets itself."""
    kept = without_secrets(os.environ)
    return {name: value for name, value in kept.items() if not name.startswith(_PRIVATE)} | SAFE_PATH
