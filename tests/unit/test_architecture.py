"""Who may import what: one door per outside thing, floors between the rooms, one name per thing."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

from benchmarks.structure import arrows, definitions, floors, rooms

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for room in ("flows", "tasks") for path in (ROOT / room).rglob("*.py"))

# The rooms of `tasks/`, floor by floor, the lowest first: a room imports from its own floor or from below.
FLOORS = [
    {"arrays", "clock", "errors", "estimators", "progress", "records", "stopping"},
    {"rubric", "settings"},
    {"cards", "demo", "engine", "replica", "sentences"},
    {"charts", "pages", "spreadsheets", "storage"},
    {"work"},
    {"boilerplate", "hub"},
    {"embedders", "findings", "judges"},
    {"atlas", "passport"},
    {"advice", "fitted"},
    {"report"},
    {"operations"},
]
ROOMS_MAX = 30

# The library, and the only places that may import it.
DOORS = {
    "duckdb": {"tasks/storage/warehouse.py", "tasks/storage/answering.py", "tasks/report/data.py"},
    "httpx2": {"tasks/hub/transport.py", "tasks/judges/llm/client.py"},
    "huggingface_hub": {
        "tasks/hub/client.py",
        "tasks/hub/library.py",
        "tasks/hub/transport.py",
        "tasks/advice/pulls.py",
        "tasks/judges/vllm/model.py",
        "tasks/embedders/sentence.py",
    },
    "obstore": {"tasks/storage/store/bucket.py"},
    "pyfixest": {"tasks/findings/regression.py"},
    "rensa": {"tasks/cards/families.py"},
    "cyclonedx": {"tasks/advice/bom.py"},
    "mcp": {"tasks/advice/mcp_server.py"},
    "onnxruntime": {"tasks/embedders/packaged.py"},
    "sentence_transformers": {"tasks/embedders/sentence.py"},
    "tokenizers": {"tasks/embedders/packaged.py"},
    "torch": {"tasks/embedders/sentence.py"},
    "umap": {"tasks/atlas/projecting.py"},
    "pynndescent": {"tasks/atlas/nearest.py"},
    "sklearn": {"tasks/atlas/clustering.py", "tasks/atlas/quality.py"},
    "altair": {"tasks/charts", "tasks/report/figures"},
    "vl_convert": {"tasks/charts/theme.py", "tasks/report/page.py"},
    "jinja2": {"tasks/pages.py"},
    "pyromark": {"tasks/cards/parse.py", "tasks/cards/places.py", "tasks/cards/unseen.py"},
    "statsmodels": {"tasks/findings"},
    "uvicorn": {"tasks/replica", "tasks/judges/scripted.py", "tasks/engine/server.py"},
    "typer": {"flows"},
    "rich": {"flows"},
}


@cache
def imported(path: Path) -> frozenset[str]:
    """Modules that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return frozenset(names)


@pytest.mark.parametrize("library", sorted(DOORS))
def test_a_library_is_imported_behind_its_door_alone(library: str) -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if any(name.split(".")[0] == library for name in imported(path))
    }
    strays = {user for user in users if not any(user.startswith(door) for door in DOORS[library])}
    assert users, f"nothing imports {library}: its door can go"
    assert strays == set()


def test_every_room_of_tasks_has_one_floor() -> None:
    placed = sorted(f"tasks.{room}" for floor in FLOORS for room in floor)
    assert placed == [room for room in rooms() if room.startswith("tasks.")]
    assert len(placed) <= ROOMS_MAX


def test_no_import_runs_upward() -> None:
    floor_of = {f"tasks.{room}": number for number, floor in enumerate(FLOORS) for room in floor}
    upward = {
        f"{room} imports {other}"
        for room, other in arrows()
        if room in floor_of and floor_of.get(other, len(FLOORS)) > floor_of[room]
    }
    assert upward == set()


def test_no_rooms_import_each_other_in_a_circle() -> None:
    assert floors().keys() == set(rooms())  # which raises for a circle


def test_no_class_or_type_has_the_name_of_another() -> None:
    assert {name for name, times in definitions().items() if times > 1} == set()


def test_tests_and_benchmarks_are_not_imported_by_the_product() -> None:
    strays = {
        path.name
        for path in SOURCES
        for name in imported(path)
        if name.split(".")[0] in ("tests", "benchmarks")
    }
    assert strays == set()


FLOWS = sorted(path for path in (ROOT / "flows").glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_a_file_of_flows_is_not_named_like_a_library(path: Path) -> None:
    assert path.stem not in sys.stdlib_module_names | {"prefect", "duckdb", "polars", "typer", "rich"}


@pytest.mark.parametrize(
    "path", [path for path in FLOWS if path.stem != "run_orders"], ids=lambda path: path.stem
)
def test_a_flow_holds_no_class_no_sql_and_no_try(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == path.stem]
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.Try)]
    assert "select " not in ast.unparse(tree)


@pytest.mark.parametrize("path", sorted((ROOT / "tasks").rglob("*.py")), ids=lambda path: path.stem)
def test_tasks_stand_in_the_steps_of_their_room(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    decorated = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if ast.unparse(decorator).partition("(")[0] == "task"
    }
    assert path.name == "steps.py" or not decorated
