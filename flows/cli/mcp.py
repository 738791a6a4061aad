"""`cardiograph mcp`: advice on cards as tools for assistants."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.home import Home


def mcp(
    home: Home,
    root: Annotated[
        Path | None,
        typer.Option(
            help="Folder whose cards may be read by path; without it, cards are passed as text alone.",
            file_okay=False,
            exists=True,
        ),
    ] = None,
) -> None:
    """Serve card advice to assistants over the Model Context Protocol, on standard input and output.

    \b
    cardiograph mcp --root ~/models

    \b
    An assistant starts this command; docs/advice.md shows its settings.
    Tools: score_card, check_card, explain_rule, query. They write nothing.
    `query` reads the warehouse of the home, in the bounds of `cardiograph
    query`. Needs pip install 'cardiograph[mcp]'.
    """
    from tasks.advice.mcp_server import serve

    serve(home, root)
