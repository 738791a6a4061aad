"""Texts of the lake through the parser and through a judge, by parts."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from itertools import islice
from typing import TypeVar, cast

import orjson
from prefect import task

from tasks.boilerplate.tables import table_of
from tasks.cards.boilerplate import Boilerplate
from tasks.cards.evidence import Evidence, evidence_of
from tasks.cards.facts import FACTS_VERSION, describe, facts_of
from tasks.clock import utc_now
from tasks.errors import BudgetReached, JudgeNotStarted, JudgesDiffer, UsageError
from tasks.judges import EvidenceJudge, Judge, identify, kind_of, opened_judge, serving
from tasks.progress import advance
from tasks.records import (
    CardFacts,
    CardText,
    Explanation,
    JudgedPart,
    JudgeRecord,
    JudgeSpec,
    SpendingCap,
    TextRef,
    Verdict,
)
from tasks.settings import settings
from tasks.storage.lake import Lake, part_name
from tasks.work.crew import JUDGE_KINDS
from tasks.work.orders import Order, Shared, WorkKind, WorkStage, outstanding, withdraw
from tasks.work.request import CrewRequest
from tasks.work.run import Run
from tasks.work.texts import orders_of, pending_texts, texts_of_order

R = TypeVar("R")

_ROWS_AT_ONCE = 32  # verdicts that wait in memory before they are written to the part


def check_judge_is_served(spec: JudgeSpec, request: CrewRequest) -> None:
    """Raise `UsageError` where a pool's workers are to ask a judge model that this machine alone could reach.

    Or where several processes would have to keep one budget.
    """
    is_shared = request.pool and request.workers > 1 and not request.judge_pool
    if kind_of(spec.kind).needs_servers and not spec.urls and is_shared:
        raise UsageError(
            f"workers of pool {request.pool} cannot reach a judge model's server that this run starts for itself; "
            "name servers with --judge-url, or a pool whose workers serve it with --judge-pool"
        )
    if spec.cap != SpendingCap() and (request.workers > 1 or request.judge_pool):
        raise UsageError(
            "a budget is kept by one process; leave out --workers and --judge-pool, or --budget and --budget-requests"
        )


def kinds_elsewhere(spec: JudgeSpec, request: CrewRequest) -> tuple[WorkKind, ...]:
    """Kinds of work that the judge pool alone does: all that need the judge's servers, where a pool is named."""
    return JUDGE_KINDS if kind_of(spec.kind).needs_servers and request.judge_pool else ()


def stages_of(run: Run, spec: JudgeSpec, fingerprint: str) -> list[WorkStage]:
    """The stages that describe and judge a snapshot's texts; a judge that reads evidence does both in one, too."""
    describing, judging = WorkStage(run.snapshot, "describe"), WorkStage(run.snapshot, "judge", fingerprint)
    assessing = WorkStage(run.snapshot, "assess", fingerprint)
    return [describing, judging, assessing] if kind_of(spec.kind).reads_evidence else [describing, judging]


@task(task_run_name="plan the judging of {run.snapshot}")
def plan_judging(run: Run, spec: JudgeSpec, record: JudgeRecord, boilerplate: str) -> list[Order]:
    """Texts without facts by this table or without a verdict of this judge, in parts; those of `stages_of`.

    Where the snapshot before had another judge, some of its texts are judged too.
    """
    key: dict[str, object] = {"fingerprint": record.fingerprint}
    undescribed = pending_texts(run, "pending/facts", facts_version=FACTS_VERSION, boilerplate=boilerplate)
    unjudged = [
        *pending_texts(run, "pending/verdicts", **key),
        *pending_texts(run, "pending/bridge", **key, judge=record.judge, size=settings().judge_bridge_texts),
    ]
    size = kind_of(spec.kind).part_size(settings())
    describing, judging, *assessing = stages_of(run, spec, record.fingerprint)
    orders: list[Order] = []
    for stage in assessing:
        shared = _hashes(unjudged) - _hashes(_refs(outstanding(run.lake, judging)))
        orders += orders_of(run, stage, [ref for ref in undescribed if ref.card_hash in shared], size)
    done = _hashes(_refs(orders))
    for stage, pending, cards in (
        (judging, unjudged, size),
        (describing, undescribed, settings().part_cards),
    ):
        orders += orders_of(run, stage, [ref for ref in pending if ref.card_hash not in done], cards)
    return orders


def _refs(orders: Iterable[Order]) -> Iterator[TextRef]:
    return (ref for order in orders for ref in order.refs if isinstance(ref, TextRef))


def _hashes(refs: Iterable[TextRef]) -> set[str]:
    return {ref.card_hash for ref in refs}


