"""What follows an edit of a card, compared with models whose card is not edited yet: an event study.

Edits are staggered, and a regression with two-way fixed effects would use already edited models as controls
(Goodman-Bacon 2021). So each week's edited models are stacked with models that stay unedited through the window around
that week (Cengiz, Dube, Lindner & Zipperer 2019, "The effect of minimum wages on low-wage jobs"; Baker, Larcker & Wang
2022), and local projections with clean controls give a second opinion (Dube, Girardi, Jordà & Taylor 2023). This
module decides who is compared with whom; `reassignment` estimates, and finds p and interval by randomisation.

Each model's weeks are averaged before and after the edit, so no test depends on how its weeks vary around the averages
(Bertrand, Duflo & Mullainathan 2004, "How much should we trust differences-in-differences estimates?").

The card of week 0 is the first to differ, so the gains up to that snapshot are partly from before the edit: week 0 is
drawn and in no average. Weeks 1 to 4 are after it, weeks -4 to -2 test for trends before it, week -1 is the base.

Young models lose popularity as they age, so only settled ones are compared. A few models have most of the downloads,
and their weeks vary in proportion rather than as counts do: each count is divided by 1 + m / 5, with m the model's
weekly count before the window, so that beyond five per week its weight hardly grows. The estimated ratio stays the
same, because a constant factor per model is absorbed by its fixed effect. A burst of one model must not decide, so a
week counts at most as ten times the model's gain before, plus ten. Downloads of the last 30 days on a log scale are the
headline: a burst there is a few log points. Being sums, they show an edit late: one week after it, a quarter of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from tasks.arrays import Floats
from tasks.estimators import Estimator
from tasks.findings.reassignment import Assignment, Changes, Followed, Ratios, compare, compare_jointly
from tasks.findings.sample import AUTHORS_TO_TRUST, Estimate, Sample, Stamp, dense_codes
from tasks.findings.study import CLUSTER
from tasks.findings.threads import on_one_thread
from tasks.findings.weekly import WEEK_DAYS, WINDOW_DAYS, weekly
from tasks.records import Finding

BEFORE, AFTER = 4, 4  # weeks around an edit
WEEKS_TO_ESTIMATE = 6
EDITED_TO_ESTIMATE = 30
CONTROLS_PER_EDIT = 20
EDITED_PER_WEEK, CONTROLS_PER_WEEK = 1_000, 5_000  # at most, drawn: more would take hours and gain little
SETTLED_DAYS = 28
UNKNOWN_AGE_DAYS = 730.0
EVEN_FROM = 5.0  # per week
BURST = (
    10.0  # a week that gains more than this many times what the model gained before, plus one, counts as this
)
BASE = -1
BEFORE_WEEKS, AFTER_WEEKS = range(-BEFORE, 0), range(1, AFTER + 1)
KINDS = {"documented": "documentation_edit", "cosmetic": "cosmetic_edit"}


@dataclass(frozen=True, slots=True)
class EditOutcome:
    """An outcome followed from week to week.

    `before`: for a count, the column with a model's weekly count before the window; otherwise log1p is followed.
    """

    column: str
    before: str | None = None

    @property
    def is_count(self) -> bool:
        return self.before is not None

    @property
    def name(self) -> str:
        return self.column if self.is_count else f"log1p_{self.column}"

    @property
    def followed(self) -> pl.Expr:
        """The outcome in the rows of `stack`: log1p of a number, or a scaled count."""
        if self.before is None:
            return pl.col(self.column).log1p()
        without_burst = pl.min_horizontal(self.column, BURST * (1 + pl.col(self.before)))
        kept = pl.when(pl.col(self.column).is_not_null()).then(without_burst)
        return kept / (1 + pl.col(self.before) / EVEN_FROM)


# The headline first: log1p of the downloads of the last 30 days.
OUTCOMES = (
    EditOutcome("downloads"),
    EditOutcome("downloads_gained", before="downloads_before"),
    EditOutcome("likes_gained"),
    EditOutcome("likes_gained", before="likes_before"),
)


@on_one_thread
def edit_effects(
    panel: pl.DataFrame, stamp: Stamp, *, seed: int = 20, outcomes: Sequence[EditOutcome] = OUTCOMES
) -> list[Finding]:
    """Every finding on edits, from the rows of `sql/out/edit_panel.sql`; none from fewer than six weeks.

    Documentation edits, and as a placebo edits that change the card and document nothing more. For each outcome: the
    average of weeks 1 to 4, the same by local projections, each week's difference, the joint test of the weeks before,
    and the minimum detectable effect.
    """
    if panel["snapshot"].n_unique() < WEEKS_TO_ESTIMATE:
        return []
    weeks = with_edits(weekly(panel))
    found: list[Finding] = []
    for kind, predictor in KINDS.items():
        stacked = stack(weeks, kind, seed)
        units = _Units.of(stacked, seed)
        for outcome in outcomes:
            found += _of_outcome(stacked, units, predictor, outcome, stamp)
    return found


def with_edits(weeks: pl.DataFrame) -> pl.DataFrame:
    """`documented` and `cosmetic`: the week of the model's first edit of the kind; null for never.

    Cosmetic edits are those of models that are never documented better, so that no model is in both groups.
    """
    first = weeks.group_by("model_id").agg(
        pl.col("week").filter(pl.col("is_documented")).min().alias("documented"),
        pl.col("week").filter(pl.col("is_edited") & ~pl.col("is_documented")).min().alias("cosmetic"),
    )
    first = first.sort("model_id").with_columns(
        pl.when(pl.col("documented").is_null()).then(pl.col("cosmetic")).alias("cosmetic"),
        pl.int_range(pl.len()).alias("model"),
    )
    codes = (pl.col("author").rank("dense").cast(pl.Int64) - 1).alias(CLUSTER)
    return weeks.join(first, on="model_id").sort("model", "week").with_columns(codes)


def stack(weeks: pl.DataFrame, kind: str, seed: int) -> pl.DataFrame:
    """The models edited in each week with clean controls, weeks -4 to 4 around it: one row a model, stack and week.

    Controls have no edit of either kind until the window ends; of them at most 20 for each edited model, drawn. All are
    settled: listed since the window began, and, where it is known when they were made, four weeks old by then. `event`
    is the week since the edit, `is_treated` whether it is an edited model.
    """
    rng = np.random.default_rng(seed)
    edited_in = sorted(weeks[kind].drop_nulls().unique().to_list())
    return pl.concat([_window(weeks, kind, week, rng) for week in edited_in or [0]])


def _window(weeks: pl.DataFrame, kind: str, week: int, rng: np.random.Generator) -> pl.DataFrame:
    around = weeks.filter(pl.col("week").is_between(week - BEFORE, week + AFTER))
    start = settled(around)
    edited = _drawn(start.filter(pl.col(kind) == week)["model"], EDITED_PER_WEEK, rng)
    any_edit = pl.min_horizontal("documented", "cosmetic")
    clean = start.filter(any_edit.is_null() | (any_edit > week + AFTER))["model"]
    controls = _drawn(clean, min(CONTROLS_PER_EDIT * len(edited), CONTROLS_PER_WEEK), rng)
    is_treated = pl.col("model").is_in(edited.implode())
    rows = around.filter(is_treated | pl.col("model").is_in(controls.implode())).with_columns(
        (pl.col("week") - week).alias("event"),
        pl.lit(week, pl.Int64).alias("stack"),
        is_treated.alias("is_treated"),
    )
    return rows.join(_before(start), on="model", maintain_order="left")


def settled(weeks: pl.DataFrame) -> pl.DataFrame:
    """The rows of the first of `weeks`, without models that were created less than four weeks before."""
    young = (pl.col("age_days") < SETTLED_DAYS).fill_null(value=False)
    return weeks.filter(pl.col("week") == pl.col("week").min(), ~young)


def _drawn(models: pl.Series, most: int, rng: np.random.Generator) -> pl.Series:
    return models.gather(np.sort(rng.permutation(len(models))[:most]))


def _before(start: pl.DataFrame) -> pl.DataFrame:
    """Each model's weekly counts at `start`: downloads over the last 30 days, likes over its life."""
    weeks_lived = pl.col("age_days").fill_null(UNKNOWN_AGE_DAYS) / WEEK_DAYS
    return start.select(
        "model",
        (pl.col("likes") / weeks_lived).fill_null(0.0).alias("likes_before"),
        (pl.col("downloads") / (WINDOW_DAYS / WEEK_DAYS)).fill_null(0.0).alias("downloads_before"),
    )


