"""`cardiograph neighbours`: the cards nearest to a model's, and what the better documented of them contain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from flows.cli.completion import complete_model
from flows.cli.console import CELL_CHARACTERS, Console, figure, print_json, print_table
from flows.cli.options import AsJson, Format, Home
from flows.cli.progress_bars import busy
from tasks.cards.one_line import one_line

if TYPE_CHECKING:
    from tasks.atlas.neighbours import MapModel, NearModel, Neighbourhood

_CHECKS_SHOWN = 10


def neighbours(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A model of the map, as owner/name.", autocompletion=complete_model
        ),
    ],
    home: Home,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Cards to show, the nearest first.")] = 10,
    as_json: AsJson = False,
    output_format: Format = "table",
) -> None:
    """Show the cards nearest to a model's card, and what the better documented ones contain that it lacks.

    \b
    cardiograph neighbours my-org/my-model
    cardiograph neighbours my-org/my-model --limit 20
    cardiograph neighbours my-org/my-model --json | jq .differences

    \b
    Cards are near on the latest map when their texts say similar things. A
    card that many models share is shown once, for the most downloaded of
    them. Neighbours with a higher score are better documented: the checks of
    the rubric that they pass and this card fails are listed with advice.
    """
    as_json = as_json or output_format == "json"
    with busy("Looking around"):
        from tasks.atlas.neighbours import neighbourhood

        found = neighbourhood(home, model.strip(), limit)
    if as_json:
        print_json(_plain(found))
        return
    console = Console(highlight=False, emoji=False)
    console.print(_about(found))
    if not found.near:
        console.print(Text("No other card is on the map."))
        return
    columns = "model author cosine> score> likes> downloads> kind"
    print_table("\nNearest cards", columns, map(_cells, found.near))
    for line in _better_lines(found):
        console.print(line)


def _plain(found: Neighbourhood) -> dict[str, object]:
    return {
        "snapshot": found.snapshot,
        "model": found.model,
        "neighbours": [
            {"place": near.place, "similarity": near.similarity, **asdict(near.model)} for near in found.near
        ],
        "better": found.better,
        "best": [near.model.model_id for near in found.best],
        "differences": found.differences,
    }


def _kind(model: MapModel) -> str:
    return "of no kind" if model.kind is None else model.kind_name or f"kind {model.kind}"


def _about(found: Neighbourhood) -> Text:
    model = found.model
    score = "no score" if model.score is None else f"score {model.score:.2f} of 5"
    archetype = f" ({one_line(model.archetype)})" if model.archetype else ""
    facts = f": {score}; {one_line(_kind(model), CELL_CHARACTERS)}{archetype}; map of {found.snapshot}"
    return Text.assemble((one_line(model.model_id), "bold"), facts)


def _cells(near: NearModel) -> Sequence[str]:
    model = near.model
    return (
        model.model_id,
        model.author or "–",
        f"{near.similarity:.3f}",
        figure(model.score, ".2f"),
        figure(model.likes),
        figure(model.downloads),
        _kind(model),
    )


def _better_lines(found: Neighbourhood) -> list[Text]:
    """The best documented neighbours, and what those that score higher contain and the card lacks."""
    from tasks.atlas.neighbours import in_words

    name, better = one_line(found.model.model_id), len(found.better)
    if found.model.score is None:
        return [Text(f"\n{name} has no score, so it cannot be compared with them.")]
    if not better:
        return [Text(f"\nNone of them is better documented than {name}.")]
    lines = [Text("\nBest documented among them", "bold")]
    for near in found.best:
        ahead = _ahead(near.model, found)
        lines.append(Text(f"  {one_line(near.model.model_id)}, {near.model.score:.2f}: {ahead}"))
    checks = [difference for difference in found.differences if difference.what == "check"]
    for group in dict.fromkeys(check.group for check in checks[:_CHECKS_SHOWN]):
        lines.append(Text(f"\n{group}", "bold"))
        for check in checks[:_CHECKS_SHOWN]:
            if check.group == group:
                lines.append(Text(f"  {in_words(check, better)}"))
                lines += [Text(f"    → {check.advice}", "dim")] if check.advice else []
    if len(checks) > _CHECKS_SHOWN:
        lines.append(Text(f"\n{len(checks) - _CHECKS_SHOWN} more checks: --json has them all."))
    sections = [
        f"{difference.words} ({len(difference.models)} of {better})"
        for difference in found.differences
        if difference.what == "section"
    ]
    if sections:
        title = Text("\nSections that they fill and this card leaves out", "bold")
        lines += [title, Text(f"  {', '.join(sections)}")]
    return lines


def _ahead(model: MapModel, found: Neighbourhood) -> str:
    """`4 checks and 1 section that this card lacks`."""
    mine = [difference.what for difference in found.differences if model.model_id in difference.models]
    counts = {what: mine.count(what) for what in ("check", "section")}
    ahead = " and ".join(f"{n} {what}{'' if n == 1 else 's'}" for what, n in counts.items() if n)
    return f"{ahead or 'no check or section'} that this card lacks"
