"""docker-compose.yml, the images and the topology without containers: whole, safe, and of one mind."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import prefect.settings
import pytest
import yaml
from prefect_redis.cleanup_queue import RedisWorkerCleanupQueueSettings
from prefect_redis.client import RedisMessagingSettings

from deployments.compose import COMPOSE, ROOT, compose_file, environment_of, interpolated, variables_in
from deployments.native.engine import prefect_server, prefect_services, worker
from deployments.native.layout import Layout
from deployments.native.programs import program
from tasks import NO_TELEMETRY
from tasks.settings import Settings

SERVICES: dict[str, dict[str, Any]] = compose_file()["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
DOCKERFILES = [ROOT / "deployments/Dockerfile", ROOT / "deployments/Dockerfile.gpu"]
SECRETS = {
    "POSTGRES_PASSWORD", "REDIS_PASSWORD", "PREFECT_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN",
}  # fmt: skip

# What this file uses of compose's format, as https://github.com/compose-spec has it, and nothing else.
_NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_STRINGS = {"type": "object", "additionalProperties": {"type": ["string", "null"]}}
_DURATION = {"type": "string", "pattern": r"^\d+s$"}
_EMPTY_OBJECTS = {"type": "object", "additionalProperties": {"const": {}}}


def _closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


HEALTHCHECK = {
    "oneOf": [
        _closed({"disable": {"const": True}}, "disable"),
        _closed(
            {
                "test": {**_NAMES, "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}]},
                "interval": _DURATION,
                "timeout": _DURATION,
                "start_period": _DURATION,
                "retries": {"type": "integer", "minimum": 1},
            },
            *["test", "interval", "timeout", "start_period", "retries"],
        ),
    ]
}
SERVICE = _closed(
    {
        "image": {"type": "string"},
        "build": _closed(
            {
                "context": {"const": "."},
                "dockerfile": {"type": "string"},
                "args": _STRINGS,
                "additional_contexts": _STRINGS,
            },
            *["context", "dockerfile"],
        ),
        "profiles": _NAMES,
        "user": {"type": "string"},
        "init": {"const": True},
        "read_only": {"const": True},
        "entrypoint": _NAMES,
        "command": _NAMES,
        "environment": _STRINGS,
        "ports": _NAMES,
        "volumes": _NAMES,
        "tmpfs": _NAMES,
        "networks": {"const": ["cardiograph"]},
        "depends_on": {
            "type": "object",
            "additionalProperties": _closed(
                {"condition": {"enum": ["service_healthy", "service_completed_successfully"]}}, "condition"
            ),
        },
        "healthcheck": HEALTHCHECK,
        "restart": {"enum": ["unless-stopped", "on-failure"]},
        "stop_grace_period": _DURATION,
        "security_opt": {"const": ["no-new-privileges:true"]},
        "cap_drop": {"const": ["ALL"]},
        "mem_limit": {"type": "string", "pattern": r"^\d+[mg]$"},
        "shm_size": {"type": "string", "pattern": r"^\d+[mg]$"},
        "logging": {"type": "object"},
        "deploy": {"type": "object"},
    },
    *[
        "image",
        "user",
        "read_only",
        "restart",
        "security_opt",
        "cap_drop",
        "networks",
        "healthcheck",
        "logging",
    ],
)
SCHEMA = {
    **_closed(
        {
            "name": {"const": "cardiograph"},
            "services": {"type": "object", "additionalProperties": SERVICE},
            "networks": _EMPTY_OBJECTS,
            "volumes": _EMPTY_OBJECTS,
        },
        *["name", "services", "networks", "volumes"],
    ),
    "patternProperties": {"^x-": {}},
}


def instructions(dockerfile: Path) -> Iterator[tuple[str, str]]:
    """Instruction and what follows it, continued lines joined, comments left out."""
    text = re.sub(r"^#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE)
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip():
            instruction, _, rest = line.partition(" ")
            yield instruction, rest.strip()


def pip_installs(text: str, python: str) -> list[str]:
    """What `pip install` is given with this interpreter, in order."""
    return [given.strip() for given in re.findall(rf"{re.escape(python)} -m pip install ([^;&\\\n]+)", text)]


def test_the_file_is_of_the_form_that_compose_reads() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(compose_file())


def test_the_schema_would_notice_a_service_without_a_user() -> None:
    broken = compose_file()
    del broken["services"]["redis"]["user"]
    with pytest.raises(jsonschema.ValidationError, match="'user' is a required property"):
        jsonschema.Draft202012Validator(SCHEMA).validate(broken)


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_runs_as_root(name: str) -> None:
    assert SERVICES[name]["user"].split(":")[0] not in {"root", "0", ""}


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_and_come_from_the_default_registry(name: str) -> None:
    repository, _, tag = interpolated(SERVICES[name]["image"], {}).partition(":")
    assert re.match(r"\d+\.\d+(\.\d+)?", tag), f"{name}: {tag!r} is not one version"
    assert repository.count("/") <= 1
    assert "." not in repository


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_can_come_true(name: str) -> None:
    for other, dependency in SERVICES[name].get("depends_on", {}).items():
        is_checked = "test" in SERVICES[other]["healthcheck"]
        is_once = dependency["condition"] == "service_completed_successfully"
        assert is_once != is_checked, f"{name} waits for {other}"
        assert "profiles" not in SERVICES[other], f"{name} waits for {other}, which not everybody starts"


def test_only_what_runs_once_has_no_health_check_and_may_end() -> None:
    assert [n for n, s in SERVICES.items() if s["healthcheck"].get("disable")] == ["deploy"]
    assert [n for n, s in SERVICES.items() if s["restart"] == "on-failure"] == ["deploy"]


def test_no_service_changes_its_image_and_what_it_writes_has_a_place() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert "/tmp" in service["tmpfs"], name  # noqa: S108 - in the container
        assert service["volumes"], name


def test_volumes_are_named_and_none_is_forgotten() -> None:
    mounted = {volume.split(":")[0] for s in SERVICES.values() for volume in s.get("volumes", [])}
    assert mounted == set(compose_file()["volumes"])


def test_prefects_page_alone_is_open_and_to_this_machine_alone() -> None:
    published = {name: s["ports"] for name, s in SERVICES.items() if "ports" in s}
    assert published == {"prefect-server": ["127.0.0.1:${PREFECT_PORT:-4200}:4200"]}


def test_gpus_and_a_store_are_optional() -> None:
    assert {n: s["profiles"] for n, s in SERVICES.items() if "profiles" in s} == {
        "gpu-worker": ["gpu"],
        "s3": ["s3"],
    }
    (device,) = SERVICES["gpu-worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])


def test_workers_can_be_multiplied() -> None:
    for name in ("worker", "gpu-worker"):
        assert "ports" not in SERVICES[name]
        assert "container_name" not in SERVICES[name]


def test_the_example_of_the_environment_names_every_variable_and_no_other() -> None:
    text = re.sub(r"^\s*#.*\n", "", COMPOSE.read_text(), flags=re.MULTILINE)
    handed_on = {n for s in SERVICES.values() for n, v in s.get("environment", {}).items() if v is None}
    handed_on |= {
        n for s in SERVICES.values() for n, v in s.get("build", {}).get("args", {}).items() if v is None
    }
    named = re.findall(r"^#?([A-Z][A-Z0-9_]*)=", example := (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert set(named) == variables_in(text) | handed_on
    assert len(named) == len(set(named))
    for name in named:
        above = example.split(f"{name}=")[0].rstrip("#").splitlines()
        assert any(line.startswith("# ") for line in above[-2:]), f"{name} is not explained"


def test_no_secret_has_a_default() -> None:
    texts = [COMPOSE.read_text(), *(file.read_text() for file in DOCKERFILES)]
    for name in SECRETS:
        assert not re.search(rf"\$\{{{name}:?-", "".join(texts))
        assert re.search(rf"^#?{name}=$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    values = [str(v) for s in SERVICES.values() for n, v in s.get("environment", {}).items() if n in SECRETS]
    assert all(value == "None" or value.startswith("${") for value in values)


def test_without_its_passwords_nothing_starts() -> None:
    with pytest.raises(KeyError, match="POSTGRES_PASSWORD"):
        environment_of("prefect-server", {"REDIS_PASSWORD": "r", "PREFECT_PASSWORD": "s"})
    for service in ("prefect-server", "prefect-services", "worker", "gpu-worker", "deploy"):
        with pytest.raises(KeyError, match="PREFECT_PASSWORD"):
            environment_of(service, {"REDIS_PASSWORD": "r", "POSTGRES_PASSWORD": "p", "PREFECT_PASSWORD": ""})
    with pytest.raises(KeyError, match="REDIS_PASSWORD"):
        environment_of("redis", {"REDIS_PASSWORD": ""})


def test_variables_are_replaced_as_compose_replaces_them() -> None:
    asked = "${A} ${B:-b} ${A:-b} ${C:?set it} $$HOME ${D}"
    assert interpolated(asked, {"A": "1", "C": "3"}) == "1 b 1 3 $HOME "


@pytest.mark.parametrize("name", OURS)
def test_an_image_of_ours_has_the_program_and_the_module_that_it_is_to_run(name: str) -> None:
    commands = [SERVICES[name]["command"], SERVICES[name]["healthcheck"].get("test", ["", "true"])[1:]]
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    for command in commands:
        assert command[0] in {"prefect", "python", "true", *scripts}
        if command[:2] == ["python", "-m"]:
            assert (ROOT / f"{command[2].replace('.', '/')}.py").is_file()
    dockerfile = ROOT / SERVICES[name]["build"]["dockerfile"]
    assert dockerfile in DOCKERFILES


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_is_small_safe_and_looked_after(dockerfile: Path) -> None:
    parsed = list(instructions(dockerfile))
    users = [rest for instruction, rest in parsed if instruction == "USER"]
    assert users[-1] == SERVICES["worker"]["user"]
    assert [rest for instruction, rest in parsed if instruction == "HEALTHCHECK"]
    for instruction, rest in parsed:
        assert instruction != "ADD"
        if instruction == "FROM":
            assert re.match(r"\$\{PYTHON_IMAGE\}( AS \w+)?$|cardiograph$", rest)
        if instruction == "COPY" and "--from" not in rest:
            assert all((ROOT / source).exists() for source in rest.split()[:-1])
        if "apt-get install" in rest:
            assert "--no-install-recommends" in rest
            assert "rm -rf /var/lib/apt/lists/*" in rest


def test_dependencies_are_installed_before_the_code_is_copied() -> None:
    parsed = list(instructions(DOCKERFILES[0]))
    pip = next(n for n, (instruction, rest) in enumerate(parsed) if "--require-hashes" in rest)
    copied_before = {
        word for instruction, rest in parsed[:pip] if instruction == "COPY" for word in rest.split()
    }
    assert "locks/run.txt" in copied_before
    assert copied_before.isdisjoint({"flows", "tasks", "sql", "deployments"})


def test_what_the_images_copy_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for dockerfile in DOCKERFILES
        for instruction, rest in instructions(dockerfile)
        if instruction == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    assert {
        source for source in copied if source not in kept and source.partition("/")[0] not in kept
    } == set()
    assert ".env" not in kept


def test_the_images_install_as_make_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    locked, ourselves = (
        re.search(rf"^{name} := -m pip install (.*)$", makefile, re.MULTILINE)
        for name in ("LOCKED", "OURSELVES")
    )
    assert locked
    assert ourselves
    image, gpu = (file.read_text() for file in DOCKERFILES)
    assert pip_installs(image, ".venv/bin/python") == [f"{locked[1]} locks/run.txt", ourselves[1]]
    assert pip_installs(gpu, ".venv-judge/bin/python") == [
        f"{locked[1].replace(' --no-compile', '')} locks/judge.txt"
    ]
    for lock in ("run.txt", "dev.txt", "torch.txt", "supply.txt", "judge.txt", "judge-cpu.txt"):
        assert f"python $(LOCKED) locks/{lock}" in makefile


def of_logging() -> set[str]:
    """Names that change an entry of Prefect's logging.yml, which is no setting of its own."""

    def leaves(branch: dict[str, Any], above: tuple[str, ...]) -> Iterator[str]:
        for key, value in branch.items():
            here = (*above, key.replace(".", "_"))
            yield from leaves(value, here) if isinstance(value, dict) else ["_".join(here).upper()]

    entries = yaml.safe_load((Path(prefect.settings.__file__).parents[1] / "logging/logging.yml").read_text())
    return set(leaves(entries, ("prefect", "logging")))


