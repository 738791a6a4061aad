"""The canaries of a run: tried once per judge, before it judges anything; the result is kept in the lake."""

from __future__ import annotations

import logging

from prefect import task

from tasks.errors import CanariesFailed
from tasks.judges.canaries.loading import canaries_digest
from tasks.judges.canaries.trial import failure_words, try_canaries
from tasks.judges.steps import opened_as
from tasks.records import CanaryTrial, JudgeRecord
from tasks.settings import settings
from tasks.storage.lake import Lake
from tasks.work.orders import Order, Shared, WorkStage
from tasks.work.run import Run


def _part(fingerprint: str, outcome: str) -> str:
    return f"canaries/{fingerprint}/{canaries_digest()}-{outcome}.parquet"


@task(task_run_name="plan the canaries of {record.judge}")
def plan_canaries(run: Run, record: JudgeRecord) -> list[Order]:
    """The order to try a judge on the canaries; none where it has passed them, or nobody wants to know."""
    if settings().judge_canaries == "off" or run.lake.has(_part(record.fingerprint, "passed")):
        return []
    return [Order(WorkStage(run.snapshot, "prove", record.fingerprint), canaries_digest())]


@task(task_run_name="try the judge on canaries")
def prove_judge(run: Run, order: Order, shared: Shared) -> None:
    """Have the judge score the canaries, and write down how it ordered them."""
    with opened_as(run.lake, shared, order.stage.fingerprint) as judge:
        trial = try_canaries(judge)
    outcome = "passed" if trial.is_passed else f"failed-{trial.tried_at:%Y%m%dT%H%M%S%f}"
    run.lake.write(_part(trial.fingerprint, outcome), CanaryTrial, [trial])


@task(task_run_name="check the canaries of {record.judge}")
def check_canaries(run: Run, record: JudgeRecord) -> None:
    """Raise `CanariesFailed` for a judge that has not passed the canaries, or warn of it, as the settings say."""
    mode = settings().judge_canaries
    if mode == "off" or run.lake.has(_part(record.fingerprint, "passed")):
        return
    problem = failure_words(_last_trial(run.lake, record.fingerprint))
    if mode == "stop":
        raise CanariesFailed(
            f'{problem}. Nothing was judged: name another judge model (docs/judge.md, "Known to judge"), or set '
            "CARDIOGRAPH_JUDGE_CANARIES=warn to have it judge all the same"
        )
    logging.getLogger("prefect.cardiograph").warning("%s", problem)


def _last_trial(lake: Lake, fingerprint: str) -> CanaryTrial:
    """The trial that failed last: the names of such parts are in the order of their times."""
    part = lake.parts(f"canaries/{fingerprint}")[-1]
    (row,) = lake.columns(part, list(CanaryTrial.__dataclass_fields__)).to_pylist()
    return CanaryTrial(**row)
