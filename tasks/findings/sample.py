"""What all methods share: cleaned rows, the sample of a stratum, an estimate, and the finding it becomes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from math import isfinite
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from tasks.arrays import Floats
from tasks.findings.study import AUTHOR, CLUSTER, SUBJECT, Labels, Study
from tasks.records import Finding

Codes: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

MODELS_TO_ESTIMATE = 10  # below it no estimate is given at all
MODELS_TO_TRUST = 30
AUTHORS_FOR_INTERVAL = 10  # below it an interval over authors means nothing
EFFECTIVE_AUTHORS = 3.0  # the same, of authors who count equally
AUTHORS_TO_TRUST = 30  # Cameron & Miller (2015): "few" clusters starts somewhere from 20 to 50
DOMINANT_SHARE = 0.10


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval and two-sided p, or the flags that say why there is none.

    `effective_authors`: how many authors of equal weight the interval rests on. `most_influential`: the code of the
    author without whom the number moves furthest, and `value_without` what it is then, where that is known.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    flags: tuple[str, ...] = ()
    effective_authors: float | None = None
    most_influential: int | None = None
    most_moving: int | None = None  # the code of whoever moves it furthest in either direction
    value_without: float | None = None

    def between(self, low: float, high: float, p: float) -> Estimate:
        """The same with an interval and a p."""
        return replace(self, low=low, high=high, p=p)

    def flagged(self, *flags: str) -> Estimate:
        """The same with more flags."""
        return replace(self, flags=(*self.flags, *flags))

    def by_t(self, error: float, degrees: float) -> Estimate:
        """The same with the interval and the p of Student's t, from its standard error."""
        value = self.value or 0.0
        reach = float(stats.t.ppf(0.975, degrees)) * error
        return self.between(value - reach, value + reach, float(2 * stats.t.sf(abs(value) / error, degrees)))


def t_estimate(value: float, error: float, degrees: float, flags: tuple[str, ...] = ()) -> Estimate:
    """An estimate with the interval and the p of Student's t, from its standard error."""
    return Estimate(value, flags=flags).by_t(error, degrees)


@dataclass(frozen=True, slots=True)
class Sample:
    """The models of one stratum that have both a predictor and an outcome, in canonical order."""

    stratum: str
    outcome: str
    rows: pl.DataFrame
    predictor: str

    @property
    def x(self) -> Floats:
        return self.rows[self.predictor].cast(pl.Float64).to_numpy()

    @property
    def y(self) -> Floats:
        """The outcome as counted: downloads or likes, not their logarithm."""
        return self.rows[self.outcome].cast(pl.Float64).to_numpy()

    @property
    def clusters(self) -> Codes:
        """0 to G-1, one code per author."""
        return dense_codes(self.rows[CLUSTER])

    def without(self, author: int) -> tuple[str, Sample]:
        """The name of the author of that code, and the sample without its models."""
        codes = self.clusters
        name: str = self.rows.filter(pl.Series(codes == author))[AUTHOR][0]
        return name, replace(self, rows=self.rows.filter(pl.Series(codes != author)))

    @property
    def zero_share(self) -> float | None:
        return float(np.mean(self.y == 0)) if self.rows.height else None

    @property
    def tie_share(self) -> float | None:
        """The share of the pairs of models whose outcome is the same; null for fewer than two models."""
        n = self.rows.height
        if n < 2:
            return None
        alike = self.rows[self.outcome].value_counts()["count"].cast(pl.Float64)
        return float((alike * (alike - 1)).sum()) / (n * (n - 1))


@dataclass(frozen=True, slots=True)
class Stamp:
    """The part of the key that all findings of one call share."""

    snapshot: date
    judge: str
    fingerprint: str

    def finding(
        self, question: str, estimator: str, sample: Sample, estimate: Estimate, *, outcome: str | None = None
    ) -> Finding:
        """One row of `out_findings`. A number that is not finite becomes null, and a flag."""
        numbers = (estimate.value, estimate.low, estimate.high, estimate.p)
        flags = {*data_flags(sample), *estimate.flags}
        if any(number is not None and not isfinite(number) for number in numbers):
            flags.add("not_finite")
            numbers = (None, None, None, None)
        return Finding(
            self.snapshot,
            self.judge,
            self.fingerprint,
            question,
            outcome or sample.outcome,
            sample.predictor,
            sample.stratum,
            str(estimator),  # the warehouse takes plain strings
            n=sample.rows.height,
            n_clusters=sample.rows[CLUSTER].n_unique(),
            zero_share=sample.zero_share,
            tie_share=sample.tie_share,
            estimate=numbers[0],
            ci_low=numbers[1],
            ci_high=numbers[2],
            p=numbers[3],
            flags=sorted(flags),
            effective_authors=estimate.effective_authors,
        )


