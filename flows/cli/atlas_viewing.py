"""What `atlas serve` and `atlas export` do: the map as a file, and Apple's `embedding-atlas` over it.

The viewer is an extra and runs as a process of its own, by its own command line, on loopback. It brings its page,
DuckDB and all else with it and asks nothing of the network.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from time import sleep
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

import typer

from tasks.atlas.export import write_atlas_file, write_labels_file
from tasks.cards.one_line import one_line
from tasks.engine.child import free_port, running_child, wait_until
from tasks.errors import EngineFailed, UsageError

HOST = "127.0.0.1"
_START_WITHIN_S = 300.0  # it imports torch, and may read millions of rows
_LOOK_EVERY_S = 0.5
# What it could compute is computed already: it has no reason to look for models or prices of models.
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "PYTHONUNBUFFERED": "1",
}


def export_atlas(home: Path, path: Path) -> None:
    """Write the latest map as a Parquet file."""
    models = write_atlas_file(home, path)
    typer.echo(f"Wrote {path} ({path.stat().st_size / 1e6:.1f} MB): {models:,} models.")


def serve_atlas(home: Path, port: int) -> None:
    """Write the map into the home and serve the viewer of it until Ctrl-C. Port 0 takes a free one.

    `UsageError` where the viewer is not installed, `EngineFailed` where it does not start.
    """
    check_installed()
    table, labels = home / "atlas.parquet", home / "atlas-labels.parquet"
    models = write_atlas_file(home, table)
    write_labels_file(home, labels)
    port = port or free_port()
    typer.echo(f"Starting the viewer of {models:,} models …")
    with (
        TemporaryFile() as log,
        suppress(KeyboardInterrupt),
        running_child(
            "tasks.engine.child", command(table, labels, port), environment=_OFFLINE, log=log
        ) as child,
    ):
        url = f"http://{HOST}:{port}/"
        if not wait_until(lambda: _answers(url), child, within_s=_START_WITHIN_S):
            raise EngineFailed(
                f"embedding-atlas did not start on port {port} ({_last_line(log)}); try another --port"
            )
        typer.echo(f"{url} shows the map; Ctrl-C ends it.")
        while child.poll() is None:
            sleep(
                _LOOK_EVERY_S
            )  # not `wait`: where Polars was used, Ctrl-C does not interrupt a wait for a process
        raise EngineFailed(f"embedding-atlas ended by itself ({_last_line(log)}); run it again")


def check_installed() -> None:
    """Raise `UsageError` unless the viewer can be run."""
    if find_spec("embedding_atlas") is None:
        raise UsageError("embedding-atlas is not installed; `pip install 'cardiograph[viewer]'` installs it")


def command(table: Path, labels: Path, port: int) -> list[str]:
    """The viewer's command line: places and neighbours as we found them, nothing computed anew."""
    return [
        sys.executable, "-m", "embedding_atlas.cli", str(table.resolve()),
        "--x", "x", "--y", "y", "--text", "words", "--neighbors", "neighbours", "--labels", str(labels.resolve()),
        "--host", HOST, "--port", str(port), "--no-auto-port",
    ]  # fmt: skip


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return one_line(lines[-1], 160) if lines else "it said nothing"
