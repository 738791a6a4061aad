"""Where a topology stands: its folder, its ports, its secrets; kept, so that it can be started again."""

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
    """`ports` by service; `variables` as .env would have them; `settings` are more of a worker's environment."""

    folder: Path
    ports: Mapping[str, int]
    variables: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no log."""
        return tuple(self.variables[name] for name in _SECRETS)

    def address(self, service: str) -> str:
        return f"127.0.0.1:{self.ports[service]}"

    def folder_of(self, service: str) -> Path:
        """A folder for what the service keeps; made."""
        folder = self.folder / service
        folder.mkdir(parents=True, exist_ok=True)
        return folder


# An access key's id is no secret, but there is no more use for it in a log.
_SECRETS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN")


def layout_in(folder: Path, services: Iterable[str], settings: Mapping[str, str]) -> Layout:
    """That of the folder, with ports added for services that it did not know; a new one where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder.resolve() / _FILE
    kept: dict[str, dict[str, Any]] = (
        orjson.loads(file.read_bytes()) if file.exists() else {"ports": {}, "variables": _new_variables()}
    )
    ports: dict[str, int] = kept["ports"] | free_ports(name for name in services if name not in kept["ports"])
    file.touch(mode=0o600)
    file.write_bytes(orjson.dumps({"ports": ports, "variables": kept["variables"]}))
    return Layout(file.parent, ports, kept["variables"], settings)


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """A port of loopback for each, all different, and free a moment ago."""
    with ExitStack() as held:
        sockets = {name: held.enter_context(socket.socket()) for name in names}
        for one in sockets.values():
            one.bind(("127.0.0.1", 0))
        return {name: one.getsockname()[1] for name, one in sockets.items()}


def _new_variables() -> dict[str, str]:
    return {
        "POSTGRES_PASSWORD": secrets.token_hex(16),
        "REDIS_PASSWORD": secrets.token_hex(16),
        "AWS_ACCESS_KEY_ID": secrets.token_hex(8),
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
        "AWS_REGION": "us-east-1",
        "HF_TOKEN": f"hf_{secrets.token_hex(17)}",
    }
