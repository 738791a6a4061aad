"""What the article reads from a warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from tasks.errors import UsageError
from tasks.estimators import Estimator
from tasks.findings.documented import FAMILY_MODELS
from tasks.records import Finding
from tasks.report.data import ReportData, read_report_data
from tasks.storage.warehouse import Warehouse, frame


@dataclass(frozen=True)
class Evidence:
    """One snapshot as one judge sees it.

    `cards` are the rows of `sql/out/analysis_frame.sql` that have a card. `families` has a row for cards that are
    nearly the same: `models`, `texts`, `authors`, `is_generated`; largest first.
    """

    data: ReportData
    cards: pl.DataFrame
    families: pl.DataFrame

    def finding(
        self, question: str, outcome: str, estimator: str, stratum: str = "all", predictor: str | None = None
    ) -> Finding:
        """The one finding of that key. Raises `UsageError` where there is none, or one for each of two predictors."""
        key = (question, outcome, estimator, stratum)
        found = [
            f
            for f in self.data.findings
            if (f.question, f.outcome, f.estimator, f.stratum) == key and predictor in (None, f.predictor)
        ]
        if len(found) != 1:
            raise UsageError(
                f"the warehouse has {len(found)} findings of {' / '.join(key)}, where the article needs one; "
                "take the snapshot with this version"
            )
        return found[0]

    def share(self, outcome: str, tier: str = "all") -> Finding:
        """The share of the cards of a tier that have something: `is_generated`, `section:license`."""
        return self.finding(
            "documentation", outcome, Estimator.SHARE, tier if tier == "all" else f"tier={tier}"
        )

    @property
    def sections(self) -> list[str]:
        """Outcomes that are sections, most often filled first."""
        filled = {
            f.outcome: f.estimate or 0.0
            for f in self.data.findings
            if f.outcome.startswith("section:") and f.stratum == "all"
        }
        return sorted(filled, key=lambda name: (-filled[name], name))

    def generated_among(self, outcome: str) -> float | None:
        """Of the cards that fill a section, the share that is generated, in 0-1; null where none fills it."""
        has = pl.col("sections").list.contains(outcome.removeprefix("section:"))
        share = self.cards.filter(has)["is_generated"].cast(pl.Float64).mean()
        return share if isinstance(share, float) else None

    @property
    def generated_of_largest_author(self) -> float | None:
        """Of the cards of the author who has most of them, the share that is generated, in 0-1."""
        by_author = self.cards.group_by("author").agg(
            pl.len(), pl.col("is_generated").cast(pl.Float64).mean()
        )
        largest = by_author.sort("len", "author", descending=[True, False])["is_generated"]
        return float(largest[0]) if largest.len() else None

    @property
    def copied(self) -> pl.DataFrame:
        """The families that are large enough for their cards to be counted as copies."""
        return self.families.filter(pl.col("models") >= FAMILY_MODELS)


def read_evidence(home: Path) -> Evidence:
    """The latest judged snapshot of a home."""
    warehouse = Warehouse(home)
    warehouse.check_current()
    with warehouse.read() as db:
        judged = frame(db, "out/latest_judged").to_dicts()
        if not judged:
            raise UsageError(f"no snapshot in {home} has been judged; run `cardiograph snapshot` first")
        return evidence_of(db, **judged[0])


def evidence_of(db: duckdb.DuckDBPyConnection, snapshot: date, fingerprint: str) -> Evidence:
    """One snapshot of a warehouse, as one judge sees it."""
    rows = frame(db, "out/analysis_frame", snapshot=snapshot, fingerprint=fingerprint)
    alike = frame(db, "out/families", snapshot=snapshot)
    cards = rows.filter(pl.col("card_status") == "card").with_columns(
        pl.col("is_generated").fill_null(value=False)
    )
    data = read_report_data(db, snapshot=snapshot, fingerprint=fingerprint)
    return Evidence(data, cards, families(cards, alike))


def families(cards: pl.DataFrame, alike: pl.DataFrame) -> pl.DataFrame:
    """Models by the family of their card; `alike` are the rows of `sql/out/families.sql`.

    A text that several models share to the letter, and that resembles no other, is a family as well.
    """
    return (
        cards.join(alike, on="card_hash", how="left")
        .group_by(pl.coalesce("family", "card_hash").alias("family"))
        .agg(
            pl.len().alias("models"),
            pl.col("card_hash").n_unique().alias("texts"),
            pl.col("author").n_unique().alias("authors"),
            pl.col("is_generated").any(),
        )
        .filter(pl.col("models") > 1)
        .sort("models", "family", descending=[True, False])
        .drop("family")
    )
