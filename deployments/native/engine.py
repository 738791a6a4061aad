"""Prefect's services and workers, each with the command and the environment of docker-compose.yml."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from deployments.compose import compose_service, environment_of, relocated
from deployments.native.layout import BUCKET, Layout
from deployments.native.programs import program
from deployments.native.service import Service, succeeds
from tasks.engine.child import answers

_CONTAINER_PORTS = {"postgres": 5432, "redis": 6379, "prefect-server": 4200, "s3": 9000}


def prefect_server(layout: Layout) -> Service:
    """The API and the UI, without the services behind them."""
    name = "prefect-server"
    here = {
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(layout.ports[name]),
        "PREFECT_HOME": str(layout.folder_of(name)),
    }
    return Service(
        name=name,
        command=command_of(name),
        folder=layout.folder_of(name),
        is_ready=partial(answers, f"http://{layout.address(name)}/api/health"),
        environment=environment_here(name, layout) | here,
    )


def prefect_services(layout: Layout) -> Service:
    """The scheduler, the automations, the recorders."""
    name = "prefect-services"
    environment = environment_here(name, layout) | {"PREFECT_HOME": str(layout.folder_of(name))}
    return Service(
        name=name,
        command=command_of(name),
        folder=layout.folder_of(name),
        is_ready=succeeds([sys.executable, "-m", "deployments.health", "services"], environment),
        environment=environment,
    )


def worker(layout: Layout, name: str, service: str = "worker") -> Service:
    """A worker as if on a machine of its own, with a home of its own. `service` is its name in the compose file."""
    folder = layout.folder_of(name)
    here = {
        "PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1",
        "PREFECT_WORKER_WEBSERVER_PORT": str(layout.ports[name]),
        # It polls every second instead of every ten: a run on one machine is over within a few polls.
        "PREFECT_WORKER_QUERY_SECONDS": "1",
    }
    return Service(
        name=name,
        command=[*command_of(service), "--name", name],
        folder=folder,
        is_ready=partial(answers, f"http://{layout.address(name)}/health"),
        environment=client_environment(layout, folder, service) | here,
    )


def client_environment(layout: Layout, folder: Path, service: str = "worker") -> dict[str, str]:
    """The environment of a worker or of a client of the topology whose own folder is `folder`."""
    trusted_hub = (
        {"CARDIOGRAPH_TRUSTED_HUBS": f"http://{layout.address('hub')}"} if "hub" in layout.ports else {}
    )
    return (
        environment_here(service, layout)
        | {
            **layout.settings,
            "PREFECT_HOME": str(folder / "prefect"),
            "CARDIOGRAPH_HOME": str(folder / "cardiograph"),
        }
        | trusted_hub
    )


def environment_here(service: str, layout: Layout) -> dict[str, str]:
    """The compose file's environment of a service, with this machine's addresses."""
    variables = {
        **layout.variables,
        "PREFECT_PORT": str(layout.ports["prefect-server"]),
        "CARDIOGRAPH_LAKE": lake_of(layout),
    }
    addresses = {
        f"{name}:{port}": layout.address(name)
        for name, port in _CONTAINER_PORTS.items()
        if name in layout.ports
    }
    return {name: relocated(value, addresses) for name, value in environment_of(service, variables).items()}


def lake_of(layout: Layout) -> str:
    """The lake: on the S3 endpoint if the topology has one, else a folder that all workers share."""
    return f"s3://{BUCKET}/lake" if "s3" in layout.ports else str(layout.folder / "lake")


def command_of(service: str) -> list[str]:
    """The compose file's command, with the program next to this interpreter."""
    name, *arguments = compose_service(service)["command"]
    return [program(name, "make setup"), *arguments]
