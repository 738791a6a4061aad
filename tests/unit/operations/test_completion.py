"""What a shell completes, asked for as a shell asks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tasks.storage.lake import Lake
from tasks.storage.saved import saved_queries

ROOT = Path(__file__).parents[3]


def completed(line: str, cwd: Path, **environment: str) -> list[str]:
    """The completions of the last word, as bash gets them."""
    words = line.split(" ")
    done = subprocess.run(
        [sys.executable, "-c", "from flows.cli.app import app; app(prog_name='cardiograph')"],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=cwd,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "_CARDIOGRAPH_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
            **environment,
        },
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture
def home(tmp_path: Path, write_week: Callable[..., None], gated: Callable[..., object]) -> Path:
    write_week(Lake(tmp_path / "cardiograph-data"), date(2026, 1, 5), 50)
    gated(tmp_path / "cardiograph-data", date(2026, 1, 5))
    return tmp_path


def test_saved_queries_are_completed(tmp_path: Path) -> None:
    assert completed("cardiograph query best", tmp_path) == ["best-documented"]
    assert set(completed("cardiograph query ", tmp_path)) == set(saved_queries())


def test_kinds_of_judges_are_completed_those_of_other_packages_too(tmp_path: Path, toy_package: Path) -> None:
    path = f"{ROOT}{os.pathsep}{toy_package}"
    assert completed("cardiograph snapshot --judge ", tmp_path, PYTHONPATH=path) == [
        *("checklist", "vllm", "openai", "toy", "vllm:", "openai:")
    ]
    assert completed("cardiograph plan --judge ch", tmp_path) == ["checklist"]


def test_models_and_judges_of_the_home_are_completed(home: Path) -> None:
    models = completed("cardiograph neighbours a", home)
    assert models
    assert all(name.startswith("a") for name in models)
    assert completed(f"cardiograph neighbours --home {home}/cardiograph-data {models[0]}", Path("/")) == [
        name for name in models if name.startswith(models[0])
    ]
    assert completed("cardiograph label --judge ", home) == ["checklist"]


def test_a_shell_that_completes_is_told_nothing_about_the_demo(home: Path) -> None:
    (home / "cardiograph-data").rename(home / "cardiograph-demo")
    assert completed("cardiograph neighbours a", home)


def test_where_there_is_no_warehouse_nothing_is_completed_and_nothing_is_made(tmp_path: Path) -> None:
    assert completed("cardiograph neighbours ", tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_warehouse_that_is_none_completes_nothing(tmp_path: Path) -> None:
    (tmp_path / "cardiograph-data").mkdir()
    (tmp_path / "cardiograph-data" / "warehouse.duckdb").write_bytes(b"no database" * 1000)
    assert completed("cardiograph neighbours ", tmp_path) == []
