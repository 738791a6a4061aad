"""The hook of pre-commit and the script of the GitHub Action, run in a repository of git."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))

GOOD = (
    "---\nlicense: mit\nlanguage: en\npipeline_tag: text-classification\n---\n"
    "# Heron\n\nTells calls of herons apart.\n"
)
BAD = GOOD.replace("license: mit", "license: my very own").replace("calls", "::error::calls")

pytestmark = pytest.mark.skipif(
    not (shutil.which("git") and shutil.which("bash")), reason="needs git and bash"
)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The command of this checkout, in a folder of its own."""
    path = tmp_path / "bin" / "cardiograph"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -P -m flows.cli "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "my models"
    (folder / "heron").mkdir(parents=True)
    git(folder, "init", "--quiet")
    (folder / "heron/README.md").write_text(BAD)
    return folder


def git(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    return subprocess.run(
        ["git", *who, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def check(
    repository: Path, program: Path, tmp_path: Path, **inputs: str
) -> tuple[subprocess.CompletedProcess[str], str, str]:
    """The script as the action runs it: the process, its job summary and its outputs."""
    summary, outputs = tmp_path / "summary.md", tmp_path / "outputs"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("INPUT_", "GITHUB_"))},
        **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
        "PROGRAM": str(program),
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_OUTPUT": str(outputs),
    }
    done = subprocess.run(
        ["bash", ROOT / "deployments/action/check.sh"],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done, *(path.read_text() if path.exists() else "" for path in (summary, outputs))  # type: ignore[return-value]  # two of them


def test_the_hook_stops_a_commit_of_a_bad_card_and_lets_a_mended_one_pass(
    repository: Path, program: Path
) -> None:
    hook = repository / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    entry = HOOK["entry"].replace("cardiograph", f'"{program}"', 1)
    hook.write_text(
        f"#!/bin/sh\ngit diff --cached --name-only | grep -E '{HOOK['files']}' | xargs {entry} >&2\n"
    )
    hook.chmod(0o755)
    git(repository, "add", ".")
    refused = git(repository, "commit", "--quiet", "--message", "a card")
    assert refused.returncode == 1
    assert "heron/README.md:2: error:" in refused.stderr
    (repository / "heron/README.md").write_text(GOOD)
    git(repository, "add", ".")
    assert git(repository, "commit", "--quiet", "--message", "a card").returncode == 0


@pytest.mark.parametrize(
    ("path", "is_card"), [("README.md", True), ("a/README.md", True), ("NOT-README.md", False)]
)
def test_the_hook_is_for_cards_alone(path: str, is_card: bool) -> None:
    assert bool(re.search(HOOK["files"], path)) == is_card


def test_the_action_marks_lines_and_writes_summary_sarif_and_badge(
    repository: Path, program: Path, tmp_path: Path
) -> None:
    done, summary, outputs = check(
        repository, program, tmp_path, paths="heron\n", sarif="cards.sarif", badge="badge.svg", min="1.5"
    )
    assert done.returncode == 1, done.stderr
    assert "::error file=heron/README.md,line=2,title=license-unknown::" in done.stdout
    assert outputs == "findings=true\n"
    lines = summary.splitlines()
    assert lines[0] == "### Model cards"
    assert all(line.startswith("    ") for line in lines[2:] if line)
    sarif = json.loads((repository / "cards.sarif").read_text())
    assert "license-unknown" in {result["ruleId"] for result in sarif["runs"][0]["results"]}
    assert ElementTree.fromstring((repository / "badge.svg").read_text()).tag.endswith("svg")  # noqa: S314 - made here


def test_the_action_passes_a_card_whose_rule_is_ignored(
    repository: Path, program: Path, tmp_path: Path
) -> None:
    done, _, outputs = check(repository, program, tmp_path, ignore="license-unknown, placeholder")
    assert (done.returncode, outputs) == (0, "findings=false\n"), done.stdout
    assert "license-unknown" not in done.stdout


def test_the_action_tells_what_it_cannot_run(repository: Path, program: Path, tmp_path: Path) -> None:
    done, summary, outputs = check(repository, program, tmp_path, select="no-such-rule")
    assert (done.returncode, summary, outputs) == (2, "", "")
    assert "no rule is called 'no-such-rule'" in done.stderr
    done, *_ = check(repository, program, tmp_path, paths="--help")
    assert done.returncode == 2  # a path, and no option


def test_every_input_of_the_action_reaches_a_script_as_a_variable() -> None:
    steps = ACTION["runs"]["steps"]
    handed = {name for step in steps for name in step.get("env", {}) if name.startswith("INPUT_")}
    assert handed == {f"INPUT_{name.upper()}" for name in ACTION["inputs"]}
    scripts = "".join(path.read_text() for path in (ROOT / "deployments/action").glob("*.sh"))
    in_a_loop = {"INPUT_SELECT", "INPUT_IGNORE"}
    assert all(name in scripts for name in handed - in_a_loop)
    assert all("${{" not in step["run"] and "uses" not in step for step in steps)