def clean(frame: pl.DataFrame, study: Study) -> pl.DataFrame:
    """The columns of the study, with numbers that are finite or null, and rows in an order that no query decides.

    A model without a known cluster is its own cluster. Counts below zero become null.
    """
    subject = (
        pl.col(study.subject).cast(pl.String) if study.subject else pl.int_range(pl.len()).cast(pl.String)
    )
    cluster = (
        pl.concat_str(pl.lit("="), pl.col(study.cluster).cast(pl.String)) if study.cluster else pl.lit(None)
    )
    kinds = dict.fromkeys((*study.kinds, *study.strata.values()))
    named = frame.select(
        subject.alias(SUBJECT),
        pl.coalesce(cluster, subject).alias(CLUSTER),
        (pl.coalesce(pl.col(study.cluster).cast(pl.String), subject) if study.cluster else subject).alias(
            AUTHOR
        ),
        _finite(study.score, minimum=-np.inf),
        *(_finite(column, minimum=0.0) for column in dict.fromkeys(study.numbers)),
        *(pl.col(column).cast(pl.String).fill_null("(none)") for column in kinds),
        *([pl.col(study.generated).cast(pl.Boolean).fill_null(value=False)] if study.generated else []),
        *([pl.col(study.status).cast(pl.String)] if study.status else []),
        *(_labels(study.labels) if study.labels else []),
    )
    by = [SUBJECT] if study.subject else []
    others = [name for name in named.columns if name not in (SUBJECT, CLUSTER, AUTHOR)]
    ordered = named.sort(*by, CLUSTER, *others, nulls_last=True)
    return ordered.with_columns(pl.col(CLUSTER).rank("dense").cast(pl.Int64) - 1)


def _labels(labels: Labels) -> list[pl.Expr]:
    """People's marks, and how the marked models were drawn; a mark that is not finite becomes null."""
    found = [_finite(labels.mark, minimum=-np.inf)]
    found += [pl.col(name).cast(pl.String) for name in (labels.text,) if name]
    found += [_finite(name, minimum=-np.inf) for name in (labels.level, labels.weight) if name]
    return found


def _finite(column: str, *, minimum: float) -> pl.Expr:
    number = pl.col(column).cast(pl.Float64)
    return pl.when(number.is_finite() & (number >= minimum)).then(number).alias(column)


def dense_codes(clusters: pl.Series) -> Codes:
    """0 to G-1, in the order of their names."""
    return clusters.rank("dense").cast(pl.Int64).to_numpy() - 1


def scored(models: pl.DataFrame, stratum: str, outcome: str, score: str) -> Sample:
    """The models of `models` that have a score and the outcome; the others are counted by `missing`."""
    return Sample(stratum, outcome, models.drop_nulls([score, outcome]), score)


def data_flags(sample: Sample) -> list[str]:
    """What a reader must know about the sample, whatever the method."""
    rows, n = sample.rows, sample.rows.height
    if n == 0:
        return ["few_models", "few_clusters"]
    largest = rows.group_by(CLUSTER).len()["len"]
    found = {
        "few_models": n < MODELS_TO_TRUST,
        "few_clusters": largest.len() < AUTHORS_TO_TRUST,
        "dominant_author": float(np.max(largest.to_numpy())) > max(1.0, DOMINANT_SHARE * n),
        "mostly_zero": (sample.zero_share or 0.0) > 0.5,
        "constant": rows[sample.predictor].n_unique() < 2 or rows[sample.outcome].n_unique() < 2,
    }
    return [name for name, holds in found.items() if holds]


def cannot_estimate(sample: Sample) -> bool:
    """Too few models, or a predictor or outcome that never varies; `data_flags` says which."""
    return sample.rows.height < MODELS_TO_ESTIMATE or "constant" in data_flags(sample)
