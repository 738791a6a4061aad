"""Killed at random moments, a snapshot ends as if nobody had touched it: the benchmark, a few rounds of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_snapshot_killed_at_random_moments_is_finished_as_if_untouched() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "kills.py", "--times", "4", "--seed", "3"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.stdout, done.stderr
    tally = json.loads(done.stdout)
    assert (tally["wrong"], tally["rounds"]) == ([], 4)
    assert tally["killed"] >= 3
    assert tally["reads"] > 0
