"""The rates that a home has measured itself in its last snapshots; `planning.py` prefers them to documented ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.operations.planning import Rate, documented_rates, is_model, rates_kind
from tasks.settings import settings
from tasks.storage.lake import Lake
from tasks.storage.warehouse import Warehouse, frame

# A share of fewer models says little about the next selection.
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
        rates |= _of_snapshot(rows[0])
        for judge in judges:
            for row in frame(db, "plan/judging", judge=judge, model=_model_of(judge)).to_dicts()[:1]:
                rates |= _of_judge(judge, row)
    return rates | _of_disk(warehouse, rows[0]), bool(rows[0]["is_same"])


def tried_judges(home: Path, judges: Sequence[str]) -> tuple[str, ...]:
    """Those judges that this home has a passport without labels of: none is taken again."""
    warehouse = Warehouse(home)
    if not (warehouse.published.exists() and warehouse.is_current()):
        return ()
    with warehouse.read() as db:
        return tuple(
            judge
            for judge in judges
            if frame(db, "plan/passport", judge=judge, model=_model_of(judge)).height
        )


def _model_of(judge: str) -> str | None:
    """The judge model that is asked; null for a judge that is none."""
    return (judge.partition(":")[2] or settings().judge_model) if is_model(judge) else None


def _own(source: str, values: Mapping[str, float | None]) -> dict[str, Rate]:
    """Measured rates in the units of the documented ones of that name; a missing value or 0 is no measurement."""
    known = documented_rates()
    return {
        name: Rate(float(value), known[name].unit, source, is_own=True)
        for name, value in values.items()
        if value
    }


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _of_snapshot(row: Mapping[str, Any]) -> dict[str, Rate]:
    source = f"this home, snapshot of {row['snapshot']}: {row['selection']} of {row['hub']}"
    rates = _own(
        source,
        {
            "cards_a_model": row["cards"] / row["models"],
            "texts_a_card": _share(row["texts"], row["cards"]),
            "requests_a_card": _share(row["all_requests"], row["all_reads"]),
            "models_on_hub": row["models"] if row["selection"] == "all models" else None,
        },
    )
    if row["compared_with"] is not None and row["cards"]:
        since = f"{source}; compared with that of {row['compared_with']}"
        changed = row["changed"] / row["cards"]
        fresh = _share(row["fresh"], row["changed"]) or 0.0
        rates["changed_share"] = Rate(changed, "of the cards new or changed", since, is_own=True)
        rates["fresh_texts_a_read"] = Rate(fresh, "new texts per card read", since, is_own=True)
    return rates


def _of_judge(judge: str, row: Mapping[str, Any]) -> dict[str, Rate]:
    source = f"this home, {row['judge']} on the snapshot of {row['snapshot']}"
    kind = rates_kind(judge)
    values = {f"{kind}_texts_a_second": row["texts_per_second"]}
    if is_model(judge):
        values[f"{kind}_tokens_in_a_text"] = row["tokens_in_per_text"]
        values[f"{kind}_tokens_out_a_text"] = row["tokens_out_per_text"]
    return {f"{judge} {name.removeprefix(f'{kind}_')}": rate for name, rate in _own(source, values).items()}


def _of_disk(warehouse: Warehouse, row: Mapping[str, Any]) -> dict[str, Rate]:
    sizes = _lake_bytes(warehouse.lake)

    def per(n: int, stages: Sequence[str]) -> float | None:
        return _share(sum(sizes[stage] for stage in stages), n)

    return _own(
        "this home, all snapshots",
        {
            "warehouse_bytes_a_model": warehouse.published.stat().st_size / row["all_listed"],
            "lake_bytes_a_model": per(row["all_listed"], _OF_MODELS),
            "lake_bytes_a_card": per(row["all_reads"], _OF_CARDS),
            "lake_bytes_a_text": per(row["all_verdicts"], _OF_TEXTS),
        },
    )


def _lake_bytes(lake: Lake) -> dict[str, int]:
    """Bytes by stage of a lake that is a folder; none for an object store, where it takes long to list every part."""
    sizes: dict[str, int] = defaultdict(int)
    if not lake.is_remote:
        for part in lake.all_parts():
            sizes[part.partition("/")[0]] += lake.path(part).stat().st_size
    return sizes
