"""The data-quality gate: a snapshot that is too unlike the one before it is quarantined, not shown.

A Hub that returns half of a listing, a token that lost its rights, a judge model that gives every card the same
score: each makes a complete, well-formed snapshot that violates no rule in `sql/checks`. Only the comparison with the
week before reveals it. Every measure is compared with its value in the last snapshot of the same selection; the
allowed difference is what a week, and chance, may change. A snapshot without such a predecessor must not be empty.

Whether the judge reads is asked of every snapshot, the first one too, by absolute limits: the measures `judging:…`, on
cards that the parser tells apart. A judge that answers by a pattern, or scores all cards alike, is not published.

A suspicious measure is a row in the lake, and so is a release; the view `quarantined` combines them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from tasks.clock import utc_now
from tasks.errors import SnapshotQuarantined, UsageError
from tasks.judges.unread import unread_patterns
from tasks.records import GateMeasure, Release
from tasks.rubric import load_rubric
from tasks.settings import Settings
from tasks.storage.lake import Lake
from tasks.storage.warehouse import Warehouse, frame
from tasks.work.run import Run

if TYPE_CHECKING:
    from tasks.storage.warehouse import Database

COUNTS = frozenset({"models", "cards"})
FAILURES = frozenset({"unlisted_share", "unread_share", "unscored_share"})
SCORE_DISTANCE = "score_distance"
JUDGING = {
    "judging:same_checks": "share of unlike cards that got the same answers",
    "judging:unread_pattern": "share of unlike cards whose answers follow a pattern",
    "judging:by_position": "how far a check's place decides its answer, 0 to 1",
    "judging:coherence": "how far the answers about a card rise and fall together, 0 by chance",
    "judging:score_spread": "standard deviation of the scores of unlike cards",
}
# 0.1 % point of Kolmogorov's distribution: two samples of one population are farther apart once in 1,000 times.
_KOLMOGOROV = 1.95
# sd = quartiles' distance / 1.349 and the median's standard error = 1.2533 sd / sqrt(n), for normal data.
_MEDIAN_ERROR = 1.2533 / 1.349
_MEASURES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure: a count, a share of `n`, or a median of `n` values whose quartiles are `spread` apart."""

    value: float | None
    n: int
    spread: float | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """The range of values that pass; null for no limit."""

    low: float | None = None
    high: float | None = None

    def holds(self, value: float | None) -> bool:
        """Whether the value passes; a missing value does."""
        if value is None:
            return True
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Observed:
    """A snapshot as the gate sees it: its measures by name, and the number of cards in each bin of the score."""

    snapshot: date
    measures: Mapping[str, Measured]
    histogram: Sequence[int]


def gate_measures(
    now: Observed, before: Observed | None, limits: Settings, *, fingerprint: str, at: datetime
) -> list[GateMeasure]:
    """Compare every measure of a snapshot with that of the one before it, and mark the suspicious ones."""
    weeks = (now.snapshot - before.snapshot).days / 7 if before else 1.0
    rows = []
    for name, measured in sorted(_all_measures(now, before).items()):
        previous = before.measures.get(name) if before else None
        bounds = bounds_of(name, measured, previous, weeks, limits)
        is_gone = measured.value is None and _is_known(previous) and previous.n >= limits.gate_least
        rows.append(
            GateMeasure(
                snapshot=now.snapshot,
                fingerprint=fingerprint,
                measure=name,
                value=measured.value,
                before=previous.value if previous else None,
                low=bounds.low,
                high=bounds.high,
                is_suspicious=is_gone or not bounds.holds(measured.value),
                measured_at=at,
                compared_with=before.snapshot if before else None,
            )
        )
    return rows


def _all_measures(now: Observed, before: Observed | None) -> dict[str, Measured]:
    """The measures of now, the distance of the scores, and the sections that no card fills any more."""
    if before is None:
        return dict(now.measures)
    described = max((m.n for name, m in now.measures.items() if name.startswith("section:")), default=0)
    measures = {
        name: Measured(0.0, described or previous.n)
        for name, previous in before.measures.items()
        if name.startswith("section:") and name not in now.measures
    }
    distance = score_distance(now.histogram, before.histogram)
    if distance is not None:
        # n is the size of each of two equal samples that are worth as much as these two.
        n = round(2 / (1 / sum(now.histogram) + 1 / sum(before.histogram)))
        measures[SCORE_DISTANCE] = Measured(distance, n)
    return {**now.measures, **measures}


