"""What a report is made of, read from the warehouse in one go."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import duckdb
import polars as pl

from tasks.errors import UsageError
from tasks.records import Finding, JudgeRecord, PassportEntry
from tasks.storage.warehouse import frame

_GRIDS_MAX = 2  # other judges beside which this one is drawn; every one has its sentence


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
    """How the judge worked and how far it can be trusted, from the files of `sql/out` named beside each."""

    took: dict[str, Any]  # judging, its one row
    passport: tuple[PassportEntry, ...]  # passport
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
    listed: int
    finished_at: datetime
    days_late: int
    release_reason: str | None  # of a suspicious snapshot that a person let pass
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
    kinds: int | None  # of card, on the map beside the page; null where there is none


def read_report_data(db: duckdb.DuckDBPyConnection, *, snapshot: date, fingerprint: str) -> ReportData:
    """Everything that the page shows.

    Raises UsageError where the warehouse holds no such snapshot, or it was not judged by that fingerprint.
    """
    key: dict[str, object] = {"snapshot": snapshot, "fingerprint": fingerprint}
    provenance = frame(db, "out/provenance", **key).to_dicts()
    if not provenance:
        raise UsageError(
            f"{snapshot}: the warehouse holds no such snapshot judged by {fingerprint}; take or name another"
        )
    origin = provenance[0]
    atlas = frame(db, "out/atlas_of", snapshot=snapshot).to_dicts()
    return ReportData(
        snapshot=snapshot,
        hub=origin["hub"],
        selection=origin["selection"],
        listed=origin["listed"],
        finished_at=origin["finished_at"],
        days_late=origin["days_late"],
        release_reason=origin["release_reason"],
        judge=JudgeRecord(**_only(JudgeRecord, origin)),
        counts=Counts(**_only(Counts, frame(db, "out/counts", **key).row(0, named=True))),
        histogram=frame(db, "out/score_histogram", **key),
        sections=frame(db, "out/section_fill", snapshot=snapshot),
        exemplars=frame(db, "out/exemplars", **key),
        strata=frame(db, "out/strata", **key),
        failures=frame(db, "out/failures", snapshot=snapshot),
        models=frame(db, "out/analysis_frame", **key).select("model_id", "score", "downloads", "likes"),
        findings=tuple(Finding(**_only(Finding, row)) for row in frame(db, "out/findings", **key).to_dicts()),
        judging=_read_judging(db, snapshot, fingerprint),
        kinds=atlas[0]["kinds"] if atlas else None,
    )


def _read_judging(db: duckdb.DuckDBPyConnection, snapshot: date, fingerprint: str) -> JudgingReport:
    key: dict[str, object] = {"snapshot": snapshot, "fingerprint": fingerprint}
    others = frame(db, "out/other_judges", **key)
    passport = frame(db, "out/passport", fingerprint=fingerprint).to_dicts()
    return JudgingReport(
        took=frame(db, "out/judging", **key).row(0, named=True),
        passport=tuple(PassportEntry(**_only(PassportEntry, row)) for row in passport),
        others=others,
        grids={
            other: frame(db, "out/score_grid", fingerprint=fingerprint, other=other)
            for other in others["fingerprint"].head(_GRIDS_MAX)
        },
        disagreements=frame(db, "out/disagreements", snapshot=snapshot),
        explanations=frame(db, "out/explanations", **key),
    )


def _only(
    record: type[JudgeRecord] | type[Counts] | type[Finding] | type[PassportEntry], row: dict[str, Any]
) -> dict[str, Any]:
    """The columns that the record knows: a file of `sql/out` may tell more."""
    return {field.name: row[field.name] for field in fields(record)}
