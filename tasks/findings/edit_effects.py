"""What follows an edit of a card, compared with models whose card is not edited yet: an event study.

Edits are staggered, and a regression with two-way fixed effects would use already edited models as controls
(Goodman-Bacon 2021). So each week's edited models are stacked with models that stay unedited through the window around
that week (Cengiz, Dube, Lindner & Zipperer 2019, "The effect of minimum wages on low-wage jobs"; Baker, Larcker & Wang
2022), and local projections with clean controls give a second opinion (Dube, Girardi, Jordà & Taylor 2023). The
estimators are pyfixest's; this module decides who is compared with whom.

The card of week 0 is the first to differ, so the gains up to that snapshot are partly from before the edit: week 0 is
drawn and in no average. Weeks 1 to 4 are after it, weeks -4 to -2 test for trends before it, week -1 is the base.

Young models lose popularity as they age, so only settled ones are compared. A few models have most of the downloads,
and their weeks vary in proportion rather than as counts do: each count is divided by 1 + m / 5, with m the model's
weekly count before the window, so that beyond five per week its weight hardly grows. The estimated ratio stays the
same, because a constant factor per model is absorbed by its fixed effect.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from tasks.arrays import Floats
from tasks.estimators import Estimator
from tasks.findings.regression import Fit, over_clusters
from tasks.findings.sample import (
    AUTHORS_FOR_INTERVAL,
    AUTHORS_TO_TRUST,
    Codes,
    Estimate,
    Sample,
    Stamp,
    t_estimate,
)
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
_STACKS = 10_000  # more than there are weeks
POWER = 0.8
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
        return pl.col(self.column) / (1 + pl.col(self.before) / EVEN_FROM)


OUTCOMES = (
    EditOutcome("likes_gained", before="likes_before"),
    EditOutcome("likes_gained"),
    EditOutcome("downloads_gained", before="downloads_before"),
    EditOutcome("downloads"),
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
        for outcome in outcomes:
            found += _of_outcome(stacked, predictor, outcome, stamp)
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


def _of_outcome(stacked: pl.DataFrame, predictor: str, outcome: EditOutcome, stamp: Stamp) -> list[Finding]:
    known = stacked.with_columns(outcome.followed.cast(pl.Float64).alias("y")).drop_nulls("y")
    treated = known.filter("is_treated")
    sample = Sample("all", outcome.column, treated.rename({"is_edited": predictor}), predictor)
    name = Estimator.POISSON_STACKED if outcome.is_count else Estimator.OLS_STACKED
    flags = _flags(treated)

    def row(question: str, estimator: str, estimate: Estimate, stratum: str = "all") -> Finding:
        part = replace(sample, stratum=stratum)
        found = stamp.finding(question, estimator, part, estimate, outcome=outcome.name)
        return replace(found, n=treated["model_id"].n_unique(), flags=sorted({*estimate.flags, *flags}))

    if treated["model_id"].n_unique() < EDITED_TO_ESTIMATE:
        return [row("edit_effect", name, Estimate(flags=("few_edits",)))]
    average = _stacked(known, outcome, {"after": (pl.col("event") >= 1)}, drop_week_0=True)["after"]
    curve_of = {f"{week:+d}": pl.col("event") == week for week in range(-BEFORE, AFTER + 1) if week != -1}
    curve = _stacked(known, outcome, curve_of, drop_week_0=False)
    found = [row("edit_effect", name, average.estimate)]
    if not outcome.is_count:
        found.append(row("edit_effect", Estimator.LPDID, _local_projection(known)))
    found += [row("edit_curve", name, one.estimate, f"week={week}") for week, one in curve.items()]
    found.append(row("edit_pretrend", Estimator.WALD, _pretrend(curve)))
    found.append(row("edit_power", Estimator.MINIMUM_DETECTABLE, Estimate(_detectable(average))))
    return found


def _flags(treated: pl.DataFrame) -> set[str]:
    found = {
        "few_clusters": treated[CLUSTER].n_unique() < AUTHORS_TO_TRUST,
        "has_decreases": bool(treated["is_decrease"].any()),
        "is_rebuilt": bool(treated["is_rebuilt"].any()),
    }
    return {name for name, holds in found.items() if holds}


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One coefficient, its standard error over authors, their number, and the covariances with all terms."""

    estimate: Estimate
    error: float | None = None
    groups: int = 0
    covariances: Floats | None = None


def _stacked(
    rows: pl.DataFrame, outcome: EditOutcome, terms: dict[str, pl.Expr], *, drop_week_0: bool
) -> dict[str, Coefficient]:
    """The coefficient of each term for edited models: a log ratio, or a difference of log1p.

    y = exp(unit + stack x week + b [term, edited]), or the same in logs by least squares; unit is the model within its
    stack. Assumes that without the edit both would have moved alike, in proportion (Poisson) or in log1p (least
    squares). Poisson pseudo-maximum-likelihood drops units that never gain anything, which say nothing about a
    proportion (Correia, Guimarães & Zylkin 2020).
    """
    if drop_week_0:
        rows = rows.filter(pl.col("event") != 0)
    columns = {f"t{place}": term for place, term in enumerate(terms.values())}
    table = rows.select(
        "y",
        (pl.col("model") * _STACKS + pl.col("stack")).alias("unit"),
        (pl.col("week") * _STACKS + pl.col("stack")).alias("time"),
        pl.col(CLUSTER).alias("author"),
        "is_treated",
        *((term & pl.col("is_treated")).cast(pl.Float64).alias(name) for name, term in columns.items()),
    )
    found = _fit(table, list(columns), ("unit", "time"), is_count=outcome.is_count)
    return dict(zip(terms, found.values(), strict=True))


