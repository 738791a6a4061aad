"""A part through a judge: what it leaves in the lake, that no part mixes judges, and that a card is parsed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks.cards import evidence
from tasks.cards.boilerplate import Boilerplate
from tasks.cards.parse import Card
from tasks.errors import BudgetReached, JudgesDiffer
from tasks.judges import identify, steps
from tasks.judges.scripted import ScriptedJudge, running_scripted_judge
from tasks.judges.steps import assess_part, describe_part, explain_part, judge_part
from tasks.progress import listening
from tasks.records import CardRead, JudgeRecord, JudgeSpec, SpendingCap, TextRef
from tasks.storage.lake import Lake
from tasks.work.orders import Order, Shared, WorkKind, WorkStage, open_stage, outstanding
from tasks.work.run import Run

WEEK = date(2026, 11, 16)


@pytest.fixture
def server() -> Iterator[ScriptedJudge]:
    with running_scripted_judge() as judge:
        yield judge


@pytest.fixture
def refs(tmp_path: Path) -> list[TextRef]:
    """Three texts in a lake, one of them blank."""
    texts = {"h1": "# One\n\nA model of poems.", "h2": "# Two\n\nA model of prose.", "h3": " \n"}
    reads = [
        CardRead(WEEK, f"ada/{name}", "s", "card", card_hash=name, card_text=text)
        for name, text in texts.items()
    ]
    Lake(tmp_path).write("cards/2026-11-16/p.parquet", CardRead, reads)
    return [TextRef("cards/2026-11-16/p.parquet", name) for name in texts]


def test_a_part_leaves_its_verdicts_and_what_they_took(
    tmp_path: Path, refs: list[TextRef], server: ScriptedJudge
) -> None:
    spec, lake = JudgeSpec("vllm", urls=(server.url,)), Lake(tmp_path)
    fingerprint = identify(spec).fingerprint
    order = Order(WorkStage(WEEK, "judge", fingerprint), "p", tuple(refs))
    judge_part.fn(Run(tmp_path, WEEK), order, Shared(spec=spec))
    (verdicts,), (took,) = lake.parts("verdicts"), lake.parts("judged_parts")
    reasons = {row["card_hash"]: row["reason"] for row in pq.read_table(lake.path(verdicts)).to_pylist()}
    assert reasons == {"h1": None, "h2": None, "h3": "empty"}
    (row,) = pq.read_table(lake.path(took)).to_pylist()
    assert (row["texts"], row["failed"], row["requests"], row["replicas"]) == (3, 1, 2, 1)
    assert row["tokens_in"] == dict(row["metrics"])["prompt_tokens"]
    assert row["started_at"] <= row["ended_at"]


def test_a_part_that_is_there_is_not_judged_again(
    tmp_path: Path, refs: list[TextRef], server: ScriptedJudge
) -> None:
    spec = JudgeSpec("vllm", urls=(server.url,))
    order = Order(WorkStage(WEEK, "judge", identify(spec).fingerprint), "p", tuple(refs))
    judge_part.fn(Run(tmp_path, WEEK), order, Shared(spec=spec))
    asked, counted = len(server.requests), 0

    def count(stage: str, by: int, total: int | None) -> None:
        nonlocal counted
        counted += by

    with listening(count):
        judge_part.fn(Run(tmp_path, WEEK), order, Shared(spec=spec))
    assert len(server.requests) == asked
    assert counted == len(refs)  # they were in the total, too


def test_a_part_is_not_judged_by_another_judge_than_the_run_began_with(
    tmp_path: Path, refs: list[TextRef], server: ScriptedJudge
) -> None:
    spec = JudgeSpec("vllm", urls=(server.url,))
    order = Order(WorkStage(WEEK, "judge", "0123456789abcdef"), "p", tuple(refs))
    with pytest.raises(JudgesDiffer, match="the run began with 0123456789abcdef"):
        judge_part.fn(Run(tmp_path, WEEK), order, Shared(spec=spec))
    assert Lake(tmp_path).parts("verdicts") == []
    assert not [path for path, _ in server.requests if path == "/v1/chat/completions"]


CHECKLIST = identify(JudgeSpec()).fingerprint


def parts(lake: Lake) -> dict[str, list[dict[str, object]]]:
    """Rows of facts and verdicts, by part."""
    names = [*lake.parts("facts"), *lake.parts("verdicts")]
    return {name: pq.read_table(lake.path(name)).to_pylist() for name in names}


@pytest.fixture
def gathered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Bodies of the cards whose evidence was gathered."""
    bodies: list[str] = []

    def counted(card: Card, table: Boilerplate | None = None) -> evidence.Evidence:
        bodies.append(card.body)
        return gather(card, table)

    gather = evidence.gather
    monkeypatch.setattr(evidence, "gather", counted)
    return bodies


