"""`cardiograph deploy`: set up a Prefect server for Cardiograph, or bring it up to date."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.console import echo
from flows.cli.progress_bars import busy
from tasks.engine.child import SAFE_PATH
from tasks.errors import DeployFailed, UsageError
from tasks.settings import settings

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

POOLS = ("default", "gpu")
HUB_SLOTS = 32

_DEPLOYMENTS = Path(__file__).parents[2] / "deployments"


def deploy(
    hub_slots: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Requests to the Hub that all workers together may have in flight.",
            show_default="32, or what is set",
        ),
    ] = None,
    pool_type: Annotated[
        str, typer.Option(help="Type of the work pools: process, docker or kubernetes.")
    ] = "process",
    alarm_block: Annotated[
        str | None, typer.Option(metavar="TYPE/NAME", help="A notification block that alarms are sent to.")
    ] = None,
) -> None:
    """Set up the Prefect server of PREFECT_API_URL: work pools, limit, deployments, alarms.

    \b
    cardiograph server                     (leave it running)
    export PREFECT_API_URL=http://127.0.0.1:4200/api
    export PREFECT_API_AUTH_STRING=$(cat cardiograph-data/prefect/auth-string)
    cardiograph deploy
    prefect worker start --pool default
    prefect deployment run snapshot/weekly --param limit=200

    Run it again after an upgrade; it updates what has changed.
    """
    if not os.environ.get("PREFECT_API_URL"):
        raise UsageError(
            "PREFECT_API_URL is not set: deployments live on a Prefect server; start one with `cardiograph server` "
            "and set the variable to http://127.0.0.1:4200/api"
        )
    if not (_DEPLOYMENTS / "prefect.yaml").is_file():
        raise UsageError(f"{_DEPLOYMENTS} does not exist; run this from a checkout or from the image")
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError

    from tasks.engine.prefect_api import is_open, refusal

    if is_open():
        echo(
            "WARNING: this Prefect server asks nobody for a secret: whoever reaches it, web pages in a browser on its "
            "machine included, can run commands on its workers. `cardiograph server` starts one that does.",
            err=True,
        )
    try:
        with get_client(sync_client=True) as client:
            _make_pools(client, pool_type)
            set_hub_limit(client, hub_slots)
            _make_automations(client, alarm_block)
    except PrefectHTTPStatusError as error:
        raise DeployFailed(f"the Prefect server refused a request: {refusal(error)}") from error
    with busy("Deploying"):
        _make_deployments()


def _make_pools(client: SyncPrefectClient, pool_type: str) -> None:
    """Create the work pools that do not exist; an existing one keeps what somebody changed about it.

    Either way a run can no longer set anything of its own: the pool's defaults hold.
    """
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectAlreadyExists

    from tasks.engine.pools import closed_template, template_of

    for name in POOLS:
        try:
            client.create_work_pool(WorkPoolCreate(name=name, type=pool_type))
            echo(f"work pool {name} ({pool_type}) created")
        except ObjectAlreadyExists:
            echo(f"work pool {name} exists")
        pool = client.read_work_pool(name)
        # A new pool has none of its own yet; the first worker would give it one that is open.
        template = closed_template(pool.base_job_template or template_of(pool.type))
        if not template:
            echo(
                f"work pool {name} is open: any run may set its own command. Run `cardiograph deploy` where the "
                f"workers of type {pool.type} are installed, or again when one has been there",
                err=True,
            )
        elif template != pool.base_job_template:
            client.update_work_pool(name, WorkPoolUpdate(base_job_template=template))


def set_hub_limit(client: SyncPrefectClient, slots: int | None) -> None:
    """Limit the requests to the Hub that all workers together may have in flight; null keeps the limit that is set."""
    from tasks.hub.quota import limit_slots, set_limit

    slots = slots or limit_slots() or HUB_SLOTS
    set_limit(client, slots)
    echo(f"global concurrency limit {settings().hub_limit}: {slots} requests in flight")


def _make_deployments() -> None:
    """Deploy all of deployments/prefect.yaml with Prefect's own command."""
    arguments = ["--no-prompt", "deploy", "--prefect-file", "deployments/prefect.yaml", "--all"]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "prefect", *arguments],
        env={**os.environ, **SAFE_PATH},
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
        for entry in _yaml("prefect")["deployments"]
    ]
    echo(f"deployments: {', '.join(names)}")


def _make_automations(client: SyncPrefectClient, alarm_block: str | None) -> None:
    """Create the alarms and what Prefect does by itself; those of an older version are replaced."""
    from prefect.events.schemas.automations import AutomationCore

    actions = _alarm_actions(client, alarm_block)
    known = {automation.name: automation.id for automation in client.read_automations(limit=200)}
    for entry in _yaml("automations")["automations"]:
        automation = AutomationCore.model_validate(
            {**entry, "actions": [*entry.get("actions", []), *actions]}
        )
        if automation.name in known:
            client.update_automation(known[automation.name], automation)
        else:
            client.create_automation(automation)
        echo(f"automation {automation.name}")


def _alarm_actions(client: SyncPrefectClient, block: str | None) -> list[dict[str, Any]]:
    """The actions of every alarm: it is an event in the UI, and with a block also a message."""
    if block is None:
        return [{"type": "do-nothing"}]
    from prefect.exceptions import ObjectNotFound

    kind, _, name = block.partition("/")
    try:
        document = client.read_block_document_by_name(name, kind)
    except ObjectNotFound as error:
        raise UsageError(
            f"--alarm-block {block}: no such block exists; create it in Prefect's UI, under Blocks"
        ) from error
    return [
        {
            "type": "send-notification",
            "block_document_id": str(document.id),
            "subject": "Cardiograph",
            "body": "{{ automation.name }}: {{ flow_run.name }} {{ flow_run.state.message }} {{ flow_run|ui_url }}",
        }
    ]


def _yaml(name: str) -> dict[str, Any]:
    import yaml

    content: dict[str, Any] = yaml.safe_load((_DEPLOYMENTS / f"{name}.yaml").read_text(encoding="utf-8"))
    return content
