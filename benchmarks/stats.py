"""The coverage of the intervals: planted truths, drawn many times, estimated each time.

    python benchmarks/stats.py [--replications 400] [--corpora 100] [--sizes CORPUS] [--write docs/statistics.md]

Worlds differ in how many models their authors have: about the same, or, as on the Hub, a few have most of them. Authors
have a taste and a fame of their own, so that models of one author resemble each other; scores come in steps of 0.05,
counts are Poisson around a gamma rate, most of them small and tied. For each estimator and world: in how many draws the
95 % interval contains the true value (planted, or that of very many authors), how often p < 0.05 where nothing was
planted, and how often an interval was refused. `--sizes` adds a world with the author sizes of a corpus. Then the event
study, on made-up Hubs with a planted effect of documentation edits and none of cosmetic ones. Prints tables.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from tasks.arrays import Floats
from tasks.demo import popularity
from tasks.demo.corpus import LAST_SNAPSHOT, Plan, make_plan
from tasks.estimators import Estimator
from tasks.findings import judge_error, rank, regression
from tasks.findings.controls import Design
from tasks.findings.edit_effects import OUTCOMES, edit_effects
from tasks.findings.sample import Codes, Estimate, Sample, Stamp, clean, scored
from tasks.findings.study import Labels, Study
from tasks.findings.theil_sen import theil_sen
from tasks.findings.threads import on_one_thread
from tasks.passport import sample

SLOPE = 0.5
AUTHORS_OF_TRUTH = 80_000
LABELS = 150
WITHIN = 0.6  # correlation of the models of one author, in taste and in fame
COVERED_AT_LEAST, FALSE_MAX = 0.93, 0.06  # what a 95 % interval should do
Method = Callable[["Draw"], Estimate]


@dataclass(frozen=True, slots=True)
class World:
    """How many models each author has: geometric, or Pareto with a largest author's share of all models, or given."""

    name: str
    authors: int
    models: int = 0
    largest: float | None = None
    sizes: tuple[int, ...] = ()

    def draw_sizes(self, rng: np.random.Generator) -> Codes:
        """The number of models of each author (G)."""
        if self.sizes:
            return np.array(self.sizes, np.int64)
        if not self.models:
            return np.asarray(rng.geometric(0.2, size=self.authors), np.int64)
        weights = rng.pareto(1.1, self.authors) + 0.3
        if self.largest is None:
            return _in_proportion(weights, self.models)
        most = int(self.models * self.largest)
        others = np.delete(weights, weights.argmin())
        return np.append(np.minimum(_in_proportion(others, self.models - most), most), most)


def _in_proportion(weights: Floats, models: int) -> Codes:
    return np.asarray(np.maximum(1, np.round(weights / weights.sum() * models)), np.int64)


EVEN = World("even", 150)
LABELLED_WORLD = World("even", 400)
WORLDS = (
    EVEN,
    World("heavy tail", 150, 2000),
    World("one has 15 %", 150, 2000, 0.15),
    World("one has 30 %", 150, 2000, 0.30),
    World("small, one has 35 %", 70, 345, 0.35),
    World("13 authors, one has 85 %", 13, 207, 0.85),
)


@dataclass(frozen=True, slots=True)
class Draw:
    """Models: score (1-5), log1p of a smooth outcome, a count, an age in days, author's code, judge's score; n each."""

    score: Floats
    level: Floats
    count: Floats
    age: Floats
    authors: Codes
    judge: Floats

    def design(self, outcome: Floats, *, controlled: bool) -> Design:
        """Regression of an outcome on the score, age held equal or not."""
        extra = [np.log1p(self.age)] if controlled else []
        x = np.column_stack([np.ones(len(self.score)), *extra, self.score])
        return Design(x, outcome, self.authors, pl.DataFrame())


def draw(rng: np.random.Generator, slope: float, world: World, *, confounded: bool) -> Draw:
    """Older models are more popular; where that confounds, they are better documented too."""
    sizes = world.draw_sizes(rng)
    of = np.repeat(np.arange(len(sizes)), sizes)
    n = len(of)
    age = rng.gamma(2.0, 200.0, size=n)
    shared, own = np.sqrt(WITHIN), np.sqrt(1 - WITHIN)
    taste, fame = (
        shared * of_author[of] + own * rng.normal(size=n) for of_author in rng.normal(size=(2, len(sizes)))
    )
    confounds = 0.2 if confounded else 0.0
    score = 3 + 0.9 * taste + confounds * (np.log1p(age) - 5.7)
    score = np.clip(np.round(score / 0.05) * 0.05, 1, 5)
    mean = slope * (score - 3) + 0.3 * (np.log1p(age) - 5.7) + fame
    count = rng.poisson(np.exp(mean - 0.9) * rng.gamma(1.0, 1.0, size=n)).astype(np.float64)
    # A judge that compresses, errs, and thinks better of the famous.
    judge = np.clip(3 + 0.6 * (score - 3) + 0.15 * fame + 0.5 * rng.normal(size=n), 1, 5)
    return Draw(score, 4 + mean, count, age, of, judge)


