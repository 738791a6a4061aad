"""Texts of the lake through the parser and through a judge, by parts."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

import orjson
from prefect import task

from tasks.cards.facts import FACTS_VERSION, describe
from tasks.errors import JudgeNotStarted, JudgesDiffer, UsageError
from tasks.judges import Judge, identify, kind_of, opened_judge, serving
from tasks.progress import advance
from tasks.records import (
    CardFacts,
    Explanation,
    JudgedPart,
    JudgeRecord,
    JudgeSpec,
    Verdict,
)
from tasks.settings import settings
from tasks.storage.lake import Lake, part_name
from tasks.work.crew import JUDGE_KINDS, CrewRequest
from tasks.work.orders import Order, Shared, WorkKind, WorkStage, withdraw
from tasks.work.texts import orders_of, pending_texts, texts_of_order

_ROWS_AT_ONCE = 32  # verdicts that wait in memory before they are written to the part


def check_judge_is_served(spec: JudgeSpec, request: CrewRequest) -> None:
    """Raise `UsageError` where a pool's workers are to ask a judge model that this machine alone could reach."""
    is_shared = request.pool and request.workers > 1 and not request.judge_pool
    if kind_of(spec.kind).needs_servers and not spec.urls and is_shared:
        raise UsageError(
            f"workers of pool {request.pool} cannot reach a judge model's server that this run starts for itself; "
            "name servers with --judge-url, or a pool whose workers serve it with --judge-pool"
        )


def kinds_elsewhere(spec: JudgeSpec, request: CrewRequest) -> tuple[WorkKind, ...]:
    """Kinds of work that the judge pool alone does: all that need the judge's servers, where a pool is named."""
    return JUDGE_KINDS if kind_of(spec.kind).needs_servers and request.judge_pool else ()


def _part_size(spec: JudgeSpec) -> int:
    return kind_of(spec.kind).part_size(settings())


@task(task_run_name="plan the description of {snapshot}")
def plan_describing(home: Path, snapshot: date) -> list[Order]:
    """Texts without facts, in parts."""
    pending = pending_texts(home, "pending/facts", snapshot=snapshot, facts_version=FACTS_VERSION)
    return orders_of(home, WorkStage(snapshot, "describe"), pending, settings().part_cards)


@task(task_run_name="plan the judging of {snapshot}")
def plan_judging(home: Path, snapshot: date, spec: JudgeSpec, card: JudgeRecord) -> list[Order]:
    """Texts without a verdict of this judge, and some of the week before where that had another judge, in parts."""
    key: dict[str, object] = {"snapshot": snapshot, "fingerprint": card.fingerprint}
    pending = [
        *pending_texts(home, "pending/verdicts", **key),
        *pending_texts(home, "pending/bridge", **key, judge=card.judge, size=settings().judge_bridge_texts),
    ]
    return orders_of(home, WorkStage(snapshot, "judge", card.fingerprint), pending, _part_size(spec))


@task(task_run_name="plan the explanations of {snapshot}")
def plan_explaining(home: Path, snapshot: date, spec: JudgeSpec, fingerprint: str, texts: int) -> list[Order]:
    """A sample of texts that this judge has scored and not explained, in parts; none where it gives no reasons."""
    if not kind_of(spec.kind).explains or not texts:
        return []
    pending = pending_texts(
        home, "pending/explanations", snapshot=snapshot, fingerprint=fingerprint, size=texts
    )
    return orders_of(home, WorkStage(snapshot, "explain", fingerprint), pending, _part_size(spec))


@task(task_run_name="describe {order.part}")
def describe_part(home: Path, order: Order, shared: Shared) -> None:
    """Write down what the parser sees in a part's texts."""
    lake, part = Lake(home), f"facts/v{FACTS_VERSION}/{order.part}.parquet"
    if lake.has(part):
        return
    lake.write(part, CardFacts, [describe(text) for text in texts_of_order(home, order)])
    advance("describe", len(order.refs))


@task(task_run_name="judge {order.part}")
def judge_part(home: Path, order: Order, shared: Shared) -> None:
    """Judge a part's texts, written as they are judged, and what it took."""
    lake, name, fingerprint = Lake(home), order.part, order.stage.fingerprint
    part = f"verdicts/{fingerprint}/{name}.parquet"
    if lake.has(part):
        return
    started, began = _now(), time.perf_counter()
    with _opened(shared, fingerprint) as judge:
        failed = 0
        with lake.writing(part, Verdict) as add:
            for verdicts in _batches(judge.score(texts_of_order(home, order))):
                add(verdicts)
                failed += sum(verdict.score is None for verdict in verdicts)
                advance("judge", len(verdicts))
        spent = judge.spent()
    took = JudgedPart(
        snapshot=order.stage.snapshot,
        fingerprint=fingerprint,
        part=name,
        texts=len(order.refs),
        failed=failed,
        requests=spent.requests,
        tokens_in=spent.tokens_in,
        tokens_out=spent.tokens_out,
        replicas=spent.replicas,
        seconds=time.perf_counter() - began,
        started_at=started,
        ended_at=_now(),
        metrics=spent.metrics,
    )
    lake.write(f"judged_parts/{fingerprint}/{name}.parquet", JudgedPart, [took])


