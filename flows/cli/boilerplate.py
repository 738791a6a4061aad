"""`cardiograph boilerplate`: the sentences that nobody wrote, learned from a snapshot."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.console import echo, plain_table, print_json
from flows.cli.options import AsJson, Format, Home
from flows.cli.plain_help import CommandGroup
from flows.cli.progress_bars import busy, progress_bars

boilerplate = CommandGroup(
    no_args_is_help=True,
    help="Sentences that nobody wrote: what forms and tools put into many people's cards.",
)


@boilerplate.command()
def learn(
    home: Home,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE.parquet", help="Also write the table, digests and counts, to this file."),
    ] = None,
    as_json: AsJson = False,
    output_format: Format = "table",
) -> None:
    """Learn from the latest snapshot which sentences nobody wrote.

    \b
    cardiograph boilerplate learn
    cardiograph boilerplate learn --output boilerplate.parquet

    \b
    A sentence is compared without its names, numbers and links. One that
    stands in the cards of five authors, which are no copies of each other,
    is a form's; one in twenty models of one author, of three families of
    names, is a house form. The table (digests and counts, no text) goes into
    the lake, and the next snapshot judges by it: all texts are judged anew.
    Cardiograph comes with a table; learn when a snapshot says so.
    """
    import shutil

    with busy("Starting"):
        from tasks.boilerplate.learning import learn as learn_table
        from tasks.storage.warehouse import Warehouse

    as_json = as_json or output_format == "json"
    warehouse = Warehouse(home)
    with progress_bars("boilerplate"):
        learned = learn_table(warehouse)
    if output is not None:
        with warehouse.lake.files([learned.part]) as (_, (file,)):
            shutil.copyfile(file, output)
    if as_json:
        print_json(asdict(learned))
        return
    echo(
        f"{learned.of_forms + learned.of_houses:,} sentences that nobody wrote, in the cards of "
        f"{learned.models:,} models of {learned.snapshot}: {learned.of_forms:,} of forms, "
        f"{learned.of_houses:,} of single authors; {learned.shipped:,} more came with Cardiograph."
    )
    echo(f"The next snapshot judges by this table: {learned.version}.")


@boilerplate.command()
def show(home: Home, as_json: AsJson = False, output_format: Format = "table") -> None:
    """Say which table is in use, and how much of each snapshot's text it knows.

    \b
    cardiograph boilerplate show
    """
    from tasks.boilerplate.learning import checks_of
    from tasks.boilerplate.tables import in_use
    from tasks.storage.lake import Lake

    as_json = as_json or output_format == "json"
    table, checks = in_use(Lake(home)), checks_of(home)
    if as_json:
        print_json({"version": table.version, "sentences": len(table.ids), "checks": checks})
        return
    echo(f"Table {table.version}, {len(table.ids):,} sentences.")
    if checks:
        from flows.cli.console import Console

        lines = plain_table(
            "snapshot models> words> known> new>", title="Words in sentences that nobody wrote"
        )
        for one in checks:
            shares = (f"{100 * part / max(1, one.words):.1f} %" for part in (one.known_words, one.new_words))
            lines.add_row(str(one.snapshot), f"{one.models:,}", f"{one.words:,}", *shares)
        Console(emoji=False).print(lines)