@dataclass(frozen=True, slots=True)
class _Units:
    """Edited models and their controls, each in its stack: one row each, and how edits are reassigned among them."""

    rows: pl.DataFrame  # stack, model, author's code
    assignment: Assignment

    @classmethod
    def of(cls, stacked: pl.DataFrame, seed: int) -> _Units:
        rows = (
            stacked.select("stack", CLUSTER, "model", "is_treated").unique().sort("stack", CLUSTER, "model")
        )
        edited = rows["is_treated"].to_numpy()
        stacks, authors = dense_codes(rows["stack"]), dense_codes(rows[CLUSTER])
        return cls(rows.with_row_index("unit"), Assignment.drawn(edited, stacks, authors, seed=seed))

    def weeks(self, stacked: pl.DataFrame, outcome: EditOutcome) -> dict[int, Floats]:
        """The outcome of each unit (n) in the weeks since the edit; NaN where it is not known."""
        rows = stacked.select("stack", "model", "event", outcome.followed.cast(pl.Float64).alias("y"))
        rows = rows.drop_nulls("y").join(self.rows.select("stack", "model", "unit"), on=["stack", "model"])
        found = np.full((BEFORE + AFTER + 1, self.rows.height), np.nan)
        found[rows["event"].to_numpy() + BEFORE, rows["unit"].to_numpy()] = rows["y"].to_numpy()
        return dict(zip(range(-BEFORE, AFTER + 1), found, strict=True))