def _smooth(method: Callable[[Design], Estimate], data: Draw) -> Estimate:
    return method(data.design(np.expm1(data.level), controlled=True))


def _counted(method: Callable[[Design], Estimate], data: Draw) -> Estimate:
    return method(data.design(data.count, controlled=True))


def _positive(data: Draw) -> Estimate:
    has = data.count > 0
    _, authors = np.unique(data.authors[has], return_inverse=True)
    kept = Draw(data.score[has], data.level[has], data.count[has], data.age[has], authors, data.judge[has])
    return regression.log_positive(kept.design(kept.count, controlled=True))


_LABELS = Labels("label", text="card_hash", level="stratum", weight="weight")
_LABELLED = Study(
    score="judge",
    outcomes=("outcome",),
    cluster="author",
    amounts=("age",),
    labels=_LABELS,
)


def _judged(method: judge_error.Method, outcome: str, data: Draw, *, which: int) -> Estimate:
    """By the judge's score (`which` 0) or corrected by labels (1), the labelled drawn as `cardiograph label` draws."""
    columns = {"smooth": np.expm1(data.level), "count": data.count}
    table = pl.DataFrame(
        {
            "card_hash": [f"t{i}" for i in range(len(data.score))],
            "author": [f"a{a}" for a in data.authors],
            "outcome": columns[outcome],
            "age": data.age,
            "judge": data.judge,
            "stratum": np.floor(data.judge + 0.5).astype(np.int64),
        }
    ).with_columns(pl.len().over("author", "stratum").alias("weight"))
    chosen = sample.draw(table.select("card_hash", "author", "stratum"), LABELS, seed=20)
    is_chosen = pl.col("card_hash").is_in(chosen)
    table = table.with_columns(pl.when(is_chosen).then(pl.Series(data.score)).alias("label"))
    known = scored(clean(table, _LABELLED), "all", "outcome", "judge")
    rows, _ = judge_error.covered(known.rows, "judge", _LABELS)
    is_rank = method is judge_error.spearman
    study = replace(_LABELLED, amounts=()) if is_rank else _LABELLED
    found = judge_error.labelled_of(Sample("all", "outcome", rows, "judge"), study, _LABELS)
    return Estimate() if found is None else judge_error.estimates(found, method, is_rank=is_rank)[which]


METHODS: dict[str, Method] = {
    "Spearman": lambda d: rank.spearman(d.score, d.count, d.authors),
    "Spearman, per author": lambda d: rank.spearman_per_author(d.score, d.count, d.authors),
    "Spearman, within authors": lambda d: rank.spearman_within_author(d.score, d.count, d.authors),
    "Kendall": lambda d: rank.kendall(d.score, d.count, d.authors),
    "Spearman, age held equal": lambda d: rank.partial_spearman(d.score, d.count, d.age, d.authors),
    "Cliff's delta": lambda d: rank.cliffs_delta((d.score > 3).astype(float), d.count, d.authors),
    "Huber": partial(_smooth, regression.huber),
    "Tukey": partial(_smooth, regression.tukey),
    "median": partial(_smooth, regression.median),
    "Theil-Sen": lambda d: theil_sen(d.score, d.level, d.authors),
    "Poisson": partial(_counted, regression.poisson),
    "logit, any at all": partial(_counted, regression.logit_any),
    "logarithm, those with any": _positive,
    "Spearman, by an erring judge": partial(_judged, judge_error.spearman, "count", which=0),
    "Spearman, corrected": partial(_judged, judge_error.spearman, "count", which=1),
    "Huber, by an erring judge": partial(_judged, judge_error.huber, "smooth", which=0),
    "Huber, corrected": partial(_judged, judge_error.huber, "smooth", which=1),
    "Poisson, by an erring judge": partial(_judged, judge_error.poisson, "count", which=0),
    "Poisson, corrected": partial(_judged, judge_error.poisson, "count", which=1),
}
# Those of a judge are asked what they would be of the true score, of more authors, since one gives one label at most.
JUDGED = {name: name.partition(",")[0] for name in METHODS if name.endswith((", corrected", "erring judge"))}
ALONE = {
    "Spearman, by an erring judge",
    "Spearman, corrected",
    "Spearman",
    "Spearman, per author",
    "Spearman, within authors",
    "Kendall",
    "Cliff's delta",
    "Theil-Sen",
}  # these hold no age equal
PLANTED = {"Huber": SLOPE, "Tukey": SLOPE, "median": SLOPE, "Theil-Sen": SLOPE, "Poisson": SLOPE}


