"""The state of a home, read from what lies in it."""

from __future__ import annotations

import subprocess
from datetime import date, datetime
from pathlib import Path

import pytest

from tasks.operations.status import OpenStage, open_stages, read_state
from tasks.records import CardRef
from tasks.storage.lake import Lake
from tasks.work.leases import Leases, new_holder
from tasks.work.orders import Order, Puller, Shared, WorkStage, open_stage

NOW = datetime(2026, 1, 19, 9)
STAGE = WorkStage(date(2026, 1, 12), "read")


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


def test_an_empty_home_has_an_empty_state_and_stays_empty(tmp_path: Path) -> None:
    state = read_state(tmp_path, NOW)
    assert (state.published, state.quarantined, state.run, state.stages, state.failures) == (
        None,
        {},
        None,
        (),
        (),
    )
    assert (state.coming, state.problems) == (None, ())
    assert list(tmp_path.iterdir()) == []


def test_the_last_good_week_is_published_and_the_other_quarantined(home: Path) -> None:
    state = read_state(home, NOW)
    assert state.published
    assert (state.published.snapshot, state.published.age_days) == (date(2026, 1, 5), 14)
    assert (state.published.models, state.published.cards, state.published.judge) == (400, 400, "checklist")
    assert state.published.warehouse_bytes == (home / "warehouse.duckdb").stat().st_size
    assert list(state.quarantined) == ["2026-01-12"]
    assert any("unread_share 0.5" in why for why in state.quarantined["2026-01-12"])


def test_open_parts_are_counted_by_stage_with_their_holders(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    orders = [Order(STAGE, f"p{n}", (CardRef(f"ada/{n}", "s"),)) for n in range(3)]
    open_stage(lake, STAGE, Shared(hub="http://hub.example"), orders)
    leases = Leases(lake, new_holder(), 60)
    try:
        assert leases.take("writer", snapshot="2026-01-12")
        puller = Puller(lake, leases, STAGE.snapshot, ["read"])
        assert puller.next()
        assert open_stages(lake) == (OpenStage("2026-01-12", "read", 3, 1, (leases.holder,)),)
        state = read_state(tmp_path, NOW)
        assert state.run
        assert (state.run.snapshot, state.run.holder, state.run.is_gone) == (
            "2026-01-12",
            leases.holder,
            False,
        )
    finally:
        leases.close()
    assert [(stage.parts, stage.claimed) for stage in open_stages(lake)] == [(3, 0)]
    assert read_state(tmp_path, NOW).run is None


def test_a_run_whose_process_has_ended_is_reported_as_gone(tmp_path: Path) -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    host = new_holder().partition(":")[0]
    Lake(tmp_path).put("writer", f'{{"holder": "{host}:{child.pid}:abc", "snapshot": "2026-01-12"}}'.encode())
    run = read_state(tmp_path, NOW).run
    assert run
    assert run.is_gone


def test_what_cannot_be_read_is_named_and_the_rest_is_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDIOGRAPH_LAKE", "s3://bucket/prefix")
    monkeypatch.setenv("CARDIOGRAPH_LAKE_PATIENCE_S", "0")
    for name, value in (
        ("ENDPOINT_URL", "http://127.0.0.1:9"),
        ("ACCESS_KEY_ID", "k"),
        ("SECRET_ACCESS_KEY", "hush"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    state = read_state(home, NOW)
    assert state.published
    assert state.run is None
    assert state.problems
    assert "127.0.0.1:9" in state.problems[0]
    assert "hush" not in repr(state)


def test_a_warehouse_of_another_version_is_a_problem_with_its_remedy(home: Path) -> None:
    import duckdb

    with duckdb.connect(home / "warehouse.duckdb") as db:
        db.execute("update base.made_by set schema_digest = 'of last year'")
    state = read_state(home, NOW)
    assert state.published is None
    assert ["cardiograph rebuild" in problem for problem in state.problems] == [True]
