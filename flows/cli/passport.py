"""`cardiograph passport`: what a judge notices in edited cards, without labels; saved and printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from flows.cli.console import Console, echo, plain_table, print_json
from flows.cli.options import AsJson, Budget, BudgetRequests, Format, Home, JudgeModel, JudgeName, JudgeUrls
from flows.cli.progress_bars import busy, progress_bars
from tasks.errors import UsageError, WriterBusy
from tasks.judges import opened_judge, serving, specs_of
from tasks.records import DEFAULT_JUDGE, CardText, PassportEntry, SpendingCap


def passport(
    home: Home,
    judge: JudgeName = DEFAULT_JUDGE,
    judge_model: JudgeModel = None,
    judge_urls: JudgeUrls = None,
    budget: Budget = None,
    budget_requests: BudgetRequests = None,
    texts: Annotated[
        int, typer.Option(min=3, help="Cards that are edited; each costs about 50 verdicts.")
    ] = 40,
    seed: Annotated[int, typer.Option(help="For the cards, the edits and the resamples.")] = 20,
    as_json: AsJson = False,
    output_format: Format = "table",
) -> None:
    """Find out what a judge notices: edit real cards one thing at a time. No labels needed.

    \b
    cardiograph passport
    cardiograph passport --judge vllm --judge-url http://gpu:8000 --texts 100

    \b
    The cards are of the latest snapshot: good and bad ones, written by people,
    one per author. Evidence is put in or taken away, and the checks about it
    must move; all others must stay. A snapshot does this by itself for a new
    judge, on fewer cards. What the measures mean: docs/calibration.md.
    """
    with busy("Starting"):
        from tasks.boilerplate.tables import in_use
        from tasks.passport.metamorphic.examining import examine_evidence
        from tasks.storage.lake import Lake
        from tasks.storage.warehouse import prepare_home

        prepare_home(home)
    as_json = as_json or output_format == "json"
    (spec,) = specs_of([judge], judge_model, judge_urls or [], cap=SpendingCap(budget, budget_requests))
    with (
        progress_bars("passport"),
        serving(spec, home / "judge.log") as served,
        opened_judge(served, in_use(Lake(home))) as opened,
    ):
        cards = cards_to_edit(home, texts, opened.fingerprint, seed)
        entries = examine_evidence(opened, cards, seed=seed)
    is_published = keep_passport(home, entries)
    if as_json:
        print_json(entries)
    else:
        _print(entries, len(cards))
    if not is_published:
        echo(f"Another run is writing to {home}; the next run publishes the passport.", err=True)


def cards_to_edit(home: Path, n: int, fingerprint: str, seed: int) -> list[CardText]:
    """Cards of the latest snapshot, by this judge's scores if it has judged it, else by those of the last judge.

    Raises `UsageError` where there are none.
    """
    from tasks.passport.metamorphic.sampling import texts_to_edit
    from tasks.storage.warehouse import Warehouse, frame

    warehouse = Warehouse(home)
    latest = warehouse.latest_judged()
    with warehouse.read() as db:
        known = {found for _, found in frame(db, "labels/latest_judges").rows()}
        by = fingerprint if fingerprint in known else latest["fingerprint"]
        cards = texts_to_edit(db, n, snapshot=latest["snapshot"], fingerprint=by, seed=seed)
    if not cards:
        raise UsageError(
            f"the snapshot of {latest['snapshot']} in {home} has no card that a person wrote in Markdown; "
            "take a larger snapshot"
        )
    return cards


def keep_passport(home: Path, entries: Sequence[PassportEntry]) -> bool:
    """Write a passport to the lake and publish it; False where the next run has to publish it.

    What took a GPU an hour is in the lake before the warehouse is locked, so that a busy lock cannot lose it.
    """
    from tasks.passport.passport import part_of
    from tasks.storage.lake import Lake

    Lake(home).write(part_of(entries), PassportEntry, entries)
    return publish_now(home)


def publish_now(home: Path) -> bool:
    """Publish what the lake holds, and the report where there is one; False where another run does so later."""
    from tasks.storage.warehouse import Warehouse

    warehouse = Warehouse(home)
    try:
        with warehouse.writer():
            warehouse.begin()
            warehouse.publish()
            if (home / "report.html").exists():
                from tasks.report.steps import write_latest_report

                write_latest_report(home)
    except WriterBusy:
        return False
    return True


def _print(entries: Sequence[PassportEntry], cards: int) -> None:
    from tasks.passport.metamorphic.reading import evidence_tables
    from tasks.sentences.evidence import evidence_sentences

    console = Console(emoji=False)
    for title, lines in evidence_tables(entries):
        table = plain_table("_ estimate> 95_%_interval> n> _", title=title)
        table.columns[0].min_width, table.columns[-1].style = 24, "dim"
        for line in lines:
            cells = (line.name, line.estimate, line.interval, f"{line.n:,}", line.meaning)
            table.add_row(*map(escape, cells))
        console.print(table)
        console.print()
    one = entries[0]
    console.print(
        f"Passport of {one.judge} {one.fingerprint[:8]}, {cards:,} cards edited, no labels", markup=False
    )
    for sentence in evidence_sentences(entries):
        console.print(sentence, markup=False, highlight=False)
