"""`drafting.toml` read once: questions to the author, headings, and the tables that facts are looked up in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("drafting.toml")


@cache
def wording() -> Mapping[str, Any]:
    """The tables of the file."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