def test_prefect_and_we_know_every_setting_that_is_set() -> None:
    named = {name for service in SERVICES.values() for name in service.get("environment", {})}
    redis = {
        f"{settings.model_config['env_prefix']}{field}".upper()
        for settings in (RedisMessagingSettings, RedisWorkerCleanupQueueSettings)
        for field in settings.model_fields
    }
    ours = {f"CARDIOGRAPH_{field}".upper() for field in Settings.model_fields}
    for name in named:
        if name.startswith("PREFECT_"):
            assert name in redis | of_logging() or hasattr(prefect.settings, name), name
        if name.startswith("CARDIOGRAPH_"):
            assert name in ours


def test_what_prefect_keeps_between_its_processes_is_in_redis() -> None:
    environment = SERVICES["prefect-server"]["environment"]
    in_redis = {name for name, value in environment.items() if str(value).startswith("prefect_redis.")}
    assert len(in_redis) == 5
    assert environment["PREFECT_SERVER_DOCKET_URL"] == environment["PREFECT_REDIS_MESSAGING_URL"]
    shared = SERVICES["prefect-services"]["environment"]
    assert {name: environment[name] for name in shared} == shared


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    names = ["postgres", "redis", "prefect-server", "s3", "worker-1", "gpu-worker-1"]
    variables = {name: f"{name.lower()}-of-the-test" for name in SECRETS} | {"AWS_REGION": "here"}
    return Layout(tmp_path, {name: 50_000 + n for n, name in enumerate(names)}, variables)


