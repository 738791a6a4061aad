"""The options for how to print, in a file of their own: commands that answer at once import few others."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

TableOrJson = Literal["table", "json"]
AsJson = Annotated[bool, typer.Option("--json", help="The same as --format json.")]
Format = Annotated[TableOrJson, typer.Option("--format", help="How to print.")]
