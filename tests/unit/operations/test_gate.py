"""The gate: what it lets pass, what it holds back, and how a snapshot comes out of quarantine."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import SnapshotQuarantined, UsageError
from tasks.operations.gate import (
    SCORE_DISTANCE,
    Measured,
    Observed,
    check_quarantine,
    gate_measures,
    measure_words,
    quarantine_reasons,
    quarantine_words,
    quarantined,
    score_distance,
    write_release,
)
from tasks.records import CardRead, GateMeasure, ListedModel
from tasks.settings import Settings
from tasks.storage.lake import Lake, SnapshotRecord
from tasks.storage.warehouse import Warehouse, frame
from tasks.work.run import Run

Gated = Callable[[Path, date], list[GateMeasure]]
WriteWeek = Callable[..., None]

NOW = datetime(2026, 1, 12, 9)
LIMITS = Settings()
WEEK = date(2026, 1, 12)

shares = st.floats(0, 1).map(lambda x: round(x, 6))
sizes = st.integers(1, 3_000_000)
snapshots = st.builds(
    lambda models, seen, bins: Observed(
        WEEK,
        {"models": Measured(float(models), models), "cards": Measured(float(models), models), **seen},
        bins,
    ),
    sizes,
    st.dictionaries(
        st.sampled_from(["card_share", "unread_share", "unscored_share", "section:usage", "filled:likes"]),
        st.builds(Measured, shares, sizes),
    )
    | st.dictionaries(
        st.just("median_score"), st.builds(Measured, st.floats(1, 5), sizes, st.none() | st.floats(0, 4))
    ),
    st.lists(st.integers(0, 10_000), min_size=16, max_size=16),
)


def usual(**changed: Measured) -> Observed:
    """A week of ten thousand models."""
    names = {name.replace("__", ":"): value for name, value in changed.items()}
    measures = {
        "models": Measured(10_000, 10_000),
        "cards": Measured(6_000, 6_000),
        "card_share": Measured(0.6, 10_000),
        "unread_share": Measured(0.01, 6_100),
        "unscored_share": Measured(0.0, 5_500),
        "median_score": Measured(2.7, 6_000, 1.2),
        "section:usage": Measured(0.5, 5_500),
        **names,
    }
    return Observed(WEEK, measures, [0, 500, 1000, 1500, 1500, 1000, 500, *[0] * 9])


def suspicious(
    now: Observed, before: Observed | None, days: int = 7, limits: Settings = LIMITS
) -> dict[str, GateMeasure]:
    earlier = before and dataclasses.replace(before, snapshot=now.snapshot - timedelta(days=days))
    found = gate_measures(now, earlier, limits, fingerprint="f", at=NOW)
    return {measure.measure: measure for measure in found if measure.is_suspicious}


@given(snapshot=snapshots)
def test_a_snapshot_like_the_one_before_it_is_never_suspicious(snapshot: Observed) -> None:
    strict = Settings(
        gate_models_drop=0,
        gate_models_rise=0,
        gate_share_shift=0,
        gate_failures_rise=0,
        gate_median_shift=0,
        gate_score_distance=0,
        gate_sigmas=0,
    )
    assert suspicious(snapshot, snapshot) == {}
    assert suspicious(snapshot, snapshot, limits=strict) == {}


@given(now=snapshots, before=snapshots, days=st.integers(1, 4000))
def test_whatever_two_snapshots_hold_the_measure_before_would_have_passed(
    now: Observed, before: Observed, days: int
) -> None:
    earlier = dataclasses.replace(before, snapshot=WEEK - timedelta(days=days))
    for measure in gate_measures(now, earlier, LIMITS, fingerprint="f", at=NOW):
        was = 0.0 if measure.measure == SCORE_DISTANCE else measure.before
        if was is not None:
            assert measure.low is None or measure.low <= was
            assert measure.high is None or was <= measure.high


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("models", Measured(8_900, 8_900)),  # half of a listing's pages
        ("models", Measured(12_600, 12_600)),
        ("cards", Measured(5_000, 5_000)),
        ("card_share", Measured(0.45, 10_000)),
        ("unread_share", Measured(0.08, 6_100)),
        ("unscored_share", Measured(0.06, 5_500)),
        ("median_score", Measured(3.1, 6_000, 1.2)),
        ("median_score", Measured(None, 0)),
        ("section__usage", Measured(0.38, 5_500)),
    ],
)
def test_a_week_that_changes_too_much_is_suspicious(name: str, value: Measured) -> None:
    assert set(suspicious(usual(**{name: value}), usual())) == {name.replace("__", ":")}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("models", Measured(10_200, 10_200)),
        ("cards", Measured(5_900, 5_900)),
        ("unread_share", Measured(0.0, 6_100)),  # fewer failures are good news
        ("unscored_share", Measured(0.04, 5_500)),
        ("median_score", Measured(2.9, 6_000, 1.2)),
        ("section__new", Measured(0.3, 5_500)),
    ],
)
def test_a_usual_week_passes(name: str, value: Measured) -> None:
    assert suspicious(usual(**{name: value}), usual()) == {}


def test_a_section_that_no_card_fills_any_more_is_suspicious() -> None:
    now = usual()
    without = {name: value for name, value in now.measures.items() if name != "section:usage"}
    assert set(suspicious(dataclasses.replace(now, measures=without), usual())) == {"section:usage"}


def test_scores_that_fell_apart_around_the_same_median_are_suspicious() -> None:
    split = dataclasses.replace(usual(), histogram=[2500, 0, 0, 0, 1000, 0, 0, *[0] * 8, 2500])
    assert set(suspicious(split, usual())) == {SCORE_DISTANCE}


def test_the_distance_of_histograms_is_that_of_their_cumulative_shares() -> None:
    assert score_distance([1, 1, 2], [10, 10, 20]) == 0
    assert score_distance([4, 0, 0], [0, 0, 9]) == 1
    assert score_distance([1, 2, 1], [2, 1, 1]) == 0.25
    assert score_distance([0, 0, 0], [1, 0, 0]) is None


def test_chance_is_allowed_for_in_a_small_selection() -> None:
    def few(models: int, share: float) -> Observed:
        measures = {"models": Measured(models, models), "card_share": Measured(share, models)}
        return Observed(WEEK, measures, [])

    assert suspicious(few(9, 0.4), few(12, 0.6)) == {}
    assert set(suspicious(few(9_000, 0.4), few(12_000, 0.6))) == {"models", "card_share"}


def test_more_may_change_over_more_weeks() -> None:
    grown = usual(models=Measured(14_000, 14_000))
    assert set(suspicious(grown, usual(), days=7)) == {"models"}
    assert suspicious(grown, usual(), days=14) == {}


def test_a_first_snapshot_must_only_not_be_empty() -> None:
    assert suspicious(usual(), None) == {}
    assert suspicious(usual(unread_share=Measured(0.8, 6_100)), None) == {}
    assert set(suspicious(usual(models=Measured(0, 0)), None)) == {"models"}
    assert set(suspicious(usual(unread_share=Measured(1.0, 6_100)), None)) == {"unread_share"}
    assert set(suspicious(usual(unscored_share=Measured(1.0, 5_500)), None)) == {"unscored_share"}


def test_no_share_of_failures_among_a_handful_is_suspicious() -> None:
    assert suspicious(usual(unread_share=Measured(1.0, 3)), None) == {}


def test_a_measure_is_reported_with_what_would_have_passed() -> None:
    found = suspicious(usual(models=Measured(8_000, 8_000), unread_share=Measured(0.5, 6_100)), usual())
    assert measure_words(found["models"]) == "models 8,000 (9,000 to 12,500 expected; 10,000 on 2026-01-05)"
    assert (
        measure_words(found["unread_share"]) == "unread_share 0.5 (at most 0.06 expected; 0.01 on 2026-01-05)"
    )
    (first,) = suspicious(usual(models=Measured(0, 0)), None).values()
    assert measure_words(first) == "models 0 (at least 1 expected)"


# In a home


def shown(home: Path) -> list[date]:
    with Warehouse(home).read() as db:
        return [day for (day,) in db.execute("select distinct snapshot from panel order by 1").fetchall()]


def test_a_suspicious_week_is_published_and_not_shown(home: Path) -> None:
    assert shown(home) == [date(2026, 1, 5)]
    assert {measure.measure for measure in quarantined(home)[WEEK]} >= {"unread_share", "card_share", "cards"}
    with Warehouse(home).read() as db:
        key: Mapping[str, object] = {"snapshot": WEEK, "fingerprint": "f"}
        assert frame(db, "out/counts", **key)["failed"].to_list() == [200]
    with pytest.raises(
        SnapshotQuarantined, match=r"2026-01-12 is quarantined: card_share 0\.5 .*release 2026-01-12"
    ):
        check_quarantine(Run(home, WEEK))
    check_quarantine(Run(home, date(2026, 1, 5)))
    (unread,) = (words for words in quarantine_reasons(home)[WEEK] if words.startswith("unread_share"))
    assert re.search(r"; because of: 200 \w+\)$", unread)


def test_a_released_week_is_shown_again_and_stays_so(home: Path, gated: Gated) -> None:
    write_release(home, WEEK, "the Hub was down, and said so")
    gated(home, WEEK)
    assert shown(home) == [date(2026, 1, 5), WEEK]
    check_quarantine(Run(home, WEEK))
    with Warehouse(home).read() as db:
        reasons = db.execute("select release_reason from snapshots order by snapshot").fetchall()
    assert reasons == [(None,), ("the Hub was down, and said so",)]


def test_only_what_is_quarantined_can_be_released(home: Path) -> None:
    with pytest.raises(UsageError, match="2026-01-05 is not quarantined; quarantined are: 2026-01-12"):
        write_release(home, date(2026, 1, 5), "why not")


def test_a_rebuilt_warehouse_keeps_the_quarantine(home: Path) -> None:
    before = quarantined(home)
    warehouse = Warehouse(home)
    warehouse.published.unlink()
    with warehouse.writer():
        warehouse.begin(afresh=True)
        warehouse.publish(always=True)
    assert quarantined(home) == before
    assert shown(home) == [date(2026, 1, 5)]


def test_gating_the_same_week_again_writes_nothing(home: Path, gated: Gated) -> None:
    parts = Lake(home).parts("gates")
    assert len(parts) == 2
    gated(home, WEEK)
    assert Lake(home).parts("gates") == parts


def test_a_week_that_was_read_after_all_leaves_the_quarantine_by_itself(home: Path, gated: Gated) -> None:
    later = [
        CardRead(WEEK, f"ada/{n}", f"{WEEK}-{n}", "card", "e", f"h{n % 7}", f"text {n % 7}", read_at=NOW)
        for n in range(200)
    ]
    Lake(home).write(f"cards/{WEEK}/b.parquet", CardRead, later)
    assert not [measure for measure in gated(home, WEEK) if measure.is_suspicious]
    assert shown(home) == [date(2026, 1, 5), WEEK]
    assert quarantined(home) == {}


@dataclasses.dataclass(frozen=True)
class EarlierRecord:
    """What a snapshot's part was before anybody asked whether it was late."""

    snapshot: date
    hub: str
    selection: str
    listed: int
    started_at: datetime
    finished_at: datetime


