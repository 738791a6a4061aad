"""Facts of the kinds of a map, out of the warehouse: their models, and the words of their cards."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import TYPE_CHECKING

from tasks.atlas.describing import ModelRow, describe_kinds
from tasks.atlas.terms import telling_words
from tasks.storage.warehouse import frame, stream

if TYPE_CHECKING:
    from tasks.atlas.naming import KindFacts
    from tasks.storage.warehouse import Database

SEARCH_WORDS = 12  # of a card: those that it says first


def read_words(
    db: Database, snapshot: date, embedder: str, hashes: list[str], naming: set[str]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The words that each text is found by in a search, and all telling words of the texts that name kinds.

    Texts that were on the last map keep its search words: parsing a card takes time.
    """
    last = frame(db, "out/atlas_before", snapshot=snapshot, embedder=embedder)["snapshot"].to_list()
    search_words = dict(frame(db, "out/atlas_words", snapshot=last[0]).iter_rows()) if last else {}
    to_read = [card_hash for card_hash in hashes if card_hash in naming or card_hash not in search_words]
    words = {}
    for card_hash, text in stream(db, "out/texts_of", hashes=to_read):
        of_card = telling_words(text)
        search_words[card_hash] = " ".join(of_card[:SEARCH_WORDS])
        if card_hash in naming:
            words[card_hash] = of_card
    return search_words, words


def facts_anew(
    db: Database,
    snapshot: date,
    embedder: str,
    kinds: dict[str, int | None],
    words: dict[str, list[str]],
) -> list[KindFacts]:
    """Facts of kinds, given the kind of each text, and the words of the texts from which terms are taken."""
    week = {"snapshot": snapshot, "embedder": embedder}
    return describe_kinds(
        lambda: (ModelRow(*row) for row in stream(db, "out/kind_models", **week)), kinds, words
    )


def facts_with_terms(
    db: Database, snapshot: date, embedder: str, kinds: dict[str, int | None], terms_of: date
) -> list[KindFacts]:
    """Facts of kinds that keep the terms that they have on the map of `terms_of`."""
    terms = dict(frame(db, "out/kind_terms", snapshot=terms_of).iter_rows())
    return [
        dataclasses.replace(fact, terms=tuple((term, 1.0) for term in terms.get(fact.kind, [])))
        for fact in facts_anew(db, snapshot, embedder, kinds, {})
    ]


def known_facts(db: Database, snapshot: date, kinds: set[int]) -> list[KindFacts]:
    """Facts of some of the kinds of a map that is in the warehouse."""
    (embedder,) = frame(db, "out/atlas_embedder", snapshot=snapshot).row(0)
    kind_of = dict(frame(db, "out/atlas_kinds_of", snapshot=snapshot).iter_rows())
    facts = facts_with_terms(db, snapshot, embedder, kind_of, snapshot)
    return [fact for fact in facts if fact.kind in kinds]
