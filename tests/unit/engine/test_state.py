"""The state of a real Prefect server, read in a process of its own: Prefect reads its settings once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.engine.state import client_version

ASK = """
import dataclasses, json, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from flows.cli.prefect_server import prefect_server

with prefect_server(Path(sys.argv[1])):
    from prefect import flow
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.client.schemas.objects import State, StateDetails, StateType
    from tasks.engine.state import read_engine
    from flows.cli.deploy import set_hub_limit

    empty = read_engine()

    @flow(name="snapshot")
    def snapshot(): ...

    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="default", type="process"))
        key = client.create_deployment(client.create_flow(snapshot), "weekly", work_pool_name="default")
        at = datetime(2030, 1, 7, 5, tzinfo=UTC)
        details = StateDetails(scheduled_time=at)
        client.create_flow_run_from_deployment(
            key, state=State(type=StateType.SCHEDULED, state_details=details)
        )
        set_hub_limit(client, 8)
    for state in (empty, read_engine()):
        print(json.dumps(dataclasses.asdict(state), default=str))
"""


@pytest.mark.slow
@pytest.mark.prefect
def test_a_server_reports_its_pools_its_deployments_and_its_scheduled_runs(tmp_path: Path) -> None:
    asked = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=Path(__file__).parents[3],
    )
    assert asked.returncode == 0, asked.stderr
    empty, full = map(json.loads, asked.stdout.splitlines()[-2:])
    assert (empty["deployments"], empty["pools"], empty["limit"], empty["scheduled"]) == ([], [], None, [])
    assert full["version"] == client_version()
    assert full["deployments"] == ["snapshot/weekly"]
    assert full["pools"] == [{"name": "default", "workers": 0, "is_paused": False}]
    assert full["limit"] == 8
    assert full["scheduled"] == [{"deployment": "snapshot/weekly", "at": "2030-01-07 05:00:00"}]
