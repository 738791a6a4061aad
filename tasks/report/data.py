"""The data of a report, read from the warehouse at once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, TypeVar

import duckdb
import polars as pl

from tasks.errors import UsageError
from tasks.records import CanaryTrial, Finding, JudgeRecord, PassportEntry, Scope
from tasks.storage.warehouse import frame, scope_of

_ORIGIN = ("hub", "selection", "listed", "finished_at", "days_late", "release_reason")  # of provenance
_GRIDS_MAX = 2  # other judges that this one is drawn against; each of them has a sentence


@dataclass(frozen=True, slots=True)
class Counts:
    """The one row of `sql/out/counts.sql`."""

    models: int
    cards: int
    empty: int
    none: int
    failed: int
    pending: int
    authors: int
    distinct_texts: int
    scored_models: int
    verdicts: int
    median_score: float | None
    failures: int


@dataclass(frozen=True)
class JudgingReport:
    """How the judge worked and how far it can be trusted; each from the file of `sql/out` named beside it."""

    took: dict[str, Any]  # judging, its one row
    canaries: CanaryTrial | None  # canaries; null where it was never tried
    passport: tuple[PassportEntry, ...]  # passport
    fitted: pl.DataFrame  # fitted
    others: pl.DataFrame  # other_judges
    grids: dict[str, pl.DataFrame]  # score_grid, by the other judge's fingerprint
    disagreements: pl.DataFrame  # disagreements
    explanations: pl.DataFrame  # explanations


@dataclass(frozen=True)
class ReportData:
    """One snapshot as one judge sees it. The frames have the columns of the files in `sql/out` named beside them."""

    snapshot: date
    hub: str
    selection: str
    scope: Scope  # the selection as columns
    listed: int
    finished_at: datetime
    days_late: int
    release_reason: str | None  # why a person released a suspicious snapshot
    judge: JudgeRecord
    counts: Counts
    histogram: pl.DataFrame  # score_histogram
    sections: pl.DataFrame  # section_fill
    exemplars: pl.DataFrame  # exemplars
    strata: pl.DataFrame  # strata
    failures: pl.DataFrame  # failures
    models: pl.DataFrame  # analysis_frame, the columns that charts use
    findings: tuple[Finding, ...]
    judging: JudgingReport
    kinds: int | None  # of cards, on the map next to the page; null without a map


Record = TypeVar("Record", CanaryTrial, Counts, Finding, JudgeRecord, PassportEntry)


def read_report_data(db: duckdb.DuckDBPyConnection, *, snapshot: date, fingerprint: str) -> ReportData:
    """Everything that the page shows.

    Raises UsageError where the warehouse has no such snapshot, or not judged by that fingerprint.
    """
    key: dict[str, object] = {"snapshot": snapshot, "fingerprint": fingerprint}
    provenance = frame(db, "out/provenance", **key).to_dicts()
    if not provenance:
        raise UsageError(
            f"{snapshot}: the warehouse has no snapshot of that date judged by {fingerprint}; choose another"
        )
    origin = provenance[0]
    atlas = frame(db, "out/atlas_of", snapshot=snapshot).to_dicts()
    canaries = frame(db, "out/canaries", fingerprint=fingerprint).to_dicts()
    passport = frame(db, "out/passport", fingerprint=fingerprint)
    others = frame(db, "out/other_judges", **key)
    drawn = others["fingerprint"].head(_GRIDS_MAX)
    return ReportData(
        snapshot=snapshot,
        **{name: origin[name] for name in _ORIGIN},
        scope=scope_of(db, snapshot),
        judge=_read(JudgeRecord, origin),
        counts=_read(Counts, frame(db, "out/counts", **key).row(0, named=True)),
        histogram=frame(db, "out/score_histogram", **key),
        sections=frame(db, "out/section_fill", snapshot=snapshot),
        exemplars=frame(db, "out/exemplars", **key),
        strata=frame(db, "out/strata", **key),
        failures=frame(db, "out/failures", snapshot=snapshot),
        models=frame(db, "out/analysis_frame", **key).select("model_id", "score", "downloads", "likes"),
        findings=tuple(_read(Finding, row) for row in frame(db, "out/findings", **key).to_dicts()),
        judging=JudgingReport(
            took=frame(db, "out/judging", **key).row(0, named=True),
            canaries=_read(CanaryTrial, canaries[0]) if canaries else None,
            passport=tuple(_read(PassportEntry, row) for row in passport.to_dicts()),
            fitted=frame(db, "out/fitted", fingerprint=fingerprint),
            others=others,
            grids={
                other: frame(db, "out/score_grid", fingerprint=fingerprint, other=other) for other in drawn
            },
            disagreements=frame(db, "out/disagreements", snapshot=snapshot),
            explanations=frame(db, "out/explanations", **key),
        ),
        kinds=atlas[0]["kinds"] if atlas else None,
    )


def _read(record: type[Record], row: dict[str, Any]) -> Record:
    """A row as a record; a file of `sql/out` may have more columns than the record has fields."""
    return record(**{field.name: row[field.name] for field in fields(record)})
