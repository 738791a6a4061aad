"""A real vLLM on loopback with a model made for the session: random weights, a tokenizer trained on our own text."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.judges.vllm.server import running_judge_server
from tasks.settings import Settings, settings

ROOT = Path(__file__).parents[2]
# float32, so that the same request has the same answer to the last digit.
OPTIONS = "--dtype float32"


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
def judge_url(limits: Settings, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with that model, for all tests."""
    log = tmp_path_factory.mktemp("logs") / "judge.log"
    with running_judge_server(str(tiny_model), log, limits) as url:
        yield url