def _is_known(measured: Measured | None) -> TypeGuard[Measured]:
    return measured is not None and measured.value is not None


def bounds_of(name: str, now: Measured, before: Measured | None, weeks: float, limits: Settings) -> Bounds:
    """What passes, `weeks` after the snapshot before; without a value before, only absolute limits apply."""
    weeks = max(1.0, weeks)
    if name == SCORE_DISTANCE:
        chance = _KOLMOGOROV * math.sqrt(2 / now.n)
        return Bounds(high=min(1.0, max(limits.gate_score_distance * weeks, chance)))
    if name in JUDGING:
        return _judging(name, now, limits)
    if not _is_known(before):
        return _absolute(name, now, limits)
    was = before.value or 0.0
    if name in COUNTS:
        chance = limits.gate_sigmas * math.sqrt(was)
        least = 1.0 if name == "models" else 0.0
        return Bounds(
            max(least, was - max(was * limits.gate_models_drop * weeks, chance)),
            was + max(was * limits.gate_models_rise * weeks, chance),
        )
    if name == "median_score":
        allowed = max(limits.gate_median_shift * weeks, limits.gate_sigmas * _median_error(now, before))
        return Bounds(was - allowed, was + allowed)
    chance = limits.gate_sigmas * _share_error(now, before)
    if name in FAILURES:
        return Bounds(high=min(1.0, was + max(limits.gate_failures_rise * weeks, chance)))
    allowed = max(limits.gate_share_shift * weeks, chance)
    return Bounds(max(0.0, was - allowed), min(1.0, was + allowed))


def _absolute(name: str, now: Measured, limits: Settings) -> Bounds:
    if name == "models":
        return Bounds(low=1.0)
    if name in FAILURES and now.n >= limits.gate_least:
        return Bounds(high=limits.gate_failures_most)
    return Bounds()


def _judging(name: str, now: Measured, limits: Settings) -> Bounds:
    """What a judge that reads its cards stays within; no limit where it read too few."""
    if now.n < limits.gate_judging_least:
        return Bounds()
    return {
        "judging:same_checks": Bounds(high=limits.gate_same_checks_most),
        "judging:unread_pattern": Bounds(high=limits.gate_unread_pattern_most),
        "judging:by_position": Bounds(high=limits.gate_by_position_most),
        "judging:coherence": Bounds(low=limits.gate_coherence_least),
        "judging:score_spread": Bounds(low=limits.gate_score_spread_least),
    }[name]


def _share_error(now: Measured, before: Measured) -> float:
    """Standard error of the difference between two shares of samples of this size from one population."""
    if not (now.n and before.n):
        return 0.0
    pooled = ((now.value or 0.0) * now.n + (before.value or 0.0) * before.n) / (now.n + before.n)
    return math.sqrt(max(0.0, pooled * (1 - pooled)) * (1 / now.n + 1 / before.n))


def _median_error(now: Measured, before: Measured) -> float:
    """Standard error of the difference between two medians."""
    return math.hypot(
        *(_MEDIAN_ERROR * (one.spread or 0.0) / math.sqrt(one.n) for one in (now, before) if one.n)
    )


def score_distance(now: Sequence[int], before: Sequence[int]) -> float | None:
    """Kolmogorov-Smirnov distance of two histograms over the same bins; null where either is empty."""
    if not (sum(now) and sum(before)):
        return None
    gap, farthest = 0.0, 0.0
    for mine, theirs in zip(now, before, strict=True):
        gap += mine / sum(now) - theirs / sum(before)
        farthest = max(farthest, abs(gap))
    return round(farthest, 9)


def measure_words(measure: GateMeasure, losses: str = "") -> str:
    """One suspicious measure for people: `models 1,200 (9,000 to 12,500 expected; 10,000 on 2026-11-09)`.

    `losses`: why what it counts is missing, as `loss_words` has it.
    """
    low, high = _number(measure.low), _number(measure.high)
    if measure.low is None:
        expected = f"at most {high} expected"
    elif measure.high is None:
        expected = f"at least {low} expected"
    else:
        expected = f"{low} to {high} expected"
    before = f"; {_number(measure.before)} on {measure.compared_with}" if measure.before is not None else ""
    what = f"{JUDGING[measure.measure]}:" if measure.measure in JUDGING else measure.measure
    reasons = f"; because of: {losses}" if losses else ""
    return f"{what} {_number(measure.value)} ({expected}{before}{reasons})"


