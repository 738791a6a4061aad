"""The cards whose quality is known: of the demo, where it was planted, and the canaries."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from tasks.judges.canaries.loading import load_canaries
from tasks.judges.checklist import ChecklistJudge
from tasks.judges.llm.fence import cut, fenced, neutralise
from tasks.records import CardText

TOKEN_CHARACTERS = 4


@dataclass(frozen=True, slots=True)
class KnownCard:
    """A card of known quality, as a judge model sees it. Quality compares only within a `source`."""

    id: str
    source: str
    quality: float
    text: str


def demo_cards(corpus: Path, count: int) -> list[KnownCard]:
    """Cards of the corpus's last week, evenly over the planted documentation level; each text once, none hostile."""
    truth = corpus.with_name(corpus.name.removesuffix(".parquet") + ".truth.parquet")
    known = pl.read_parquet(truth, columns=["model_id", "snapshot_date", "archetype", "documentation"])
    cards = pl.read_parquet(corpus, columns=["model_id", "snapshot_date", "card_text"])
    rows = (
        cards.join(known, on=["model_id", "snapshot_date"])
        .filter(pl.col("snapshot_date") == pl.col("snapshot_date").max())
        .filter(pl.col("archetype") != "hostile", pl.col("card_text").str.strip_chars() != "")
        .unique("card_text", keep="first", maintain_order=True)
        .sort("documentation", "model_id")
    )
    places = np.linspace(0, len(rows) - 1, count).round().astype(int)
    return [
        KnownCard(row["model_id"], "demo", row["documentation"], row["card_text"])
        for row in rows[places].to_dicts()
    ]


def canary_cards() -> list[KnownCard]:
    """The canaries."""
    return [KnownCard(canary.name, "canaries", canary.level, canary.text) for canary in load_canaries()]


def shown(text: str, tokens: int) -> str:
    """The card between its marks, cut to about so many tokens."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return fenced(cut(neutralise(text).text, tokens * TOKEN_CHARACTERS), digest)


def references(cards: Sequence[KnownCard]) -> dict[str, dict[str, float | None]]:
    """What the checklist and the mere length say of the same cards."""
    texts = [CardText(card.id, card.text) for card in cards]
    return {
        "checklist": {verdict.card_hash: verdict.score for verdict in ChecklistJudge().score(texts)},
        "length": {card.id: float(len(card.text)) for card in cards},
    }
