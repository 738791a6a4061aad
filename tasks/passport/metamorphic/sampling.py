"""Which real cards are edited: good ones and bad ones, written by people, of as many authors as possible."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from tasks.passport.metamorphic.pieces import cut, is_plain
from tasks.passport.sample import draw
from tasks.records import CardText
from tasks.storage.warehouse import frame

if TYPE_CHECKING:
    from tasks.storage.warehouse import Database

# A judge may see only head and tail of a longer card, and an edit may lie between them.
CHARACTERS_MAX = 12_000
_DRAWN_PER_TEXT = 2  # some of those drawn are written in HTML, which cannot be cut by layout


def texts_to_edit(
    db: Database, n: int, *, snapshot: date, fingerprint: str | None, seed: int
) -> list[CardText]:
    """At most `n` texts of a snapshot, equally many per level of the judge's score, or per fifth of length without one.

    Left out: cards that a tool wrote, longer than 12,000 characters, or laid out in HTML.
    """
    key = {"snapshot": snapshot, "fingerprint": fingerprint, "characters_max": CHARACTERS_MAX}
    candidates = frame(db, "out/passport_texts", **key)
    drawn = _drawn(candidates, _DRAWN_PER_TEXT * n, seed)
    known = dict(frame(db, "labels/card_texts", wanted=drawn).rows()) if drawn else {}
    plain = [CardText(key, known[key]) for key in drawn if is_plain(cut(known[key]))]
    return plain[:n]


def _drawn(candidates: pl.DataFrame, n: int, seed: int) -> list[str]:
    """One text per author, then more of the same authors where there are too few."""
    first = draw(candidates, n, seed=seed)
    if len(first) >= n:
        return first
    alone = candidates.filter(~pl.col("card_hash").is_in(first)).with_columns(author=pl.col("card_hash"))
    return [*first, *draw(alone, n - len(first), seed=seed)]
