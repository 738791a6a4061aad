"""What is said of a map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.sentences.numbers import count


def atlas_words(atlas: Mapping[str, Any] | None) -> str:
    """A map in a line: how many kinds of how many texts, and since when it stands."""
    if atlas is None:
        return "none: no map was made"
    return (
        f"{atlas['kinds']:,} of {atlas['texts']:,} texts, {atlas['noise_share']:.0%} of none; map of "
        f"{atlas['fitted_on']}, {_new(atlas):,} new since"
    )


def _new(atlas: Mapping[str, Any]) -> int:
    """Texts that were not there when the map was fitted."""
    return round(float(atlas["drift_share"]) * int(atlas["texts"]))


def stability_notes(atlas: Mapping[str, Any]) -> list[str]:
    """What the fit of a map says of how far its kinds would come out again."""
    notes = []
    if atlas["seeds_ari"] is not None:
        notes.append(
            "Fitted again with other seeds, its kinds agree with these by an adjusted Rand index of "
            f"{atlas['seeds_ari']:.2f}; on samples of 80 in 100 texts by {atlas['samples_ari']:.2f} "
            "(1 is the same, 0 chance)."
        )
    texts, fitted_on = atlas["texts"], atlas["fitted_on"]
    if new := _new(atlas):
        notes.append(
            f"The map was fitted on texts of {fitted_on}; {count(new)} that are new since then were placed among their "
            "neighbours."
        )
    elif atlas["placed"]:
        notes.append(
            f"The map was fitted on a sample of the texts of {fitted_on}; {count(atlas['placed'])} of the "
            f"{count(texts)} were placed among their neighbours."
        )
    return notes


def shown_notes(shown: int, models: int) -> list[str]:
    """What a page that shows some of a map's models says of the others."""
    if shown >= models:
        return []
    return [
        f"The map has {count(models)} models, and {count(shown)} are shown here: half of them the most downloaded, "
        "the others drawn from the rest. The list of kinds counts them all, and `cardiograph atlas serve` shows "
        "them all."
    ]
