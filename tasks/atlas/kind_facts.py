"""What is known of the kinds of a map, out of the warehouse: their models, and the words of their cards."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from tasks.storage.warehouse import frame, stream

if TYPE_CHECKING:
    from tasks.atlas.naming import KindFacts
    from tasks.storage.warehouse import Database


def words_anew(
    db: Database, hashes: list[str], naming: set[str]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The words that each text is found by, and all those of the texts that name kinds."""
    from tasks.atlas.describing import searchable, words_of_cards

    found_by, words = {}, {}
    for card_hash, said in words_of_cards(stream(db, "out/texts_of", hashes=hashes)):
        found_by[card_hash] = searchable(said)
        if card_hash in naming:
            words[card_hash] = said
    return found_by, words


def words_kept(db: Database, snapshot: date, embedder: str) -> dict[str, str]:
    """The words that texts were found by on the last map; of none where this is the first."""
    last = frame(db, "out/atlas_before", snapshot=snapshot, embedder=embedder)["snapshot"].to_list()
    return dict(frame(db, "out/atlas_words", snapshot=last[0]).iter_rows()) if last else {}


def facts_anew(
    db: Database,
    snapshot: date,
    embedder: str,
    kinds: dict[str, int | None],
    words: dict[str, list[str]],
) -> list[KindFacts]:
    """What is known of kinds, given the kind of each text, and the words of those texts that tell their terms."""
    from tasks.atlas.describing import ModelRow, describe_kinds

    def models() -> Iterator[ModelRow]:
        rows = stream(db, "out/kind_models", snapshot=snapshot, embedder=embedder)
        return (ModelRow(*row) for row in rows)

    return describe_kinds(models, kinds, words)


def facts_with_terms(
    db: Database, snapshot: date, embedder: str, kinds: dict[str, int | None], terms_of: date
) -> list[KindFacts]:
    """What is known of kinds whose terms are those that they were found to have on the map of `terms_of`."""
    terms = dict(frame(db, "out/kind_terms", snapshot=terms_of).iter_rows())
    return [
        dataclasses.replace(fact, terms=tuple((term, 1.0) for term in terms.get(fact.kind, [])))
        for fact in facts_anew(db, snapshot, embedder, kinds, {})
    ]


def known_facts(db: Database, snapshot: date, wanted: set[int]) -> list[KindFacts]:
    """What is known of kinds that are on the map already."""
    (embedder,) = frame(db, "out/atlas_embedder", snapshot=snapshot).row(0)
    kinds = dict(frame(db, "out/atlas_kinds_of", snapshot=snapshot).iter_rows())
    facts = facts_with_terms(db, snapshot, embedder, kinds, snapshot)
    return [fact for fact in facts if fact.kind in wanted]