@task(task_run_name="explain {order.part}")
def explain_part(home: Path, order: Order, shared: Shared) -> None:
    """Have a judge explain its scores of a part's texts, criterion by criterion."""
    lake, fingerprint = Lake(home), order.stage.fingerprint
    part = f"explanations/{fingerprint}/{order.part}.parquet"
    if lake.has(part):
        return
    with _opened(shared, fingerprint) as judge:
        lake.write(part, Explanation, list(judge.explain(texts_of_order(home, order))))
    advance("explain", len(order.refs))


def _identified(stage: WorkStage) -> str:
    """Where a worker that identifies the judge for a coordinator says who it is."""
    return f"judges/asked/{stage.snapshot}-{stage.fingerprint}.json"


@task(task_run_name="identify the judge")
def identify_judge(home: Path, order: Order, shared: Shared) -> None:
    """Tell the coordinator who judges, where only this worker can know."""
    if shared.spec is not None:
        card = identify(shared.spec).card(order.stage.snapshot, _now())
        Lake(home).put(_identified(order.stage), orjson.dumps(dataclasses.asdict(card)))


def ask_who_judges(snapshot: date, spec: JudgeSpec) -> Order:
    """The order to find out who judges where that is asked for."""
    return Order(WorkStage(snapshot, "identify", part_name([repr(spec)])), "judge")


@task(task_run_name="record the judge of {snapshot}")
def record_judge(home: Path, snapshot: date, spec: JudgeSpec, *, is_elsewhere: bool = False) -> JudgeRecord:
    """Write down which judge, exactly, judges the snapshot: as told by a worker where it `is_elsewhere`."""
    lake = Lake(home)
    card = (
        _told(lake, ask_who_judges(snapshot, spec).stage)
        if is_elsewhere
        else identify(spec).card(snapshot, _now())
    )
    part = f"judges/{snapshot}-{card.fingerprint}.parquet"
    if not lake.has(part):
        lake.write(part, JudgeRecord, [card])
    return card


@task(task_run_name="forget other judges")
def forget_other_judges(home: Path, snapshot: date, fingerprint: str) -> None:
    """Take back what an earlier run ordered of another judge."""
    for kind in ("judge", "explain"):
        withdraw(Lake(home), snapshot, but=WorkStage(snapshot, kind, fingerprint))


def _told(lake: Lake, stage: WorkStage) -> JudgeRecord:
    body = lake.get(_identified(stage))
    if body is None:
        raise JudgeNotStarted(
            f"no worker has told who judges {stage.snapshot}; look at the log of its pool's workers"
        )
    said = orjson.loads(body)
    said["snapshot"] = date.fromisoformat(said["snapshot"])
    said["judged_at"] = datetime.fromisoformat(said["judged_at"])
    return JudgeRecord(**said)


@contextmanager
def judge_servers(home: Path) -> Iterator[Callable[[Shared], Shared]]:
    """Calling what this yields gives a stage's judge on its servers; the first call starts one where none is named."""
    with ExitStack() as stack:
        served: dict[JudgeSpec, JudgeSpec] = {}

        def with_servers(shared: Shared) -> Shared:
            if (spec := shared.spec) is None:
                return shared
            if spec not in served:
                served[spec] = stack.enter_context(serving(spec, home / "judge.log"))
            return dataclasses.replace(shared, spec=served[spec])

        yield with_servers


@contextmanager
def _opened(shared: Shared, fingerprint: str) -> Iterator[Judge]:
    with opened_judge(shared.spec or JudgeSpec()) as judge:
        if judge.fingerprint != fingerprint:
            raise JudgesDiffer(
                f"the judge is now {judge.name} {judge.fingerprint}, and the run began with {fingerprint}; run again, "
                "and every text is judged by the new one"
            )
        yield judge


def _batches(verdicts: Iterator[Verdict]) -> Iterator[list[Verdict]]:
    while batch := list(islice(verdicts, _ROWS_AT_ONCE)):
        yield batch


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
