"""The YAML block at the top of a card, split off and read as the Hub does, whatever is in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

FRONT_MATTER_CHARACTERS_MAX = 200_000
_YAML_DEPTH_MAX = 50  # libyaml takes time quadratic in the depth of brackets: 100,000 take 14 s
_YAML_EVENTS_MAX = 100_000

Metadata = dict[str, Any]  # strings as written, None, lists and mappings of them


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The YAML block. `is_closed`: the text opens with one; `error`: why it cannot be used."""

    is_closed: bool
    metadata: Metadata
    error: str | None = None
    duplicate_keys: tuple[str, ...] = ()


FENCE_OPEN = re.compile(r"\s*---[ \t]*(?=\n|$)")
FENCE_CLOSE = re.compile(r"\n---[ \t]*(?:\n|$)")
# A line above the fence: the Hub reads no metadata then, and shows it as text.
_LATE = re.compile(
    r"[^\n]{1,200}\n\s{0,5}---[ \t]*\n\s*(?:language|license|tags|datasets|thumbnail|pipeline_tag)\s*:"
)
_FIRST_KEY = re.compile(r"\s*[\w-]+:(?:\s|$)")


def split_front_matter(text: str) -> tuple[FrontMatter, str]:
    """The leading `---` block and the rest. As on the Hub, an unclosed one is body; its `error` says that."""
    opening = FENCE_OPEN.match(text)
    if not opening:
        return FrontMatter(False, {}, "does not open the card" if _LATE.match(text) else None), text
    closing = FENCE_CLOSE.search(text, opening.end())
    if not closing:
        is_meant = bool(_FIRST_KEY.match(text, opening.end()))
        return FrontMatter(False, {}, "unclosed" if is_meant else None), text
    return read_front_matter(text[opening.end() : closing.start()]), text[closing.end() :]


def read_front_matter(source: str) -> FrontMatter:
    """YAML with every scalar kept as the string that was written: `language: no` is Norwegian."""
    if len(source) > FRONT_MATTER_CHARACTERS_MAX:
        return FrontMatter(True, {}, f"longer than {FRONT_MATTER_CHARACTERS_MAX:,} characters")
    duplicates: list[str] = []
    try:
        value = _Builder(duplicates).build(source)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        return FrontMatter(True, {}, f"YAML: {line}{error.problem or error.context}")
    except yaml.YAMLError:
        return FrontMatter(True, {}, "YAML: control characters")
    except _TooMuch as error:
        return FrontMatter(True, {}, str(error))
    if value is None:
        return FrontMatter(True, {})
    if not isinstance(value, dict):
        return FrontMatter(
            True, {}, f"a {'list' if isinstance(value, list) else 'string'} instead of a mapping"
        )
    return FrontMatter(True, value, None, tuple(duplicates))


class _TooMuch(Exception):
    """The YAML is larger or deeper than any front matter needs to be."""


class _Builder:
    """A tree from YAML events, without recursion; an alias is a reference, so a "billion laughs" stays small."""

    def __init__(self, duplicates: list[str]) -> None:
        self.duplicates = duplicates
        self.anchors: dict[str, object] = {}
        self.stack: list[tuple[list[Any] | Metadata, list[str]]] = []
        self.root: object = None

    def build(self, source: str) -> object:
        for n, event in enumerate(yaml.parse(source, Loader=yaml.CSafeLoader)):
            if n > _YAML_EVENTS_MAX:
                raise _TooMuch(f"more than {_YAML_EVENTS_MAX:,} YAML elements")
            if isinstance(event, yaml.ScalarEvent):
                self._add(_scalar(event), event.anchor)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._open([] if isinstance(event, yaml.SequenceStartEvent) else {}, event.anchor)
            elif isinstance(event, yaml.CollectionEndEvent):
                self.stack.pop()
            elif isinstance(event, yaml.AliasEvent):
                self._add(self.anchors.get(event.anchor or ""), None)
            elif isinstance(event, yaml.DocumentEndEvent):
                break
        return self.root

    def _open(self, collection: list[Any] | Metadata, anchor: str | None) -> None:
        self._add(collection, anchor)
        self.stack.append((collection, []))
        if len(self.stack) > _YAML_DEPTH_MAX:
            raise _TooMuch("nested too deeply")

    def _add(self, value: object, anchor: str | None) -> None:
        if not self.stack:
            self.root = value
        else:
            parent, keys = self.stack[-1]
            if isinstance(parent, list):
                parent.append(value)
            elif not keys:
                keys.append(value if isinstance(value, str) else "null" if value is None else "?")
            else:
                key = keys.pop()
                if key in parent and len(self.stack) == 1:
                    self.duplicates.append(key)
                parent[key] = value
        # After adding: a collection that contains its own anchor would be a cycle.
        if anchor and not isinstance(value, list | dict):
            self.anchors[anchor] = value


def _scalar(event: yaml.ScalarEvent) -> str | None:
    value: str = event.value
    return None if event.implicit[0] and value in ("", "~", "null", "Null", "NULL") else value
