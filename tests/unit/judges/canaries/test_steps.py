"""The canaries of a run: asked once per judge, kept in the lake, and what a failure does."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from tasks.errors import CanariesFailed, JudgesDiffer
from tasks.judges import identify
from tasks.judges.canaries.steps import check_canaries, plan_canaries, prove_judge
from tasks.judges.characters import copies_a_pattern
from tasks.judges.scripted import ScriptedJudge, running_scripted_judge
from tasks.records import JudgeRecord, JudgeSpec
from tasks.storage.lake import Lake
from tasks.work.crew import CARD_KINDS, JUDGE_KINDS
from tasks.work.orders import Shared, open_stage, outstanding, read_shared
from tasks.work.run import Run

WEEK = date(2026, 11, 16)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path, WEEK)


@pytest.fixture
def server() -> Iterator[ScriptedJudge]:
    with running_scripted_judge() as judge:
        yield judge


def record_of(spec: JudgeSpec) -> JudgeRecord:
    return identify(spec).record(WEEK, datetime(2026, 11, 16))


def try_in(run: Run, spec: JudgeSpec) -> JudgeRecord:
    """Plan and do what a run does before it judges."""
    record = record_of(spec)
    for order in plan_canaries.fn(run, record):
        prove_judge.fn(run, order, Shared(spec=spec))
    return record


def spec_of(server: ScriptedJudge) -> JudgeSpec:
    return JudgeSpec("vllm", urls=(server.url,))


def answers(server: ScriptedJudge) -> int:
    return sum(path == "/v1/chat/completions" for path, _ in server.requests)


def test_a_judge_that_passed_is_not_asked_again(run: Run, server: ScriptedJudge) -> None:
    record = try_in(run, spec_of(server))
    check_canaries.fn(run, record)
    assert answers(server) == 16
    assert plan_canaries.fn(run, record) == []
    try_in(run, spec_of(server))
    check_canaries.fn(run, record)
    assert answers(server) == 16
    assert len(run.lake.parts("canaries")) == 1


def test_the_checklist_is_tried_like_any_other_judge(run: Run) -> None:
    check_canaries.fn(run, try_in(run, JudgeSpec()))
    assert run.lake.parts("canaries")[0].endswith("-passed.parquet")


def test_a_judge_that_failed_stops_the_run_with_one_line_and_is_asked_again(
    run: Run, server: ScriptedJudge
) -> None:
    server.character = copies_a_pattern
    record = try_in(run, spec_of(server))
    with pytest.raises(CanariesFailed, match="another judge model") as caught:
        check_canaries.fn(run, record)
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)
    assert "CARDIOGRAPH_JUDGE_CANARIES=warn" in str(caught.value)
    server.character = None  # its server was repaired
    check_canaries.fn(run, try_in(run, spec_of(server)))
    assert answers(server) == 32


def test_a_judge_that_failed_may_go_on_with_a_warning(
    run: Run, server: ScriptedJudge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server.character = copies_a_pattern
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_CANARIES", "warn")
    record = try_in(run, spec_of(server))
    logger = logging.getLogger("prefect.cardiograph")
    monkeypatch.setattr(logger, "propagate", True)
    logger.addHandler(caplog.handler)
    check_canaries.fn(run, record)
    logger.removeHandler(caplog.handler)
    assert any("vllm:scripted failed the canaries" in message for message in caplog.messages)


def test_no_judge_is_tried_where_the_settings_say_so(
    run: Run, server: ScriptedJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.character = copies_a_pattern
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_CANARIES", "off")
    check_canaries.fn(run, try_in(run, spec_of(server)))
    assert answers(server) == 0


def test_where_only_a_pools_workers_reach_the_judge_they_try_it(
    run: Run, server: ScriptedJudge, tmp_path: Path
) -> None:
    assert "prove" in JUDGE_KINDS
    assert "prove" not in CARD_KINDS
    record = record_of(spec_of(server))
    (order,) = plan_canaries.fn(run, record)
    open_stage(run.lake, order.stage, Shared(spec=spec_of(server)), [order])
    lake = Lake(tmp_path)  # as the worker sees it
    (pulled,), shared = outstanding(lake, order.stage), read_shared(lake, order.stage)
    assert shared is not None
    prove_judge.fn(Run(tmp_path, WEEK), pulled, shared)
    check_canaries.fn(run, record)


def test_a_worker_does_not_try_another_judge_than_the_run_began_with(run: Run, server: ScriptedJudge) -> None:
    (order,) = plan_canaries.fn(run, record_of(JudgeSpec()))
    with pytest.raises(JudgesDiffer):
        prove_judge.fn(run, order, Shared(spec=spec_of(server)))
    assert run.lake.parts("canaries") == []
