"""What the documents name exists."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import shlex
from pathlib import Path
from typing import Any

import prefect
import pytest
import typer.main
import yaml

from flows.cli.app import app
from flows.cli.lazy import LazyGroup
from tasks.settings import SQL_DIR, Settings

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def told(path: Path) -> str:
    """Where a document lies, for people."""
    return path.relative_to(ROOT).as_posix()


def commands(program: str, text: str) -> list[list[str]]:
    """The words of each command line of a program: on a line of a console, or in the text between backticks."""
    console = re.findall(rf"^\$ {program} (.*?)(?: {{2,}}#.*)?$", text, re.M)
    inline = [line.replace("\n", " ") for line in re.findall(rf"`{program} ([^`]+)`", text)]
    return [shlex.split(line.split("&&")[0]) for line in [*console, *inline]]


@pytest.mark.parametrize("path", DOCUMENTS, ids=told)
def test_every_link_inside_the_repository_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8"))
    missing = [link for link in links if not link.startswith("http") and not (path.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=told)
def test_every_link_to_a_heading_finds_it(path: Path) -> None:
    for name, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", path.read_text(encoding="utf-8")):
        target = (path.parent / name) if name else path
        headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.M)
        assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=told)
def test_every_command_of_prefect_exists_with_its_options(path: Path) -> None:
    from prefect.cli._app import _app

    for words in commands("prefect", path.read_text(encoding="utf-8")):
        command: Any = _app
        while words and not words[0].startswith("-") and words[0] in command:
            command = command[words.pop(0)]
        assert command is not _app, f"no such command: prefect {words}"
        known = {name for argument in command.assemble_argument_collection() for name in argument.names}
        assert {word for word in words if word.startswith("--")} <= known | {"--no-prompt"}, words


@pytest.mark.parametrize("path", DOCUMENTS, ids=told)
def test_every_target_module_and_setting_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {word for words in commands("make", text) for word in words if "=" not in word}
    assert {word for word in targets if not re.search(rf"^{word}:", makefile, re.M)} == set()
    modules = [words[1] for words in commands("python", text) if words[0] == "-m"]
    assert [module for module in modules if not importlib.util.find_spec(module)] == []
    settings = set(re.findall(r"CARDIOGRAPH_([A-Z_]+[A-Z])\b", text))
    assert {name.lower() for name in settings} <= {
        *Settings.model_fields,
        "write_goldens",
    }  # that one is for tests


@pytest.mark.parametrize("path", DOCUMENTS, ids=told)
def test_every_deployment_that_is_run_is_deployed(path: Path) -> None:
    deployed = yaml.safe_load((ROOT / "deployments/prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    names = {f"{entry['entrypoint'].rpartition('.')[2]}/{entry['name']}" for entry in deployed}
    flows = {name.partition("/")[0] for name in names}
    named = re.findall(
        r"\b([a-z]+/[a-z]+)\b", " ".join(re.findall(r"`[^`]+`|^\$ .*$", path.read_text(), re.M))
    )
    assert {name for name in named if name.partition("/")[0] in flows} <= names | {"report/data"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=told)
def test_every_command_that_is_named_exists_with_its_options(path: Path) -> None:
    group = typer.main.get_command(app)
    for line in re.findall(r"(?:^\$ |`)cardiograph ([^`\n#]+)", path.read_text(encoding="utf-8"), re.M):
        words = line.split()
        command = group
        while words and words[0] in getattr(command, "commands", {}):
            name = words.pop(0)
            command = command.loaded(name) if isinstance(command, LazyGroup) else command.commands[name]  # type: ignore[attr-defined]  # only groups have them
        assert command is not group, f"no such command: cardiograph {line}"
        known = {
            option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        assert {word for word in words if word.startswith("--")} <= known, line


def test_the_readme_names_saved_queries_that_exist() -> None:
    named = re.findall(
        r"cardiograph query ([a-z]+-[a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")
    )
    assert named
    assert [name for name in named if not (SQL_DIR / "saved" / f"{name}.sql").exists()] == []


def test_every_deployment_points_at_a_flow_and_its_parameters() -> None:
    for entry in yaml.safe_load((ROOT / "deployments/prefect.yaml").read_text(encoding="utf-8"))[
        "deployments"
    ]:
        module, _, name = entry["entrypoint"].rpartition(".")
        flow = getattr(importlib.import_module(module), name)
        assert isinstance(flow, prefect.Flow)
        assert set(entry["parameters"]) <= set(inspect.signature(flow.fn).parameters), entry["name"]


def test_nothing_names_a_machine_or_a_registry() -> None:
    texts = {
        told(path): path.read_text(encoding="utf-8")
        for path in [*DOCUMENTS, ROOT / "constraints.txt", ROOT / "pyproject.toml", ROOT / "Makefile"]
    }
    assert [
        name for name, text in texts.items() if re.search(r"pythonhosted|file://|@ http|/root/|/home/", text)
    ] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=told)
def test_every_test_that_a_document_names_exists(path: Path) -> None:
    files = list((ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(?:tests/[a-z_/]*)?(test_\w+(?:\.py)?)`", path.read_text(encoding="utf-8")))
    tests = {name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text("utf-8"), re.M)}
    assert named <= tests | {file.name for file in files}
