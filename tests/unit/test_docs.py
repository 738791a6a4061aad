"""What the documents name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main
import yaml

from flows.cli import app
from tasks.settings import SQL_DIR

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_inside_the_repository_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8"))
    missing = [link for link in links if not link.startswith("http") and not (path.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_that_is_named_exists_with_its_options(path: Path) -> None:
    group = typer.main.get_command(app)
    for line in re.findall(r"(?:^\$ |`)cardiograph ([^`\n#]+)", path.read_text(encoding="utf-8"), re.M):
        words = line.split()
        command = group
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]  # type: ignore[attr-defined]  # only groups have them
        assert command is not group, f"no such command: cardiograph {line}"
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_the_readme_names_saved_queries_that_exist() -> None:
    named = re.findall(
        r"cardiograph query ([a-z]+-[a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")
    )
    assert named
    assert [name for name in named if not (SQL_DIR / "saved" / f"{name}.sql").exists()] == []


def test_the_weekly_deployment_points_at_a_flow_and_its_parameters() -> None:
    import inspect

    from flows.snapshot import snapshot

    (weekly,) = yaml.safe_load((ROOT / "deployments/prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    file, name = weekly["entrypoint"].split(":")
    assert (ROOT / file).exists()
    assert name == "snapshot"
    assert set(weekly["parameters"]) <= set(inspect.signature(snapshot.fn).parameters)


def test_nothing_names_a_machine_or_a_registry() -> None:
    told = {
        path.name: path.read_text(encoding="utf-8")
        for path in [*DOCUMENTS, ROOT / "constraints.txt", ROOT / "pyproject.toml", ROOT / "Makefile"]
    }
    assert [
        name for name, text in told.items() if re.search(r"pythonhosted|file://|@ http|/root/|/home/", text)
    ] == []