@task(task_run_name="plan the explanations of {run.snapshot}")
def plan_explaining(run: Run, spec: JudgeSpec, fingerprint: str, texts: int) -> list[Order]:
    """A sample of texts that this judge has scored and not explained, in parts; none where it gives no reasons."""
    kind = kind_of(spec.kind)
    if not kind.explains or not texts:
        return []
    pending = pending_texts(run, "pending/explanations", fingerprint=fingerprint, size=texts)
    stage = WorkStage(run.snapshot, "explain", fingerprint)
    return orders_of(run, stage, pending, kind.part_size(settings()))


@task(task_run_name="describe {order.part}")
def describe_part(run: Run, order: Order, shared: Shared) -> None:
    """Record what the parser finds in a part's texts."""
    if run.lake.has(_facts_part(order, shared)):
        advance("describe", len(order.refs))
    else:
        _describe(run, order, shared)


def _describe(run: Run, order: Order, shared: Shared) -> None:
    table = table_of(run.lake, shared.boilerplate)
    _write_facts(run.lake, order, shared, [describe(text, table) for text in texts_of_order(run, order)])


@task(task_run_name="assess {order.part}")
def assess_part(run: Run, order: Order, shared: Shared) -> None:
    """Record what the parser finds in a part's texts, and the verdicts of a judge that reads evidence."""
    if run.lake.has(_verdicts_part(order)):  # an earlier run was killed between the two
        advance("judge", len(order.refs))
        describe_part.fn(run, order, shared)
        return
    texts, table = texts_of_order(run, order), table_of(run.lake, shared.boilerplate)
    facts: list[CardFacts] = []

    def seen() -> Iterator[tuple[CardText, Evidence]]:
        for text in texts:
            evidence = evidence_of(text.card_text, table)
            facts.append(facts_of(text, evidence, table))
            yield text, evidence

    def score(judge: Judge) -> Iterator[Verdict]:
        return cast("EvidenceJudge", judge).score_evidence(seen())

    _write_verdicts(run, order, shared, score)
    if len(facts) < len(texts):  # the judge did not ask for all of them
        facts = [describe(text, table) for text in texts]
    _write_facts(run.lake, order, shared, facts)


def _facts_part(order: Order, shared: Shared) -> str:
    return f"facts/v{FACTS_VERSION}-{shared.boilerplate}/{order.part}.parquet"


def _write_facts(lake: Lake, order: Order, shared: Shared, facts: list[CardFacts]) -> None:
    lake.write(_facts_part(order, shared), CardFacts, facts)
    advance("describe", len(order.refs))


@task(task_run_name="judge {order.part}")
def judge_part(run: Run, order: Order, shared: Shared) -> None:
    """Judge a part's texts; write verdicts as they come, then the time and usage."""
    if run.lake.has(_verdicts_part(order)):  # an earlier run was killed before it took the order off the list
        advance("judge", len(order.refs))
    else:
        _write_verdicts(run, order, shared, lambda judge: judge.score(texts_of_order(run, order)))


def _verdicts_part(order: Order) -> str:
    return f"verdicts/{order.stage.fingerprint}/{order.part}.parquet"


def _write_verdicts(
    run: Run, order: Order, shared: Shared, score: Callable[[Judge], Iterator[Verdict]]
) -> None:
    """Write a part's verdicts as they come, then what they took.

    Where the judge's budget ends in the middle, the part ends there: BudgetReached, once all of that is written.
    """
    lake, fingerprint, texts, failed = run.lake, order.stage.fingerprint, 0, 0
    started, began = utc_now(), time.perf_counter()
    with opened_as(lake, shared, fingerprint) as judge:
        verdicts = _UntilBudget(score(judge))
        with lake.writing(_verdicts_part(order), Verdict) as add:
            while batch := list(islice(verdicts, _ROWS_AT_ONCE)):
                add(batch)
                texts += len(batch)
                failed += sum(verdict.score is None for verdict in batch)
                advance("judge", len(batch))
            verdicts.check(texts)
        usage = judge.usage()
    took = JudgedPart(
        snapshot=order.stage.snapshot,
        fingerprint=fingerprint,
        part=order.part,
        texts=texts,
        failed=failed,
        requests=usage.requests,
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        replicas=usage.replicas,
        seconds=time.perf_counter() - began,
        started_at=started,
        ended_at=utc_now(),
        metrics=usage.metrics,
    )
    lake.write(f"judged_parts/{fingerprint}/{order.part}.parquet", JudgedPart, [took])
    if verdicts.reached:
        lake.delete(order.name)  # what is left of it is planned anew, as a smaller part
        raise BudgetReached(str(verdicts.reached), texts)


