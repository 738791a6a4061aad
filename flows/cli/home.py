"""The option `--home`, in a file of its own: `query` needs no other, and those take long to import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tasks.settings import settings

Home = Annotated[
    Path,
    typer.Option(
        help="Folder of the lake, the warehouse and the report.",
        default_factory=lambda: settings().home,
        show_default="cardiograph-data, or CARDIOGRAPH_HOME",
    ),
]
