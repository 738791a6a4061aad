"""The layout of a topology: its folder, ports and secrets, kept in a file so that it can be started again."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

BUCKET = "cardiograph"  # as the compose file's s3 makes it

_FILE = "layout.json"


@dataclass(frozen=True, slots=True)
class Layout:
    """`ports` by service; `variables` as in .env; `settings` are added to the workers' environment."""

    folder: Path
    ports: Mapping[str, int]
    variables: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in any log."""
        return tuple(self.variables[name] for name in _SECRETS)

    def address(self, service: str) -> str:
        return f"127.0.0.1:{self.ports[service]}"

    def folder_of(self, service: str) -> Path:
        """The folder of the service's files, created if needed."""
        folder = self.folder / service
        folder.mkdir(parents=True, exist_ok=True)
        return folder


# The id of an access key is not a secret.
_SECRETS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "PREFECT_PASSWORD", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN")


def layout_in(folder: Path, services: Iterable[str], settings: Mapping[str, str]) -> Layout:
    """The layout kept in the folder, or a new one; services that it does not know get a port."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder.resolve() / _FILE
    kept: dict[str, dict[str, Any]] = (
        orjson.loads(file.read_bytes()) if file.exists() else {"ports": {}, "variables": {}}
    )
    ports: dict[str, int] = kept["ports"] | free_ports(name for name in services if name not in kept["ports"])
    variables: dict[str, str] = (
        _new_variables() | kept["variables"]
    )  # an older folder lacks those that came later
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_bytes(orjson.dumps({"ports": ports, "variables": variables}))
    return Layout(file.parent, ports, variables, settings)


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """A loopback port for each name, all different, and free a moment ago."""
    with ExitStack() as held:
        sockets = {name: held.enter_context(socket.socket()) for name in names}
        for one in sockets.values():
            one.bind(("127.0.0.1", 0))
        return {name: one.getsockname()[1] for name, one in sockets.items()}


def _new_variables() -> dict[str, str]:
    return {
        "POSTGRES_PASSWORD": secrets.token_hex(16),
        "REDIS_PASSWORD": secrets.token_hex(16),
        "PREFECT_PASSWORD": secrets.token_hex(16),
        "AWS_ACCESS_KEY_ID": secrets.token_hex(8),
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
        "AWS_REGION": "us-east-1",
        "HF_TOKEN": f"hf_{secrets.token_hex(17)}",
    }
