"""Import what the services and the runs of an image import, so that Python keeps it compiled in the image.

Compiling all that is installed would take 0.3 GB, most of it for modules that nothing imports.
"""

from __future__ import annotations

import importlib
import pkgutil

import flows
import tasks

# What is imported where it is needed, by us or by Prefect's commands.
LIBRARIES = (
    "onnxruntime",
    "prefect.cli",
    "prefect.cli.server",
    "prefect.cli.worker",
    "prefect.server.api.server",
    "prefect.workers.process",
    "prefect_redis",
    "pynndescent",
    "sklearn.cluster",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "statsmodels.formula.api",
    "tokenizers",
    "umap",
    "uvicorn",
    "vl_convert",
)


def main() -> None:
    """Import everything of ours and the libraries."""
    ours = [
        module.name
        for package in (flows, tasks)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not module.name.endswith("__main__")
    ]
    for name in [*ours, *LIBRARIES]:
        importlib.import_module(name)


if __name__ == "__main__":
    main()
