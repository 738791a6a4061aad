"""The settings of Prefect's servers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "file", ["flows/cli/prefect_server.py", "docker-compose.yml", "benchmarks/fan_out/server.py"]
)
def test_the_recorder_sleeps_between_two_polls(file: str) -> None:
    """Prefect takes the whole part of the seconds: below one it looks without end, on a processor of its own."""
    intervals = re.findall(
        r'TASK_RUN_RECORDER_FLUSH_INTERVAL"?: "([\d.]+)"', (ROOT / file).read_text(encoding="utf-8")
    )
    assert len(intervals) == 1
    assert int(float(intervals[0])) >= 1
