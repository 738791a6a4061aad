"""The tables of boilerplate in a lake, and which of them is in use."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from tasks.cards.boilerplate import Boilerplate, boilerplate, shipped
from tasks.errors import LakeError
from tasks.storage.lake import Lake

STAGE = "boilerplate"


def in_use(lake: Lake) -> Boilerplate:
    """The table that was learned last into this lake; the shipped one where none was."""
    versions = learned_versions(lake)
    return table_of(lake, versions[-1]) if versions else shipped()


def learned_versions(lake: Lake) -> list[str]:
    """The versions in a lake, the oldest first: they begin with the date."""
    return [part.removeprefix(f"{STAGE}/").removesuffix(".parquet") for part in lake.parts(STAGE)]


def table_of(lake: Lake, version: str) -> Boilerplate:
    """A table by its version. Raises `LakeError` where neither the lake nor the package has it."""
    if version in ("", shipped().version):
        return shipped()
    if not lake.has(part_of(version)):
        raise LakeError(
            f"{lake.full_name(part_of(version))} is not there, nor does this version of Cardiograph ship it; "
            "update this machine, or run `cardiograph boilerplate learn` again"
        )
    return _read(_Place(lake.full_name(part_of(version)), version, lake))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a table is; a part never changes, so one place is one table."""

    name: str
    version: str
    lake: Lake = field(compare=False)


@lru_cache(maxsize=2)
def _read(place: _Place) -> Boilerplate:
    """Read a table, once for all parts of a run."""
    sentences = place.lake.columns(part_of(place.version), ["sentence"])["sentence"].to_pylist()
    return boilerplate(place.version, sentences)


def part_of(version: str) -> str:
    """The part of the lake that holds a table."""
    return f"{STAGE}/{version}.parquet"
