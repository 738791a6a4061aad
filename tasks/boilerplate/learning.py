"""A table of boilerplate learned from a snapshot, and how much of a later snapshot's text is in no table yet."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.boilerplate.counting import (
    AUTHORS_MIN,
    HOUSE_FAMILIES_MIN,
    HOUSE_MODELS_MIN,
    WRITERS_SHARE,
    ModelCard,
    model_cards,
    write_rows,
)
from tasks.boilerplate.tables import part_of
from tasks.cards.boilerplate import Boilerplate, shipped
from tasks.clock import utc_now
from tasks.progress import advance, expect
from tasks.records import BoilerplateCheck, BoilerplateSentence
from tasks.storage.warehouse import Warehouse, frame, stream

if TYPE_CHECKING:
    import polars as pl

    from tasks.storage.warehouse import Database

SAMPLED_MODELS = 4_000


@dataclass(frozen=True, slots=True)
class Learned:
    """What a learning found: the table's version, models and sentences read, and what is in the table and is new."""

    version: str
    snapshot: date
    models: int
    of_forms: int
    of_houses: int
    shipped: int
    part: str


def learn(warehouse: Warehouse) -> Learned:
    """Learn a table from the latest published snapshot and put it into the lake; one of the same sentences is one.

    Reads the texts one by one and counts on disk, so memory does not grow with the Hub. The sentences of the shipped
    table stay in. Raises `UsageError` where nothing is published.
    """
    snapshot = warehouse.latest_judged()["snapshot"]
    with warehouse.read() as db:
        models, found = count_sentences(db, _told(_cards(db, "cards", snapshot=snapshot)))
    added = sorted(shipped().ids.difference(found["sentence"]))
    version = _version(utc_now().date(), [*found["sentence"], *added])
    rows = [BoilerplateSentence(version, *row) for row in found.iter_rows()]
    rows += [
        BoilerplateSentence(version, sentence, is_house=False, authors=None, models=None)
        for sentence in added
    ]
    warehouse.lake.write(part_of(version), BoilerplateSentence, rows)
    houses = int(found["is_house"].sum())
    return Learned(version, snapshot, models, found.height - houses, houses, len(added), part_of(version))


def check(db: Database, snapshot: date, table: Boilerplate) -> BoilerplateCheck:
    """How much of a snapshot's text the table knows, by a sample of its models with a card."""
    cards = list(_cards(db, "sample", snapshot=snapshot, models=SAMPLED_MODELS))
    _, found = count_sentences(db, cards)
    missing = set(found["sentence"]) - table.ids
    words = known = new = 0
    for card in cards:
        for sentence, length in zip(card.read.sentences, card.read.words, strict=True):
            words += length
            known += length * (sentence in table.ids)
            new += length * (sentence in missing)
    return BoilerplateCheck(snapshot, table.version, len(cards), words, known, new, utc_now())


def _cards(db: Database, name: str, **parameters: object) -> Iterator[ModelCard]:
    return model_cards(stream(db, f"out/boilerplate_{name}", **parameters))


def _told(cards: Iterable[ModelCard]) -> Iterator[ModelCard]:
    expect("learn", None)
    for card in cards:
        yield card
        advance("learn")


def count_sentences(db: Database, cards: Iterable[ModelCard]) -> tuple[int, pl.DataFrame]:
    """The number of models, and the sentences that nobody wrote: the rows of `sql/out/boilerplate.sql`."""
    with tempfile.TemporaryDirectory(prefix="cardiograph-boilerplate-") as name:
        models = write_rows(cards, folder := Path(name))
        found = frame(
            db,
            "out/boilerplate",
            rows=str(folder / "*.parquet"),
            authors=AUTHORS_MIN,
            share=WRITERS_SHARE,
            models=HOUSE_MODELS_MIN,
            families=HOUSE_FAMILIES_MIN,
        )
    return models, found


def _version(today: date, sentences: Iterable[int]) -> str:
    """The date and a digest of the sentences: the newest table's version sorts last."""
    digest = sha256("\n".join(map(str, sorted(sentences))).encode()).hexdigest()
    return f"{today}-{digest[:12]}"


def checks_of(home: Path) -> list[BoilerplateCheck]:
    """What was measured of each published snapshot, the oldest first; nothing where none is published."""
    warehouse = Warehouse(home)
    if not warehouse.published.exists():
        return []
    warehouse.check_current()
    with warehouse.read() as db:
        return [BoilerplateCheck(*row) for row in frame(db, "out/boilerplate_checks").iter_rows()]
