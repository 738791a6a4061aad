"""What the event study finds on real popularity where no card was edited: nothing, if it holds.

    python benchmarks/placebo.py --series FILE [--draws 400] [--json FILE]

FILE is a table of real series: date, model_id, downloads (of the last 30 days) and likes; the author is the name before
the slash. Each draw takes 52 weeks of it, a week's snapshot being each model's last row, and of each author at most
four models, drawn, because with half the models one author's the study refuses an interval. It assigns edits at random:
to models, to whole authors, to whole authors over four weeks, or more often after popularity moved, or rose. Prints how
often p < 0.05 among the estimates that have a p, with the binomial 95 % interval (Clopper & Pearson 1934), and how
often weeks 1 to 4 differ and those before the edit do not. After a rise edits do follow a trend, which should be found.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from scipy import stats

from tasks.findings.edit_effects import edit_effects
from tasks.findings.sample import Stamp
from tasks.findings.tables import read_table

WEEKS = 52
DOCUMENTED, COSMETIC = 0.6, 0.15  # of the models, or of the authors
CAMPAIGN_WEEKS = 4
HAZARD = 0.04  # of an edit in a week, for models that did not move
LEVEL = 0.05
MODELS_PER_AUTHOR = 4
STAMP = Stamp(date(2026, 1, 5), "placebo", "placebo")
QUESTIONS = {"edit_effect": "weeks 1 to 4", "edit_pretrend": "weeks before"}
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
    """Each model for itself, in any week; an edit in a week without the model is lost."""
    return _marked(_dated(weeks.select("model_id").unique().sort("model_id"), weeks, rng))


def to_authors(weeks: pl.DataFrame, rng: np.random.Generator, *, over: int = 1) -> Edits:
    """All models of an author, in one week or spread over some."""
    authors = _dated(weeks.select("author").unique().sort("author"), weeks, rng)
    models = weeks.select("model_id", "author").unique().sort("model_id")
    models = models.join(authors, on="author", maintain_order="left")
    return _marked(models.with_columns(pl.col("week") + pl.Series(rng.integers(0, over, models.height))))


def _dated(subjects: pl.DataFrame, weeks: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """With a week of all, and the luck that decides on an edit and its kind."""
    known = weeks["week"].to_numpy()
    week = rng.integers(known.min(), known.max() + 1, subjects.height)
    return subjects.with_columns(week=pl.Series(week), luck=pl.Series(rng.random(subjects.height)))


def after_moves(weeks: pl.DataFrame, rng: np.random.Generator, *, signed: bool) -> Edits:
    """In any week, up to six times as often after downloads moved (or rose) most over the four weeks before."""
    log = pl.col("downloads").log1p()
    moved = (log.shift(1) - log.shift(5)).over("model_id").fill_null(0.0)
    drawn = weeks.with_columns((moved if signed else moved.abs()).alias("moved"))
    rank = (pl.col("moved").rank("average") / pl.len()).over("week")
    drawn = drawn.with_columns((HAZARD * (1 + 5 * rank.pow(4))).alias("chance"))
    chosen = drawn.filter(pl.Series(rng.random(weeks.height)) < pl.col("chance"))
    first = chosen.sort("model_id", "week").unique("model_id", keep="first", maintain_order=True)
    luck = pl.Series(rng.random(first.height) * (DOCUMENTED + COSMETIC))
    return _marked(first.select("model_id", "week").with_columns(luck=luck))


def _marked(chosen: pl.DataFrame) -> Edits:
    return chosen.filter(pl.col("luck") < DOCUMENTED + COSMETIC).select(
        "model_id",
        "week",
        (pl.col("luck") < DOCUMENTED).alias("is_documented"),
        pl.lit(value=True).alias("is_edited"),
    )


ASSIGNED: dict[str, Callable[[pl.DataFrame, np.random.Generator], Edits]] = {
    "models": to_models,
    "whole authors": to_authors,
    "whole authors, over four weeks": partial(to_authors, over=CAMPAIGN_WEEKS),
    "after popularity moved": partial(after_moves, signed=False),
    "after popularity rose": partial(after_moves, signed=True),
}


def panel(weeks: pl.DataFrame, how: str, seed: int) -> pl.DataFrame:
    """Some 52 weeks of at most four models of each author, with edits assigned at random."""
    rng = np.random.default_rng([20, seed])
    models = weeks.select("model_id", "author").unique().sort("model_id")
    models = models.with_columns(key=pl.Series(rng.random(models.height)))
    kept = models.filter(pl.col("key").rank().over("author") <= MODELS_PER_AUTHOR)
    start = int(rng.integers(0, max(weeks["week"].max() - WEEKS + 2, 1)))  # type: ignore[operator, arg-type]
    is_within = pl.col("week").is_between(start, start + WEEKS - 1)
    part = weeks.filter(is_within).join(kept, on="model_id", how="semi", maintain_order="left")
    edits = ASSIGNED[how](part, rng)
    marks = [pl.col(name).fill_null(value=False) for name in ("is_edited", "is_documented")]
    return part.join(edits, on=["model_id", "week"], how="left", maintain_order="left").with_columns(marks)


def printed(task: tuple[str, int], weeks: pl.DataFrame) -> dict[str, bool | None]:
    """Whether p < 0.05 in one draw, by outcome and question, with weeks before that do not differ; null without p."""
    how, seed = task
    rows = panel(weeks, how, seed)
    found = edit_effects(rows, STAMP, seed=seed)
    marks = {
        f"{f.outcome}, {QUESTIONS[f.question]}, {f.estimator}": None if f.p is None else f.p < LEVEL
        for f in found
        if f.predictor == "documentation_edit" and f.question in QUESTIONS
    }
    for outcome in {f.outcome for f in found}:
        clear, trend = (
            next((mark for what, mark in marks.items() if what.startswith(f"{outcome}, {question}")), None)
            for question in QUESTIONS.values()
        )
        if clear is not None and trend is not None:
            marks[f"{outcome}, after the edit but not before"] = clear and not trend
    return marks


@dataclass(frozen=True, slots=True)
class Rejected:
    """How often something was found where nothing is; both ends are of the binomial 95 % interval, shares in 0-1."""

    assigned: str
    what: str
    share: float
    low: float
    high: float
    with_p: int
    draws: int


def rejected(weeks: pl.DataFrame, how: str, draws: int, processes: int) -> list[Rejected]:
    """Of all outcomes and questions, with edits assigned in one way."""
    marks: defaultdict[str, list[bool]] = defaultdict(list)
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        for one in pool.map(partial(printed, weeks=weeks), [(how, seed) for seed in range(draws)]):
            for what, mark in one.items():
                marks[what] += [] if mark is None else [mark]
    found = []
    for what, held in sorted(marks.items()):
        if held:
            ends = stats.binomtest(sum(held), len(held)).proportion_ci()
            found.append(Rejected(how, what, sum(held) / len(held), ends.low, ends.high, len(held), draws))
    return found


def table(found: list[Rejected]) -> str:
    """As Markdown."""
    lines = [
        "| edits assigned | p < 0.05 where nothing is | share | 95 % interval | draws with a p |",
        "|---|---|---|---|---|",
        *(
            f"| {one.assigned} | {one.what} | {one.share:.1%} | {one.low:.1%} to {one.high:.1%} | {one.with_p} |"
            for one in found
        ),
    ]
    return "\n".join(lines)


def main() -> None:
    """Draw, estimate, print; with `--json` into a file too."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--series", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--assigned", choices=ASSIGNED, nargs="+", default=list(ASSIGNED))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    began = time.monotonic()
    weeks = snapshots(read_table(options.series, ["date", "model_id", "downloads", "likes"]))
    found: list[Rejected] = []
    for how in options.assigned:
        found += rejected(weeks, how, options.draws, options.processes)
    print(table(found))
    print(f"{options.draws} draws each, {time.monotonic() - began:.0f} s")
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in found], indent=2) + "\n")


if __name__ == "__main__":
    main()