def loss_words(db: Database, measure: GateMeasure) -> str:
    """The reasons behind a share of failures: `40 thinks, 2 cut_off`; empty for any other measure."""
    if measure.measure not in FAILURES:
        return ""
    rows = frame(db, "out/loss_reasons", snapshot=measure.snapshot, fingerprint=measure.fingerprint).rows()
    return ", ".join(f"{n:,} {reason}" for name, reason, n in rows if name == measure.measure)


def _number(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def quarantine_words(snapshot: date, measures: Sequence[GateMeasure], words: Sequence[str]) -> str:
    """What is wrong with a quarantined snapshot and what to do about it, in one line. `words`: one per measure."""
    shown = "; ".join(words[:_MEASURES_SHOWN])
    more = f"; and {len(measures) - _MEASURES_SHOWN} more" if len(measures) > _MEASURES_SHOWN else ""
    again = (
        "the judge answers without reading: take the snapshot again with another one (docs/judge.md)"
        if any(measure.measure in JUDGING for measure in measures)
        else "take the snapshot again to read what could not be read"
    )
    return (
        f"the snapshot of {snapshot} is quarantined: {shown}{more}. It is kept but not shown. `cardiograph quarantine` "
        f"lists everything; {again}, or release it with `cardiograph quarantine release {snapshot} --reason …`"
    )


def observe(warehouse: Warehouse, snapshot: date, fingerprint: str) -> tuple[Observed, Observed | None]:
    """A snapshot of the warehouse that is being built, and the one to compare it with."""
    with warehouse.open() as db:
        before = frame(db, "out/gate_before", snapshot=snapshot)["snapshot"].to_list()
        seen = []
        patterns = [",".join(sorted(passed)) for passed in unread_patterns(load_rubric())]
        for week in (snapshot, *before):
            rows = frame(db, "out/gate_measures", snapshot=week, fingerprint=fingerprint).to_dicts()
            judging = frame(
                db, "out/gate_judging", snapshot=week, fingerprint=fingerprint, patterns=patterns
            ).to_dicts()
            bins = frame(db, "out/score_histogram", snapshot=week, fingerprint=fingerprint)["n"].to_list()
            measures = {
                row["measure"]: Measured(row["value"], row["n"], row.get("spread"))
                for row in (*rows, *judging)
            }
            seen.append(Observed(week, measures, bins))
    return seen[0], seen[1] if before else None


def latest_measures(warehouse: Warehouse, snapshot: date, fingerprint: str) -> list[GateMeasure]:
    """The measures that the gate last took of a snapshot; none if it never did."""
    with warehouse.open() as db:
        rows = frame(db, "out/gate_latest", snapshot=snapshot, fingerprint=fingerprint)
    return [GateMeasure(**row) for row in rows.to_dicts()]


def quarantined(home: Path) -> dict[date, list[GateMeasure]]:
    """The quarantined snapshots of the published warehouse, each with its suspicious measures."""
    warehouse = Warehouse(home)
    warehouse.check_current()
    with warehouse.read() as db:
        rows = frame(db, "out/quarantined").to_dicts()
    held: dict[date, list[GateMeasure]] = {}
    for row in rows:
        held.setdefault(row["snapshot"], []).append(GateMeasure(**row, is_suspicious=True))
    return held


def check_quarantine(run: Run) -> None:
    """Raise `SnapshotQuarantined` if the published warehouse holds the snapshot back."""
    if measures := quarantined(run.home).get(run.snapshot):
        words = quarantine_reasons(run.home)[run.snapshot]
        raise SnapshotQuarantined(quarantine_words(run.snapshot, measures, words))


def quarantine_reasons(home: Path) -> dict[date, tuple[str, ...]]:
    """The same in words, with the reasons for what is missing."""
    held = quarantined(home)
    with Warehouse(home).read() as db:
        return {
            day: tuple(measure_words(measure, loss_words(db, measure)) for measure in measures)
            for day, measures in held.items()
        }


def write_release(home: Path, snapshot: date, reason: str) -> None:
    """Write to the lake that a quarantined snapshot may be shown; the next publication shows it.

    Raises `UsageError` if it is not quarantined.
    """
    held = quarantined(home)
    if snapshot not in held:
        others = ", ".join(map(str, held)) or "none"
        raise UsageError(f"the snapshot of {snapshot} is not quarantined; quarantined are: {others}")
    Lake(home).write(f"releases/{snapshot}.parquet", Release, [Release(snapshot, reason, utc_now())])
