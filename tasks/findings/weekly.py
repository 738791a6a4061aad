"""From snapshots to weeks: what each model gained from one week to the next."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from tasks.arrays import Floats

WINDOW_DAYS = 30
WEEK_DAYS = 7
# A window of 30 days is four weeks and two days of a fifth.
_FULL_WEEKS, _REST = WINDOW_DAYS // WEEK_DAYS, WINDOW_DAYS % WEEK_DAYS / WEEK_DAYS


def weekly(panel: pl.DataFrame) -> pl.DataFrame:
    """One row per model and week of the rows of `sql/out/edit_panel.sql`, with what it gained since the week before.

    `week` counts weeks since the first snapshot. `likes_gained` and `downloads_gained` are null in a model's first
    week, after a week without a snapshot, and where the total went down (a count that was corrected, or a name given to
    another model), which `is_decrease` says. Downloads come from differences of the all-time count; where a model has
    none, from its overlapping windows of 30 days, which `is_rebuilt` says.
    """
    first: date | None = panel["snapshot"].min()  # type: ignore[assignment]
    rows = panel.sort("model_id", "snapshot").with_columns(
        ((pl.col("snapshot") - first).dt.total_days() / WEEK_DAYS).round().cast(pl.Int64).alias("week")
    )
    rows = rows.unique(["model_id", "week"], keep="last", maintain_order=True)
    is_next = pl.col("week") - pl.col("week").shift().over("model_id") == 1

    def gained(column: str) -> pl.Expr:
        return pl.when(is_next).then(pl.col(column) - pl.col(column).shift().over("model_id"))

    rows = rows.with_columns(
        gained("likes").alias("likes_gained"), gained("downloads_all_time").alias("downloads_gained")
    )
    rows = rows.with_columns(
        ((pl.col("likes_gained") < 0) | (pl.col("downloads_gained") < 0))
        .fill_null(value=False)
        .alias("is_decrease")
    )
    has_total = pl.col("downloads_all_time").is_not_null().any().over("model_id")
    rows = rows.with_columns((~has_total).alias("is_rebuilt"))
    rebuilt = _rebuilt(rows.filter("is_rebuilt"))
    rows = rows.join(rebuilt, on=["model_id", "week"], how="left", maintain_order="left")
    return rows.with_columns(
        pl.when(pl.col("likes_gained") >= 0).then(pl.col("likes_gained")).alias("likes_gained"),
        pl.coalesce(
            pl.when(pl.col("downloads_gained") >= 0).then(pl.col("downloads_gained").cast(pl.Float64)),
            pl.col("rebuilt"),
        ).alias("downloads_gained"),
    ).drop("rebuilt")


def _rebuilt(rows: pl.DataFrame) -> pl.DataFrame:
    """model_id, week, rebuilt: the week's downloads from the windows of models that have nothing else."""
    found = []
    for (model_id,), part in rows.partition_by("model_id", as_dict=True, maintain_order=True).items():
        gained = weeks_of_windows(part["week"].to_numpy(), part["downloads"].cast(pl.Float64).to_numpy())
        found.append(
            part.select("week").with_columns(pl.lit(model_id).alias("model_id"), pl.Series("rebuilt", gained))
        )
    schema = {"week": pl.Int64, "model_id": pl.String, "rebuilt": pl.Float64}
    return (
        pl.concat(found).with_columns(pl.col("rebuilt").fill_nan(None))
        if found
        else pl.DataFrame(schema=schema)
    )


def weeks_of_windows(weeks: np.ndarray, windows: Floats) -> Floats:
    """Downloads of each week, from the sums over 30 days at its end; NaN where they cannot be determined.

    The window D moves by w[t] - (5 w[t-4] + 2 w[t-5]) / 7 = D[t] - D[t-1]. The weeks before the first snapshot are
    taken as 7/30 of its window each, so a trend before it remains in the result. A gap, a missing window or a week
    below zero restarts it.
    """
    found = np.full(len(windows), np.nan)
    start = 0
    for place in range(len(windows)):
        known = (
            place > start
            and weeks[place] - weeks[place - 1] == 1
            and not np.isnan(windows[place - 1 : place + 1]).any()
        )
        if known:
            even = windows[start] * WEEK_DAYS / WINDOW_DAYS
            before = [
                found[at] if at > start else even for at in (place - _FULL_WEEKS, place - _FULL_WEEKS - 1)
            ]
            week = windows[place] - windows[place - 1] + (1 - _REST) * before[0] + _REST * before[1]
            if week > -1:  # less than a download below zero is rounding
                found[place] = max(week, 0.0)
                continue
        start = place
    return found
