"""A card's `cardData` in the Hub's listing: its front matter as JSON, read by the rules of YAML 1.2.

The Hub reads front matter in JavaScript, where `no` is text, not False. Strangers write cards, so every way in
which YAML can explode (aliases that multiply, deep nesting, endless numbers) leads to no `cardData`.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
import yaml

_FENCED = re.compile(r"\A\s*---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_VALUES_MAX = 20_000
_DEPTH_MAX = 50
# Shorter texts cannot nest deeply enough to harm libyaml, whose composer recurses on the C stack.
_SHORT = 1_000

_FastLoader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _CoreLoader(_FastLoader):  # type: ignore[misc]  # its base is chosen at run time
    """YAML 1.2's core schema: only true and false are booleans, dates are text, 010 is ten."""


_CoreLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), _first)
_CoreLoader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))
_CoreLoader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(node.value))


def has_front_matter(card: bytes) -> bool:
    """Whether a card begins with a fenced block that is not empty, readable or not."""
    fenced = _FENCED.match(card.decode("utf-8-sig", errors="replace"))
    return bool(fenced and fenced[1].strip())


def card_data_json(card: bytes) -> bytes | None:
    """The front matter as a JSON object; None where there is none or it cannot be read."""
    fenced = _FENCED.match(card.decode("utf-8-sig", errors="replace"))
    if not fenced:
        return None
    try:
        if len(fenced[1]) > _SHORT:
            _check_depth(fenced[1])
        loaded = yaml.load(fenced[1], _CoreLoader)  # noqa: S506 - a safe loader with fewer types
        return orjson.dumps(_JsonValues().of(loaded)) if isinstance(loaded, dict) else None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError):
        return None


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, _CoreLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH_MAX:
            raise ValueError("nested too deeply")


class _JsonValues:
    """Reduces what YAML can produce to what JSON can contain, within a budget that aliases cannot exceed."""

    def __init__(self) -> None:
        self.left = _VALUES_MAX

    def of(self, value: object, depth: int = 0) -> object:
        self.left -= 1
        if self.left < 0 or depth > _DEPTH_MAX:
            raise ValueError("too many values")
        if isinstance(value, dict):
            return {_key(key): self.of(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple, set)):
            return [self.of(item, depth + 1) for item in value]
        if isinstance(value, str):
            return value.encode("utf-8", "replace").decode()
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
            return float(value)
        if value is None or isinstance(value, (bool, int, float)):
            return value
        raise ValueError(f"{type(value).__name__} has no place in JSON")


def _key(key: object) -> str:
    text = orjson.dumps(key).decode() if isinstance(key, (bool, type(None))) else str(key)
    return text.encode("utf-8", "replace").decode()
