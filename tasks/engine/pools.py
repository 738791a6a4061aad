"""Work pools that run what was deployed, and nothing that a run brings along."""

from __future__ import annotations

from typing import Any, cast

from prefect.utilities.templating import apply_values
from prefect.workers.base import BaseWorker

# What may be set for one run: nothing. Prefect's own pools let each run set the command and the environment of its
# process, so that whoever may start a run may run anything as the worker's user.
_NOTHING = {"type": "object", "properties": {}, "additionalProperties": False}


def template_of(pool_type: str) -> dict[str, Any]:
    """The template of a kind of worker; empty where this environment has no such worker."""
    worker = BaseWorker.get_worker_class_from_type(pool_type)
    return worker.get_default_base_job_template() if worker else {}


def closed_template(template: dict[str, Any]) -> dict[str, Any]:
    """A pool's base job template with every variable fixed at its default; where it has none, the worker decides.

    A template of a kind of worker that has not registered yet is empty, and stays so.
    """
    if not template:
        return template
    variables = template.get("variables", {}).get("properties", {})
    defaults = {
        name: entry["default"] for name, entry in variables.items() if entry.get("default") is not None
    }
    job = cast("dict[str, Any]", apply_values(template.get("job_configuration", {}), defaults))
    return {"job_configuration": job, "variables": _NOTHING}
