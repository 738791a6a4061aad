"""The design matrix: intercept, controls, and the score last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from tasks.arrays import Floats
from tasks.findings.sample import MODELS_TO_TRUST, Bools, Codes, Sample
from tasks.findings.study import Study

KNOWN_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Design:
    """x: n x k, full column rank, the score last; empty where the score is a combination of the rest."""

    x: Floats
    y: Floats
    clusters: Codes
    rows: pl.DataFrame
    flags: tuple[str, ...] = ()
    weights: Floats | None = None  # how many models each stands for, on any scale; none: all equal


def design(sample: Sample, study: Study, *, controlled: bool) -> Design:
    """The regression of the outcome on the score, with or without the controls of the study."""
    amounts, kinds, flags = controls(sample.rows, study, sample.outcome) if controlled else ([], [], ())
    columns = np.column_stack([np.ones(sample.rows.height), *amounts, *kinds, sample.x])
    return Design(columns[:, independent(columns)], sample.y, sample.clusters, sample.rows, flags)


def controls(
    rows: pl.DataFrame, study: Study, outcome: str, *, enough_in: pl.DataFrame | None = None
) -> tuple[list[Floats], list[Floats], tuple[str, ...]]:
    """The controls: logarithms of amounts and 0/1 columns (n each), and flags for what had to be left out.

    An unknown amount is 0, with a 0/1 column for being unknown. `enough_in`: the rows, if not all, that need enough
    models with an amount or level for it to be a control.
    """
    bearing = rows if enough_in is None else enough_in
    amounts: list[Floats] = []
    kinds: list[Floats] = []
    flags: list[str] = []
    for name in study.amounts:
        logs, unknown, flag = _amount(rows[name], bearing[name])
        amounts += logs
        kinds += unknown
        flags += [f"{flag}:{name}"] if flag else []
    for name, kept in study.kinds.items():
        kinds += _indicators(rows, bearing, name, kept, outcome)
    return amounts, kinds, tuple(flags)


def control_columns(rows: pl.DataFrame, study: Study, outcome: str) -> tuple[Floats, Floats, tuple[str, ...]]:
    """The same as two matrices (n x a, n x m): amounts, whose ranks are held equal, and 0/1 columns."""
    amounts, kinds, flags = controls(rows, study, outcome)
    given, fixed = (np.column_stack([np.empty((rows.height, 0)), *part]) for part in (amounts, kinds))
    return given, fixed, flags


def _amount(values: pl.Series, bearing: pl.Series) -> tuple[list[Floats], list[Floats], str | None]:
    """log1p of a number, 0 where it is unknown, and the 0/1 column of being unknown.

    The missing-indicator method (Cohen & Cohen 1975; criticised by Jones 1996): it does not control for the number
    among models that do not report it, hence the flag where they are more than a tenth. A number that fewer than 30
    models report is left out, and flagged.
    """
    known = values.is_not_null()
    n_known = int(known.sum())
    if bearing.count() < MODELS_TO_TRUST:
        return [], [], "unknown"
    logs = np.log1p(values.fill_null(0.0).cast(pl.Float64).to_numpy())
    flag = "partly_known" if n_known < KNOWN_SHARE * len(values) else None
    if n_known == len(values):
        return [logs], [], None
    return [logs], [(~known).cast(pl.Float64).to_numpy()], flag


def _indicators(
    rows: pl.DataFrame, bearing: pl.DataFrame, column: str, kept: int, outcome: str
) -> list[Floats]:
    """One 0/1 column per level with at least 30 models and an outcome that varies; the most common is the base.

    A level without a single like would be fitted by a coefficient of minus infinity in a count model
    (Santos Silva & Tenreyro 2010, "On the existence of the maximum likelihood estimates in Poisson regression");
    it joins the base, as rare levels do.
    """
    levels = (
        bearing.group_by(column)
        .agg(pl.len().alias("n"), (pl.col(outcome).n_unique() > 1).alias("varies"))
        .filter(pl.col("n") >= MODELS_TO_TRUST, pl.col("varies"))
        .sort(pl.col("n"), pl.col(column), descending=[True, False])
        .slice(1, kept)
    )
    return [(rows[column] == level).cast(pl.Float64).to_numpy() for level in levels[column].sort()]


def independent(columns: Floats) -> Bools:
    """Which columns are not determined by those before them (k); none where the score, the last, is."""
    if len(columns) <= columns.shape[1]:
        return np.zeros(columns.shape[1], dtype=np.bool_)
    lengths = np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
    own = np.abs(np.diag(np.linalg.qr(columns / lengths, mode="r"))) > 1e-8
    return np.asarray(own & own[-1])


def least_squares(x: Floats, y: Floats) -> Floats:
    """The coefficients (k, or k x m) of y (n, or n x m) on x (n x k), by normal equations; the shortest if several."""
    return np.asarray(np.linalg.lstsq(x.T @ x, x.T @ y)[0], np.float64)
