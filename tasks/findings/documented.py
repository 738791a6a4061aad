"""What is really documented: filled sections, generated cards and copies, by the popularity of the models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import polars as pl
from scipy import stats

from tasks.arrays import Floats
from tasks.estimators import Estimator
from tasks.findings.authors import cluster_sums, effective_number, too_few
from tasks.findings.sample import Estimate, Sample, Stamp, dense_codes
from tasks.findings.study import CLUSTER
from tasks.records import Finding

# Upper ends of the tiers, as shares of the listed models by downloads, and the same names as sql/out/section_fill.sql.
TIERS = {"top 1 %": 0.01, "next 9 %": 0.10, "next 40 %": 0.50, "the rest": 1.0}
_OF_COUNTS = ("mostly_zero", "constant")  # flags that mean nothing for a share
FAMILY_MODELS = 5  # a text that so many models share, exactly or nearly, counts as a template


def documented(frame: pl.DataFrame, families: Mapping[str, str], stamp: Stamp) -> list[Finding]:
    """Shares of the cards of each tier of popularity, from the rows of `sql/out/analysis_frame.sql`.

    `families` maps a `card_hash` to its near-duplicate family. Outcomes: `is_generated`, `is_copied` (the
    text belongs to a family that five or more models share), and `section:<id>` for each section of the rubric that any
    card fills. A share is a mean over the tier's models with a card; its interval is over authors, on the logit scale
    (Bell & McCaffrey 2002).
    """
    cards = _tiered(frame).filter(pl.col("card_status") == "card")
    if cards.is_empty():
        return []
    family = pl.col("card_hash").replace_strict(dict(families), default=pl.col("card_hash")).alias("family")
    cards = cards.with_columns(family).with_columns(
        (pl.len().over("family") >= FAMILY_MODELS).alias("is_copied"),
        pl.col("is_generated").fill_null(value=False),
    )
    sections = cards["sections"].explode().drop_nulls().unique().sort()
    columns = {"is_generated": pl.col("is_generated"), "is_copied": pl.col("is_copied")}
    columns |= {
        f"section:{name}": pl.col("sections").list.contains(name).fill_null(value=False) for name in sections
    }
    cards = cards.with_columns(
        expression.cast(pl.Float64).alias(name) for name, expression in columns.items()
    )
    return [finding for name in columns for finding in _by_tier(cards, name, stamp)]


def _tiered(frame: pl.DataFrame) -> pl.DataFrame:
    """The models whose downloads are known, with their tier; ties are in one tier, the lower."""
    known = frame.drop_nulls("downloads")
    place = pl.col("downloads").rank("max", descending=True) / pl.len()
    tier = pl.lit(list(TIERS)[-1])
    for name, end in reversed(list(TIERS.items())[:-1]):
        tier = pl.when(place <= end).then(pl.lit(name)).otherwise(tier)
    cluster = pl.coalesce(pl.col("author"), pl.col("model_id"))
    return known.with_columns(tier.alias("tier"), (cluster.rank("dense").cast(pl.Int64) - 1).alias(CLUSTER))


def _by_tier(cards: pl.DataFrame, column: str, stamp: Stamp) -> Iterator[Finding]:
    for tier in ("all", *TIERS):
        rows = cards if tier == "all" else cards.filter(pl.col("tier") == tier)
        if not rows.is_empty():
            stratum = tier if tier == "all" else f"tier={tier}"
            estimate = share(rows[column].to_numpy(), dense_codes(rows[CLUSTER]))
            found = stamp.finding(
                "documentation", Estimator.SHARE, Sample(stratum, column, rows, column), estimate
            )
            yield replace(found, flags=[flag for flag in found.flags if flag not in _OF_COUNTS])


def share(has: Floats, clusters: np.ndarray) -> Estimate:
    """The mean of 0/1 values (n) with its interval over clusters, which is within 0 and 1; no p."""
    value, sizes = float(has.mean()), np.bincount(clusters)
    effective = effective_number(sizes)
    bare = Estimate(value, effective_authors=effective)
    if (flag := too_few(sizes)) is not None:
        return bare.flagged(flag)
    if value in (0.0, 1.0):
        return bare
    sums = cluster_sums((has - value)[:, None], clusters)[:, 0]
    error = float(np.sqrt(np.sum(sums**2 / (1 - sizes / len(has))))) / len(has)
    reach = float(stats.t.ppf(0.975, effective - 1)) * error / (value * (1 - value))
    middle = np.log(value / (1 - value))
    low, high = 1 / (1 + np.exp(-(middle - reach))), 1 / (1 + np.exp(-(middle + reach)))
    return replace(bare, low=float(low), high=float(high))