class _UntilBudget(Iterator[R]):
    """What a judge gives, up to the end of its budget, which is remembered."""

    def __init__(self, given: Iterator[R]) -> None:
        self._given = given
        self.reached: BudgetReached | None = None

    def __next__(self) -> R:
        try:
            return next(self._given)
        except BudgetReached as reached:
            self.reached = reached
            raise StopIteration from None

    def check(self, given: int) -> None:
        """Raise BudgetReached where nothing at all was given."""
        if self.reached and not given:
            raise self.reached


@task(task_run_name="explain {order.part}")
def explain_part(run: Run, order: Order, shared: Shared) -> None:
    """Have a judge explain its scores of a part's texts, criterion by criterion."""
    lake, fingerprint = run.lake, order.stage.fingerprint
    part = f"explanations/{fingerprint}/{order.part}.parquet"
    if lake.has(part):
        advance("explain", len(order.refs))
        return
    with opened_as(lake, shared, fingerprint) as judge:
        given = _UntilBudget(iter(judge.explain(texts_of_order(run, order))))
        explanations = list(given)
    texts = len({explanation.card_hash for explanation in explanations})
    given.check(texts)
    lake.write(part, Explanation, explanations)
    advance("explain", texts)
    if given.reached:
        lake.delete(order.name)
        raise BudgetReached(str(given.reached), texts)


def _identity_name(stage: WorkStage) -> str:
    """Where a worker that identifies the judge for a coordinator puts its record."""
    return f"judges/asked/{stage.snapshot}-{stage.fingerprint}.json"


def order_identity(run: Run, spec: JudgeSpec) -> Order:
    """The order to identify the judge where a worker alone can reach it."""
    return Order(WorkStage(run.snapshot, "identify", part_name([repr(spec)])), "judge")


@task(task_run_name="identify the judge")
def identify_judge(run: Run, order: Order, shared: Shared) -> None:
    """Report to the coordinator which judge judges, where only this worker can find out."""
    if shared.spec is not None:
        table = table_of(run.lake, shared.boilerplate)
        record = identify(shared.spec, table).record(order.stage.snapshot, utc_now())
        run.lake.put(_identity_name(order.stage), orjson.dumps(dataclasses.asdict(record)))


@task(task_run_name="record the judge of {run.snapshot}")
def record_judge(run: Run, spec: JudgeSpec, table: Boilerplate, *, is_elsewhere: bool = False) -> JudgeRecord:
    """Write down which judge, exactly, judges the snapshot: as a worker reported it where it `is_elsewhere`."""
    lake = run.lake
    record = (
        _reported(lake, order_identity(run, spec).stage)
        if is_elsewhere
        else identify(spec, table).record(run.snapshot, utc_now())
    )
    part = f"judges/{run.snapshot}-{record.fingerprint}.parquet"
    if not lake.has(part):
        lake.write(part, JudgeRecord, [record])
    return record


def _reported(lake: Lake, stage: WorkStage) -> JudgeRecord:
    body = lake.get(_identity_name(stage))
    if body is None:
        raise JudgeNotStarted(
            f"no worker has reported a judge for {stage.snapshot}; look at the log of its pool's workers"
        )
    row = orjson.loads(body)
    times = {
        "snapshot": date.fromisoformat(row["snapshot"]),
        "judged_at": datetime.fromisoformat(row["judged_at"]),
    }
    return JudgeRecord(**{**row, **times})


@task(task_run_name="forget other judges")
def forget_other_judges(run: Run, fingerprint: str) -> None:
    """Withdraw what an earlier run ordered of another judge."""
    kinds: tuple[WorkKind, ...] = ("prove", "assess", "judge", "explain")
    for kind in kinds:
        withdraw(run.lake, run.snapshot, keep=WorkStage(run.snapshot, kind, fingerprint))


@contextmanager
def judge_servers(run: Run) -> Iterator[Callable[[Shared], Shared]]:
    """Yield a function that puts a stage's judge on its servers; the first call starts one where none is named."""
    with ExitStack() as stack:
        served: dict[JudgeSpec, JudgeSpec] = {}

        def with_servers(shared: Shared) -> Shared:
            if (spec := shared.spec) is None:
                return shared
            if spec not in served:
                served[spec] = stack.enter_context(serving(spec, run.home / "judge.log"))
            return dataclasses.replace(shared, spec=served[spec])

        yield with_servers


@contextmanager
def opened_as(lake: Lake, shared: Shared, fingerprint: str) -> Iterator[Judge]:
    """The judge of a stage, ready to score. `JudgesDiffer` where it is not the one that the run began with."""
    with opened_judge(shared.spec or JudgeSpec(), table_of(lake, shared.boilerplate)) as judge:
        if judge.fingerprint != fingerprint:
            raise JudgesDiffer(
                f"the judge is now {judge.name} {judge.fingerprint}, and the run began with {fingerprint}; run again, "
                "and every text is judged by the new one"
            )
        yield judge
