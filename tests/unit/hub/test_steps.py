"""The crawl's own refusals, before anything is locked or requested."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from flows.crawl import crawl
from tasks.clock import utc_now
from tasks.errors import UsageError
from tasks.hub.steps import check_date


def test_a_snapshot_is_taken_late_or_today_but_not_early() -> None:
    today = utc_now().date()
    for day in (today, today - timedelta(days=400)):
        check_date(day)
    with pytest.raises(UsageError, match="the date is in the future"):
        check_date(today + timedelta(days=1))


def test_a_crawl_of_the_future_is_refused_before_anything_is_locked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the date is in the future"):
        crawl.fn(home=tmp_path, snapshot_date=utc_now().date() + timedelta(days=1))
    assert list(tmp_path.iterdir()) == []
