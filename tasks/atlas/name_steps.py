"""A judge model names kinds."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from prefect import task

from tasks.atlas.kind_facts import known_facts
from tasks.errors import UsageError
from tasks.judges import identify
from tasks.records import JudgeSpec, KindName
from tasks.storage.lake import part_name
from tasks.storage.warehouse import frame, stream
from tasks.work.orders import Shared
from tasks.work.run import Run

CARDS_SHOWN = 5  # of a kind, to the judge model that is to name it


@task(task_run_name="plan the naming of the kinds of {run.snapshot}")
def plan_naming(run: Run, judge: JudgeSpec) -> list[int]:
    """Kinds of the snapshot that this judge model was not asked to name yet."""
    fingerprint = identify(judge).record(run.snapshot, _now()).fingerprint
    with run.warehouse.open() as db:
        return [
            kind
            for (kind,) in frame(db, "pending/kind_names", snapshot=run.snapshot, named_by=fingerprint).rows()
        ]


@task(task_run_name="name the kinds of {run.snapshot}")
def name_kinds(run: Run, shared: Shared, kinds: list[int]) -> None:
    """Have a judge model name kinds; what cannot be used of its answers stays as a reason."""
    from tasks.atlas.judge_names import KindQuestion, judge_names
    from tasks.judges.vllm.judge import opened_judge

    warehouse = run.warehouse
    with warehouse.open() as db:
        facts = known_facts(db, run.snapshot, set(kinds))
        cards = defaultdict(list)
        for kind, text in stream(db, "out/kind_cards", snapshot=run.snapshot, cards=CARDS_SHOWN):
            cards[kind].append(text)
    questions = [KindQuestion(fact, tuple(cards[fact.kind])) for fact in facts]
    if shared.spec is None:
        raise UsageError("no judge model is given to name kinds")
    with opened_judge(shared.spec) as judge:
        names = judge_names(judge, questions, run.snapshot, _now())
        part = f"kind_names/{run.snapshot}-{judge.fingerprint}-{part_name(map(str, kinds))}.parquet"
    warehouse.lake.write(part, KindName, names)
    warehouse.land()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
