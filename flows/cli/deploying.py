"""`cardiograph deploy`: what a Prefect server needs to know of Cardiograph. Run again, it updates."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import typer
import yaml

from tasks.errors import DeployFailed, UsageError
from tasks.settings import settings

POOLS = ("default", "gpu")
HUB_SLOTS = 32

_DEPLOYMENTS = Path(__file__).parents[2] / "deployments"


def deploy(*, hub_slots: int | None, pool_type: str, alarm_block: str | None) -> None:
    """Make or update pools, the limit for the Hub's quota, deployments and alarms on the server in use."""
    if not os.environ.get("PREFECT_API_URL"):
        raise UsageError(
            "PREFECT_API_URL is not set: deployments live on a Prefect server; start one with `prefect server start` "
            "and set it to http://127.0.0.1:4200/api"
        )
    if not (_DEPLOYMENTS / "prefect.yaml").is_file():
        raise UsageError(f"{_DEPLOYMENTS} is not there; run this from a checkout or from the image")
    from prefect.exceptions import PrefectHTTPStatusError

    try:
        make_pools(pool_type)
        set_hub_limit(hub_slots)
        make_automations(alarm_block)
    except PrefectHTTPStatusError as error:
        raise DeployFailed(f"the Prefect server refused it: {str(error).splitlines()[0]}") from error
    make_deployments()


def make_pools(pool_type: str) -> None:
    """The work pools, unless they are there: what somebody changed about them stays."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists

    with get_client(sync_client=True) as client:
        for name in POOLS:
            try:
                client.create_work_pool(WorkPoolCreate(name=name, type=pool_type))
                typer.echo(f"work pool {name} ({pool_type}) made")
            except ObjectAlreadyExists:
                typer.echo(f"work pool {name} is there")


def set_hub_limit(slots: int | None) -> None:
    """How many requests to the Hub all workers together may have under way; without a figure, what is set stays."""
    from prefect.client.orchestration import get_client

    from tasks.hub.quota import limit_slots, set_limit

    slots = slots or limit_slots() or HUB_SLOTS
    with get_client(sync_client=True) as client:
        set_limit(client, slots)
    typer.echo(f"global concurrency limit {settings().hub_limit}: {slots} requests in flight")


def make_deployments() -> None:
    """All of deployments/prefect.yaml, by Prefect's own command."""
    words = ["--no-prompt", "deploy", "--prefect-file", "deployments/prefect.yaml", "--all"]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "prefect", *words],
        cwd=_DEPLOYMENTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise DeployFailed(f"`prefect deploy` failed: {' '.join(last)}")
    names = [
        f"{entry['entrypoint'].rpartition('.')[2]}/{entry['name']}"
        for entry in _told("prefect")["deployments"]
    ]
    typer.echo(f"deployments: {', '.join(names)}")


def make_automations(alarm_block: str | None) -> None:
    """The alarms and what Prefect does by itself; those of an older version are replaced."""
    from prefect.client.orchestration import get_client
    from prefect.events.schemas.automations import AutomationCore

    actions = _alarm(alarm_block)
    with get_client(sync_client=True) as client:
        known = {automation.name: automation.id for automation in client.read_automations(limit=200)}
        for entry in _told("automations")["automations"]:
            automation = AutomationCore.model_validate(
                {**entry, "actions": [*entry.get("actions", []), *actions]}
            )
            if automation.name in known:
                client.update_automation(known[automation.name], automation)
            else:
                client.create_automation(automation)
            typer.echo(f"automation {automation.name}")


def _alarm(block: str | None) -> list[dict[str, Any]]:
    """What every alarm does: it is an event that the UI shows, and a message where there is somewhere to send it."""
    if block is None:
        return [{"type": "do-nothing"}]
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    kind, _, name = block.partition("/")
    with get_client(sync_client=True) as client:
        try:
            document = client.read_block_document_by_name(name, kind)
        except ObjectNotFound as error:
            raise UsageError(
                f"--alarm-block {block}: there is no such block; make it in Prefect's UI, under Blocks"
            ) from error
    told = "{{ automation.name }}: {{ flow_run.name }} {{ flow_run.state.message }} {{ flow_run|ui_url }}"
    return [
        {
            "type": "send-notification",
            "block_document_id": str(document.id),
            "subject": "Cardiograph",
            "body": told,
        }
    ]


def _told(name: str) -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((_DEPLOYMENTS / f"{name}.yaml").read_text(encoding="utf-8"))
    return told
