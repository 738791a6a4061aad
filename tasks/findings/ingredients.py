"""What in a card goes with popularity: each check and level, and what stands around the card."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl

from tasks.arrays import Floats
from tasks.estimators import Estimator
from tasks.findings import rank
from tasks.findings.controls import control_columns
from tasks.findings.many_ranks import many_partial_spearmans
from tasks.findings.questions import adjust
from tasks.findings.sample import (
    AUTHORS_FOR_INTERVAL,
    MODELS_TO_TRUST,
    Codes,
    Estimate,
    Sample,
    Stamp,
    clean,
)
from tasks.findings.study import AUTHOR, CLUSTER, HUB, SUBJECT, Study
from tasks.findings.threads import on_one_thread
from tasks.records import Finding

QUESTION = "ingredient"
# Their columns in sql/out/ingredients.sql, by the name of the predictor.
AROUND = {
    "tags": "tags",
    "metadata": "metadata_share",
    "space": "has_space",
    "notebook": "has_notebook",
    "conversions:gguf": "gguf_conversions",
    "conversions:quantised": "quantised_conversions",
    "conversions:onnx": "onnx_conversions",
    "conversions:own": "own_conversions",
}
# Made of other ingredients: levels of checks, completeness of the fields that checks ask for one by one. Holding the
# parts equal leaves nothing of the whole, so they are no part of the joint estimate.
_COMBINATIONS = ("criterion:", "metadata")


@on_one_thread
def ingredients(frame: pl.DataFrame, parts: pl.DataFrame, stamp: Stamp, study: Study = HUB) -> list[Finding]:
    """How each ingredient of the scored cards goes with each outcome: alone, with controls, and jointly.

    `frame` has the rows of `sql/out/analysis_frame.sql`, `parts` those of `sql/out/ingredients.sql`. Predictors are
    `check:<id>`, `criterion:<id>` and the names of `AROUND`. p-values are adjusted for the number of ingredients,
    within outcome and estimator; those of libraries and formats within dimension and outcome.
    """
    table = wide(parts)
    models = clean(frame, study).join(
        table, left_on=SUBJECT, right_on="model_id", how="inner", maintain_order="left"
    )
    names = [name for name in table.columns if name != "model_id"]
    found: list[Finding] = []
    for outcome in study.outcomes:
        known = models.drop_nulls(outcome)
        if known.is_empty():
            continue
        for rows in _overall(Sample("all", outcome, known, ""), names, study, stamp):
            found += adjust(rows)
        for dimension, column in study.strata.items():
            found += adjust(
                [
                    row
                    for level, part in _levels(known, column)
                    for row in _controlled(
                        Sample(f"{dimension}={level}", outcome, part, ""), names, study, stamp
                    )
                ]
            )
    return found


def wide(parts: pl.DataFrame) -> pl.DataFrame:
    """One column of numbers per ingredient and `model_id`; of the checks, those that any card passes."""
    checks = parts["passed"].explode().drop_nulls().unique().sort()
    passes = [
        pl.col("passed").list.contains(check).cast(pl.Float64).alias(f"check:{check}") for check in checks
    ]
    around = [pl.col(column).cast(pl.Float64).alias(name) for name, column in AROUND.items()]
    levels = (
        parts.select("model_id", "criteria", "levels")
        .explode("criteria", "levels")
        .drop_nulls()
        .pivot(on="criteria", index="model_id", values="levels", sort_columns=True)
        .rename(lambda name: name if name == "model_id" else f"criterion:{name}")
    )
    return parts.select("model_id", *passes, *around).join(
        levels, on="model_id", how="left", maintain_order="left"
    )


def _levels(known: pl.DataFrame, column: str) -> Iterator[tuple[str, pl.DataFrame]]:
    """The levels with at least 30 models, by name."""
    parts = known.partition_by(column, as_dict=True, maintain_order=True)
    for (level,), rows in sorted(parts.items(), key=str):
        if rows.height >= MODELS_TO_TRUST:
            yield str(level), rows


def _overall(sample: Sample, names: list[str], study: Study, stamp: Stamp) -> Iterator[list[Finding]]:
    """The findings of each estimator."""
    refused = _refused(sample, names)
    kept = [name for name in names if name not in refused]
    y, clusters = sample.y, sample.clusters
    given_controls, given_all = _partials(sample, kept, study, jointly=True)
    estimates = {
        Estimator.SPEARMAN: _alone(sample, kept),
        Estimator.SPEARMAN_PER_AUTHOR: {
            name: rank.spearman_per_author(_column(sample, name), y, clusters) for name in kept
        },
        Estimator.SPEARMAN_GIVEN_CONTROLS: given_controls,
        Estimator.SPEARMAN_GIVEN_ALL: given_all,
    }
    row = partial(_finding, _blank(sample, stamp), _authors(sample))
    for estimator, found in estimates.items():
        asked = names if estimator != Estimator.SPEARMAN_GIVEN_ALL else filter(is_joint, names)
        yield [row(name, estimator, refused.get(name) or found[name]) for name in asked]


def _controlled(sample: Sample, names: list[str], study: Study, stamp: Stamp) -> list[Finding]:
    """The controlled findings of one level: of the ingredients in which enough of its models differ."""
    refused = _refused(sample, names)
    estimates, _ = _partials(sample, [name for name in names if name not in refused], study, jointly=False)
    row = partial(_finding, _blank(sample, stamp), _authors(sample))
    return [row(name, Estimator.SPEARMAN_GIVEN_CONTROLS, one) for name, one in estimates.items()]


def is_joint(name: str) -> bool:
    """Whether an ingredient is held equal together with the others: it is no combination of them."""
    return not name.startswith(_COMBINATIONS)


def _refused(sample: Sample, names: list[str]) -> dict[str, Estimate]:
    """The ingredients that cannot be estimated here, with the reason as a flag."""
    clusters, is_constant = sample.clusters, sample.rows[sample.outcome].n_unique() < 2
    found: dict[str, Estimate] = {}
    for name in names:
        if sample.rows[name].null_count():
            found[name] = Estimate(flags=("partly_judged",))
        elif is_constant:
            found[name] = Estimate(flags=("constant",))
        elif _is_rare(_column(sample, name), clusters):
            found[name] = Estimate(flags=("rare",))
    return found


def _is_rare(values: Floats, clusters: Codes) -> bool:
    """Whether fewer than 30 models, or 10 authors, differ from what is most common."""
    levels, counts = np.unique(values, return_counts=True)
    differs = values != levels[np.argmax(counts)]
    return int(differs.sum()) < MODELS_TO_TRUST or len(np.unique(clusters[differs])) < AUTHORS_FOR_INTERVAL


def _column(sample: Sample, name: str) -> Floats:
    return sample.rows[name].to_numpy()


def _columns(sample: Sample, names: list[str]) -> Floats:
    return np.column_stack([_column(sample, name) for name in names])


def _alone(sample: Sample, names: list[str]) -> dict[str, Estimate]:
    """Spearman's correlations: with nothing held equal they are partial ones too."""
    if not names:
        return {}
    columns, nothing = _columns(sample, names), np.empty((sample.rows.height, 0))
    joint = np.zeros(len(names), np.bool_)
    found, _ = many_partial_spearmans(columns, sample.y, nothing, nothing, sample.clusters, joint)
    return dict(zip(names, found, strict=True))