@pytest.mark.parametrize("is_alone", [True, False])
def test_a_snapshot_of_an_earlier_version_lands_as_not_late(
    tmp_path: Path, write_week: WriteWeek, is_alone: bool
) -> None:
    lake = Lake(tmp_path)
    write_week(lake, WEEK, 3)
    old = date(2026, 1, 5)
    Path(tmp_path / f"lake/snapshots/{WEEK}.parquet").unlink()
    lake.write(f"snapshots/{WEEK}.parquet", EarlierRecord, [EarlierRecord(WEEK, "x", "all", 3, NOW, NOW)])
    if not is_alone:
        lake.write(f"listing/{old}/p.parquet", ListedModel, [])
        record = SnapshotRecord(old, "x", "all", 3, NOW, NOW, is_late=True)
        lake.write(f"snapshots/{old}.parquet", SnapshotRecord, [record])
    warehouse = Warehouse(tmp_path)
    with warehouse.writer():
        warehouse.begin()
        with warehouse.open() as db:
            found = db.execute("select snapshot, is_late, days_late from snapshots order by 1").fetchall()
    assert found == [*([] if is_alone else [(old, True, 7)]), (WEEK, False, 0)]


def judging(**changed: float) -> list[GateMeasure]:
    """The suspicious measures of a first week whose judge reads, but for what is changed."""
    reads = {
        "same_checks": 0.2,
        "unread_pattern": 0.1,
        "by_position": 0.4,
        "coherence": 0.8,
        "score_spread": 0.7,
    }
    measures = {f"judging:{name}": Measured(value, 30) for name, value in (reads | changed).items()}
    found = gate_measures(
        Observed(WEEK, measures, [0] * 16), None, LIMITS, fingerprint="f", at=datetime(2026, 1, 12)
    )
    return [measure for measure in found if measure.is_suspicious]


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        ("same_checks", 0.99),
        ("unread_pattern", 0.99),
        ("by_position", 0.88),
        ("coherence", 0.05),
        ("score_spread", 0.06),
    ],
)
def test_a_first_week_is_held_back_by_each_sign_of_a_judge_that_does_not_read(
    measure: str, value: float
) -> None:
    assert judging() == []
    (found,) = judging(**{measure: value})
    assert found.measure == f"judging:{measure}"


def test_a_judge_is_not_measured_on_a_few_cards() -> None:
    few = Observed(WEEK, {"judging:same_checks": Measured(1.0, 9)}, [0] * 16)
    (measure,) = gate_measures(few, None, LIMITS, fingerprint="f", at=NOW)
    assert not measure.is_suspicious


def test_what_last_week_was_like_does_not_excuse_a_judge() -> None:
    now, before = (
        Observed(day, {"judging:same_checks": Measured(1.0, 500)}, [0] * 16)
        for day in (WEEK, date(2026, 1, 5))
    )
    (measure,) = gate_measures(now, before, LIMITS, fingerprint="f", at=NOW)
    assert measure.is_suspicious


def test_the_words_for_a_judge_that_does_not_read_say_so_and_name_the_remedy() -> None:
    found = judging(same_checks=1.0)
    assert (
        measure_words(found[0]) == "share of unlike cards that got the same answers: 1 (at most 0.6 expected)"
    )
    assert "with another one (docs/judge.md)" in quarantine_words(WEEK, found, [])
