"""`cardiograph calibrate`: a judge's passport, made, kept, printed, and held against a limit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.cli.progress_bars import progress_bars
from tasks.errors import PassportRefused, WriterBusy
from tasks.judges import opened_judge, serving
from tasks.passport.labels import LabelledTexts, card_labels, labels_part, read_labels
from tasks.passport.passport import REPEATS, SEED, examine, kappa_of, part_of
from tasks.passport.reading import conclusion, tables
from tasks.records import CardLabel, JudgeSpec, PassportEntry
from tasks.storage.warehouse import Warehouse, make_home


def calibrate(
    labels: Path,
    home: Path,
    spec: JudgeSpec,
    *,
    min_kappa: float | None = None,
    repeats: int = REPEATS,
    seed: int = SEED,
    as_json: bool = False,
) -> None:
    """Compare a judge with people and with itself; keep and print its passport.

    LabelsInvalid where the labels cannot be used; PassportRefused where kappa is below `min_kappa` or cannot be
    computed, after the passport has been kept and printed.
    """
    labelled = read_labels(labels, home)
    make_home(home)
    with (
        progress_bars("passport"),
        serving(spec, home / "judge.log") as served,
        opened_judge(served) as judge,
    ):
        entries = examine(judge, labelled, repeats=repeats, seed=seed)
    is_published = keep(home, entries, labelled)
    if as_json:
        typer.echo(json.dumps([_plain(entry) for entry in entries], indent=2))
    else:
        _print(entries, labelled)
    if not is_published:
        typer.echo(f"Another run is writing to {home}; the next one takes passport and labels in.", err=True)
    if min_kappa is not None:
        check_kappa(entries, min_kappa)


def keep(home: Path, entries: Sequence[PassportEntry], labelled: LabelledTexts) -> bool:
    """Write labels and passport to the lake and publish them; False where another run will take them in.

    What took a GPU an hour is in the lake before the warehouse is asked for, so that no lock loses it.
    """
    warehouse = Warehouse(home)
    warehouse.lake.write(labels_part(labelled), CardLabel, card_labels(labelled))
    warehouse.lake.write(part_of(entries), PassportEntry, entries)
    try:
        with warehouse.writer():
            warehouse.begin()
            warehouse.publish()
            _write_report(home)
    except WriterBusy:
        return False
    return True


def _write_report(home: Path) -> None:
    """The report again, with the passport in it, where there is a report."""
    if (home / "report.html").exists():
        from tasks.report.steps import write_latest_report

        write_latest_report(home)


def check_kappa(entries: Sequence[PassportEntry], min_kappa: float) -> None:
    """Raise PassportRefused unless quadratic kappa of the overall score, as estimated, is `min_kappa` or more."""
    kappa = kappa_of(entries)
    if kappa is None or kappa.estimate is None:
        why = "the labels have no overall score" if kappa is None else kappa.detail
        raise PassportRefused(
            f"no kappa could be computed ({why}), and {min_kappa:g} is asked for; label more texts"
        )
    if kappa.estimate < min_kappa:
        raise PassportRefused(
            f"{kappa.judge} {kappa.fingerprint[:8]}: kappa is {kappa.estimate:.3f} over {kappa.n} texts, "
            f"below the {min_kappa:g} asked for; choose another judge model, or look at how the labels were made"
        )


def _print(entries: Sequence[PassportEntry], labelled: LabelledTexts) -> None:
    console = Console()
    for title, lines in tables(entries):
        table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
        table.add_column("", min_width=24)
        table.add_column("estimate", justify="right")
        table.add_column("95 % interval", justify="right")
        table.add_column("n", justify="right")
        table.add_column("", style="dim", overflow="fold")
        for line in lines:
            cells = (line.name, line.estimate, line.interval, f"{line.n:,}", line.meaning)
            table.add_row(*map(escape, cells))
        console.print(table)
        console.print()
    one = entries[0]
    console.print(
        f"Passport of {one.judge} {one.fingerprint[:8]} against labels {one.labels[:8]}", markup=False
    )
    for sentence in (*_of_labels(labelled), conclusion(entries), _NEXT):
        console.print(sentence, markup=False, highlight=False)


_NEXT = "The next `cardiograph snapshot` corrects its findings by these labels, where it holds their texts."


def _of_labels(labelled: LabelledTexts) -> list[str]:
    """What was read, and what was not."""
    people = len(labelled.raters)
    told = [f"{len(labelled.texts):,} texts, labelled by {people} rater{'s' if people > 1 else ''}."]
    if labelled.blank:
        told.append(f"{labelled.blank:,} rows without a label were left out.")
    if labelled.without_card:
        shown = ", ".join(labelled.without_card[:5])
        told.append(f"No card is known of {len(labelled.without_card):,} rows: {_printable(shown)}.")
    if labelled.ignored:
        told.append(f"Columns that say nothing here: {_printable(', '.join(labelled.ignored))}.")
    return told


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in text)


def _plain(entry: PassportEntry) -> dict[str, object]:
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in asdict(entry).items()
    }