def _partials(
    sample: Sample, names: list[str], study: Study, *, jointly: bool
) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
    """The partial correlations of the ingredients: given the controls, and given all joint ingredients too."""
    if not names:
        return {}, {}
    given, fixed, flags = control_columns(sample.rows, study, sample.outcome)
    columns = _columns(sample, names)
    joint = np.array([jointly and is_joint(name) for name in names])
    both = many_partial_spearmans(columns, sample.y, given, fixed, sample.clusters, joint)
    alone, together = (
        {name: one.flagged(*flags) for name, one in zip(names, estimates, strict=True)} for estimates in both
    )
    return alone, together


def _blank(sample: Sample, stamp: Stamp) -> Finding:
    """What all findings of a sample share: they have one outcome and the same models."""
    return stamp.finding(QUESTION, "", replace(sample, predictor=sample.outcome), Estimate())


def _authors(sample: Sample) -> list[str]:
    """The names of the authors, in the order of their codes."""
    names: list[str] = sample.rows.unique(CLUSTER).sort(CLUSTER)[AUTHOR].to_list()
    return names


def _finding(
    blank: Finding, authors: list[str], name: str, estimator: Estimator, estimate: Estimate
) -> Finding:
    most = estimate.most_influential
    return replace(
        blank,
        predictor=name,
        estimator=str(estimator),
        estimate=estimate.value,
        ci_low=estimate.low,
        ci_high=estimate.high,
        p=estimate.p,
        flags=sorted({*blank.flags, *estimate.flags}),
        effective_authors=estimate.effective_authors,
        influential_author=None if most is None else authors[most],
        estimate_without=estimate.value_without,
    )
