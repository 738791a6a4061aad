"""Texts of the lake in parts: what is pending, as orders, and the texts that an order is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tasks.progress import expect
from tasks.records import CardText, TextRef
from tasks.storage.lake import Lake, part_name
from tasks.storage.warehouse import Warehouse, frame
from tasks.work.orders import Order, WorkStage, outstanding


def texts_of(lake: Lake, refs: Iterable[TextRef]) -> list[CardText]:
    """The texts referred to; each part of the lake is opened once."""
    hashes_by_part: dict[str, list[str]] = defaultdict(list)
    for ref in refs:
        hashes_by_part[ref.part].append(ref.card_hash)
    return [text for part, hashes in hashes_by_part.items() for text in lake.texts(part, hashes)]


def texts_of_order(home: Path, order: Order) -> list[CardText]:
    """The texts that an order is about."""
    return texts_of(Lake(home), [ref for ref in order.refs if isinstance(ref, TextRef)])


def orders_of(home: Path, stage: WorkStage, pending: Iterable[TextRef], size: int) -> list[Order]:
    """Parts of what is pending; what an earlier run ordered stays as it is. Tells how much it is."""
    left = outstanding(Lake(home), stage)
    ordered = {ref.card_hash for order in left for ref in order.refs if isinstance(ref, TextRef)}
    refs = [ref for ref in pending if ref.card_hash not in ordered]
    parts = [tuple(refs[start : start + size]) for start in range(0, len(refs), size)]
    expect(stage.kind, len(refs) + len(ordered))
    return [*left, *(Order(stage, part_name(ref.card_hash for ref in part), part) for part in parts)]


def pending_texts(home: Path, name: str, **parameters: object) -> list[TextRef]:
    """The texts that a statement of `sql/pending` names, with the parts that hold them."""
    with Warehouse(home).open() as db:
        return [TextRef(*row) for row in frame(db, name, **parameters).iter_rows()]
