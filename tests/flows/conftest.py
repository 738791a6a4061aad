"""The command in the tests' own process, for what it prints before a flow begins."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.cli.app import main

ROOT = Path(__file__).parents[2]
Typed = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """`typed("query", "--list")` calls the entry point without a new process, which takes two seconds to import.

    Not for what starts Prefect's server: Prefect reads its settings once per process.
    """
    monkeypatch.chdir(ROOT)

    def run(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["cardiograph", *map(str, words)])
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return subprocess.CompletedProcess(sys.argv, code, printed.out, printed.err)

    return run