def test_a_judge_that_reads_evidence_describes_as_it_judges_and_parses_once(
    tmp_path: Path, refs: list[TextRef], gathered: list[str]
) -> None:
    lake, spec = Lake(tmp_path), Shared(spec=JudgeSpec())
    both = Order(WorkStage(WEEK, "assess", CHECKLIST), "both", tuple(refs))
    assess_part.fn(Run(tmp_path, WEEK), both, spec)
    assert len(gathered) == len(refs)
    describe_part.fn(Run(tmp_path, WEEK), Order(WorkStage(WEEK, "describe"), "apart", tuple(refs)), Shared())
    judge_part.fn(Run(tmp_path, WEEK), Order(WorkStage(WEEK, "judge", CHECKLIST), "apart", tuple(refs)), spec)
    found = parts(lake)
    assert len(found) == 4
    assert all(rows == found[name.replace("both", "apart")] for name, rows in found.items())
    assert [row["reason"] for row in found[f"verdicts/{CHECKLIST}/both.parquet"]] == [None, None, "empty"]
    del gathered[:]
    assess_part.fn(Run(tmp_path, WEEK), both, spec)
    assert gathered == []


@pytest.mark.parametrize("lost", ["facts", "verdicts"])
def test_of_a_part_that_was_killed_in_between_the_missing_half_is_written(
    tmp_path: Path, refs: list[TextRef], lost: str
) -> None:
    lake = Lake(tmp_path)
    both = Order(WorkStage(WEEK, "assess", CHECKLIST), "both", tuple(refs))
    assess_part.fn(Run(tmp_path, WEEK), both, Shared(spec=JudgeSpec()))
    whole = parts(lake)
    written = {name: lake.path(name).stat().st_mtime_ns for name in whole}
    (name,) = lake.parts(lost)
    lake.path(name).unlink()
    assess_part.fn(Run(tmp_path, WEEK), both, Shared(spec=JudgeSpec()))
    assert parts(lake) == whole
    assert [kept for kept in whole if lake.path(kept).stat().st_mtime_ns == written[kept]] == [
        kept for kept in whole if kept != name
    ]


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """Plan the judging of texts named by letters; gives the texts of each stage's orders."""
    monkeypatch.setenv("CARDIOGRAPH_PART_CARDS", "2")

    def plan(undescribed: str, unjudged: str, spec: JudgeSpec, fingerprint: str) -> dict[str, str]:
        pending = {"pending/facts": undescribed, "pending/verdicts": unjudged, "pending/bridge": ""}
        monkeypatch.setattr(
            steps, "pending_texts", lambda _, name, **__: [TextRef("p", text) for text in pending[name]]
        )
        record = JudgeRecord(WEEK, fingerprint, "j", "r", None, None, "{}", datetime(2026, 11, 16))
        found: dict[str, str] = {}
        for order in steps.plan_judging.fn(Run(tmp_path, WEEK), spec, record, "t1"):
            texts = "".join(ref.card_hash for ref in order.refs if isinstance(ref, TextRef))
            found[order.stage.key] = f"{found.get(order.stage.key, '')} {texts}".strip()
        return found

    return plan


