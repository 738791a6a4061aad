"""Which texts people should label: as many good as bad ones, by as many authors as possible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import polars as pl

from tasks.errors import UsageError
from tasks.records import CardText
from tasks.storage.warehouse import Warehouse, frame


@dataclass(frozen=True, slots=True)
class LabelSample:
    """Texts in the random order in which they are shown; `basis` names what they were drawn by."""

    texts: tuple[CardText, ...]
    basis: str


def draw_sample(
    home: Path, n: int, *, seed: int, judge: str | None = None, without: Iterable[str] = ()
) -> LabelSample:
    """At most `n` texts of the latest snapshot, equally many per level of the judge's score, at most one per author.

    The judge is the one named, else the one that judged last; without any judge, strata are fifths by length.
    Texts in `without` are not drawn, but their levels and authors count. UsageError where the judge is unknown.
    """
    with Warehouse(home).read() as db:
        chosen = _chosen(frame(db, "labels/latest_judges").rows(), judge)
        candidates = (
            frame(db, "labels/sample_by_score", fingerprint=chosen[1])
            if chosen
            else frame(db, "labels/sample_by_length")
        )
        drawn = draw(candidates, n, seed=seed, without=frozenset(without))
        known = dict(frame(db, "labels/card_texts", wanted=drawn).rows()) if drawn else {}
    basis = f"score of {chosen[0]}" if chosen else "length"
    return LabelSample(tuple(CardText(card_hash, known[card_hash]) for card_hash in drawn), basis)


def _chosen(judges: Sequence[tuple[str, str]], name: str | None) -> tuple[str, str] | None:
    """Name and fingerprint of the judge named, else of the first; null where none is named and there is none."""
    if name is None:
        return judges[0] if judges else None
    for judge in judges:
        if judge[0] == name:
            return judge
    there = ", ".join(judge for judge, _ in judges) or "none"
    raise UsageError(f"--judge {name} has not judged the latest snapshot; choose from: {there}")


def draw(candidates: pl.DataFrame, n: int, *, seed: int, without: frozenset[str] = frozenset()) -> list[str]:
    """Card hashes of `candidates` (card_hash, author, stratum): strata take turns, the rarest first.

    The same candidates and seed give the same sample; with `without` it continues where that sample ended.
    """
    shuffled = candidates.sort("card_hash").sample(fraction=1.0, shuffle=True, seed=seed)
    is_out = pl.col("card_hash").is_in(list(without))
    authors = set(shuffled.filter(is_out)["author"])
    left = shuffled.filter(~is_out).unique(["stratum", "author"], keep="first", maintain_order=True)
    strata = [
        # Other strata take at most n authors, so that 2n are enough to choose from.
        rows.filter(~rows["author"].is_in(list(authors))).head(2 * n).rows()
        for rows in sorted(left.partition_by("stratum"), key=lambda rows: (rows.height, rows["stratum"][0]))
    ]
    taken = {rows["stratum"][0]: rows.height for rows in shuffled.filter(is_out).partition_by("stratum")}
    drawn = _in_turns(strata, n, authors, taken)
    Random(seed).shuffle(drawn)
    return drawn


def _in_turns(
    strata: list[list[tuple[str, str, int]]], n: int, authors: set[str], taken: dict[int, int]
) -> list[str]:
    """The stratum with the fewest texts so far takes next; of equals, the one that comes first."""
    drawn: list[str] = []
    waiting = [[*reversed(rows)] for rows in strata if rows]
    count = {rows[0][2]: taken.get(rows[0][2], 0) for rows in waiting}
    while waiting and len(drawn) < n:
        rows = min(waiting, key=lambda rows: count[rows[0][2]])
        card_hash, author, stratum = rows.pop()
        if not rows:
            waiting.remove(rows)
        if author not in authors:
            authors.add(author)
            drawn.append(card_hash)
            count[stratum] += 1
    return drawn
