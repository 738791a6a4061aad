"""A real llama.cpp server on loopback with SmolLM2-135M-Instruct: `make test-openai` builds and fetches both."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.engine.child import free_port, running_child, wait_until

ROOT = Path(__file__).parents[2]
CONTEXT_TOKENS, SLOTS = 8192, 2
_START_WITHIN_S = 120


@pytest.fixture(scope="session")
def llama() -> Path:
    """The folder with the server and the weights."""
    folder = Path(os.environ.get("LLAMA_FOLDER", ROOT / ".llama"))
    if not (folder / "llama-server").exists():
        pytest.fail(f"no llama.cpp server in {folder}: run `make test-openai`, which builds it")
    return folder


@pytest.fixture(scope="session")
def url(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the server, for all tests."""
    address, log = f"http://127.0.0.1:{(port := free_port())}", tmp_path_factory.mktemp("logs") / "llama.log"
    (weights,) = llama.glob("*.gguf")
    options = {
        "--model": weights,
        "--alias": "smollm2",
        "--host": "127.0.0.1",
        "--port": port,
        "--ctx-size": CONTEXT_TOKENS * SLOTS,
        "--parallel": SLOTS,
        "--threads": os.cpu_count(),
    }
    command = [llama / "llama-server", *(word for option in options.items() for word in option)]
    # Threads that wait for each other must not keep a processor busy that others need: 50 times as slow on a full one.
    patient = {"OMP_WAIT_POLICY": "passive"}
    with (
        log.open("wb") as sink,
        running_child("tasks.engine.child", list(map(str, command)), environment=patient, log=sink) as child,
    ):
        assert wait_until(lambda: is_up(address), child, within_s=_START_WITHIN_S), log.read_text()[-2000:]
        yield address


def is_up(address: str) -> bool:
    """Whether the server has loaded its model."""
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5):
            return True
    except OSError:
        return False
