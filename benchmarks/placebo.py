"""What the event study finds on real popularity where no card was edited: nothing, if it holds.

    python benchmarks/placebo.py --series FILE [--draws 200] [--models 250] [--write docs/statistics.md] [--json FILE]

FILE is a table of real series: date, model_id, downloads (of the last 30 days) and likes; the author is the name before
the slash. Each draw takes 26 weeks of it, a week's snapshot being each model's last row, and assigns edits at random:
to models, to whole authors, to whole authors over some weeks, or more often after popularity moved. Prints how often
p < 0.05 among the estimates that have a p, with the binomial 95 % interval (Clopper & Pearson 1934).
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from scipy import stats

from tasks.findings.edit_effects import edit_effects
from tasks.findings.sample import Stamp
from tasks.findings.tables import read_table

WEEKS = 26
DOCUMENTED, COSMETIC = 0.35, 0.2  # of the models, or of the authors
CAMPAIGN_WEEKS = 4
LEVEL = 0.05
Edits = pl.DataFrame  # model_id, week, is_documented


def snapshots(series: pl.DataFrame) -> pl.DataFrame:
    """One row per model and week, its last: week, and the columns of an edit panel without marks."""
    first = series["date"].min()
    return (
        series.sort("date", "model_id")
        .with_columns(((pl.col("date") - first).dt.total_days() // 7).alias("week"))
        .unique(["model_id", "week"], keep="last", maintain_order=True)
        .select(
            "week",
            (pl.lit(first) + pl.duration(days=7) * pl.col("week")).cast(pl.Date).alias("snapshot"),
            "model_id",
            pl.col("model_id").str.split("/").list.first().alias("author"),
            pl.lit(None, pl.Int64).alias("age_days"),
            "downloads",
            pl.lit(None, pl.Int64).alias("downloads_all_time"),
            "likes",
        )
        .sort("model_id", "week")
    )


def to_models(weeks: pl.DataFrame, rng: np.random.Generator) -> Edits:
    """Each model for itself, in one of its weeks."""
    return _marked(_one_week(weeks, rng).with_columns(kind=pl.lit(rng.random(weeks["model_id"].n_unique()))))


def to_authors(weeks: pl.DataFrame, rng: np.random.Generator, *, over: int = 1) -> Edits:
    """All models of an author, in one week or spread over some."""
    authors = weeks.select("author").unique().sort("author")
    first, last = weeks["week"].min(), weeks["week"].max()
    authors = authors.with_columns(
        week=pl.Series(rng.integers(first, last + 1, authors.height)),  # type: ignore[operator]
        kind=pl.Series(rng.random(authors.height)),
    )
    models = weeks.select("model_id", "author").unique().sort("model_id").join(authors, on="author", maintain_order="left")
    return _marked(models.with_columns(pl.col("week") + pl.Series(rng.integers(0, over, models.height))))


def after_moves(weeks: pl.DataFrame, rng: np.random.Generator, *, signed: bool) -> Edits:
    """In the weeks after downloads moved (or rose) over four weeks, up to six times as often."""
    moved = (pl.col("downloads").log1p() - pl.col("downloads").log1p().shift(4)).shift(1).over("model_id")
    size = moved if signed else moved.abs()
    weight = 1 + 5 * (size.fill_null(0.0).rank("average") / pl.len()).pow(4)
    drawn = weeks.with_columns(key=pl.Series(rng.exponential(size=weeks.height)) / weight)
    chosen = drawn.sort("model_id", "key").unique("model_id", keep="first", maintain_order=True)
    return _marked(chosen.select("model_id", "week").with_columns(kind=pl.lit(rng.random(chosen.height))))


def _one_week(weeks: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    drawn = weeks.with_columns(key=pl.Series(rng.random(weeks.height)))
    return drawn.sort("model_id", "key").unique("model_id", keep="first", maintain_order=True).select("model_id", "week")


def _marked(chosen: pl.DataFrame) -> Edits:
    return chosen.filter(pl.col("kind") < DOCUMENTED + COSMETIC).select(
        "model_id", "week", (pl.col("kind") < DOCUMENTED).alias("is_documented"), pl.lit(value=True).alias("is_edited")
    )


ASSIGNED: dict[str, Callable[[pl.DataFrame, np.random.Generator], Edits]] = {
    "models": to_models,
    "whole authors": to_authors,
    "whole authors, over four weeks": partial(to_authors, over=CAMPAIGN_WEEKS),
    "after popularity moved": partial(after_moves, signed=False),
    "after popularity rose": partial(after_moves, signed=True),
}


def panel(weeks: pl.DataFrame, how: str, seed: int) -> pl.DataFrame:
    """Some 26 weeks with edits assigned at random: the rows that `edit_effects` takes."""
    rng = np.random.default_rng([20, seed])
    start = int(rng.integers(0, int(weeks["week"].max()) - WEEKS + 2))  # type: ignore[arg-type]
    part = weeks.filter(pl.col("week").is_between(start, start + WEEKS - 1))
    edits = ASSIGNED[how](part, rng)
    marks = [pl.col(name).fill_null(value=False) for name in ("is_edited", "is_documented")]
    return part.join(edits, on=["model_id", "week"], how="left", maintain_order="left").with_columns(marks)


def draw(task: tuple[str, int], weeks: pl.DataFrame) -> dict[tuple[str, str, str], float | None]:
    """The p of one draw by outcome, question and estimator; null where the report prints none."""
    rows = panel(weeks, *task)
    found = edit_effects(rows, Stamp(rows["snapshot"].max(), "none", "none"), seed=task[1])  # type: ignore[arg-type]
    return {
        (f.outcome, f.question + f.stratum.replace("all", ""), f.estimator): f.p
        for f in found
        if f.predictor == "documentation_edit" and f.question in ("edit_effect", "edit_pretrend", "edit_curve")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--series", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    weeks = snapshots(read_table(options.series, ["date", "model_id", "downloads", "likes"]))
    for how in ASSIGNED:
        began = time.monotonic()
        counts: dict[tuple[str, str, str], list[float | None]] = defaultdict(list)
        with ProcessPoolExecutor(options.processes) as pool:
            for one in pool.map(partial(draw, weeks=weeks), [(how, s) for s in range(options.draws)]):
                for key, p in one.items():
                    counts[key].append(p)
        print(how, f"{time.monotonic() - began:.0f} s")
        for key, ps in sorted(counts.items()):
            known = np.array([p for p in ps if p is not None])
            if "curve" in key[1] and "+4" not in key[1]: continue
            k, n = int((known < LEVEL).sum()), len(known)
            if n:
                interval = stats.binomtest(k, n).proportion_ci()
                print(f"   {' '.join(key):70} {k / n:.1%} ({interval.low:.1%} to {interval.high:.1%}) of {n} of {len(ps)}")


if __name__ == "__main__":
    main()
