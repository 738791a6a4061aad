"""The design matrix: intercept, what else decides popularity, and the score last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from tasks.findings.sample import MODELS_TO_TRUST, Codes, Floats, Sample, dense_codes

LEVELS_KEPT = {"library_name": 8, "model_format": 8, "pipeline_tag": 10}
AGE_KNOWN_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Design:
    """x: n x k, full column rank, the score last; empty where the score is a combination of the rest."""

    x: Floats
    y: Floats
    authors: Codes
    rows: pl.DataFrame
    flags: tuple[str, ...] = ()


def design(sample: Sample, *, controlled: bool) -> Design:
    """The regression of the outcome on the score, with or without age, library, format and pipeline tag.

    Age enters as log1p(days) where at least nine models in ten have one (the others then drop out), else not at
    all, and flagged. The other controls are indicators of their more common levels.
    """
    rows = sample.rows
    flags: tuple[str, ...] = ()
    extra: list[Floats] = []
    if controlled:
        rows, extra, flags = _with_age(rows)
        extra += _indicators(rows, sample.outcome)
    columns = np.column_stack([np.ones(rows.height), *extra, rows[sample.predictor].to_numpy()])
    y = rows[sample.outcome].to_numpy()
    return Design(_independent(columns), y, dense_codes(rows["author"]), rows, flags)


def _with_age(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Floats], tuple[str, ...]]:
    known = rows.filter(pl.col("age_days").is_not_null())
    if known.height < AGE_KNOWN_SHARE * rows.height:
        return rows, [], ("age_unknown",)
    return known, [np.log1p(known["age_days"].to_numpy())], ()


def _indicators(rows: pl.DataFrame, outcome: str) -> list[Floats]:
    """One 0/1 column a level with at least 30 models and an outcome that varies; the most common is the base.

    A level without a single like would be fitted by a coefficient of minus infinity in a count model
    (Santos Silva & Tenreyro 2010, "On the existence of the maximum likelihood estimates in Poisson regression");
    it joins the base, as rare levels do.
    """
    found: list[Floats] = []
    for column, kept in LEVELS_KEPT.items():
        levels = (
            rows.group_by(column)
            .agg(pl.len().alias("n"), (pl.col(outcome).n_unique() > 1).alias("varies"))
            .filter(pl.col("n") >= MODELS_TO_TRUST, pl.col("varies"))
            .sort(pl.col("n"), pl.col(column), descending=[True, False])
            .slice(1, kept)
        )
        found += [(rows[column] == level).cast(pl.Float64).to_numpy() for level in levels[column].sort()]
    return found


def _independent(columns: Floats) -> Floats:
    """Drop each column that those before it determine; nothing is left where that is the score."""
    if len(columns) <= columns.shape[1]:
        return np.empty((len(columns), 0))
    lengths = np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
    own = np.abs(np.diag(np.linalg.qr(columns / lengths, mode="r"))) > 1e-8
    return columns[:, own] if own[-1] else np.empty((len(columns), 0))
