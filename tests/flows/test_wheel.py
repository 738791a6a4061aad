"""The built wheel, in an environment of its own, run from a folder where every import that looks there is caught."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="what builds the package is not installed: `make setup` installs it")

from tasks.embedders import is_installed

ROOT = Path(__file__).parents[2]
TRAPS = (
    "tasks.py",
    "flows/__init__.py",
    "random.py",
    "sql/__init__.py",
    "prefect.py",
    "duckdb.py",
    "json.py",
    "typing.py",
)
TRAP = "import os\nopen(os.environ['CAUGHT'], 'a').write(__file__ + '\\n')\nraise SystemExit('caught')\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel alone; what it depends on is that of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin/python"
    install = ["install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *install], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    # A .pth file names folders whose own .pth files are not read: the checkout stays out.
    (site / "dependencies.pth").write_text(
        "\n".join(path for path in sys.path if Path(path).name.endswith("-packages"))
    )
    # Another package's folder, of a name that ours has in a checkout.
    (site / "sql/out").mkdir(parents=True)
    return python


@pytest.fixture
def trapped(tmp_path: Path) -> Path:
    """A working directory whose modules have the names of ours, of libraries and of the standard library."""
    folder = tmp_path / "work"
    for name in TRAPS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(TRAP)
    (folder / "README.md").write_text(
        "---\nlicense: mit\n---\n# Model\n\nIt sorts letters. " + "More words. " * 40
    )
    return folder


def environment() -> dict[str, str]:
    """That of the tests, without what leads to the checkout or leaves out the map."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") and name != "CARDIOGRAPH_EMBEDDER"
    }


def run(python: Path, folder: Path, *arguments: str) -> str:
    """What a command prints; it must end well, and no trap may have caught it or a child of it."""
    caught = folder.parent / "caught"
    done = subprocess.run(
        [str(python.with_name("cardiograph")), *arguments],
        cwd=folder,
        env={**environment(), "CAUGHT": str(caught)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not caught.exists(), caught.read_text()
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_has_all_that_the_packages_have_and_nothing_else(wheel: Path) -> None:
    there = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    listed = subprocess.run(
        ["git", "ls-files", "flows", "tasks", "sql"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a checkout")
    here = {f"tasks/{name}" if name.startswith("sql/") else name for name in listed.stdout.split()}
    assert there == here


def test_the_wheel_names_no_path_of_the_machine_that_built_it(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    assert [name for name in archive.namelist() if str(ROOT).encode() in archive.read(name)] == []


def test_the_installed_command_imports_nothing_from_a_folder_of_traps(python: Path, trapped: Path) -> None:
    run(python, trapped, "--help")
    run(python, trapped, "hub", "make-corpus", "hub.parquet", "--models", "50")
    assert (trapped / "hub.parquet").is_file()


def test_the_installed_command_finds_its_files_in_the_package(python: Path, trapped: Path) -> None:
    assert "best-documented" in run(python, trapped, "query", "--list")
    script = (
        "import flows, tasks, tasks.storage.warehouse as w; print(flows.__file__, tasks.__file__, w.SQL_DIR)"
    )
    command = [str(python), "-P", "-c", script]
    found = subprocess.run(
        command, cwd=trapped, env=environment(), capture_output=True, text=True, check=True
    )
    assert {Path(path).is_relative_to(python.parents[1]) for path in found.stdout.split()} == {True}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_installed_demo_runs_in_a_folder_of_traps_with_its_map(python: Path, trapped: Path) -> None:
    run(python, trapped, "demo", "--home", "home")
    assert (trapped / "home/report.html").is_file()
    assert (trapped / "home/atlas.html").is_file() == is_installed()
