"""`cardiograph calibrate --fit`: weights on a judge's answers are learned from labels, tried, kept and printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from flows.cli.console import Console, echo, plain_table, print_json
from flows.cli.passport import publish_now
from tasks.errors import JudgesDiffer, LabelsInvalid, UsageError
from tasks.judges import JudgeIdentity, identify, opened_judge, serving
from tasks.records import CardText, FittedJudge, FittedMeasure, JudgeSpec, Verdict

if TYPE_CHECKING:
    from tasks.cards.boilerplate import Boilerplate
    from tasks.fitted.fitting import LabelFit
    from tasks.passport.labels import LabelledTexts

PICTURES = (".svg", ".png")


def fit_labels(
    labels: Path,
    home: Path,
    spec: JudgeSpec,
    *,
    subject: str,
    other: Path | None,
    picture: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Learn, measure, keep and print. LabelsInvalid where the labels do not allow it."""
    from flows.cli.progress_bars import progress_bars
    from tasks.boilerplate.tables import in_use
    from tasks.fitted.evaluating import sizes_of
    from tasks.fitted.fitting import fit_to, tried_on
    from tasks.fitted.material import gathered, owners_of
    from tasks.passport.labels import read_labels
    from tasks.storage.lake import Lake
    from tasks.storage.warehouse import prepare_home

    _check(subject, picture)
    labelled = read_labels(labels, home, lowest=0)
    others = read_labels(other, home, lowest=0) if other else None
    prepare_home(home)
    texts = {text.card_hash: text for of in (labelled, others) if of for text in of.texts}
    with progress_bars("fit"):
        base, verdicts = answered(spec, list(texts.values()), home, in_use(Lake(home)))
        owners = owners_of(labelled, home)
        found = gathered(labelled, verdicts, owners, subject)
        if picture is not None and len(sizes_of(found.material)) < 2:
            raise LabelsInvalid(
                f"--curve {picture}: {len(found.material.marks)} labels are too few for a curve; label 50 or more"
            )
        fit = fit_to(labelled, subject, base, found, seed=seed)
        if others is not None:
            fit = tried_on(fit, labelled, others, verdicts, {**owners_of(others, home), **owners}, seed=seed)
    is_published = keep_fit(home, fit)
    if picture is not None:
        draw_curve(fit, picture)
    if as_json:
        print_json({"judge": fit.judge, "unscored": found.unscored, "measures": fit.measures})
    else:
        _print(fit, labelled, found.unscored)
    if not is_published:
        echo(f"Another run is writing to {home}; the next run publishes the fitted judge.", err=True)


def _check(subject: str, picture: Path | None) -> None:
    from tasks.passport.sheet import subjects

    if subject not in subjects():
        raise UsageError(f"--subject {subject}: choose from {', '.join(subjects())}")
    if picture is not None and picture.suffix.lower() not in PICTURES:
        raise UsageError(f"--curve {picture}: the name must end with {' or '.join(PICTURES)}")


def answered(
    spec: JudgeSpec, texts: Sequence[CardText], home: Path, table: Boilerplate
) -> tuple[JudgeIdentity, dict[str, Verdict]]:
    """The judge, and its verdicts: those that the warehouse has, and new ones of the other texts."""
    from tasks.fitted.material import known_verdicts
    from tasks.passport.probes import STAGE, verdicts_of
    from tasks.progress import expect

    base = identify(spec, table)
    known = known_verdicts(texts, base.fingerprint, home)
    missing = [text for text in texts if text.card_hash not in known]
    if not missing:
        return base, known
    expect(STAGE, len(missing))
    with serving(spec, home / "judge.log") as served, opened_judge(served, table) as opened:
        if opened.fingerprint != base.fingerprint:
            raise JudgesDiffer(
                f"the servers serve {opened.name} {opened.fingerprint[:8]}, and {base.name} {base.fingerprint[:8]} was "
                "asked for; name its servers with --judge-url, or its model with --judge-model"
            )
        return base, known | verdicts_of(opened, missing)


def keep_fit(home: Path, fit: LabelFit) -> bool:
    """Write it to the lake and publish it; False where another run holds the warehouse, and the next publishes it."""
    from tasks.fitted.fitting import parts_of
    from tasks.storage.lake import Lake

    lake = Lake(home)
    judge_part, measures_part = parts_of(fit)
    lake.write(judge_part, FittedJudge, [fit.judge])
    lake.write(measures_part, FittedMeasure, fit.measures)
    return publish_now(home)


def draw_curve(fit: LabelFit, path: Path) -> None:
    """Draw what so many labels are worth, as SVG or PNG."""
    import polars as pl

    from tasks.charts.labels_worth import what_labels_are_worth
    from tasks.charts.theme import LIGHT, save_png, save_svg
    from tasks.pages import replacing

    points = [m for m in fit.measures if m.probe == "curve"]
    rows = [(m.learned_from, m.estimate, m.ci_low, m.ci_high) for m in points]
    curve = pl.DataFrame(rows, schema=["labels", "auc", "low", "high"], orient="row")
    base = fit.find("auc", "judge")
    chart = what_labels_are_worth(curve, base.estimate if base else None)
    with replacing(path) as draft:
        if path.suffix.lower() == ".svg":
            save_svg(chart, draft, LIGHT)
        else:
            save_png(chart, draft)


def _print(fit: LabelFit, labelled: LabelledTexts, unscored: int) -> None:
    from tasks.fitted import reading

    console = Console(emoji=False)
    base = fit.judge.base_judge
    columns = f"_ fitted {base} length_alone"
    _table(
        console, "Agreement with these raters, on authors kept aside", columns, reading.agreement_rows(fit)
    )
    other = reading.agreement_rows(fit, "other_labels")
    _table(console, "Agreement with the other labels", columns, other)
    _table(console, "What so many labels are worth", "labels> AUC> draws _", reading.curve_rows(fit))
    unit = "passing it" if fit.judge.answers == "passed" else "one unit of its log-odds"
    title = f"The largest weights: what {unit} adds to the log-odds of a higher mark"
    _table(console, title, "check _ weight>", reading.weight_rows(fit))
    for sentence in reading.sentences(fit, unscored):
        console.print(sentence, markup=False, highlight=False)
    if labelled.without_card:
        console.print(f"The warehouse has no card for {len(labelled.without_card):,} rows.", highlight=False)


def _table(console: Console, title: str, columns: str, rows: Iterable[Sequence[str]]) -> None:
    """A table and a blank line; nothing without rows."""
    if lines := list(rows):
        table = plain_table(columns, title=title)
        for cells in lines:
            table.add_row(*map(escape, cells))
        console.print(table)
        console.print()
