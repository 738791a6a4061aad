"""Nothing is looked up and nobody is told: every name that a process resolves is counted."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks import NO_TELEMETRY
from tasks.engine.child import free_port

# Loaded by every Python process below, at its start: writes down each name that is to be resolved, and none resolves.
COUNTING = """
import os, socket

_LOOPBACK = ("127.0.0.1", "localhost", "::1", None, "", "0.0.0.0")
_resolve = socket.getaddrinfo

def getaddrinfo(host, *arguments, **options):
    name = host.decode() if isinstance(host, bytes) else host
    if name in _LOOPBACK:
        return _resolve(host, *arguments, **options)
    with open(os.environ["LOOKED_UP"], "a") as file:
        file.write(f"{name}\\n")
    raise socket.gaierror(socket.EAI_NONAME, "no network in this test")

socket.getaddrinfo = getaddrinfo
"""
# Names by which Prefect takes a machine for one of a build service, where it reports nothing anyway.
_BUILD_SERVICES = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "BUILDKITE", "TF_BUILD", "CI_NAME")

OnATerminal = Callable[..., tuple[str, list[str]]]


@pytest.fixture
def on_a_terminal(tmp_path: Path) -> OnATerminal:
    """Run Python on a terminal as a newcomer has it; what it prints, and the names that it looks up."""

    def run(*words: str, **more: str) -> tuple[str, list[str]]:
        (tmp_path / "sitecustomize.py").write_text(COUNTING)
        looked_up = tmp_path / "looked-up"
        looked_up.touch()
        dropped = (*NO_TELEMETRY, *_BUILD_SERVICES)
        environment = {name: value for name, value in os.environ.items() if name not in dropped}
        path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
        environment |= {"HOME": str(tmp_path), "PYTHONPATH": path, "LOOKED_UP": str(looked_up)} | more
        parent, child = pty.openpty()
        with subprocess.Popen(
            [sys.executable, *words], env=environment, stdin=child, stdout=child, stderr=child
        ) as process:
            os.close(child)
            printed = _all_of(parent)
            process.wait(120)
        return printed, looked_up.read_text().splitlines()

    return run


def _all_of(terminal: int) -> str:
    """What is printed on a terminal until nobody has it open any more."""
    printed = b""
    try:
        while piece := os.read(terminal, 65536):
            printed += piece
    except OSError:  # how Linux reports the end of a terminal
        return printed.decode(errors="replace")
    finally:
        os.close(terminal)
    return printed.decode(errors="replace")


def test_a_lookup_would_be_noticed(on_a_terminal: OnATerminal) -> None:
    _, looked_up = on_a_terminal("-c", "import urllib.request as r; r.urlopen('http://named.example')")
    assert looked_up == ["named.example"]


def test_a_first_status_looks_nothing_up_and_prints_nobodys_notice(
    on_a_terminal: OnATerminal, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    printed, looked_up = on_a_terminal(
        "-m", "flows.cli", "status", "--home", str(tmp_path), PREFECT_API_URL=url
    )
    assert looked_up == []
    assert "nothing yet" in printed
    for word in ("telemetry", "analytics", "DO_NOT_TRACK"):
        assert word not in printed


@pytest.mark.parametrize(
    "module", ["flows.snapshot", "flows.crew", "tasks.work.crew", "tasks.hub.client", "tasks.engine.state"]
)
def test_whatever_is_imported_first_the_libraries_report_nothing(
    on_a_terminal: OnATerminal, module: str
) -> None:
    code = (
        f"import {module}, os\n"
        "from huggingface_hub import constants\n"
        "from prefect._internal.analytics import is_telemetry_enabled\n"
        "print('off' if constants.HF_HUB_DISABLE_TELEMETRY and not is_telemetry_enabled() else 'ON')\n"
        "print(os.environ['VLLM_NO_USAGE_STATS'])\n"
    )
    printed, looked_up = on_a_terminal("-c", code)
    assert printed.split() == ["off", "1"]
    assert looked_up == []


@pytest.mark.slow
@pytest.mark.prefect
def test_a_whole_snapshot_looks_nothing_up(on_a_terminal: OnATerminal, tmp_path: Path) -> None:
    words = [
        "snapshot",
        "--home",
        str(tmp_path / "home"),
        "--hub",
        "demo",
        "--limit",
        "20",
        "--embedder",
        "none",
    ]
    printed, looked_up = on_a_terminal("-m", "flows.cli", *words)
    assert "Report:" in printed
    assert looked_up == []
