"""One door per outside thing: who may import what."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for room in ("flows", "tasks") for path in (ROOT / room).rglob("*.py"))

# The library, and the only places that may import it.
DOORS = {
    "duckdb": {"tasks/storage/warehouse.py", "tasks/report/data.py", "flows/cli/query.py"},
    "httpcore2": {"tasks/hub/transport.py"},
    "httpx2": {"tasks/judges/vllm/fleet.py"},
    "huggingface_hub": {
        "tasks/hub/client.py",
        "tasks/hub/transport.py",
        "tasks/judges/vllm/server.py",
        "tasks/embedders/sentence.py",
    },
    "obstore": {"tasks/storage/store/bucket.py"},
    "pyfixest": {"tasks/findings/edit_effects.py", "tasks/findings/regression.py"},
    "rensa": {"tasks/cards/families.py"},
    "sentence_transformers": {"tasks/embedders/sentence.py"},
    "torch": {"tasks/embedders/sentence.py"},
    "umap": {"tasks/atlas/projecting.py"},
    "pynndescent": {"tasks/atlas/nearest.py"},
    "sklearn": {"tasks/atlas/clustering.py", "tasks/atlas/quality.py"},
    "altair": {"tasks/charts", "tasks/report/figures"},
    "vl_convert": {"tasks/charts/theme.py", "tasks/report/page.py"},
    "jinja2": {"tasks/pages.py"},
    "pyromark": {"tasks/cards/parse.py", "tasks/judges/unseen.py"},
    "statsmodels": {"tasks/findings"},
    "uvicorn": {"tasks/replica", "tasks/judges/scripted.py", "flows/cli/prefect_server.py"},
    "typer": {"flows"},
    "rich": {"flows"},
}


@cache
def imports(path: Path) -> frozenset[str]:
    """Modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return frozenset(found)


@pytest.mark.parametrize("library", sorted(DOORS))
def test_a_library_is_imported_behind_its_door_alone(library: str) -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if any(name.split(".")[0] == library for name in imports(path))
    }
    strays = {user for user in users if not any(user.startswith(door) for door in DOORS[library])}
    assert users, f"nobody imports {library}: its door can go"
    assert strays == set()


def test_tasks_do_not_know_flows() -> None:
    strays = [
        path.name
        for path in SOURCES
        if path.is_relative_to(ROOT / "tasks")
        for name in imports(path)
        if name.startswith("flows")
    ]
    assert strays == []


@pytest.mark.parametrize("path", sorted((ROOT / "flows").glob("*.py")), ids=lambda path: path.stem)
def test_a_file_of_flows_is_not_named_like_a_library(path: Path) -> None:
    import sys

    assert path.stem not in sys.stdlib_module_names | {"prefect", "duckdb", "polars", "typer", "rich"}


@pytest.mark.parametrize("name", ["atlas", "crawl", "embed", "judge", "snapshot"])
def test_a_flow_holds_no_class_no_sql_and_no_try(name: str) -> None:
    tree = ast.parse((ROOT / "flows" / f"{name}.py").read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.Try)]
    assert "select " not in ast.unparse(tree)
