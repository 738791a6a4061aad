"""`cardiograph history`: one model over the snapshots, with what changed its card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.completion import complete_model
from flows.cli.console import echo, figure, print_json, print_table
from flows.cli.home import Home
from flows.cli.printing import AsJson, Format
from tasks.cards.one_line import one_line
from tasks.errors import NotWritten, UsageError

if TYPE_CHECKING:
    from tasks.advice.course import Week

_PICTURES = (".svg", ".png")


def history(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model, as owner/name.", autocompletion=complete_model)
    ],
    home: Home,
    chart: Annotated[Path | None, typer.Option(help="Draw it into this file, .svg or .png.")] = None,
    as_json: AsJson = False,
    output_format: Format = "table",
) -> None:
    """Show one model over the snapshots: score, likes, downloads, and what changed its card.

    \b
    cardiograph history my-org/my-model
    cardiograph history my-org/my-model --chart history.svg

    \b
    What follows an edit need not follow from it: popular models get better
    cards, and better cards come with new versions. `cardiograph analyse
    --panel` compares many edits with cards that were not edited.
    """
    from tasks.advice.course import course_of

    if chart and chart.suffix.lower() not in _PICTURES:
        raise UsageError(f"--chart {chart}: name a file that ends with {' or '.join(_PICTURES)}")
    weeks = course_of(home, model.strip())
    if chart:
        _draw(weeks, chart)
    if as_json or output_format == "json":
        print_json(weeks)
        return
    print_table(one_line(model.strip()), "snapshot score> likes> downloads> card", map(_cells, weeks))
    for line in _change_lines(weeks):
        echo(line)
    if chart:
        echo(f"\nChart: {chart.resolve()}")


def _cells(week: Week) -> Sequence[str]:
    card = "changed" if week.has_new_card else "" if week.card_status == "card" else week.card_status
    if not week.is_comparable:
        card = f"{card}, judged by another judge".removeprefix(", ")
    return (
        week.snapshot.isoformat(),
        figure(week.score, ".2f"),
        figure(week.likes),
        figure(week.downloads),
        card,
    )


def _change_lines(weeks: Sequence[Week]) -> Iterator[str]:
    """What each change of the card brought and took, in the words of charts."""
    from tasks.rubric import load_rubric

    words = {check.id: check.words for check in load_rubric().checks}
    for week in weeks:
        if not week.has_new_card:
            continue
        brought = [f"+ {words.get(check, check)}" for check in week.gained]
        took = [f"- {words.get(check, check)}" for check in week.lost]
        yield f"\n{week.snapshot}: the card changed"
        yield from (f"  {each}" for each in [*brought, *took])
        if not week.is_comparable:
            yield "  by another judge than before, so the checks cannot be compared"
        elif not brought and not took:
            yield "  no check of the rubric passes or fails since"


def _draw(weeks: Sequence[Week], path: Path) -> None:
    from dataclasses import asdict

    import polars as pl

    from tasks.charts.course import model_course
    from tasks.charts.theme import LIGHT, save_png, save_svg

    chart = model_course(pl.DataFrame([asdict(week) for week in weeks]))
    try:
        if path.suffix.lower() == ".png":
            save_png(chart.to_dict(), path)
        else:
            save_svg(chart.to_dict(), path, LIGHT)
    except OSError as error:
        raise NotWritten(f"{path}: {error.strerror}; name another file") from error
