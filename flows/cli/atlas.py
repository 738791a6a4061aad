"""`cardiograph atlas`: the map of card texts, its kinds and their names, a viewer, a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from flows.cli.console import echo, figure, print_json, print_table
from flows.cli.options import AsJson, Format, Home
from flows.cli.plain_help import CommandGroup
from flows.cli.progress_bars import busy
from tasks.cards.one_line import one_line
from tasks.clock import utc_now
from tasks.errors import EngineFailed, UsageError, WriterBusy
from tasks.sentences.numbers import percent
from tasks.stopping import pause

if TYPE_CHECKING:
    from tasks.atlas.kind_names import NamedKind
    from tasks.work.run import Run

HOST = "127.0.0.1"
_TERMS_SHOWN, _TERM_CHARACTERS = 3, 24
_START_WITHIN_S = 300.0  # the viewer imports torch, and may read millions of rows
_POLL_S = 0.5
# Everything that the viewer could compute is in the file: it need not look for models or for prices of models.
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "PYTHONUNBUFFERED": "1",
}

atlas = CommandGroup(
    no_args_is_help=True, help="The map of card texts: its kinds and their names, a viewer, a file."
)


@atlas.command()
def serve(
    home: Home,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any free one.")] = 5055,
) -> None:
    """Show the latest map in a browser, in Apple's embedding-atlas: for maps too large for the report.

    \b
    pip install 'cardiograph[viewer]'
    cardiograph atlas serve

    \b
    Writes atlas.parquet (the models) and atlas-labels.parquet (the kinds)
    into the home and serves them on 127.0.0.1 until Ctrl-C. Nothing is sent
    anywhere. The browser needs WebGPU; without it the map stays blank, and
    tables and filters work.
    """
    from tempfile import TemporaryFile

    from tasks.engine.child import answers, free_port, running_child, wait_until

    if find_spec("embedding_atlas") is None:
        raise UsageError("embedding-atlas is not installed; `pip install 'cardiograph[viewer]'` installs it")
    table, labels = home / "atlas.parquet", home / "atlas-labels.parquet"
    with busy("Writing the map"):
        from tasks.atlas.export import write_atlas_file, write_labels_file

        models = write_atlas_file(home, table)
        write_labels_file(home, labels)
    port = port or free_port()
    # Places and neighbours come from the file: the viewer computes nothing.
    command = [
        sys.executable, "-m", "embedding_atlas.cli", str(table.resolve()),
        "--x", "x", "--y", "y", "--text", "words", "--neighbors", "neighbours", "--labels", str(labels.resolve()),
        "--host", HOST, "--port", str(port), "--no-auto-port",
    ]  # fmt: skip
    echo(f"Starting the viewer of {models:,} models …")
    with (
        TemporaryFile() as log,
        running_child("tasks.engine.child", command, environment=_OFFLINE, log=log) as child,
    ):
        url = f"http://{HOST}:{port}/"
        if not wait_until(lambda: answers(url), child, within_s=_START_WITHIN_S):
            raise EngineFailed(
                f"embedding-atlas did not start on port {port} ({_last_line(log)}); try another --port"
            )
        echo(f"{url} shows the map; Ctrl-C ends it.")
        while child.poll() is None:
            pause(_POLL_S)
        raise EngineFailed(f"embedding-atlas stopped ({_last_line(log)}); run it again")


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return one_line(lines[-1], 160) if lines else "it printed nothing"


@atlas.command()
def export(
    path: Annotated[Path, typer.Argument(metavar="FILE.parquet", help="The file to write.")],
    home: Home,
) -> None:
    """Write the latest map as a Parquet file: one row per model, with its place, kind, figures and neighbours.

    \b
    cardiograph atlas export map.parquet

    \b
    The neighbours are rows of the file, counted from 0, with distances:
    {"ids": [...], "distances": [...]}, as embedding-atlas reads them.
    """
    if path.suffix != ".parquet":
        raise UsageError(f"{path}: the name does not end in .parquet; choose one that does")
    with busy("Writing the map"):
        from tasks.atlas.export import write_atlas_file

        models = write_atlas_file(home, path)
    echo(f"Wrote {path} ({path.stat().st_size / 1e6:.1f} MB): {models:,} models.")


@atlas.command()
def names(
    home: Home,
    path: Annotated[
        Path | None, typer.Argument(metavar="FILE.csv", help="Names to give, one row per kind.")
    ] = None,
    as_json: AsJson = False,
    output_format: Format = "table",
) -> None:
    """List the kinds of the latest map, or give them better names.

    \b
    cardiograph atlas names
    cardiograph atlas names --json | jq '.[] | select(.is_unstable)'
    cardiograph atlas names my-names.csv

    \b
    FILE.csv has the columns kind, name and description. A person's name
    takes precedence over one by a judge model or by terms, and stays with
    the kind in later weeks.
    """
    from tasks.atlas.kind_names import named_kinds

    as_json = as_json or output_format == "json"
    if path is not None:
        if as_json:
            raise UsageError("--json is for the list; leave it out, or leave out the file")
        with busy("Publishing"):
            take_names(home, path)
    elif as_json:
        print_json(named_kinds(home))
    elif not (kinds := named_kinds(home)):
        echo("The latest map has no kinds.")
    else:
        columns = "kind> name named_by archetype models> share> score> gap> stability> telling_terms"
        print_table(f"Kinds of the map of {kinds[0].snapshot}", columns, map(_cells, kinds))


def _cells(kind: NamedKind) -> Sequence[str]:
    named_by = kind.named_by or "–"
    if named_by not in ("–", "person", "terms"):
        named_by = f"judge {named_by[:8]}"  # the fingerprint of a judge model
    return (
        str(kind.kind),
        kind.name or "–",
        named_by,
        kind.archetype,
        f"{kind.models:,}",
        percent(kind.models_share),
        figure(kind.median_score, ".2f"),
        figure(kind.score_gap, "+.2f"),
        figure(kind.stability, ".2f") + (" unstable" if kind.is_unstable else ""),
        ", ".join(one_line(term, _TERM_CHARACTERS) for term in kind.terms[:_TERMS_SHOWN]),
    )


def take_names(home: Path, path: Path) -> None:
    """Save a person's names, publish the warehouse with them, and rewrite the report and the map if they exist.

    The names are in the lake before the warehouse is opened, so that a lock cannot lose them.
    """
    from tasks.atlas.kind_names import keep_names, named_kinds
    from tasks.work.coordinator import coordinating

    new = keep_names(home, path, utc_now())
    if not new:
        echo("These names are in place already.")
        return
    named = f"{len(new)} kind{'' if len(new) == 1 else 's'}"
    try:
        with coordinating(home, named_kinds(home)[0].snapshot) as run:
            _publish(run)
    except WriterBusy:
        echo(f"Another run is writing to {home}; the names of {named} are saved for what it publishes next.")
        return
    echo(f"Named {named}.")


def _publish(run: Run) -> None:
    from tasks.atlas.steps import publish_atlas_page
    from tasks.report.steps import publish_report
    from tasks.work.steps import publish_warehouse

    publish_warehouse.fn(run)
    if run.map.exists():
        publish_atlas_page.fn(run)
    if run.report.exists():
        publish_report.fn(run)
