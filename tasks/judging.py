"""Texts of the lake through the parser and through a judge, by parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from prefect import task

from tasks.facts import FACTS_VERSION, describe
from tasks.judges import make_judge
from tasks.lake import Lake, part_name
from tasks.progress import advance, expect
from tasks.records import CardFacts, CardText, JudgeCard, Verdict
from tasks.settings import settings
from tasks.warehouse import Warehouse, frame


@dataclass(frozen=True, slots=True)
class TextRef:
    """Where a card text lies: the part of the lake that holds it."""

    part: str
    card_hash: str


def texts_of(lake: Lake, refs: Iterable[TextRef]) -> list[CardText]:
    """The texts referred to; each part of the lake is opened once."""
    hashes_by_part: dict[str, list[str]] = defaultdict(list)
    for ref in refs:
        hashes_by_part[ref.part].append(ref.card_hash)
    return [text for part, hashes in hashes_by_part.items() for text in lake.texts(part, hashes)]


def _in_parts(refs: Sequence[TextRef], size: int) -> list[list[TextRef]]:
    return [list(refs[start : start + size]) for start in range(0, len(refs), size)]


def _plan(home: Path, stage: str, name: str, **parameters: object) -> list[list[TextRef]]:
    with Warehouse(home).open() as db:
        refs = [TextRef(*row) for row in frame(db, name, **parameters).iter_rows()]
    expect(stage, len(refs))
    return _in_parts(refs, settings().part_cards)


@task(task_run_name="plan the description of {snapshot}")
def plan_describing(home: Path, snapshot: date) -> list[list[TextRef]]:
    """Texts without facts, in parts."""
    return _plan(home, "describe", "pending/facts", snapshot=snapshot, facts_version=FACTS_VERSION)


@task(task_run_name="plan the judging of {snapshot}")
def plan_judging(home: Path, snapshot: date, fingerprint: str) -> list[list[TextRef]]:
    """Texts without a verdict of this judge, in parts."""
    return _plan(home, "judge", "pending/verdicts", snapshot=snapshot, fingerprint=fingerprint)


@task(task_run_name="describe a part")
def describe_part(home: Path, refs: list[TextRef]) -> int:
    """Write down what the parser sees in a part's texts; returns how many."""
    lake = Lake(home)
    facts = [describe(text) for text in texts_of(lake, refs)]
    name = part_name(ref.card_hash for ref in refs)
    lake.write(f"facts/v{FACTS_VERSION}/{name}.parquet", CardFacts, facts)
    advance("describe", len(refs))
    return len(facts)


@task(task_run_name="judge a part")
def judge_part(home: Path, judge_name: str, refs: list[TextRef]) -> int:
    """Judge a part's texts; returns how many."""
    lake = Lake(home)
    judge = make_judge(judge_name)
    verdicts = list(judge.score(texts_of(lake, refs)))
    name = part_name(ref.card_hash for ref in refs)
    lake.write(f"verdicts/{judge.fingerprint}/{name}.parquet", Verdict, verdicts)
    advance("judge", len(refs))
    return len(verdicts)


@task(task_run_name="record the judge of {snapshot}")
def record_judge(home: Path, snapshot: date, judge_name: str) -> str:
    """Write down which judge, exactly, judges the snapshot; returns its fingerprint."""
    lake = Lake(home)
    judge = make_judge(judge_name)
    part = f"judges/{snapshot}-{judge.fingerprint}.parquet"
    if not lake.has(part):
        now = datetime.now(UTC).replace(tzinfo=None)
        lake.write(part, JudgeCard, [judge.card(snapshot, now)])
    return judge.fingerprint
