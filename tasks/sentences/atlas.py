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


def stability_notes(atlas: Mapping[str, Any]) -> list[str]:
    """What the fit of a map says of how far its kinds would come out again."""
    notes = []
    if atlas["seeds_ari"] is not None:
        notes.append(
            "Fitted again with other seeds, its kinds agree with these by an adjusted Rand index of "
            f"{atlas['seeds_ari']:.2f}; on samples of 80 in 100 texts by {atlas['samples_ari']:.2f} "
            "(1 is the same, 0 chance)."
        )
    if atlas["placed"]:
        notes.append(
            f"The map was fitted on the texts of {atlas['fitted_on']}; {atlas['placed']:,} that are new since then "
            "were placed among their neighbours."
        )
    return notes
