"""The rates that a home has measured itself in its last snapshots: what `planning.py` reckons with first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.operations.planning import Rate, documented_rates, is_model
from tasks.settings import settings
from tasks.storage.lake import Lake
from tasks.storage.warehouse import Warehouse, frame

# Of fewer models a share says little about the next selection.
_LEAST_MODELS = 50
# Stages of the lake by what makes them grow.
_OF_MODELS = ("listing", "list_failures")
_OF_CARDS = ("cards",)
_OF_TEXTS = ("facts", "verdicts", "judged_parts", "explanations")


def rates_of(home: Path, selection: str, judges: Sequence[str]) -> tuple[dict[str, Rate], bool]:
    """All rates, the home's own in place of documented ones; and whether it has a snapshot of this very selection."""
    rates = dict(documented_rates())
    warehouse = Warehouse(home)
    if not (warehouse.published.exists() and warehouse.is_current()):
        return rates, False
    with warehouse.read() as db:
        rows = frame(db, "plan/history", selection=selection).to_dicts()
        if not rows or rows[0]["models"] < _LEAST_MODELS:
            return rates, False
        rates.update(_of_snapshot(rows[0]))
        for judge in judges:
            found = frame(db, "plan/judging", judge=judge, model=_model_of(judge)).to_dicts()
            rates.update(_of_judge(judge, found[0]) if found else {})
    rates.update(_of_disk(warehouse, rows[0]))
    return rates, bool(rows[0]["is_same"])


def _model_of(judge: str) -> str | None:
    if not is_model(judge):
        return None
    return judge.partition(":")[2] or settings().judge_model


def _own(name: str, value: float | None, source: str, unit: str = "") -> Iterator[tuple[str, Rate]]:
    if value:
        known = documented_rates().get(name)
        yield name, Rate(float(value), known.unit if known else unit, source, is_own=True)


def _of_snapshot(row: Mapping[str, Any]) -> dict[str, Rate]:
    source = f"this home, snapshot of {row['snapshot']}: {row['selection']} of {row['hub']}"
    shares = [
        *_own("cards_a_model", row["cards"] / row["models"], source),
        *_own("texts_a_card", row["texts"] / row["cards"] if row["cards"] else None, source),
        *_own(
            "requests_a_card", row["all_requests"] / row["all_reads"] if row["all_reads"] else None, source
        ),
    ]
    if row["selection"] == "all models":
        shares += _own("models_on_hub", row["models"], source)
    if row["compared_with"] is not None and row["cards"]:
        since = f"{source}; beside that of {row['compared_with']}"
        changed, fresh = row["changed"], row["fresh"]
        shares += [
            (
                "changed_share",
                Rate(changed / row["cards"], "of the cards new or changed", since, is_own=True),
            ),
            (
                "fresh_texts_a_read",
                Rate(fresh / changed if changed else 0.0, "new texts a card read", since, is_own=True),
            ),
        ]
    return dict(shares)


def _of_judge(judge: str, row: Mapping[str, Any]) -> dict[str, Rate]:
    source = f"this home, {row['judge']} on the snapshot of {row['snapshot']}"
    kind = "llm" if is_model(judge) else "checklist"
    figures = {
        "texts_a_second": row["texts_per_second"],
        "tokens_in_a_text": row["tokens_in_per_text"] if is_model(judge) else None,
        "tokens_out_a_text": row["tokens_out_per_text"] if is_model(judge) else None,
    }
    return {
        f"{judge} {what}": rate
        for what, value in figures.items()
        for _, rate in _own(f"{kind}_{what}", value, source)
    }


def _of_disk(warehouse: Warehouse, row: Mapping[str, Any]) -> dict[str, Rate]:
    source = "this home, all snapshots"
    sizes = lake_bytes(warehouse.lake)
    found = [
        *_own("warehouse_bytes_a_model", warehouse.published.stat().st_size / row["all_listed"], source),
    ]
    for name, stages, n in (
        ("lake_bytes_a_model", _OF_MODELS, row["all_listed"]),
        ("lake_bytes_a_card", _OF_CARDS, row["all_reads"]),
        ("lake_bytes_a_text", _OF_TEXTS, row["all_verdicts"]),
    ):
        found += _own(name, sum(sizes[stage] for stage in stages) / n if n else None, source)
    return dict(found)


def lake_bytes(lake: Lake) -> dict[str, int]:
    """Bytes by stage, of a lake that is a folder; an object store is not asked for so much."""
    sizes: dict[str, int] = defaultdict(int)
    if not lake.is_remote:
        for part in lake.all_parts():
            sizes[part.partition("/")[0]] += lake.path(part).stat().st_size
    return sizes
