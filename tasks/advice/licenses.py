"""Which license of a model is at odds with that of what it was made from: `licenses.toml` read once."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("licenses.toml")

# What has to be passed on by a model that builds on one of this kind, in words.
_PASSED_ON = {
    "share-alike": "asks that what is built on it has the same license",
    "non-commercial": "allows no commercial use",
    "no-derivatives": "allows nothing to be built on it",
    "use-based": "forbids some uses, and asks that this is passed on",
    "community": "has terms of its maker's, which have to be passed on",
}


@cache
def _kinds() -> dict[str, str]:
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {license_: kind for kind, entry in table.items() for license_ in entry["ids"]}


def kind_of(license_: str) -> str | None:
    """The kind of a license, null where the table is silent."""
    return _kinds().get(license_)


def at_odds(own: str, base: str) -> str | None:
    """What the base model's license demands that this one does not pass on, in words; null where nothing is known.

    Both are identifiers of the Hub. Two licenses of one kind may still differ: only what a table can know is said.
    """
    own_kind, base_kind = kind_of(own), kind_of(base)
    if own == base or own_kind is None or base_kind in (None, "permissive"):
        return None
    is_kept = own_kind == base_kind and (base_kind in ("non-commercial", "use-based"))
    return None if is_kept else _PASSED_ON[str(base_kind)]
