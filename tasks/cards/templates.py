"""Which template or tool made a card: `templates.toml` read once, and the search for its traces."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

_FILE = Path(__file__).parent / "templates.toml"

TemplateKind = Literal["form", "tool", "bot"]


@dataclass(frozen=True, slots=True)
class Template:
    """One way of making cards; the fields are explained in `templates.toml`."""

    name: str
    kind: TemplateKind
    marks: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    headings_min: int = 0
    boilerplate: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()

    def fits(self, body: str, tags: Collection[str], headings: Collection[str]) -> bool:
        for mark in self.marks:  # plain loops: this runs forty times per card
            if mark in body:
                return True
        for tag in self.tags:
            if tag in tags:
                return True
        return bool(self.headings_min) and sum(h in headings for h in self.headings) >= self.headings_min


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@cache
def templates() -> tuple[Template, ...]:
    """All known ones; the first that fits wins."""
    return tuple(_template(entry) for entry in _file()["templates"])


def _template(entry: dict[str, Any]) -> Template:
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    return Template(**fields)


@cache
def placeholders() -> tuple[str, ...]:
    """Phrases that forms leave open, in lower case."""
    return tuple(_file()["placeholders"])


def recognise(body: str, tags: Collection[str], headings: Collection[str]) -> Template | None:
    """The template behind a card: `body` in lower case, `tags` of its metadata, `headings` normalised."""
    return next((template for template in templates() if template.fits(body, tags, headings)), None)
