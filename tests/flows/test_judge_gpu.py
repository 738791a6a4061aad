"""The script for GPU machines, but for the GPU: its steps with a server run against a scripted judge."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.judges.characters import copies_a_pattern
from tasks.judges.scripted import Character, running_scripted_judge

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]


def codes(folder: Path, character: Character | None) -> dict[str, str]:
    """How each step ended."""
    with running_scripted_judge(character=character) as judge:
        subprocess.run(
            [ROOT / "benchmarks" / "judge_gpu.sh", "scripted", folder],
            check=True,
            capture_output=True,
            env={
                **os.environ,
                **{"JUDGE_URL": judge.url, "JUDGE_GPU_ON_CPU": "1", "CARDIOGRAPH_PYTHON": sys.executable},
            },
        )
    lines = (folder / "steps.tsv").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines)


def test_all_steps_run_with_a_judge_that_judges(tmp_path: Path) -> None:
    assert codes(tmp_path, None) == dict.fromkeys(("canaries", "snapshot", "passport", "ways"), "0")
    assert "passed the canaries" in (tmp_path / "canaries.txt").read_text(encoding="utf-8")
    assert "| criterion | soft |" in (tmp_path / "ways.txt").read_text(encoding="utf-8")
    assert (tmp_path / "home" / "report.html").exists()


def test_the_other_steps_run_with_a_judge_that_does_not(tmp_path: Path) -> None:
    found = codes(tmp_path, copies_a_pattern)
    assert (found["canaries"], found["snapshot"], found["ways"]) == ("1", "1", "0")
    assert not (tmp_path / "home" / "report.html").exists()
