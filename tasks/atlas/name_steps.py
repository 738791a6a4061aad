"""A judge model names kinds."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path

from prefect import task

from tasks.atlas.kind_facts import known_facts
from tasks.errors import UsageError
from tasks.judges import identify
from tasks.records import JudgeSpec, KindName
from tasks.storage.lake import part_name
from tasks.storage.warehouse import Warehouse, frame, stream
from tasks.work.orders import Shared

CARDS_SHOWN = 5  # of a kind, to the judge model that is to name it


@task(task_run_name="plan the naming of the kinds of {snapshot}")
def plan_naming(home: Path, snapshot: date, judge: JudgeSpec) -> list[int]:
    """Kinds of the snapshot that this judge model was not asked to name yet."""
    fingerprint = identify(judge).record(snapshot, _now()).fingerprint
    with Warehouse(home).open() as db:
        return [
            kind
            for (kind,) in frame(db, "pending/kind_names", snapshot=snapshot, named_by=fingerprint).rows()
        ]


@task(task_run_name="name the kinds of {snapshot}")
def name_kinds(home: Path, snapshot: date, shared: Shared, kinds: list[int]) -> None:
    """Have a judge model name kinds; what cannot be used of its answers stays as a reason."""
    from tasks.atlas.judge_names import KindQuestion, judge_names
    from tasks.judges.vllm.judge import opened_judge

    warehouse = Warehouse(home)
    with warehouse.open() as db:
        facts = known_facts(db, snapshot, set(kinds))
        cards = defaultdict(list)
        for kind, text in stream(db, "out/kind_cards", snapshot=snapshot, cards=CARDS_SHOWN):
            cards[kind].append(text)
    questions = [KindQuestion(fact, tuple(cards[fact.kind])) for fact in facts]
    if shared.spec is None:
        raise UsageError("no judge model is given to name kinds")
    with opened_judge(shared.spec) as judge:
        names = judge_names(judge, questions, snapshot, _now())
        part = f"kind_names/{snapshot}-{judge.fingerprint}-{part_name(map(str, kinds))}.parquet"
    warehouse.lake.write(part, KindName, names)
    warehouse.land()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
