"""The figures of a run: for the closing table, for `--json` and for Prefect's artifacts."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from tasks.hub.source import DEMO_CORPUS
from tasks.records import CanaryTrial
from tasks.sentences.atlas import atlas_words
from tasks.sentences.findings import headline
from tasks.sentences.judges import canary_words
from tasks.sentences.scopes import private_words
from tasks.sentences.snapshots import (
    boilerplate_words,
    counted_words,
    judging_words,
    late_sentence,
    names_words,
    unscored_words,
)
from tasks.settings import settings
from tasks.storage.warehouse import findings_of, frame, scope_of
from tasks.work.run import Run


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """One run of a snapshot: what the snapshot contains, and how much of it this run did."""

    snapshot: date
    hub: str
    selection: str
    has_private: bool
    private_left_out: int
    days_late: int
    judge: str
    fingerprint: str
    models: int
    cards: int
    empty: int
    none: int
    failed: int
    failures: int
    failure_reasons: dict[str, int]
    not_found: list[str]
    distinct_texts: int
    verdicts: int
    median_score: float | None
    boilerplate: dict[str, Any] | None
    readmes_asked_for: int
    texts_judged: int
    findings_estimated: int
    texts_embedded: int
    atlas: dict[str, Any] | None
    judging: dict[str, Any]
    canaries: CanaryTrial | None
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
            *([("private models", private)] if (private := self._private_words()) else []),
            ("with a card / empty / none", f"{self.cards:,} / {self.empty:,} / {self.none:,}"),
            *([("named, but not on the Hub", names)] if (names := names_words(self.not_found)) else []),
            ("failures (see `failures`)", counted_words(self.failure_reasons) or "0"),
            ("distinct card texts", f"{self.distinct_texts:,}"),
            (f"verdicts of {self.judge} {self.fingerprint[:8]}", f"{self.verdicts:,}"),
            ("median score", "none" if self.median_score is None else f"{self.median_score:.2f} of 5"),
            ("canaries (see docs/judge.md)", canary_words(self.canaries)),
            *([("words that nobody wrote", words)] if (words := self._boilerplate_words()) else []),
            ("kinds of card (see `out_clusters`)", atlas_words(self.atlas)),
            *([("texts without a score", words)] if (words := unscored_words(self.judging)) else []),
            *judging_words(self.judging, price=settings().gpu_hour_price, gpus=settings().judge_gpus),
            (
                "this run read / judged / estimated / embedded",
                f"{self.readmes_asked_for:,} / {self.texts_judged:,} / {self.findings_estimated:,} / "
                f"{self.texts_embedded:,}",
            ),
        ]

    def _boilerplate_words(self) -> str:
        """Nothing of the demo: made-up people share their phrases, and that is not to be learned."""
        if self.boilerplate is None or self.hub == DEMO_CORPUS:
            return ""
        return boilerplate_words(self.boilerplate)

    def _private_words(self) -> str:
        return private_words(self.private_left_out, has_private=self.has_private)


def summarise(
    run: Run, fingerprint: str, *, reads: int, judged: int, estimated: int, embedded: int
) -> Summary:
    """The figures of a snapshot as published, and of the run that published it."""
    snapshot = run.snapshot
    with run.warehouse.read() as db:
        counts, provenance, judging = (
            frame(db, f"out/{name}", snapshot=snapshot, fingerprint=fingerprint).row(0, named=True)
            for name in ("counts", "provenance", "judging")
        )
        atlas = frame(db, "out/atlas_of", snapshot=snapshot).to_dicts()
        trials = frame(db, "out/canaries", fingerprint=fingerprint).to_dicts()
        checks = frame(db, "out/boilerplate_checks").filter(pl.col("snapshot") == snapshot).to_dicts()
        findings, scope = findings_of(db, snapshot, fingerprint), scope_of(db, snapshot)
    known = provenance | counts
    return Summary(
        **{field.name: known[field.name] for field in dataclasses.fields(Summary) if field.name in known},
        readmes_asked_for=reads,
        texts_judged=judged,
        findings_estimated=estimated,
        texts_embedded=embedded,
        boilerplate=_plain(checks[0]) if checks else None,
        atlas=_plain(atlas[0]) if atlas else None,
        judging=judging,
        canaries=CanaryTrial(**trials[0]) if trials else None,
        headline=headline(findings, scope),
        report=run.report,
        warehouse=run.warehouse.published,
        map=run.map if atlas else None,
    )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its dates and times as text."""
    return {name: str(value) if isinstance(value, date) else value for name, value in row.items()}
