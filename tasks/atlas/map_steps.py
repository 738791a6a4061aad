"""A map comes about: what it is made of is read, it is made, and its rows are written."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from prefect import task

from tasks.atlas.rows import STEPS, write_map
from tasks.atlas.vectors import halves_of
from tasks.progress import advance, expect
from tasks.settings import settings
from tasks.storage.lake import Lake
from tasks.storage.warehouse import Warehouse, frame
from tasks.work.run import Run

if TYPE_CHECKING:
    from tasks.atlas.making import Before
    from tasks.storage.warehouse import Database


@task(task_run_name="map {run.snapshot}")
def make_map(run: Run, embedder: str) -> bool:
    """Have the map of a snapshot in the lake, unless its texts are those that it was made of; returns whether new."""
    from tasks.atlas.making import ATLAS_VERSION

    warehouse = run.warehouse
    asked = {"snapshot": run.snapshot, "embedder": embedder}
    with warehouse.open() as db:
        digest = frame(db, "out/atlas_digest", **asked, version=ATLAS_VERSION).item()
    name = f"{run.snapshot}-{(digest or 'empty')[:16]}.parquet"
    is_new = not warehouse.lake.has(f"atlases/{name}")
    if is_new:
        _make(warehouse, run.snapshot, embedder, name)
        warehouse.land()
    return is_new


def _make(warehouse: Warehouse, snapshot: date, embedder: str, name: str) -> None:
    from tasks.atlas.making import Limits, make, steps

    told = settings()
    limits = Limits(
        told.atlas_fit_max, told.atlas_drift_max, told.atlas_replicates, told.atlas_replicate_texts
    )
    with warehouse.open() as db:
        texts = frame(db, "out/atlas_texts", snapshot=snapshot, embedder=embedder)
        before = _before(db, warehouse.lake, snapshot, embedder)
        highest = int(frame(db, "out/kind_numbers").item())
    hashes = texts["card_hash"].to_list()
    expect("map", steps(hashes, before, limits) + STEPS)
    halves = halves_of(warehouse.lake, hashes, texts["part"].to_list())
    made = make(snapshot, hashes, halves, before, highest, limits)
    if made is None:
        advance("map", STEPS)
        return
    now = datetime.now(UTC).replace(tzinfo=None)
    write_map(warehouse, snapshot, embedder, name, hashes, made, now)


def _before(db: Database, lake: Lake, snapshot: date, embedder: str) -> Before | None:
    """The last map by this embedder, and the texts that it was fitted on."""
    from tasks.atlas.clustering import NOISE
    from tasks.atlas.making import Before, Fitted, Lying

    last = frame(db, "out/atlas_before", snapshot=snapshot, embedder=embedder).to_dicts()
    if not last:
        return None
    fitted_on = last[0]["fitted_on"]
    fitted = frame(db, "out/atlas_fitted", fitted_on=fitted_on, embedder=embedder)
    lying = frame(db, "out/atlas_lying", fitted_on=fitted_on, last=last[0]["snapshot"])
    stability = frame(db, "out/kind_stabilities", snapshot=fitted_on)
    hashes = fitted["card_hash"].to_list()
    return Before(
        Fitted(
            snapshot=fitted_on,
            hashes=hashes,
            texts=halves_of(lake, hashes, fitted["part"].to_list()),
            points=fitted.select("x", "y").to_numpy(),
            kinds=fitted["kind"].fill_null(NOISE).to_numpy(),
        ),
        Lying(
            hashes=lying["card_hash"].to_list(),
            points=lying.select("x", "y").to_numpy(),
            kinds=lying["kind"].fill_null(NOISE).to_numpy(),
            strength=lying["strength_share"].to_numpy(),
            is_last=lying["is_last"].to_numpy(),
            was_there=lying["was_there"].to_numpy(),
        ),
        stability=dict(stability.iter_rows()),
    )
