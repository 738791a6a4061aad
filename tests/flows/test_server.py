"""`cardiograph server`, `deploy`, a worker and `status` together: a week through a server that asks for its secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks.engine.child import answers, free_port, running_child, wait_until
from tasks.engine.server import SENT, secret_of

SCRIPTS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Served:
    """A server, and the environment of those who may use it."""

    environment: dict[str, str]

    def run(self, *command: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(SCRIPTS / command[0]), *command[1:]],
            env={**os.environ, **self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    home, port = folder / "home", free_port()
    words = [sys.executable, "-m", "flows.cli", "server", "--port", str(port)]
    environment = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "CARDIOGRAPH_HOME": str(home),
        SENT: secret_of(home),
    }
    with (
        (folder / "log").open("wb") as log,
        running_child("tasks.engine.child", words, environment=environment, log=log) as child,
    ):
        is_up = wait_until(lambda: answers(f"http://127.0.0.1:{port}/api/health"), child, within_s=200)
        assert is_up, (folder / "log").read_text()
        yield Served(environment)


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.timeout(900)
def test_a_week_is_deployed_run_by_a_worker_and_reported(served: Served) -> None:
    deployed = served.run("cardiograph", "deploy")
    assert "WARNING" not in deployed.stderr
    parameters = {"hub": "demo", "limit": 30, "embedder": "none", "stale_after_h": None}
    words = [
        word for name, value in parameters.items() for word in ("--param", f"{name}={json.dumps(value)}")
    ]
    served.run("prefect", "deployment", "run", "snapshot/weekly", *words)
    served.run("prefect", "worker", "start", "--pool", "default", "--type", "process", "--run-once")
    state = json.loads(served.run("cardiograph", "status", "--json").stdout)
    assert state["published"]["models"] == 30
    assert {run["deployment"] for run in state["coming"]} == {"snapshot/weekly"}


@pytest.mark.slow
@pytest.mark.prefect
def test_who_lacks_the_secret_is_told_which_variable_is_missing(served: Served) -> None:
    for command in ("deploy", "status"):
        done = served.run("cardiograph", command, check=False, **{SENT: "cardiograph:wrong"})
        assert "set PREFECT_API_AUTH_STRING to it" in " ".join((done.stdout + done.stderr).split())
        assert "Traceback" not in done.stderr
