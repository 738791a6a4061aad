"""`cardiograph badge`: a card's score as a picture for its own page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.cli.console import write_data
from flows.cli.printing import AsJson
from tasks.errors import UsageError


def badge(
    card: Annotated[
        str,
        typer.Argument(metavar="README|FOLDER", help="A card, or a folder with one.", show_default="here"),
    ] = ".",
    output_format: Annotated[
        Literal["svg", "json"], typer.Option("--format", help="A picture, or JSON for shields.io.")
    ] = "svg",
    as_json: AsJson = False,
    label: Annotated[str, typer.Option(help="What stands in the left half.")] = "model card",
    output: Annotated[Path | None, typer.Option(help="Write to this file instead.")] = None,
) -> None:
    """Make a badge of a card's score by the checklist: an SVG, or JSON for shields.io.

    \b
    cardiograph badge README.md --output badge.svg
    cardiograph badge README.md --format json --output badge.json

    \b
    The score is what `cardiograph card` prints. The SVG needs nobody's
    server; the JSON is what https://img.shields.io/endpoint?url=... reads.
    """
    import json

    from tasks.advice.advising import advise
    from tasks.advice.badge import as_endpoint, as_svg
    from tasks.advice.subject import read_path

    score = advise(read_path(card)).score
    if as_json or output_format == "json":
        text = json.dumps(as_endpoint(score, label), indent=2) + "\n"
    else:
        text = as_svg(score, label)
    if output is None:
        write_data(text.encode())
        return
    try:
        output.write_bytes(text.encode())
    except OSError as error:
        raise UsageError(f"--output {output}: {error.strerror}; name a file that can be written") from error
