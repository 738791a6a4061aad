"""docker-compose.yml, read: so that what runs without containers is set up by the same words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"

# `$$` is a dollar; `${NAME}`, `${NAME:-what to take instead}`, `${NAME:?what to say without it}`.
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\})")


def compose_file() -> dict[str, Any]:
    """The whole file, its anchors resolved."""
    content: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return content


def compose_service(name: str) -> dict[str, Any]:
    """One service of it."""
    service: dict[str, Any] = compose_file()["services"][name]
    return service


def environment_of(service: str, variables: Mapping[str, str]) -> dict[str, str]:
    """What the service's environment is where .env says `variables`. A `KeyError` names one that is required."""
    stated: Mapping[str, str | None] = compose_service(service).get("environment", {})
    return {
        name: variables[name] if value is None else interpolated(value, variables)
        for name, value in stated.items()
        if value is not None or name in variables
    }


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """The text as compose would hand it on."""

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        known = variables.get(match["name"], "")
        if not known and match["kind"] == "?":
            raise KeyError(match["name"])
        return known or (match["rest"] if match["kind"] == "-" else "")

    return _VARIABLE.sub(value, text)


def variables_in(text: str) -> set[str]:
    """Names of the variables that a text asks for."""
    return {match["name"] for match in _VARIABLE.finditer(text) if match["name"]}


def relocated(text: str, addresses: Mapping[str, str]) -> str:
    """The text with each `host:port` of the containers' network replaced by where it is on this machine."""
    for there, here in addresses.items():
        text = re.sub(rf"\b{re.escape(there)}\b", here, text)
    return text