def test_texts_are_described_and_judged_in_one_part_by_a_judge_of_evidence(
    planned: Callable[..., dict[str, str]],
) -> None:
    own, alone = "assess-f", "judge-f"
    assert planned("abc", "abc", JudgeSpec(), "f") == {own: "ab c"}
    assert planned("abc", "bcd", JudgeSpec(), "f") == {own: "bc", alone: "d", "describe": "a"}
    assert planned("", "ab", JudgeSpec(), "f") == {alone: "ab"}
    assert planned("ab", "", JudgeSpec(), "f") == {"describe": "ab"}
    assert planned("abc", "abc", JudgeSpec("vllm"), "f") == {alone: "abc", "describe": "ab c"}


def test_orders_that_a_killed_run_left_keep_their_texts(
    tmp_path: Path, planned: Callable[..., dict[str, str]]
) -> None:
    lake = Lake(tmp_path)
    stages = [
        WorkStage(WEEK, "judge", "f"),
        WorkStage(WEEK, "assess", "f"),
        WorkStage(WEEK, "assess", "old"),
    ]
    for stage, text in zip(stages, "abz", strict=True):
        open_stage(lake, stage, Shared(), [Order(stage, "left", (TextRef("p", text),))])
    steps.forget_other_judges.fn(Run(tmp_path, WEEK), "f")
    assert planned("acd", "abcd", JudgeSpec(), "f") == {"judge-f": "a", "assess-f": "b cd", "describe": "a"}
    assert outstanding(lake, stages[-1]) == []


def paid_order(
    tmp_path: Path, refs: list[TextRef], server: ScriptedJudge, kind: WorkKind
) -> tuple[Order, Shared]:
    """An order for a judge with a budget of two requests, the first of which finds out what its server can do."""
    spec = JudgeSpec("openai", "scripted", (server.url,), explains=True, cap=SpendingCap(requests=2))
    order = Order(WorkStage(WEEK, kind, identify(spec).fingerprint), "p", tuple(refs))
    open_stage(Lake(tmp_path), order.stage, Shared(spec=spec), [order])
    return order, Shared(spec=spec)


def test_a_part_whose_budget_ends_keeps_what_was_judged_and_leaves_the_rest_to_be_planned(
    tmp_path: Path, refs: list[TextRef], server: ScriptedJudge
) -> None:
    order, shared = paid_order(tmp_path, refs, server, "judge")
    with pytest.raises(BudgetReached, match="budget of 2 requests") as reached:
        judge_part.fn(Run(tmp_path, WEEK), order, shared)
    lake = Lake(tmp_path)
    (verdicts,), (took,) = lake.parts("verdicts"), lake.parts("judged_parts")
    reasons = sorted(str(row["reason"]) for row in pq.read_table(lake.path(verdicts)).to_pylist())
    assert reasons == ["None", "empty"]  # a blank text costs nothing
    assert reached.value.texts == 2
    assert pq.read_table(lake.path(took)).to_pylist()[0]["texts"] == 2
    assert outstanding(lake, order.stage) == []


def test_explanations_that_the_budget_covers_are_kept(
    tmp_path: Path, refs: list[TextRef], server: ScriptedJudge
) -> None:
    order, shared = paid_order(tmp_path, refs[:2], server, "explain")
    with pytest.raises(BudgetReached):
        explain_part.fn(Run(tmp_path, WEEK), order, shared)
    lake = Lake(tmp_path)
    (part,) = lake.parts("explanations")
    assert len({row["card_hash"] for row in pq.read_table(lake.path(part)).to_pylist()}) == 1
    assert outstanding(lake, order.stage) == []


def test_a_part_that_the_budget_covers_nothing_of_stays_ordered(
    tmp_path: Path, refs: list[TextRef], server: ScriptedJudge
) -> None:
    order, shared = paid_order(tmp_path, refs[:1], server, "judge")
    judge_part.fn(Run(tmp_path, WEEK), replace(order, part="q", refs=tuple(refs[1:2])), shared)
    with pytest.raises(BudgetReached):
        judge_part.fn(Run(tmp_path, WEEK), order, shared)
    assert len(Lake(tmp_path).parts("verdicts")) == 1
    assert outstanding(Lake(tmp_path), order.stage) == [order]
