"""The images and docker-compose.yml for real: built, read-only, not root, and a week taken by what they start.

Where the public registry cannot be reached, images of the same names are used if they are here, or those that
PYTHON_IMAGE, POSTGRES_IMAGE and REDIS_IMAGE name.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.compose import COMPOSE, ROOT

pytestmark = [pytest.mark.images, pytest.mark.timeout(1800)]

DOCKER = os.environ.get("DOCKER", "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker")
IMAGE = "cardiograph:0.1.0"
IMAGE_BYTES_MAX = 2_000_000_000
PROJECT = "cardiograph-test"
HARDENED = (
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges:true",
    "--network=none",
)


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run docker; what it says is part of the error."""
    done = subprocess.run([DOCKER, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"docker {shlex.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """Skip where no engine answers."""
    if shutil.which(DOCKER) is None or docker("info", check=False).returncode:
        pytest.skip("no Docker engine answers here")


def pinned(variable: str) -> str:
    """The image with its digest, as a Dockerfile or the compose file names it."""
    text = (ROOT / "deployments/Dockerfile").read_text() + COMPOSE.read_text()
    (found,) = set(re.findall(rf"{variable}(?:=|:-)([\w./:-]+@sha256:\w+)", text))
    return str(found)


def base(variable: str) -> str:
    """The image to use: the one that is named, else one of that name that is here, else the pinned one."""
    name = pinned(variable).partition("@")[0]
    return os.environ.get(variable) or (
        name if docker("images", "--quiet", name).stdout else pinned(variable)
    )


@pytest.fixture(scope="session")
def image(engine: None) -> str:
    arguments = ["--build-arg", f"PYTHON_IMAGE={base('PYTHON_IMAGE')}", "--file", "deployments/Dockerfile"]
    done = subprocess.run(
        [DOCKER, "build", "--network=host", *arguments, "--tag", IMAGE, "."],
        cwd=ROOT,
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return IMAGE


@pytest.fixture
def volume(engine: None) -> Iterator[str]:
    name = f"{PROJECT}-{secrets.token_hex(4)}"
    docker("volume", "create", name)
    yield name
    docker("volume", "rm", "--force", name)


def test_the_image_has_at_most_two_gigabytes_and_no_torch(image: str) -> None:
    assert int(docker("image", "inspect", "--format", "{{.Size}}", image).stdout) <= IMAGE_BYTES_MAX
    found = docker("run", "--rm", *HARDENED, image, "python", "-c", "import torch", check=False)
    assert "No module named 'torch'" in found.stderr


def test_the_image_runs_as_a_user_who_can_change_nothing_of_it(image: str) -> None:
    assert docker("run", "--rm", *HARDENED, image, "id", "-u").stdout.strip() == "10001"
    # Not even where the root filesystem is writable.
    writing = "for d in /app /app/.venv /app/tasks /usr/bin /etc /; do touch $d/x 2>/dev/null && echo $d; done; true"
    assert docker("run", "--rm", "--network=none", image, "sh", "-c", writing).stdout == ""
    special = "find / -xdev -perm /6000 -path '/app/*' 2>/dev/null; true"
    assert docker("run", "--rm", *HARDENED, image, "sh", "-c", special).stdout == ""


def test_the_image_holds_no_secret_and_nothing_that_git_does_not(image: str) -> None:
    listing = docker(
        "run",
        "--rm",
        *HARDENED,
        image,
        "find",
        "/app",
        "-path",
        "/app/.venv",
        "-prune",
        "-o",
        "-type",
        "f",
        "-print",
    )
    files = {line.removeprefix("/app/") for line in listing.stdout.split() if "__pycache__" not in line}
    known = set(
        subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
    )
    assert {file for file in files - known if "egg-info" not in file} == set()


def test_the_demo_runs_read_only_without_a_network_and_writes_to_its_volume_alone(
    image: str, volume: str
) -> None:
    done = docker(
        "run",
        "--rm",
        *HARDENED,
        f"--volume={volume}:/data",
        image,
        "cardiograph",
        "demo",
        "--home",
        "/data/demo",
    )
    assert "Map:" in done.stdout
    listing = docker("run", "--rm", *HARDENED, f"--volume={volume}:/data", image, "ls", "/data/demo").stdout
    assert {"report.html", "atlas.html", "warehouse.duckdb"} <= set(listing.split())


@pytest.fixture(scope="module")
def services(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """What `docker compose up` starts, once all of it is healthy, as `docker inspect` describes it."""
    compose = os.environ.get("COMPOSE", f"{DOCKER} compose").split()
    if subprocess.run([*compose, "version"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker Compose here; COMPOSE may name it")
    required = set(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text()))
    values = {name: secrets.token_hex(24) for name in required}
    values |= {name: base(name) for name in ("PYTHON_IMAGE", "POSTGRES_IMAGE", "REDIS_IMAGE")}
    values["PREFECT_PORT"] = "0"
    file = tmp_path_factory.mktemp("compose") / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    command = [*compose, "--project-name", PROJECT, "--env-file", str(file)]

    def run(*arguments: str, check: bool = True) -> str:
        done = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        if check and done.returncode:
            pytest.fail(f"{arguments}\n{done.stdout}\n{done.stderr}\n{run('logs', '--tail=20', check=False)}")
        return done.stdout

    up = ["up", "--detach", "--no-build", "--wait", "--wait-timeout=600"]
    take = ["prefect", "deployment", "run", "snapshot/weekly", "--param", "hub=demo", "--watch"]
    try:
        run(*up, "worker", "prefect-server", "prefect-services")
        taken = run("exec", "-T", "worker", *take)
        assert "finished successfully in 'Completed'" in " ".join(taken.split()), taken
        yield json.loads(docker("inspect", *run("ps", "--all", "--quiet").split()).stdout)
    finally:
        run("down", "--volumes", "--timeout=10", check=False)


def test_every_service_is_read_only_and_no_root_and_may_gain_nothing(services: list[dict[str, Any]]) -> None:
    assert len(services) == 6
    for service in services:
        host, name = service["HostConfig"], service["Name"]
        assert host["ReadonlyRootfs"], name
        assert service["Config"]["User"].split(":")[0] not in {"", "0", "root"}, name
        assert host["CapDrop"] == ["ALL"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert not host["Privileged"]


def test_what_services_write_is_in_named_volumes(services: list[dict[str, Any]]) -> None:
    for service in services:
        for mount in service["Mounts"]:
            assert mount["Type"] == "volume"
            assert mount["Name"].startswith(f"{PROJECT}_"), f"{service['Name']}: {mount['Destination']}"


def test_no_service_was_killed_or_had_to_be_started_again(services: list[dict[str, Any]]) -> None:
    assert {service["Name"]: service["RestartCount"] for service in services if service["RestartCount"]} == {}
    assert not [service["Name"] for service in services if service["State"]["OOMKilled"]]