def _local_projection(rows: pl.DataFrame) -> Estimate:
    """The average over weeks 1 to 4 less week -1 of edited models, less the same of clean controls of that stack."""
    after = pl.col("y").filter(pl.col("event") >= 1).mean()
    table = rows.group_by("model", "stack", maintain_order=True).agg(
        (after - pl.col("y").filter(pl.col("event") == -1).first()).alias("y"),
        pl.first(CLUSTER).alias("author"),
        pl.first("is_treated"),
    )
    table = table.with_columns(pl.col("is_treated").cast(pl.Float64).alias("edited")).drop_nulls()
    return _fit(table, ["edited"], ("stack",), is_count=False)["edited"].estimate


def _fit(
    table: pl.DataFrame, terms: list[str], fixed: tuple[str, ...], *, is_count: bool
) -> dict[str, Coefficient]:
    """The coefficient of each term, a column of `table`, with fixed effects of other columns, over authors."""
    import pyfixest  # takes seconds, and most runs have no panel

    table = _informative(table, fixed, is_count=is_count)
    if table["is_treated"].n_unique() < 2:  # on an empty table pyfixest does not raise but ends the process
        return _refused(terms, "few_edits")
    if table["y"].n_unique() < 2:
        return _refused(terms, "constant")
    fit_of: Any = pyfixest.fepois if is_count else pyfixest.feols
    formula = f"y ~ {' + '.join(terms)} | {' + '.join(fixed)}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # collinear terms are missing from the result
        try:
            fit = fit_of(formula, table.to_pandas(), vcov="iid")
        except (ValueError, RuntimeError, np.linalg.LinAlgError, ZeroDivisionError):
            return _refused(terms, "not_converged")
    names = list(fit.coef().index)
    values, variance = fit.coef().to_numpy(), _variance(fit)
    if variance is None:
        return _refused(terms, "not_converged")
    groups = int(fit._data.groupby("is_treated")["author"].nunique().min())
    found = _refused(terms, "collinear")
    covariances = np.full((len(names), len(terms)), np.nan)
    covariances[:, [terms.index(name) for name in names]] = variance
    for at, name in enumerate(names):
        error = float(np.sqrt(variance[at, at]))
        found[name] = _coefficient(float(values[at]), error, groups, covariances[at])
    return found


def _refused(terms: list[str], flag: str) -> dict[str, Coefficient]:
    return {name: Coefficient(Estimate(flags=(flag,))) for name in terms}


def _informative(table: pl.DataFrame, fixed: tuple[str, ...], *, is_count: bool) -> pl.DataFrame:
    """Without units and weeks that are uninformative: alone in their group, or with a count of 0 throughout."""
    while True:
        informative = [pl.len().over(group) > 1 for group in fixed]
        if is_count:
            informative += [pl.col("y").max().over(group) > 0 for group in fixed]
        kept = table.filter(*informative)
        if kept.height == table.height:
            return kept
        table = kept


def _variance(fit: Any) -> Floats | None:
    """The variance over authors of a fit by pyfixest, with the fixed effects swept out (k x k).

    Its own sandwich is too short where few edited models weigh much, and its jackknife refits once per author.
    """
    authors: Codes = np.unique(fit._data["author"], return_inverse=True)[1]
    residuals = np.asarray(fit._u_hat).ravel()
    swept = Fit(fit.coef().to_numpy(), slope=residuals, curvature=np.ones(len(residuals)))
    return over_clusters(np.asarray(fit._X), swept, authors)


def _coefficient(value: float, error: float, groups: int, covariances: Floats) -> Coefficient:
    """With its t interval on G - 1 degrees of freedom; G is the smaller of the two groups' numbers of authors."""
    if groups < AUTHORS_FOR_INTERVAL or not error > 0:
        return Coefficient(Estimate(value, flags=("few_clusters",)))
    return Coefficient(t_estimate(value, error, groups - 1), error, groups, covariances)


def _pretrend(curve: dict[str, Coefficient]) -> Estimate:
    """The joint test that the weeks before the edit do not differ from week -1: Wald's F on G - 1 degrees of freedom.

    A test that finds nothing is weak evidence of parallel trends where the study is small (Roth 2022, "Pretest with
    caution"); it is reported next to the minimum detectable effect.
    """
    before = {at: one for at, (week, one) in enumerate(curve.items()) if int(week) < -1 and one.groups}
    if not before:
        return Estimate(flags=("constant",))
    b = np.array([one.estimate.value for one in before.values()], dtype=np.float64)
    v = np.array([one.covariances for one in before.values()], dtype=np.float64)[:, list(before)]
    try:
        f = float(b @ np.linalg.solve(v, b)) / len(b)
    except np.linalg.LinAlgError:
        return Estimate(flags=("collinear",))
    groups = min(one.groups for one in before.values())
    return Estimate(f, p=float(stats.f.sf(f, len(b), groups - 1)))


def _detectable(average: Coefficient) -> float | None:
    """(z(0.975) + z(0.8)) standard errors: what a two-sided test at 5 % finds with power 0.8 (Bloom 1995)."""
    if average.error is None:
        return None
    return float(stats.norm.ppf(0.975) + stats.norm.ppf(POWER)) * average.error
