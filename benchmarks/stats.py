"""The coverage of the intervals: planted truths, drawn many times, estimated each time.

    python benchmarks/stats.py [--replications 1000] [--corpora 200] [--write docs/statistics.md] [--json FILE]

Authors with one to many models, each with a taste and a fame of their own; scores between 1 and 5; counts that are
Poisson around a gamma rate, three quarters of them zero. For each estimator: in how many draws its 95 % interval
contains the true value (planted, or that of 40,000 authors), and how often p < 0.05 where nothing was planted. Then the
event study, on made-up Hubs with a planted effect of documentation edits and none of cosmetic ones. Prints a table.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
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
AUTHORS = 150
AUTHORS_OF_TRUTH = 40_000
AUTHORS_LABELLED, LABELS = 400, 150
Method = Callable[["Draw"], Estimate]


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


def draw(rng: np.random.Generator, slope: float, *, confounded: bool, authors: int = AUTHORS) -> Draw:
    """Older models are more popular; where that confounds, they are better documented too."""
    of = np.repeat(np.arange(authors), rng.geometric(0.2, size=authors))
    n = len(of)
    age = rng.gamma(2.0, 200.0, size=n)
    taste, fame = rng.normal(size=(2, authors))
    confounds = 0.2 if confounded else 0.0
    score = np.clip(3 + 0.6 * taste[of] + confounds * (np.log1p(age) - 5.7) + 0.7 * rng.normal(size=n), 1, 5)
    mean = slope * (score - 3) + 0.3 * (np.log1p(age) - 5.7) + 0.7 * fame[of]
    count = rng.poisson(np.exp(mean - 1.9) * rng.gamma(1.0, 1.0, size=n)).astype(np.float64)
    level = 4 + mean + 0.7 * rng.normal(size=n)
    # A judge that compresses, errs, and thinks better of the famous.
    judge = np.clip(3 + 0.6 * (score - 3) + 0.15 * fame[of] + 0.5 * rng.normal(size=n), 1, 5)
    return Draw(score, level, count, age, of, judge)


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
    "Kendall",
    "Cliff's delta",
    "Theil-Sen",
}  # these hold no age equal
PLANTED = {"Huber": SLOPE, "Tukey": SLOPE, "median": SLOPE, "Theil-Sen": SLOPE, "Poisson": SLOPE}


@dataclass(frozen=True, slots=True)
class Coverage:
    """Results of an estimator: shares in 0-1 of its replications, the true value and the mean estimate."""

    estimator: str
    truth: float
    mean: float
    coverage: float
    false_positives: float
    replications: int


def _replicate(name: str, slope: float, seeds: range) -> list[tuple[float, float, float, float]]:
    found = []
    authors = AUTHORS_LABELLED if name in JUDGED else AUTHORS
    for seed in seeds:
        rng = np.random.default_rng([20, seed])
        estimate = METHODS[name](draw(rng, slope, confounded=name not in ALONE, authors=authors))
        numbers = (estimate.value, estimate.low, estimate.high, estimate.p)
        found.append(tuple(np.nan if number is None else number for number in numbers))
    return found  # type: ignore[return-value]


def _truth(name: str) -> float:
    name = JUDGED.get(name, name)
    if name in PLANTED:
        return PLANTED[name]
    many = draw(np.random.default_rng(1), SLOPE, confounded=name not in ALONE, authors=AUTHORS_OF_TRUTH)
    value = METHODS[name](many).value
    return np.nan if value is None else value


@on_one_thread
def _covered(name: str, replications: int) -> Coverage:
    truth = _truth(name)
    drawn = np.array(_replicate(name, SLOPE, range(replications)))
    null = np.array(_replicate(name, 0.0, range(replications, 2 * replications)))
    return Coverage(
        estimator=name,
        truth=truth,
        mean=float(np.nanmean(drawn[:, 0])),
        coverage=float(np.mean((drawn[:, 1] <= truth) & (truth <= drawn[:, 2]))),
        false_positives=float(np.mean(null[:, 3] < 0.05)),
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


def _edited(corpora: int, processes: int) -> list[Edited]:
    with ProcessPoolExecutor(processes) as pool:
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
    lines = [
        "| estimator | true value | mean estimate | coverage of the 95 % interval | p < 0.05 where nothing is |",
        "|---|---|---|---|---|",
        *(
            f"| {one.estimator} | {one.truth:.3f} | {one.mean:.3f} | {one.coverage:.1%} | {one.false_positives:.1%} |"
            for one in held
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


def main() -> None:
    """Draw, estimate, print; with `--write` between the marks of a page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--replications", type=int, default=1000)
    parser.add_argument("--corpora", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    began = time.monotonic()
    with ProcessPoolExecutor(options.processes) as pool:
        held = list(pool.map(partial(_covered, replications=options.replications), METHODS))
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
        note = f"{options.replications:,} replications and {options.corpora} corpora, {datetime.now(UTC):%-d %B %Y}."
        options.write.write_text(f"{before}{mark}\n{text}\n\n{note}\n{_END}{after}", encoding="utf-8")


_BEGIN, _END = "<!-- figures -->", "<!-- end of figures -->"

if __name__ == "__main__":
    main()
