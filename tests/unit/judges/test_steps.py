"""A part through a judge: what it leaves in the lake, and that no part mixes judges."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks.errors import JudgesDiffer
from tasks.judges import identify
from tasks.judges.scripted import ScriptedJudge, running_scripted_judge
from tasks.judges.steps import judge_part
from tasks.records import CardRead, JudgeSpec, TextRef
from tasks.storage.lake import Lake
from tasks.work.orders import Order, Shared, WorkStage
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
    asked = len(server.requests)
    judge_part.fn(Run(tmp_path, WEEK), order, Shared(spec=spec))
    assert len(server.requests) == asked


def test_a_part_is_not_judged_by_another_judge_than_the_run_began_with(
    tmp_path: Path, refs: list[TextRef], server: ScriptedJudge
) -> None:
    spec = JudgeSpec("vllm", urls=(server.url,))
    order = Order(WorkStage(WEEK, "judge", "0123456789abcdef"), "p", tuple(refs))
    with pytest.raises(JudgesDiffer, match="the run began with 0123456789abcdef"):
        judge_part.fn(Run(tmp_path, WEEK), order, Shared(spec=spec))
    assert Lake(tmp_path).parts("verdicts") == []
    assert not [path for path, _ in server.requests if path == "/v1/chat/completions"]
