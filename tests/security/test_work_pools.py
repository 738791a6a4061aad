"""Work pools: a run cannot bring along what its worker is to run, nor in what environment or folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.workers.process import ProcessWorker

from flows.cli.deploy import POOLS, _make_pools
from tasks.engine.pools import closed_template
from tests.security.served import Served

OPEN = ProcessWorker.get_default_base_job_template()
BROUGHT_ALONG: dict[str, Any] = {
    "command": "touch /evil/ran",
    "env": {"PYTHONPATH": "/evil"},
    "env.LD_PRELOAD": "/evil.so",
    "working_dir": "/evil",
    "name": "x",
    "labels": {"a": "b"},
}


def configuration(template: dict[str, Any], values: dict[str, Any]) -> Any:
    """What a worker makes of a pool's template and the variables of a run; no server is asked."""
    ask = ProcessWorker.job_configuration.from_template_and_values.__wrapped__  # type: ignore[attr-defined]
    return asyncio.run(ask(ProcessWorker.job_configuration, template, values, client=object()))


def test_an_open_template_would_let_a_run_choose_the_command() -> None:
    assert configuration(OPEN, {"command": "touch /evil/ran"}).command == "touch /evil/ran"


def test_in_a_closed_one_the_worker_runs_prefects_own_command_in_its_own_environment() -> None:
    made = configuration(closed_template(OPEN), BROUGHT_ALONG)
    assert (made.command, made.env, made.working_dir, made.name) == (None, {}, None, None)


def test_what_an_operator_set_as_a_default_stays_as_it_was_set() -> None:
    ours: dict[str, Any] = {
        "job_configuration": OPEN["job_configuration"],
        "variables": {
            "properties": {
                **OPEN["variables"]["properties"],
                "env": {"type": "object", "default": {"HF_TOKEN": "{{ prefect.blocks.secret.token }}"}},
                "stream_output": {"type": "boolean", "default": False},
            }
        },
    }
    closed = closed_template(ours)
    assert closed["job_configuration"] == {
        "env": {"HF_TOKEN": "{{ prefect.blocks.secret.token }}"},
        "stream_output": False,
    }
    assert closed_template(closed) == closed
    assert closed_template({}) == {}


@pytest.mark.prefect
def test_the_server_refuses_a_run_that_brings_variables_along(served: Served) -> None:
    from prefect import flow
    from prefect.exceptions import PrefectHTTPStatusError

    @flow(name="snapshot")
    def snapshot() -> None: ...

    ours = {PREFECT_API_URL: served.rest.url, PREFECT_API_AUTH_STRING: served.rest.secret}
    with temporary_settings(ours), get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="default", type="process", base_job_template=OPEN))
        _make_pools(client, "process")
        for pool in POOLS:
            assert client.read_work_pool(pool).base_job_template == closed_template(OPEN)
        key = client.create_deployment(
            client.create_flow(snapshot), f"weekly-{uuid4()}", work_pool_name="default"
        )
        for name, value in BROUGHT_ALONG.items():
            with pytest.raises(PrefectHTTPStatusError, match=r"4\d\d"):
                client.create_flow_run_from_deployment(key, job_variables={name: value})
        assert client.create_flow_run_from_deployment(key).job_variables == {}


def test_a_file_of_prefects_deployments_sets_no_variables_that_the_pools_would_refuse() -> None:
    text = (Path(__file__).parents[2] / "deployments/prefect.yaml").read_text(encoding="utf-8")
    assert "\n    job_variables" not in text
