"""Prefect's REST API, as far as chaos needs it, with long retries: the server may just have been killed."""

from __future__ import annotations

import json
import time
import urllib.error
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deployments.native.rest import Rest

_PATIENCE_S = 60.0
_ANSWER_WITHIN_S = 20.0
_PAGE = 200
TERMINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass(frozen=True, slots=True)
class PrefectApi:
    """The API that `rest` asks."""

    rest: Rest

    def is_well(self) -> bool:
        """Whether the API and its database answer."""
        try:
            self.rest.ask("GET", "/ready", within_s=_ANSWER_WITHIN_S)
        except OSError:
            return False
        return True

    def start(
        self, deployment: str, parameters: dict[str, Any], *, environment: dict[str, str], name: str
    ) -> str:
        """Schedule a run of a deployment now; returns the flow run's id."""
        run = self._ask(
            "POST",
            f"/deployments/{self._deployment(deployment)['id']}/create_flow_run",
            {
                "name": name,
                "parameters": parameters,
                "state": {"type": "SCHEDULED"},
                "job_variables": {"env": environment} if environment else {},
                "idempotency_key": name,  # a request repeated after a lost answer still makes one run
            },
        )
        return str(run["id"])

    def let_runs_set_their_environment(self, pool: str) -> None:
        """Open a pool for the variables of a run: each round has a lake of its own."""
        template = self._ask("GET", f"/work_pools/{pool}")["base_job_template"]
        template["job_configuration"]["env"] = "{{ env }}"
        template["variables"]["properties"]["env"] = {"type": "object"}
        self._ask("PATCH", f"/work_pools/{pool}", {"base_job_template": template})

    def set_environment(self, deployment: str, environment: dict[str, str]) -> None:
        """Set variables for every later run of a deployment."""
        path = f"/deployments/{self._deployment(deployment)['id']}"
        self._ask("PATCH", path, {"job_variables": {"env": environment}})

    def message(self, run_id: str) -> str:
        """The name and message of the flow run's state."""
        state = self._ask("GET", f"/flow_runs/{run_id}")["state"] or {}
        return f"{state.get('name')}: {state.get('message') or ''}"

    def unfinished(self) -> dict[str, str]:
        """Flow runs that should have started and are in no final state, with their states."""
        condition = {
            "state": {"type": {"not_any_": sorted(TERMINAL)}},
            "expected_start_time": {"before_": datetime.now(UTC).isoformat()},
        }
        runs = self._all("/flow_runs/filter", {"flow_runs": condition})
        return {str(run["id"]): str(run["state_type"]) for run in runs}

    def glance(self, run_id: str) -> str | None:
        """The type of the flow run's state; null if the API does not answer right now."""
        try:
            run = self.rest.ask("GET", f"/flow_runs/{run_id}", within_s=_ANSWER_WITHIN_S)
            return str(run["state_type"])
        except (OSError, ValueError):
            return None

    def copy(self, deployment: str, name: str) -> None:
        """Copy a deployment under another name, without schedules and limits."""
        kept = (
            "flow_id",
            "entrypoint",
            "path",
            "work_pool_name",
            "parameters",
            "pull_steps",
            "job_variables",
        )
        model = self._deployment(deployment)
        self._ask("POST", "/deployments/", {"name": name} | {key: model[key] for key in kept if key in model})

    def pause_schedule(self, deployment: str) -> None:
        """Pause a deployment's schedule and delete the runs that are scheduled already."""
        self._ask("PATCH", f"/deployments/{self._deployment(deployment)['id']}", {"paused": True})
        scheduled = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
        for run in self._all("/flow_runs/filter", scheduled):
            self._ask("DELETE", f"/flow_runs/{run['id']}")

    def cancel(self, run_id: str) -> None:
        """Set a flow run to cancelled, whatever its process does."""
        state = {"type": "CANCELLED", "name": "Cancelled", "message": "cancelled by chaos"}
        self._ask("POST", f"/flow_runs/{run_id}/set_state", {"state": state, "force": True})

    def visible_texts(self, since: str) -> dict[str, str]:
        """Everything that the API shows of runs since a time: logs, parameters, variables, artifacts, pools."""
        after = {"after_": since}
        return {
            "flow-run logs": self._text("/logs/filter", {"logs": {"timestamp": after}}),
            "flow runs": self._text("/flow_runs/filter", {"flow_runs": {"start_time": after}}),
            "task runs": self._text("/task_runs/filter", {"task_runs": {"start_time": after}}),
            "artifacts": self._text("/artifacts/filter", {}),
            "deployments": self._text("/deployments/filter", {}),
            "work pools": self._text("/work_pools/filter", {}),
        }

    def _deployment(self, name: str) -> Any:
        return self._ask("GET", f"/deployments/name/{name}")

    def _text(self, path: str, condition: dict[str, Any]) -> str:
        return json.dumps(self._all(path, condition))

    def _all(self, path: str, condition: dict[str, Any]) -> list[Any]:
        found: list[Any] = []
        while True:
            page = self._ask("POST", path, {**condition, "limit": _PAGE, "offset": len(found)})
            found += page
            if len(page) < _PAGE:
                return found

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return self.rest.ask(method, path, body, within_s=_ANSWER_WITHIN_S)
            except urllib.error.HTTPError as error:
                if error.code < 500 and error.code != 429:
                    body_text = error.read().decode(errors="replace")[:500]
                    raise RuntimeError(
                        f"Prefect's API: {method} {path}: {error.code}: {body_text}"
                    ) from error
                _give_up(deadline, error)
            except OSError as error:
                _give_up(deadline, error)
            time.sleep(0.5)


def _give_up(deadline: float, error: OSError) -> None:
    if time.monotonic() > deadline:
        raise error
