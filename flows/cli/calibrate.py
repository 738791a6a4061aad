"""`cardiograph calibrate`: a judge's passport is measured, saved, printed, and held against a limit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.cli.console import Console, echo, plain_table, print_json
from flows.cli.options import AsJson, Budget, BudgetRequests, Format, Home, JudgeModel, JudgeName, JudgeUrls
from flows.cli.passport import keep_passport
from flows.cli.progress_bars import busy, progress_bars
from tasks.cards.one_line import printable
from tasks.errors import PassportRefused, UsageError
from tasks.judges import opened_judge, serving, specs_of
from tasks.records import DEFAULT_JUDGE, CardLabel, PassportEntry, SpendingCap

if TYPE_CHECKING:
    from tasks.passport.labels import LabelledTexts


def calibrate(
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="CSV or Parquet file of labels.")],
    home: Home,
    judge: JudgeName = DEFAULT_JUDGE,
    judge_model: JudgeModel = None,
    judge_urls: JudgeUrls = None,
    budget: Budget = None,
    budget_requests: BudgetRequests = None,
    min_kappa: Annotated[
        float | None,
        typer.Option(min=-1.0, max=1.0, help="Exit with code 1 if quadratic kappa is below this."),
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=0, max=50, help="How many times the same cards are scored again.")
    ] = 3,
    seed: Annotated[int, typer.Option(help="For orders, fillers, resamples and folds.")] = 20,
    fit: Annotated[
        bool,
        typer.Option(
            "--fit", help="Learn weights on the checks from the labels instead: a judge of its own."
        ),
    ] = False,
    subject: Annotated[
        str | None, typer.Option(help="With --fit: the column to learn.", show_default="score")
    ] = None,
    try_on: Annotated[
        Path | None, typer.Option(metavar="OTHER", help="With --fit: other people's labels to try it on.")
    ] = None,
    curve: Annotated[
        Path | None, typer.Option(help="With --fit: draw what so many labels are worth, as .svg or .png.")
    ] = None,
    as_json: AsJson = False,
    output_format: Format = "table",
) -> None:
    """Compare a judge with people and with itself, and attack it as authors might: its passport.

    \b
    cardiograph calibrate labels.csv
    cardiograph calibrate labels.csv --judge vllm --judge-url http://gpu:8000
    cardiograph calibrate labels.parquet --min-kappa 0.6
    cardiograph calibrate labels.csv --fit --curve labels.svg

    \b
    LABELS has a column `model_id`, `card_hash` or `card_text`, and `score`
    or criteria of the rubric, 1 to 5; `rater` and `comment` if you like.
    `cardiograph label` makes such a file. The passport is kept in the lake
    and shown in the report. What the measures mean: docs/calibration.md.
    """
    with busy("Starting"):
        from flows.cli.fit import fit_labels
        from tasks.boilerplate.tables import in_use
        from tasks.passport.labels import read_labels
        from tasks.passport.passport import examine
        from tasks.passport.sheet import OVERALL
        from tasks.storage.lake import Lake
        from tasks.storage.warehouse import prepare_home

    as_json = as_json or output_format == "json"
    (spec,) = specs_of([judge], judge_model, judge_urls or [], cap=SpendingCap(budget, budget_requests))
    _check_options(is_fit=fit, has_fit_options=bool(subject or try_on or curve), min_kappa=min_kappa)
    if fit:
        fit_labels(
            *(labels, home, spec),
            subject=subject or OVERALL,
            other=try_on,
            picture=curve,
            seed=seed,
            as_json=as_json,
        )
        return
    labelled = read_labels(labels, home)
    prepare_home(home)
    with (
        progress_bars("passport"),
        serving(spec, home / "judge.log") as served,
        opened_judge(served, in_use(Lake(home))) as opened,
    ):
        entries = examine(opened, labelled, repeats=repeats, seed=seed)
    is_published = keep(home, entries, labelled)
    if as_json:
        print_json(entries)
    else:
        _print(entries, labelled)
    if not is_published:
        echo(f"Another run is writing to {home}; the next run publishes passport and labels.", err=True)
    if min_kappa is not None:
        check_kappa(entries, min_kappa)


def _check_options(*, is_fit: bool, has_fit_options: bool, min_kappa: float | None) -> None:
    if has_fit_options and not is_fit:
        raise UsageError("--subject, --try-on and --curve are for --fit; add it, or leave them out")
    if is_fit and min_kappa is not None:
        raise UsageError("--min-kappa is about the passport; run once with it and once with --fit")


def keep(home: Path, entries: Sequence[PassportEntry], labelled: LabelledTexts) -> bool:
    """Write labels and passport to the lake and publish them; False where the next run has to publish them.

    What took a GPU an hour is in the lake before the warehouse is locked, so that a busy lock cannot lose it.
    """
    from tasks.passport.labels import card_labels, labels_part
    from tasks.storage.lake import Lake

    Lake(home).write(labels_part(labelled), CardLabel, card_labels(labelled))
    return keep_passport(home, entries)


def check_kappa(entries: Sequence[PassportEntry], min_kappa: float) -> None:
    """Raise PassportRefused unless quadratic kappa of the overall score, as estimated, is `min_kappa` or more."""
    from tasks.passport.passport import kappa_of

    kappa = kappa_of(entries)
    if kappa is None or kappa.estimate is None:
        why = "the labels have no overall score" if kappa is None else kappa.detail
        raise PassportRefused(
            f"no kappa could be computed ({why}), and --min-kappa requires {min_kappa:g}; label more texts"
        )
    if kappa.estimate < min_kappa:
        raise PassportRefused(
            f"{kappa.judge} {kappa.fingerprint[:8]}: kappa is {kappa.estimate:.3f} over {kappa.n} texts, "
            f"below the required {min_kappa:g}; choose another judge model, or look at how the labels were made"
        )


def _print(entries: Sequence[PassportEntry], labelled: LabelledTexts) -> None:
    from tasks.passport.reading import conclusion, tables

    console = Console(emoji=False)
    for title, lines in tables(entries):
        table = plain_table("_ estimate> 95_%_interval> n> _", title=title)
        table.columns[0].min_width, table.columns[-1].style = 24, "dim"
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


_NEXT = "The next `cardiograph snapshot` that has these texts corrects its findings by their labels."


def _of_labels(labelled: LabelledTexts) -> list[str]:
    """Which rows of the labels were used, and which were not."""
    people = len(labelled.raters)
    lines = [f"{len(labelled.texts):,} texts, labelled by {people} rater{'s' if people > 1 else ''}."]
    if labelled.blank:
        lines.append(f"{labelled.blank:,} rows without a label were left out.")
    if labelled.without_card:
        shown = ", ".join(labelled.without_card[:5])
        lines.append(
            f"The warehouse has no card for {len(labelled.without_card):,} rows: {printable(shown)}."
        )
    if labelled.ignored:
        lines.append(f"Columns that are not used: {printable(', '.join(labelled.ignored))}.")
    return lines