def test_without_containers_prefect_has_the_environment_that_it_has_with_them(layout: Layout) -> None:
    for service, native in (
        ("prefect-server", prefect_server(layout)),
        ("prefect-services", prefect_services(layout)),
        ("worker", worker(layout, "worker-1")),
        ("gpu-worker", worker(layout, "gpu-worker-1", "gpu-worker")),
    ):
        assert set(SERVICES[service]["environment"]) <= set(native.environment)
        assert (
            list(native.command)[1:][: len(SERVICES[service]["command"]) - 1]
            == SERVICES[service]["command"][1:]
        )
        for value in native.environment.values():
            assert not re.search(r"\b(postgres|redis|prefect-server|s3):\d", value), value


def test_without_containers_addresses_are_those_of_this_machine(layout: Layout) -> None:
    server, work = prefect_server(layout).environment, worker(layout, "worker-1").environment
    assert server["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == (
        "postgresql+asyncpg://prefect:postgres_password-of-the-test@127.0.0.1:50000/prefect"
    )
    assert server["PREFECT_UI_API_URL"] == work["PREFECT_API_URL"] == "http://127.0.0.1:50002/api"
    assert work["AWS_ENDPOINT_URL"] == "http://127.0.0.1:50003"
    assert work["CARDIOGRAPH_LAKE"] == "s3://cardiograph/lake"


