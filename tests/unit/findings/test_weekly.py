"""Weeks out of snapshots: differences, rebuilt windows, gaps and totals that fall."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.findings.weekly import weekly, weeks_of_windows

FIRST = date(2026, 1, 5)


def panel(weeks: list[int], **columns: object) -> pl.DataFrame:
    """One model, seen in these weeks."""
    n = len(weeks)
    given_columns = {
        "snapshot": [FIRST + timedelta(weeks=week) for week in weeks],
        "model_id": ["a/b"] * n,
        "author": ["a"] * n,
        "downloads": [30] * n,
        "downloads_all_time": [None] * n,
        "likes": [0] * n,
        "is_edited": [False] * n,
        "is_documented": [False] * n,
    }
    return pl.DataFrame(given_columns | columns)


def test_what_is_gained_is_the_difference_to_the_week_before() -> None:
    found = weekly(panel([0, 1, 2], likes=[3, 3, 7], downloads_all_time=[100, 150, 151]))
    assert found["week"].to_list() == [0, 1, 2]
    assert found["likes_gained"].to_list() == [None, 0, 4]
    assert found["downloads_gained"].to_list() == [None, 50.0, 1.0]
    assert not found["is_rebuilt"].any()


def test_after_a_week_without_a_snapshot_nothing_is_said_of_the_next() -> None:
    found = weekly(panel([0, 1, 3, 4], likes=[0, 1, 5, 6]))
    assert found["likes_gained"].to_list() == [None, 1, None, 1]


def test_a_total_that_falls_is_no_gain_and_is_told() -> None:
    found = weekly(panel([0, 1, 2], likes=[9, 2, 3], downloads_all_time=[10, 20, 5]))
    assert found["likes_gained"].to_list() == [None, None, 1]
    assert found["downloads_gained"].to_list() == [None, 10.0, None]
    assert found["is_decrease"].to_list() == [False, True, True]


def test_snapshots_of_any_weekday_belong_to_the_nearest_week() -> None:
    rows = panel([0, 1, 2], likes=[0, 1, 3]).with_columns(
        pl.Series("snapshot", [FIRST, FIRST + timedelta(days=8), FIRST + timedelta(days=13)])
    )
    assert weekly(rows)["likes_gained"].to_list() == [None, 1, 2]


@given(st.lists(st.integers(0, 10_000), min_size=12, max_size=40))
def test_weeks_are_rebuilt_from_windows_of_thirty_days_where_the_past_was_even(weeks: list[int]) -> None:
    even = 70.0
    past = np.array([even] * 5 + weeks, dtype=np.float64)
    windows = np.array(
        [past[t] + past[t - 1] + past[t - 2] + past[t - 3] + past[t - 4] * 2 / 7 for t in range(4, len(past))]
    )
    found = weeks_of_windows(np.arange(len(windows)), windows)
    assert np.isnan(found[0])
    assert found[1:] == pytest.approx(weeks, abs=1e-6)


def test_a_missing_window_begins_the_rebuilding_anew() -> None:
    windows = np.array([30.0, 30, np.nan, 30, 30])
    found = weeks_of_windows(np.arange(5), windows)
    assert np.isnan(found[[0, 2, 3]]).all()
    assert found[[1, 4]] == pytest.approx([7.0, 7.0])


def test_a_model_without_a_total_has_its_downloads_rebuilt() -> None:
    found = weekly(panel([0, 1, 2], downloads=[30, 33, 30]))
    assert found["is_rebuilt"].all()
    assert found["downloads_gained"].to_list() == pytest.approx([None, 10.0, 4.0])
