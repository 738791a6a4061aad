"""What `cardiograph deploy` tells a Prefect server: every flow, parameter and event in it must exist."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import yaml
from prefect import Flow
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ParameterTypeError
from prefect.utilities.callables import parameter_schema

from flows.cli.deploy import POOLS, deploy
from tasks.engine.schedule import date_of_run, is_stale, late_by
from tasks.errors import UsageError
from tasks.records import Sort
from tasks.work.request import SnapshotRequest

DEPLOYMENTS = Path(__file__).parents[3] / "deployments"


def yaml_of(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((DEPLOYMENTS / f"{name}.yaml").read_text())
    return content


def flow_of(entrypoint: str) -> Flow[..., Any]:
    module, _, name = entrypoint.rpartition(".")
    flow = getattr(importlib.import_module(module), name)
    assert isinstance(flow, Flow)
    return flow


@pytest.mark.parametrize(
    "deployment", yaml_of("prefect")["deployments"], ids=lambda d: d["entrypoint"] + d["name"]
)
def test_every_deployment_runs_a_flow_with_parameters_that_it_has(deployment: dict[str, Any]) -> None:
    flow = flow_of(deployment["entrypoint"])
    assert deployment["parameters"].keys() <= inspect.signature(flow.fn).parameters.keys()
    flow.validate_parameters(
        deployment["parameters"] | ({"snapshot_date": "2026-11-16"} if flow.name == "crew" else {})
    )
    assert deployment["work_pool"]["name"] in POOLS
    assert "cardiograph" in deployment["tags"]


def test_the_week_is_taken_once_at_a_time_on_mondays_and_skipped_when_stale() -> None:
    (weekly,) = [d for d in yaml_of("prefect")["deployments"] if d["name"] == "weekly"]
    assert weekly["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert weekly["parameters"]["stale_after_h"] > 0
    (schedule,) = weekly["schedules"]
    assert schedule["timezone"] == "UTC"


def test_there_is_a_crew_for_every_pool() -> None:
    crews = {
        d["work_pool"]["name"]: d["name"]
        for d in yaml_of("prefect")["deployments"]
        if "crew" in d["entrypoint"]
    }
    assert crews == {pool: pool for pool in POOLS}


def test_prefect_shows_every_field_of_a_request_with_its_own_default() -> None:
    schema = parameter_schema(flow_of("flows.snapshot.snapshot"))
    assert {name: entry.get("default") for name, entry in schema.properties.items()} == {
        field.name: list(field.default) if isinstance(field.default, tuple) else field.default
        for field in dataclasses.fields(SnapshotRequest)
    }
    assert schema.required == []
    assert schema.properties["sort"]["enum"] == list(get_args(Sort))


@pytest.mark.parametrize("name", ["weekly", "crawl", "judge", "embed", "atlas"])
def test_a_deployment_names_only_the_parameters_that_differ_from_the_defaults(name: str) -> None:
    (deployment,) = [d for d in yaml_of("prefect")["deployments"] if d["name"] == name]
    defaults = inspect.signature(flow_of(deployment["entrypoint"]).fn).parameters
    assert not {key for key, value in deployment["parameters"].items() if defaults[key].default == value}


@pytest.mark.parametrize("flow", ["snapshot", "crawl", "judge", "embed", "atlas", "analyse", "publish"])
def test_a_flow_checks_each_parameter_by_its_type(flow: str) -> None:
    made = flow_of(f"flows.{flow}.{flow}")
    assert made.validate_parameters({"snapshot_date": "2026-11-16"})["snapshot_date"] == date(2026, 11, 16)
    with pytest.raises(ParameterTypeError):
        made.validate_parameters({"snapshot_date": "soon"})


@pytest.mark.parametrize("entry", yaml_of("automations")["automations"], ids=lambda entry: entry["name"])
def test_every_automation_is_one_that_prefect_takes(entry: dict[str, Any]) -> None:
    automation = AutomationCore.model_validate(
        {**entry, "actions": entry.get("actions", [{"type": "do-nothing"}])}
    )
    assert automation.enabled


def test_deploying_needs_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(UsageError, match="PREFECT_API_URL is not set"):
        deploy(hub_slots=32, pool_type="process", alarm_block=None)


def scheduled(monkeypatch: pytest.MonkeyPatch, at: datetime, run_count: int = 1) -> None:
    runtime = SimpleNamespace(scheduled_start_time=at, parameters={}, run_count=run_count)
    monkeypatch.setattr("tasks.engine.schedule.flow_run", runtime)  # Prefect has no other way to set a time


def test_a_run_is_dated_by_its_schedule_and_stale_when_it_starts_too_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scheduled(monkeypatch, datetime(2026, 11, 16, 23, 59, 30, tzinfo=UTC))
    assert str(date_of_run()) == "2026-11-16"
    late_h = late_by() / timedelta(hours=1)
    assert is_stale(late_h - 1)
    assert not is_stale(late_h + 1)
    assert not is_stale(None)


def test_a_retried_run_is_never_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduled(monkeypatch, datetime(2026, 11, 2, tzinfo=UTC), run_count=2)
    assert not is_stale(1)


def test_a_run_without_a_schedule_is_of_today_and_never_stale() -> None:
    assert date_of_run() == datetime.now(UTC).date()
    assert not is_stale(0.01)