@dataclass(frozen=True, slots=True)
class Coverage:
    """How an estimator did in a world: shares (0-1) of the draws with an interval, and of all that had none."""

    estimator: str
    world: str
    truth: float
    mean: float
    coverage: float
    false_positives: float
    refused: float
    replications: int

    @property
    def holds(self) -> bool:
        """Whether the interval does what it promises, as far as so many draws can tell."""
        slack = 2 * float(np.sqrt(0.05 * 0.95 / max(1, self.replications * (1 - self.refused))))
        return COVERED_AT_LEAST - slack <= self.coverage and self.false_positives <= FALSE_MAX + slack


def _replicate(name: str, slope: float, world: World, seeds: range) -> Floats:
    """Estimate, both ends and p of each draw (draws x 4), NaN where there is none."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng([20, seed])
        estimate = METHODS[name](draw(rng, slope, world, confounded=name not in ALONE))
        numbers = (estimate.value, estimate.low, estimate.high, estimate.p)
        found.append([np.nan if number is None else number for number in numbers])
    return np.array(found)


def _truth(name: str) -> float:
    """The planted value, or that of very many authors."""
    name = JUDGED.get(name, name)
    if name in PLANTED:
        return PLANTED[name]
    # Of equal size, for a few large authors would move even this number; within authors there must be several models.
    each = 8 if name == "Spearman, within authors" else 1
    many = World("many", AUTHORS_OF_TRUTH, sizes=(each,) * AUTHORS_OF_TRUTH)
    value = METHODS[name](draw(np.random.default_rng(1), SLOPE, many, confounded=name not in ALONE)).value
    return np.nan if value is None else value


@on_one_thread
def _covered(asked: tuple[str, World, float], replications: int) -> Coverage:
    name, world, truth = asked
    drawn = _replicate(name, SLOPE, world, range(replications))
    null = _replicate(name, 0.0, world, range(replications, 2 * replications))
    drawn, null, every = drawn[~np.isnan(drawn[:, 1])], null[~np.isnan(null[:, 3])], len(drawn)
    return Coverage(
        estimator=name,
        world=world.name,
        truth=truth,
        mean=float(np.mean(drawn[:, 0])) if len(drawn) else np.nan,
        coverage=float(np.mean((drawn[:, 1] <= truth) & (truth <= drawn[:, 2]))) if len(drawn) else np.nan,
        false_positives=float(np.mean(null[:, 3] < 0.05)) if len(null) else np.nan,
        refused=1 - len(drawn) / every,
        replications=replications,
    )


def _edits(seed: int) -> dict[str, tuple[float, float, float]]:
    """Estimate and interval by predictor, on one made-up Hub whose edits are known, not judged."""
    panel = panel_of(make_plan(models=1500, weeks=12, seed=seed, end=LAST_SNAPSHOT))
    counted = [outcome for outcome in OUTCOMES if outcome.is_count]
    found = edit_effects(panel, Stamp(LAST_SNAPSHOT, "truth", "truth"), seed=seed, outcomes=counted)
    return {
        f"{row.outcome} {row.predictor}": (
            row.estimate or np.nan,
            row.ci_low or np.nan,
            row.ci_high or np.nan,
        )
        for row in found
        if row.question == "edit_effect" and row.estimator == Estimator.POISSON_STACKED
    }


def panel_of(plan: Plan) -> pl.DataFrame:
    """The rows of `sql/out/edit_panel.sql`, of a made-up Hub with its edits as they were planted."""
    return pl.concat([_week_of(plan, week) for week in range(plan.weeks)]).sort("model_id", "snapshot")


def _week_of(plan: Plan, week: int) -> pl.DataFrame:
    fate, edited = plan.fate, [edit.kind if edit and edit.week == week else "" for edit in plan.edits]
    rows = pl.DataFrame(
        {
            "model_id": [model.model_id for model in plan.roster],
            "author": [model.author.name for model in plan.roster],
            "age_days": 7 * fate.age_weeks[:, week],
            "downloads": fate.downloads.window[:, week],
            "downloads_all_time": fate.downloads.total[:, week],
            "likes": fate.likes.total[:, week],
            "is_edited": [kind in ("documentation", "placebo") for kind in edited],
            "is_documented": [kind == "documentation" for kind in edited],
        }
    )
    return rows.filter(pl.col("age_days") > 0).with_columns(snapshot=pl.lit(plan.snapshot(week)))


@dataclass(frozen=True, slots=True)
class Edited:
    """How the event study did on one outcome and kind of edit, over the corpora that gave an interval."""

    what: str
    truth: float
    mean: float
    coverage: float
    detected: float  # share with an interval that excludes 0
    estimated: int


def _pool(processes: int) -> ProcessPoolExecutor:
    """Processes of their own: one forked from a process that has used polars waits for ever."""
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))


def _edited(corpora: int, processes: int) -> list[Edited]:
    with _pool(processes) as pool:
        drawn = list(pool.map(_edits, range(corpora)))
    planted = {
        "likes_gained": popularity.EDIT_EFFECT_LIKES,
        "downloads_gained": popularity.EDIT_EFFECT_DOWNLOADS,
    }
    found = []
    for what in drawn[0]:
        outcome, predictor = what.split()
        truth = planted[outcome] if predictor == "documentation_edit" else 0.0
        every = np.array([one[what] for one in drawn])
        value, low, high = every[~np.isnan(every).any(axis=1)].T
        held = float(np.mean((low <= truth) & (truth <= high)))
        detected = float(np.mean((low > 0) | (high < 0)))
        found.append(Edited(what, truth, float(np.mean(value)), held, detected, len(value)))
    return found


def _tables(held: list[Coverage], edited: list[Edited]) -> str:
    worlds = list(dict.fromkeys(one.world for one in held))
    by = {(one.estimator, one.world): one for one in held}
    lines = [
        f"| estimator | {' | '.join(worlds)} |",
        "|---" * (len(worlds) + 1) + "|",
        *(
            f"| {name} | {' | '.join(_cell(by.get((name, world))) for world in worlds)} |"
            for name in dict.fromkeys(one.estimator for one in held)
        ),
        "",
        "| event study | planted | mean | coverage of the 95 % interval | interval without 0 | with an interval |",
        "|---|---|---|---|---|---|",
        *(
            f"| {one.what.replace('_', ' ')} | {one.truth:.2f} | {one.mean:.3f} | {one.coverage:.1%} | "
            f"{one.detected:.1%} | {one.estimated} |"
            for one in edited
        ),
    ]
    return "\n".join(lines)


def _cell(one: Coverage | None) -> str:
    """`95.1, 4.9`: coverage and false positives in percent; in bold where they do not hold, and what was refused."""
    if one is None:
        return ""
    if one.refused > 0.9:
        return "refused"
    text = f"{100 * one.coverage:.1f}, {100 * one.false_positives:.1f}"
    text = text if one.holds else f"**{text}**"
    return text + (f" ({one.refused:.0%} refused)" if one.refused > 0.005 else "")


def _author_sizes(corpus: Path) -> World:
    """The world of a corpus: as many models with a card for each author as there."""
    cards = pl.scan_parquet(corpus).filter(pl.col("card_text").str.len_bytes() > 0)
    author = pl.when(pl.col("model_id").str.contains("/")).then(
        pl.col("model_id").str.split("/").list.first()
    )
    owner = author.otherwise(pl.col("model_id")).alias("author")
    sizes = cards.select(owner).collect()["author"].value_counts()["count"].sort()
    return World("author sizes of the corpus", len(sizes), sizes=tuple(sizes.to_list()))


def _plan(truths: dict[str, float]) -> Sequence[tuple[str, World, float]]:
    """What is drawn: every estimator in every world; those of a judge where there are authors enough to label."""
    return [
        (name, world, truth)
        for name, truth in truths.items()
        for world in ((LABELLED_WORLD,) if name in JUDGED else WORLDS)
    ]


def main() -> None:
    """Draw, estimate, print; with `--write` between the marks of a page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--replications", type=int, default=400)
    parser.add_argument("--corpora", type=int, default=100)
    parser.add_argument("--sizes", type=Path, help="a corpus whose author sizes make another world")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    began = time.monotonic()
    with _pool(options.processes) as pool:
        truths = dict(zip(METHODS, pool.map(_truth, METHODS), strict=True))
        held = list(pool.map(partial(_covered, replications=options.replications), _plan(truths)))
        if options.sizes:  # a draw is as large as the corpus
            large = _author_sizes(options.sizes)
            asked = [(name, large, truth) for name, truth in truths.items() if name not in JUDGED]
            held += pool.map(partial(_covered, replications=options.replications), asked)
    edited = _edited(options.corpora, options.processes)
    text = _tables(held, edited)
    print(text)
    print(f"{time.monotonic() - began:.0f} s")
    if options.json:
        figures = {
            "estimators": [asdict(one) for one in held],
            "event_study": [asdict(one) for one in edited],
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    if options.write:
        before, mark, rest = options.write.read_text(encoding="utf-8").partition(_BEGIN)
        after = rest.partition(_END)[2]
        draws = f"{options.replications:,} draws of each world and {options.corpora} corpora"
        note = f"{draws}, {time.monotonic() - began:,.0f} s, {datetime.now(UTC):%-d %B %Y}."
        options.write.write_text(f"{before}{mark}\n{text}\n\n{note}\n{_END}{after}", encoding="utf-8")


_BEGIN, _END = "<!-- figures -->", "<!-- end of figures -->"

if __name__ == "__main__":
    main()
