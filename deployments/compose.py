"""Read docker-compose.yml, so that the topology without containers is set up from the same file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"

# `$$` is a dollar; `${NAME}`, `${NAME:-default}`, `${NAME:?error}`.
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\})")


def compose_file() -> dict[str, Any]:
    """The whole file, with its anchors resolved."""
    content: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return content


def compose_service(name: str) -> dict[str, Any]:
    """One service of the file."""
    service: dict[str, Any] = compose_file()["services"][name]
    return service


def environment_of(service: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a service with `variables` as in .env. Raises `KeyError` for a missing required one."""
    stated: Mapping[str, str | None] = compose_service(service).get("environment", {})
    return {
        name: variables[name] if value is None else interpolated(value, variables)
        for name, value in stated.items()
        if value is not None or name in variables
    }


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """Replace the variables of a text as compose does."""

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        known = variables.get(match["name"], "")
        if not known and match["kind"] == "?":
            raise KeyError(match["name"])
        return known or (match["rest"] if match["kind"] == "-" else "")

    return _VARIABLE.sub(value, text)


def variables_in(text: str) -> set[str]:
    """The names of the variables in a text."""
    return {match["name"] for match in _VARIABLE.finditer(text) if match["name"]}


def relocated(text: str, addresses: Mapping[str, str]) -> str:
    """Replace each `host:port` of the containers' network by its address on this machine."""
    for there, here in addresses.items():
        text = re.sub(rf"\b{re.escape(there)}\b", here, text)
    return text
