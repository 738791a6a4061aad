"""A real vLLM on loopback with two models: one with random weights, made for the session, and one with real weights.

The real ones are those of SmolLM2-135M-Instruct (`make test-model`), which runs and writes, and cannot judge.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.judges.vllm.server import running_judge_server
from tasks.settings import Settings, settings

ROOT = Path(__file__).parents[2]
TEST_MODEL = ROOT / ".test-model" / "SmolLM2-135M-Instruct"
# float32, so that the same request has the same answer to the last digit.
OPTIONS = "--dtype float32"
REAL = {"judge_context_tokens": 8192}  # more it has not


@pytest.fixture(scope="session")
def limits() -> Settings:
    """The settings of a judge on this machine."""
    found = settings()
    if not found.judge_python.exists():
        pytest.fail(f"no vLLM at {found.judge_python}: run `make test-vllm`, which makes its environment")
    return found.model_copy(update={"judge_engine_options": OPTIONS})


@pytest.fixture(scope="session")
def tiny_model(limits: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    texts = [*(ROOT / "docs").glob("*.md"), *(ROOT / "tasks").rglob("*.py"), ROOT / "tasks" / "rubric.toml"]
    subprocess.run(
        [limits.judge_python, ROOT / "benchmarks" / "judge_model.py", folder, "tiny", *sorted(texts)],
        check=True,
        capture_output=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    return folder


@pytest.fixture(scope="session")
def real_model() -> Path:
    """The folder with real weights."""
    if not (TEST_MODEL / "model.safetensors").exists():
        pytest.fail(f"no model at {TEST_MODEL}: run `make test-model`, which makes it")
    return TEST_MODEL


@pytest.fixture(scope="module")
def judge_url(limits: Settings, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with the model of random weights, for all tests of a file: two at once would share two cores."""
    log = tmp_path_factory.mktemp("logs") / "judge.log"
    with running_judge_server(str(tiny_model), log, limits) as url:
        yield url


@pytest.fixture(scope="module")
def real_url(limits: Settings, real_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with real weights, for all tests of a file."""
    log = tmp_path_factory.mktemp("logs") / "real.log"
    with running_judge_server(str(real_model), log, limits.model_copy(update=REAL)) as url:
        yield url
