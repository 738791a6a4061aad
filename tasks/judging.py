"""Texts of the lake through the parser and through a judge, by parts."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

from prefect import task

from tasks.errors import JudgesDiffer
from tasks.facts import FACTS_VERSION, describe
from tasks.judges import Judge, identify, opened_judge, serving
from tasks.lake import Lake, part_name
from tasks.progress import advance, expect
from tasks.records import CardFacts, CardText, Explanation, JudgeCard, JudgedPart, JudgeSpec, Verdict
from tasks.settings import settings
from tasks.warehouse import Warehouse, frame

_ROWS_AT_ONCE = 32  # verdicts that wait in memory before they are written to the part


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


def _pending(home: Path, name: str, **parameters: object) -> list[TextRef]:
    with Warehouse(home).open() as db:
        return [TextRef(*row) for row in frame(db, name, **parameters).iter_rows()]


def _part_size(spec: JudgeSpec) -> int:
    return settings().judge_part_cards if spec.kind == "vllm" else settings().part_cards


@task(task_run_name="plan the description of {snapshot}")
def plan_describing(home: Path, snapshot: date) -> list[list[TextRef]]:
    """Texts without facts, in parts."""
    refs = _pending(home, "pending/facts", snapshot=snapshot, facts_version=FACTS_VERSION)
    expect("describe", len(refs))
    return _in_parts(refs, settings().part_cards)


@task(task_run_name="plan the judging of {snapshot}")
def plan_judging(home: Path, snapshot: date, spec: JudgeSpec, card: JudgeCard) -> list[list[TextRef]]:
    """Texts without a verdict of this judge, and some of the week before where that had another judge, in parts."""
    key: dict[str, object] = {"snapshot": snapshot, "fingerprint": card.fingerprint}
    refs = [
        *_pending(home, "pending/verdicts", **key),
        *_pending(home, "pending/bridge", **key, judge=card.judge, size=settings().judge_bridge_texts),
    ]
    expect("judge", len(refs))
    return _in_parts(refs, _part_size(spec))


@task(task_run_name="plan the explanations of {snapshot}")
def plan_explaining(
    home: Path, snapshot: date, spec: JudgeSpec, fingerprint: str, texts: int
) -> list[list[TextRef]]:
    """A sample of texts that this judge has scored and not explained, in parts; none for a checklist."""
    if spec.kind == "checklist" or not texts:
        return []
    refs = _pending(home, "pending/explanations", snapshot=snapshot, fingerprint=fingerprint, size=texts)
    expect("explain", len(refs))
    return _in_parts(refs, _part_size(spec))


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
def judge_part(home: Path, snapshot: date, spec: JudgeSpec, fingerprint: str, refs: list[TextRef]) -> int:
    """Judge a part's texts, written as they are judged, and what it took; returns how many."""
    lake = Lake(home)
    name = part_name(ref.card_hash for ref in refs)
    started, began = _now(), time.perf_counter()
    with _opened(spec, fingerprint) as judge:
        failed = 0
        with lake.writing(f"verdicts/{fingerprint}/{name}.parquet", Verdict) as add:
            for verdicts in _batches(judge.score(texts_of(lake, refs))):
                add(verdicts)
                failed += sum(verdict.score is None for verdict in verdicts)
                advance("judge", len(verdicts))
        spent = judge.spent()
    took = JudgedPart(
        snapshot=snapshot,
        fingerprint=fingerprint,
        part=name,
        texts=len(refs),
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
    return len(refs)


@task(task_run_name="explain a part")
def explain_part(home: Path, spec: JudgeSpec, fingerprint: str, refs: list[TextRef]) -> int:
    """Have a judge explain its scores of a part's texts, criterion by criterion; returns how many."""
    lake = Lake(home)
    with _opened(spec, fingerprint) as judge:
        explanations = list(judge.explain(texts_of(lake, refs)))
    name = part_name(ref.card_hash for ref in refs)
    lake.write(f"explanations/{fingerprint}/{name}.parquet", Explanation, explanations)
    advance("explain", len(refs))
    return len(refs)


@task(task_run_name="record the judge of {snapshot}")
def record_judge(home: Path, snapshot: date, spec: JudgeSpec) -> JudgeCard:
    """Write down which judge, exactly, judges the snapshot."""
    lake = Lake(home)
    card = identify(spec).card(snapshot, _now())
    part = f"judges/{snapshot}-{card.fingerprint}.parquet"
    if not lake.has(part):
        lake.write(part, JudgeCard, [card])
    return card


@contextmanager
def judge_servers(home: Path, spec: JudgeSpec) -> Iterator[Callable[[], JudgeSpec]]:
    """Calling what this yields gives the judge on its servers; the first call starts one where none is named."""
    with ExitStack() as stack:
        started: list[JudgeSpec] = []

        def servers() -> JudgeSpec:
            if not started:
                started.append(stack.enter_context(serving(spec, home / "judge.log")))
            return started[0]

        yield servers


@contextmanager
def _opened(spec: JudgeSpec, fingerprint: str) -> Iterator[Judge]:
    with opened_judge(spec) as judge:
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
