"""Sentences about a map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.sentences.numbers import count, percent


def atlas_words(atlas: Mapping[str, Any] | None) -> str:
    """A map in one line: how many kinds of how many texts, and the snapshot that it was fitted on."""
    if atlas is None:
        return "none: no map was made"
    return (
        f"{atlas['kinds']:,} of {atlas['texts']:,} texts, {percent(atlas['noise_share'])} of no kind; map of "
        f"{atlas['fitted_on']}, {_new(atlas):,} new since"
    )


def _new(atlas: Mapping[str, Any]) -> int:
    """The number of texts that are newer than the map."""
    return round(float(atlas["drift_share"]) * int(atlas["texts"]))


def stability_notes(atlas: Mapping[str, Any]) -> list[str]:
    """How well the kinds of a map replicate, and which texts were placed on it without being fitted."""
    notes = []
    if atlas["seeds_ari"] is not None:
        notes.append(
            "Fitted again with other seeds, its kinds agree with these by an adjusted Rand index of "
            f"{atlas['seeds_ari']:.2f}; on samples of 80 % of the texts by {atlas['samples_ari']:.2f} "
            "(1 is identical, 0 is chance)."
        )
    texts, fitted_on = atlas["texts"], atlas["fitted_on"]
    if new := _new(atlas):
        notes.append(
            f"The map was fitted on texts of {fitted_on}; {count(new)} newer ones were placed among their neighbours."
        )
    elif atlas["placed"]:
        notes.append(
            f"The map was fitted on a sample of the texts of {fitted_on}; {count(atlas['placed'])} of the "
            f"{count(texts)} were placed among their neighbours."
        )
    return notes


def shown_notes(shown: int, models: int) -> list[str]:
    """What a page that shows only some of a map's models says about the others."""
    if shown >= models:
        return []
    return [
        f"The map has {count(models)} models, and {count(shown)} are shown here: half of them the most downloaded, "
        "the others a random draw from the rest. The list of kinds counts all of them, and `cardiograph atlas serve` "
        "shows all of them."
    ]
