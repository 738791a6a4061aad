"""Something is on the screen before anything that takes long: before the first large library is imported."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

# Runs in a process of its own: each command in a child with a terminal, which ends at its first large import.
_WATCH = """
import json, os, pty, sys, time

import flows.cli.app as command

LARGE = {
    "altair", "duckdb", "httpx2", "numpy", "pandas", "polars", "prefect", "pyarrow", "scipy", "sklearn",
    "statsmodels", "torch", "transformers", "umap", "uvicorn", "vl_convert",
}

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in LARGE:
            time.sleep(0.4)  # a spinner turns in a thread of its own
            os._exit(75)

for words in json.loads(sys.argv[1]):
    pid, terminal = pty.fork()
    if pid == 0:
        sys.meta_path.insert(0, Watch())
        sys.argv = ["cardiograph", *words]
        command.main()
        os._exit(0)
    shown = b""
    while True:
        try:
            read = os.read(terminal, 4096)
        except OSError:
            break
        if not read:
            break
        shown += read
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(json.dumps([code, shown.decode(errors="replace")]))
"""

LONG = [
    ["snapshot"],
    ["demo"],
    ["plan"],
    ["doctor"],
    ["query", "best-documented"],
    ["report"],
    ["analyse"],
    ["analyse", "--table", "t.csv", "--score", "s", "--outcome", "o"],
    ["analyse", "--panel", "weeks.csv"],
    ["neighbours", "ada/one"],
    ["calibrate", "labels.csv"],
    ["calibrate", "labels.csv", "--fit"],
    ["passport"],
    ["label"],
    ["status"],
    ["rebuild"],
    ["quarantine", "release", "2026-01-05", "--reason", "so"],
    ["atlas", "export", "map.parquet"],
    ["boilerplate", "learn"],
    ["hub", "make-corpus", "corpus.parquet"],
    ["hub", "serve", "corpus.parquet"],
]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, str]]:
    if not hasattr(pty, "fork"):
        pytest.skip("no terminals to be had")
    done = subprocess.run(
        [sys.executable, "-c", _WATCH, json.dumps(LONG)],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=tmp_path_factory.mktemp("here"),
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "80"},
    )
    assert done.stderr == ""
    return [(code, shown) for code, shown in map(json.loads, done.stdout.splitlines())]


@pytest.mark.parametrize("at", range(len(LONG)), ids=[" ".join(words) for words in LONG])
def test_a_command_says_what_it_does_before_the_first_large_import(
    watched: list[tuple[int, str]], at: int
) -> None:
    code, shown = watched[at]
    assert code == 75, shown  # it did get as far as a large library
    assert "…" in shown
