"""`cardiograph calibrate` and `cardiograph label`: how far a judge can be trusted, and what that is measured by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import Home, JudgeModel, JudgeUrls
from tasks.errors import UsageError


def calibrate(
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="CSV or Parquet file of labels.")],
    home: Home,
    judge: Annotated[
        str, typer.Option(help="Whose passport: `checklist`, `vllm` or `vllm:MODEL`.")
    ] = "checklist",
    judge_model: JudgeModel = None,
    judge_urls: JudgeUrls = None,
    min_kappa: Annotated[
        float | None,
        typer.Option(min=-1.0, max=1.0, help="Leave with exit code 1 where quadratic kappa is below."),
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=0, max=50, help="How often the same cards are scored again.")
    ] = 3,
    seed: Annotated[int, typer.Option(help="For orders, fillers and resamples.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print the measures as JSON.")] = False,
) -> None:
    """Compare a judge with people, with itself, and with what authors may try on it: its passport.

    \b
    cardiograph calibrate labels.csv
    cardiograph calibrate labels.csv --judge vllm --judge-url http://gpu:8000
    cardiograph calibrate labels.parquet --min-kappa 0.6

    \b
    LABELS has a column `model_id`, `card_hash` or `card_text`, and `score`
    or criteria of the rubric, 1 to 5; `rater` and `comment` if you like.
    `cardiograph label` makes such a file. The passport is kept in the lake
    and shown in the report. What the measures mean: docs/calibration.md.
    """
    from flows.cli.calibrating import calibrate as run
    from tasks.judges import specs_of

    (spec,) = specs_of([judge], judge_model, judge_urls or [])
    run(labels, home, spec, min_kappa=min_kappa, repeats=repeats, seed=seed, as_json=as_json)


def label(
    home: Home,
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="CSV file that answers are added to.")
    ] = Path("labels.csv"),
    n: Annotated[
        int, typer.Option("--n", min=1, help="Texts to label, those labelled before included.")
    ] = 50,
    rater: Annotated[str, typer.Option(help="Your name, or any other, where several people label.")] = "me",
    criteria: Annotated[
        bool, typer.Option("--criteria", help="Ask for each criterion, then overall.")
    ] = False,
    judge: Annotated[
        str | None, typer.Option(help="Draw by this judge's scores. Default: the latest that has judged.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed draws other texts.")] = 20,
    export: Annotated[
        Path | None, typer.Option(help="Write the texts to this CSV, for a spreadsheet, instead of asking.")
    ] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", help="Add the answers of such a CSV to LABELS.")
    ] = None,
) -> None:
    """Score cards yourself, blind to judges and to popularity, so that judges can be compared with you.

    \b
    cardiograph label                            50 cards, in this terminal
    cardiograph label --rater ada --criteria     criterion by criterion
    cardiograph label --export cards.csv         in a spreadsheet

    \b
    Needs a home with a snapshot. Texts are drawn equally from all levels, one
    an author. Each answer is written at once; run it again to go on. Then
    `cardiograph calibrate labels.csv`.
    """
    from flows.cli import labelling

    if export and import_:
        raise UsageError("--export and --import exclude each other")
    if not rater.strip():
        raise UsageError("--rater is blank; give a name")
    if import_:
        labelling.take_in(import_, labels, rater)
    elif export:
        labelling.export(export, home, n=n, rater=rater, judge=judge, seed=seed)
    else:
        labelling.label(labels, home, n=n, rater=rater.strip(), judge=judge, seed=seed, by_criterion=criteria)
