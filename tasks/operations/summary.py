"""What a run did, in figures: for the closing table, for `--json` and for Prefect's artifacts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from tasks.sentences.atlas import atlas_words
from tasks.sentences.findings import headline
from tasks.sentences.snapshots import judging_words, late_sentence
from tasks.settings import settings
from tasks.storage.warehouse import Warehouse, findings_of, frame


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """One run of a snapshot: what the snapshot holds, and what this run had to do for it."""

    snapshot: date
    hub: str
    selection: str
    days_late: int
    judge: str
    fingerprint: str
    models: int
    cards: int
    empty: int
    none: int
    failed: int
    failures: int
    distinct_texts: int
    verdicts: int
    median_score: float | None
    readmes_asked_for: int
    texts_judged: int
    findings_estimated: int
    texts_embedded: int
    atlas: dict[str, Any] | None
    judging: dict[str, Any]
    headline: str
    report: Path
    warehouse: Path
    map: Path | None

    def rows(self) -> list[tuple[str, str]]:
        """Names and values for people."""
        return [
            ("snapshot", f"{self.snapshot} of {self.hub}, {self.selection}"),
            *([("crawled late", late_sentence(self.days_late))] if self.days_late else []),
            ("models", f"{self.models:,}"),
            ("with a card / empty / none", f"{self.cards:,} / {self.empty:,} / {self.none:,}"),
            ("failures (see `failures`)", f"{self.failures:,}"),
            ("distinct card texts", f"{self.distinct_texts:,}"),
            (f"verdicts of {self.judge} {self.fingerprint[:8]}", f"{self.verdicts:,}"),
            ("median score", "none" if self.median_score is None else f"{self.median_score:.2f} of 5"),
            ("kinds of card (see `out_clusters`)", atlas_words(self.atlas)),
            *judging_words(self.judging, price=settings().gpu_hour_price, gpus=settings().judge_gpus),
            (
                "this run read / judged / estimated / embedded",
                f"{self.readmes_asked_for:,} / {self.texts_judged:,} / {self.findings_estimated:,} / "
                f"{self.texts_embedded:,}",
            ),
        ]

    def plain(self) -> Mapping[str, Any]:
        """Fields as JSON has them."""
        return {
            key: str(value) if isinstance(value, date | Path) else value
            for key, value in dataclasses.asdict(self).items()
        }


def summarise(
    home: Path,
    snapshot: date,
    fingerprint: str,
    *,
    asked: int,
    judged: int,
    found: int,
    embedded: int,
    report: Path,
) -> Summary:
    """The figures of a snapshot as published, and of the run that published it."""
    warehouse = Warehouse(home)
    with warehouse.read() as db:
        (counts,) = frame(db, "out/counts", snapshot=snapshot, fingerprint=fingerprint).to_dicts()
        (provenance,) = frame(db, "out/provenance", snapshot=snapshot, fingerprint=fingerprint).to_dicts()
        atlas = frame(db, "out/atlas_of", snapshot=snapshot).to_dicts()
        (judging,) = frame(db, "out/judging", snapshot=snapshot, fingerprint=fingerprint).to_dicts()
        findings = findings_of(db, snapshot, fingerprint)
    return Summary(
        snapshot=snapshot,
        hub=provenance["hub"],
        selection=provenance["selection"],
        days_late=provenance["days_late"],
        judge=provenance["judge"],
        fingerprint=fingerprint,
        **{
            name: counts[name]
            for name in (
                "models",
                "cards",
                "empty",
                "none",
                "failed",
                "failures",
                "distinct_texts",
                "verdicts",
                "median_score",
            )
        },
        readmes_asked_for=asked,
        texts_judged=judged,
        findings_estimated=found,
        texts_embedded=embedded,
        atlas={**atlas[0], "fitted_on": str(atlas[0]["fitted_on"])} if atlas else None,
        judging=judging,
        headline=headline(findings),
        report=report,
        warehouse=warehouse.published,
        map=home / "atlas.html" if atlas else None,
    )
