"""`cardiograph neighbours` and `cardiograph atlas`: the map of card texts, and what lies near a model on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import AsJson, Home
from tasks.errors import UsageError

atlas = typer.Typer(
    no_args_is_help=True, help="The map of card texts: its kinds and their names, a viewer, a file."
)


def neighbours(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model of the map, as owner/name.")],
    home: Home,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Cards to show, the nearest first.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show the cards nearest to a model's, and what the better documented ones say that it does not.

    \b
    cardiograph neighbours my-org/my-model
    cardiograph neighbours my-org/my-model --limit 20
    cardiograph neighbours my-org/my-model --json | jq .differences

    \b
    Near is what says much the same, by the latest map. Many models may share
    one card; it is shown once, by the most downloaded of them. Better
    documented are neighbours with a higher score: what they do is told check
    by check of the rubric, with its advice.
    """
    from flows.cli.neighbours import print_neighbours

    print_neighbours(home, model.strip(), limit, as_json=as_json)


@atlas.command()
def serve(
    home: Home,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any free one.")] = 5055,
) -> None:
    """Look at the latest map in a browser: Apple's embedding-atlas, for maps too large for the report.

    \b
    pip install 'cardiograph[viewer]'
    cardiograph atlas serve

    \b
    Writes atlas.parquet (the models) and atlas-labels.parquet (the kinds)
    into the home and serves them on 127.0.0.1 until Ctrl-C. Nothing is sent
    anywhere. The browser needs WebGPU; without it the map stays blank, and
    tables and filters work.
    """
    from flows.cli.atlas_viewing import serve_atlas

    serve_atlas(home, port)


@atlas.command()
def export(
    path: Annotated[Path, typer.Argument(metavar="FILE.parquet", help="The file to write.")],
    home: Home,
) -> None:
    """Write the latest map as a Parquet file: one row a model, with its place, kind, figures and neighbours.

    \b
    cardiograph atlas export map.parquet

    \b
    The neighbours are rows of the file, counted from 0, with distances:
    {"ids": [...], "distances": [...]}, as embedding-atlas reads them.
    """
    from flows.cli.atlas_viewing import export_atlas

    if path.suffix != ".parquet":
        raise UsageError(f"{path}: is not called .parquet; name the file so, as it will be one")
    export_atlas(home, path)


@atlas.command()
def names(
    home: Home,
    path: Annotated[
        Path | None, typer.Argument(metavar="[FILE.csv]", help="Names to give, one row a kind.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the kinds of the latest map, or give them better names.

    \b
    cardiograph atlas names
    cardiograph atlas names --json | jq '.[] | select(.is_unstable)'
    cardiograph atlas names my-names.csv

    \b
    FILE.csv has the columns kind, name and description. A person's name
    counts before those of a judge model or of the terms, and stays with the
    kind in the weeks to come.
    """
    from flows.cli.atlas_naming import print_names, take_names

    if path is None:
        print_names(home, as_json=as_json)
    elif as_json:
        raise UsageError("--json is for the list; leave it out, or leave out the file")
    else:
        take_names(home, path)
