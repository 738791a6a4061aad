"""Texts of the lake in parts: pending texts as orders, and the texts of an order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from tasks.records import CardRef, CardText, TextRef
from tasks.storage.lake import Lake, part_name
from tasks.storage.warehouse import frame
from tasks.work.orders import Order, WorkStage, outstanding
from tasks.work.run import Run


def texts_of(lake: Lake, refs: Iterable[TextRef]) -> list[CardText]:
    """The texts referred to; each part of the lake is opened once."""
    hashes_by_part: dict[str, list[str]] = defaultdict(list)
    for ref in refs:
        hashes_by_part[ref.part].append(ref.card_hash)
    return [text for part, hashes in hashes_by_part.items() for text in lake.texts(part, hashes)]


def texts_of_order(run: Run, order: Order) -> list[CardText]:
    """The texts of an order."""
    return texts_of(run.lake, [ref for ref in order.refs if isinstance(ref, TextRef)])


def orders_of(
    run: Run, stage: WorkStage, pending: Iterable[CardRef] | Iterable[TextRef], size: int
) -> list[Order]:
    """Order what is pending, `size` of it per part; what an earlier run ordered stays as it is."""
    left = outstanding(run.lake, stage)
    ordered = {ref.subject for order in left for ref in order.refs}
    refs: list[Any] = [ref for ref in pending if ref.subject not in ordered]
    parts = [tuple(refs[start : start + size]) for start in range(0, len(refs), size)]
    return [*left, *(Order(stage, part_name(ref.identity for ref in part), part) for part in parts)]


def pending_texts(run: Run, name: str, **parameters: object) -> list[TextRef]:
    """The snapshot's texts that a statement of `sql/pending` names, with the parts that hold them."""
    with run.warehouse.open() as db:
        return [TextRef(*row) for row in frame(db, name, snapshot=run.snapshot, **parameters).iter_rows()]