def test_without_a_store_workers_share_a_folder(layout: Layout) -> None:
    ports = {name: port for name, port in layout.ports.items() if name != "s3"}
    environment = worker(replace(layout, ports=ports), "worker-1").environment
    assert environment["CARDIOGRAPH_LAKE"] == str(layout.folder / "lake")


def test_workers_send_what_the_server_asks_for(layout: Layout) -> None:
    server, services = prefect_server(layout).environment, prefect_services(layout).environment
    work = worker(layout, "worker-1").environment
    secret = "cardiograph:prefect_password-of-the-test"
    assert server["PREFECT_SERVER_API_AUTH_STRING"] == services["PREFECT_SERVER_API_AUTH_STRING"] == secret
    assert work["PREFECT_API_AUTH_STRING"] == secret
    assert server["PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED"] == "true"
    assert (
        server["PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:50002,http://localhost:50002"
    )


@pytest.mark.parametrize("name", OURS)
def test_nobody_is_told_what_runs_in_an_image_of_ours(name: str) -> None:
    assert NO_TELEMETRY.items() <= SERVICES[name]["environment"].items()
    for variable, value in NO_TELEMETRY.items():
        assert f"{variable}={value} " in DOCKERFILES[0].read_text()  # the other image is built on it


def test_every_service_of_the_file_has_its_native_counterpart(layout: Layout) -> None:
    from deployments.native import topology

    native = {"postgres", "redis", "s3", "prefect_server", "prefect_services", "worker"}
    assert all(callable(getattr(topology, name)) for name in native)
    # The GPU worker is a worker; `deploy` is run by whoever starts the topology.
    assert {name.replace("-", "_") for name in SERVICES} == native | {"gpu_worker", "deploy"}


def test_workers_homes_are_apart(layout: Layout) -> None:
    first, second = (
        worker(replace(layout, ports={**layout.ports, name: 1}), name).environment
        for name in ("worker-1", "b")
    )
    assert first["CARDIOGRAPH_HOME"] != second["CARDIOGRAPH_HOME"]
    assert first["CARDIOGRAPH_LAKE"] == second["CARDIOGRAPH_LAKE"]


def test_a_missing_program_is_named_with_its_package() -> None:
    with pytest.raises(Exception, match=r"nosuchprogram is not installed.*apt-get install it"):
        program("nosuchprogram", "apt-get install it")


def test_shell_commands_of_services_parse() -> None:
    for service in SERVICES.values():
        for line in service.get("command", []):
            assert shlex.split(line.replace("$$", "$"))


def test_the_file_has_no_key_twice() -> None:
    class Strict(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [key.value for key, _ in node.value if key.value != "<<"]
            assert len(keys) == len(set(keys)), f"{sorted(keys)} in line {node.start_mark.line}"
            return super().construct_mapping(node, deep)

    yaml.load(COMPOSE.read_text(), Strict)  # noqa: S506 - a safe loader's child