def _of_outcome(
    stacked: pl.DataFrame, units: _Units, predictor: str, outcome: EditOutcome, stamp: Stamp
) -> list[Finding]:
    known = stacked.drop_nulls(outcome.column)
    treated = known.filter("is_treated")
    sample = Sample("all", outcome.column, treated.rename({"is_edited": predictor}), predictor)
    name = Estimator.POISSON_STACKED if outcome.is_count else Estimator.OLS_STACKED
    flags = _flags(treated, outcome)

    def row(question: str, estimator: str, estimate: Estimate, stratum: str = "all") -> Finding:
        part = replace(sample, stratum=stratum)
        found = stamp.finding(question, estimator, part, estimate, outcome=outcome.name)
        return replace(found, n=treated["model_id"].n_unique(), flags=sorted({*estimate.flags, *flags}))

    if treated["model_id"].n_unique() < EDITED_TO_ESTIMATE:
        return [row("edit_effect", name, Estimate(flags=("few_edits",)))]
    weeks = units.weeks(known, outcome)
    average = compare(_between(weeks, BEFORE_WEEKS, AFTER_WEEKS, outcome), units.assignment)
    found = [row("edit_effect", name, average.estimate)]
    if not outcome.is_count:
        projected = compare(_between(weeks, [BASE], AFTER_WEEKS, outcome), units.assignment)
        found.append(row("edit_effect", Estimator.LPDID, projected.estimate))
    curve = {week: _between(weeks, [BASE], [week], outcome) for week in weeks if week != BASE}
    found += [
        row("edit_curve", name, compare(one, units.assignment).estimate, f"week={week:+d}")
        for week, one in curve.items()
    ]
    before = compare_jointly([one for week, one in curve.items() if week < BASE], units.assignment)
    found.append(row("edit_pretrend", Estimator.WALD, before))
    found.append(row("edit_power", Estimator.MINIMUM_DETECTABLE, Estimate(average.detectable)))
    return found


def _between(
    weeks: dict[int, Floats], before: Sequence[int], after: Sequence[int], outcome: EditOutcome
) -> Followed:
    """The outcome of some weeks and of others, each unit's mean over those that are known."""
    means = [_mean(np.array([weeks[week] for week in some])) for some in (before, after)]
    return Ratios(*means) if outcome.is_count else Changes(means[1] - means[0])


def _mean(weeks: Floats) -> Floats:
    """The mean over known weeks of each unit (weeks x n); NaN where none is."""
    known = np.isfinite(weeks).sum(axis=0)
    return np.where(known > 0, np.nansum(weeks, axis=0) / np.maximum(known, 1), np.nan)


def _flags(treated: pl.DataFrame, outcome: EditOutcome) -> set[str]:
    found = {
        "few_clusters": treated[CLUSTER].n_unique() < AUTHORS_TO_TRUST,
        "has_decreases": outcome.column != "downloads" and bool(treated["is_decrease"].any()),
        "is_rebuilt": outcome.column == "downloads_gained" and bool(treated["is_rebuilt"].any()),
    }
    return {name for name, holds in found.items() if holds}
