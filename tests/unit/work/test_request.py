"""What a run is asked, handed from the command to flows and from flows to flows inside them."""

from __future__ import annotations

import inspect
from dataclasses import asdict, fields, replace
from datetime import date
from pathlib import Path

import pytest

from flows.snapshot import _namer, _servers
from tasks.work.request import (
    AtlasRequest,
    CrawlRequest,
    CrewRequest,
    EmbedRequest,
    FindingsRequest,
    JudgeRequest,
    RunRequest,
    SnapshotRequest,
    takes,
)
from tasks.work.run import Run

# No field has its default value.
ASKED = SnapshotRequest(
    snapshot_date=date(2026, 11, 16),
    home=Path("home"),
    workers=3,
    pool="cpus",
    hub="demo",
    limit=5,
    sort="likes",
    filters=("gguf",),
    author="ada",
    models=("ada/one",),
    sample=50,
    sample_seed=7,
    include_private=True,
    judge_model="some/model",
    judge_urls=("http://127.0.0.1:8000",),
    budget=5.0,
    budget_requests=900,
    explain=1,
    judge_pool="gpus",
    judge_workers=2,
    judges=("vllm", "checklist"),
    embedder="none",
    stale_after_h=1.0,
)


def test_the_request_of_these_tests_differs_from_every_default() -> None:
    defaults = asdict(SnapshotRequest())
    assert [name for name, value in asdict(ASKED).items() if value == defaults[name]] == []


@pytest.mark.parametrize(
    ("record", "changes"),
    [
        (CrawlRequest, {}),
        (JudgeRequest, {"judge": "vllm"}),
        (FindingsRequest, {"fingerprint": "f"}),
        (EmbedRequest, {"embedder": "e"}),
        (AtlasRequest, {"namer": "vllm"}),
        (SnapshotRequest, {}),
    ],
)
def test_a_flow_inside_another_is_asked_the_same(
    record: type[RunRequest], changes: dict[str, object]
) -> None:
    parameters = ASKED.parameters(record, **changes)
    assert parameters.keys() == {field.name for field in fields(record)}
    assert parameters == {name: getattr(ASKED, name, None) for name in parameters} | changes
    record(**parameters)


def test_a_field_that_the_outer_request_lacks_must_be_given() -> None:
    with pytest.raises(AttributeError, match="fingerprint"):
        ASKED.parameters(FindingsRequest)


def test_only_who_asks_a_judge_has_a_pool_for_it() -> None:
    assert ASKED.crew == CrewRequest(3, "cpus", "gpus", 2)
    assert CrawlRequest(**ASKED.parameters(CrawlRequest)).crew == CrewRequest(3, "cpus")


def test_date_and_home_are_those_that_the_run_found() -> None:
    run = Run(Path("elsewhere"), date(2026, 11, 23))
    assert SnapshotRequest().of(run) == replace(SnapshotRequest(), home=run.home, snapshot_date=run.snapshot)


def test_a_function_of_a_request_takes_its_fields_by_name() -> None:
    asked = takes(CrawlRequest)(lambda request: request)
    assert asked(limit=7) == CrawlRequest(limit=7)
    assert list(inspect.signature(asked).parameters) == [field.name for field in fields(CrawlRequest)]


@pytest.mark.parametrize("judge", ["checklist", None])
def test_a_judge_without_servers_is_given_none(judge: str | None) -> None:
    no_budget = {"budget": None, "budget_requests": None}
    assert _servers(ASKED, judge) == {"judge_model": None, "judge_urls": (), **no_budget}
    servers = {"judge_model": "some/model", "judge_urls": ("http://127.0.0.1:8000",)}
    assert _servers(ASKED, "vllm") == servers | no_budget
    assert _servers(ASKED, "openai:m") == servers | {"budget": 5.0, "budget_requests": 900}


def test_kinds_are_named_by_a_judge_model_that_this_machine_reaches() -> None:
    assert _namer(ASKED) is None
    assert _namer(replace(ASKED, judge_pool=None)) == "vllm"
    assert _namer(SnapshotRequest()) is None
