"""What is said of a map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def atlas_words(atlas: Mapping[str, Any] | None) -> str:
    """A map in a line: how many kinds of how many texts, and since when it stands."""
    if atlas is None:
        return "none: no map was made"
    return (
        f"{atlas['kinds']:,} of {atlas['texts']:,} texts, {atlas['noise_share']:.0%} of none; map of "
        f"{atlas['fitted_on']}, {atlas['placed']:,} placed since"
    )
