"""What `neighbours` prints: the cards nearest to a model's, and what the better documented ones say more."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tasks.atlas.neighbours import Difference, MapModel, Neighbourhood, in_words, neighbourhood
from tasks.cards.one_line import one_line

# Rich reads brackets as markup and :words: as pictures, and names may hold either: what strangers wrote goes in as
# `Text`, which it takes as it is.
_CELL_CHARACTERS = 60
_CHECKS_SHOWN = 10


def print_neighbours(home: Path, model_id: str, n: int, *, as_json: bool) -> None:
    """The neighbours of a model; UsageError where it has no place on the map."""
    found = neighbourhood(home, model_id, n)
    if as_json:
        typer.echo(json.dumps(as_plain(found), indent=2, default=_plain))
        return
    console = Console(highlight=False)
    console.print(_about(found))
    if not found.near:
        console.print(Text("No other card is on the map."))
        return
    console.print(_table(found))
    for line in better_lines(found):
        console.print(line)


def as_plain(found: Neighbourhood) -> dict[str, object]:
    """The neighbourhood for programs."""
    return {
        "snapshot": found.snapshot,
        "model": asdict(found.model),
        "neighbours": [
            {"place": near.place, "similarity": near.similarity, **asdict(near.model)} for near in found.near
        ],
        "better": found.better,
        "best": [near.model.model_id for near in found.best],
        "differences": [asdict(difference) for difference in found.differences],
    }


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def kind_words(model: MapModel) -> str:
    """What kind of card it is, for people."""
    if model.kind is None:
        return "of no kind"
    return model.kind_name or f"kind {model.kind}"


def _about(found: Neighbourhood) -> Text:
    model = found.model
    score = "no score" if model.score is None else f"score {model.score:.2f} of 5"
    kind = one_line(kind_words(model), _CELL_CHARACTERS)
    archetype = f" ({one_line(model.archetype)})" if model.archetype else ""
    return Text.assemble(
        (one_line(model.model_id), "bold"), f": {score}; {kind}{archetype}; map of {found.snapshot}"
    )


def _table(found: Neighbourhood) -> Table:
    table = Table(
        title="\nNearest cards", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0)
    )
    for name in ("model", "author"):
        table.add_column(name, overflow="fold")
    for name in ("cosine", "score", "likes", "downloads"):
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("kind", overflow="fold")
    for near in found.near:
        model = near.model
        cells = (
            model.model_id,
            model.author or "–",
            f"{near.similarity:.3f}",
            "–" if model.score is None else f"{model.score:.2f}",
            _count(model.likes),
            _count(model.downloads),
            kind_words(model),
        )
        table.add_row(*(Text(one_line(cell, _CELL_CHARACTERS)) for cell in cells))
    return table


def _count(n: int | None) -> str:
    return "–" if n is None else f"{n:,}"


def better_lines(found: Neighbourhood) -> list[Text]:
    """The best documented among the neighbours, and what those that score higher have and the card has not."""
    name = one_line(found.model.model_id)
    if found.model.score is None:
        return [Text(f"\n{name} has no score, so none of them can be called better documented.")]
    if not found.better:
        return [Text(f"\nNone of them is better documented than {name}.")]
    lines = [Text("\nBest documented among them", "bold")]
    for near in found.best:
        model = near.model
        lines.append(Text(f"  {one_line(model.model_id)}, {model.score:.2f}: {_ahead(model, found)}"))
    checks = [d for d in found.differences if d.what == "check"]
    shown = checks[:_CHECKS_SHOWN]
    for group in dict.fromkeys(difference.group for difference in shown):
        lines.append(Text(f"\n{group}", "bold"))
        for difference in shown:
            if difference.group == group:
                lines += _check_lines(difference, len(found.better))
    if len(checks) > len(shown):
        lines.append(Text(f"\n{len(checks) - len(shown)} more checks: --json has them all."))
    sections = [d for d in found.differences if d.what == "section"]
    if sections:
        told = ", ".join(f"{d.words} ({len(d.models)} of {len(found.better)})" for d in sections)
        lines += [Text("\nSections that they fill and this card leaves out", "bold"), Text(f"  {told}")]
    return lines


def _check_lines(difference: Difference, better: int) -> list[Text]:
    return [
        Text(f"  {in_words(difference, better)}"),
        *([Text(f"    → {difference.advice}", "dim")] if difference.advice else []),
    ]


def _ahead(model: MapModel, found: Neighbourhood) -> str:
    """`4 checks and 1 section that this card lacks`."""
    mine = [d for d in found.differences if model.model_id in d.models]
    counts = {what: sum(d.what == what for d in mine) for what in ("check", "section")}
    said = " and ".join(f"{n} {what}{'' if n == 1 else 's'}" for what, n in counts.items() if n)
    return f"{said} that this card lacks" if said else "no check or section that this card lacks"
