"""The topology without containers, on services that cost nothing: what is started ends, whatever it started itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from deployments.native import Layout, Service, Topology
from deployments.native.layout import free_ports, layout_in
from deployments.native.processes import descendants
from tasks.errors import EngineFailed

if sys.platform != "linux":
    pytest.skip("needs Linux's /proc", allow_module_level=True)

# Starts a process in a session of its own, as a worker does with a flow run, and says which.
RUNNER = """
import pathlib, subprocess, sys, time
run = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
pathlib.Path(sys.argv[1]).write_text(str(run.pid))
time.sleep(600)
"""
STUBBORN = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).write_text("0")
time.sleep(600)
"""


def state(pid: int) -> str:
    """One letter of proc_pid_stat(5); empty where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def comes_true(claim: Callable[[], bool], within_s: float = 30.0) -> bool:
    deadline = monotonic() + within_s
    while monotonic() < deadline:
        if claim():
            return True
        sleep(0.02)
    return False


def service(folder: Path, name: str, script: str) -> Service:
    pid_file = folder / f"{name}.pid"
    return Service(
        name=name,
        command=[sys.executable, "-c", script, str(pid_file)],
        folder=folder,
        is_ready=lambda: pid_file.exists() and bool(pid_file.read_text()),
        grace_s=0.5,
    )


@pytest.fixture
def topology(tmp_path: Path) -> Iterator[Topology]:
    stages = [[service(tmp_path, "stubborn", STUBBORN)], [service(tmp_path, "runner", RUNNER)]]
    topology = Topology(Layout(tmp_path, {}, {}), stages)
    topology.start_all()
    try:
        yield topology
    finally:
        topology.stop_all()


def test_a_killed_service_takes_along_what_it_started_in_another_session(topology: Topology) -> None:
    command, run = topology.pids("runner")
    topology.kill("runner")
    assert comes_true(lambda: not state(command) and not state(run))
    assert not topology.is_up("runner")
    assert topology.is_up("stubborn")


def test_a_service_whose_command_dies_alone_leaves_no_orphan(topology: Topology) -> None:
    command, run = topology.pids("runner")
    os.kill(command, signal.SIGKILL)
    assert comes_true(lambda: not topology.is_up("runner") and not state(run))


def test_a_paused_service_exists_and_does_nothing(topology: Topology) -> None:
    pids = topology.pids("runner")
    topology.pause("runner")
    assert comes_true(lambda: [state(pid) for pid in pids] == ["T", "T"])
    assert topology.is_up("runner")
    topology.resume("runner")
    assert comes_true(lambda: "T" not in [state(pid) for pid in pids])


def test_a_paused_service_can_be_stopped(topology: Topology) -> None:
    pids = topology.pids("runner")
    topology.pause("runner")
    topology.stop("runner")
    assert [state(pid) for pid in pids] == ["", ""]


def test_a_service_that_does_not_end_is_killed(topology: Topology) -> None:
    (pid,) = topology.pids("stubborn")
    topology.stop("stubborn")
    assert state(pid) == ""


def test_a_killed_service_starts_again(topology: Topology) -> None:
    before = topology.pids("stubborn")
    topology.kill("stubborn")
    topology.start("stubborn")
    assert topology.is_up("stubborn")
    assert topology.pids("stubborn") != before


def test_a_service_that_dies_at_once_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    broken = service(tmp_path, "broken", "raise SystemExit('no such port')")
    topology = Topology(Layout(tmp_path, {}, {}), [[broken]])
    with pytest.raises(EngineFailed, match=r"broken did not start.*\n.*no such port"):
        topology.start_all()
    topology.stop_all()


def test_a_command_that_does_not_exist_is_named(tmp_path: Path) -> None:
    missing = Service("missing", ["/no/such/program"], tmp_path, lambda: False)
    topology = Topology(Layout(tmp_path, {}, {}), [[missing]])
    with pytest.raises(EngineFailed, match="/no/such/program: No such file or directory"):
        topology.start_all()
    topology.stop_all()


def test_everything_ends_with_the_process_that_started_it_even_killed(tmp_path: Path) -> None:
    script = f"""
        import sys, time
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_native import RUNNER, STUBBORN, service
        from deployments.native import Layout, Topology
        folder = Path({str(tmp_path)!r})
        services = [service(folder, "runner", RUNNER), service(folder, "stubborn", STUBBORN)]
        topology = Topology(Layout(folder, {{}}, {{}}), [services])
        topology.start_all()
        topology.pause("stubborn")
        print("up", flush=True)
        time.sleep(600)
    """
    starter = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    with starter, starter.stdout as output:
        assert output.readline() == "up\n"
        everyone = descendants(starter.pid)
        assert len(everyone) == 5  # two supervisors, two commands, what one of them started
        starter.kill()
    assert comes_true(lambda: not any(map(state, everyone)))


def test_a_folder_keeps_its_ports_and_its_secrets_to_itself(tmp_path: Path) -> None:
    first = layout_in(tmp_path, ["postgres", "redis"], {})
    second = layout_in(tmp_path, ["postgres", "redis", "s3"], {})
    assert second.variables == first.variables
    assert {name: second.ports[name] for name in first.ports} == first.ports
    assert (tmp_path / "layout.json").stat().st_mode & 0o077 == 0
    assert len(set(second.secrets)) == len(second.secrets) == 5


def test_ports_are_all_different() -> None:
    ports = free_ports(str(n) for n in range(50))
    assert len(set(ports.values())) == 50
