"""Judges are told apart by what they can do, and a new one is one file."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.errors import UsageError
from tasks.judges import identify, kind_of, opened_judge, registry, specs_of
from tasks.judges.steps import check_judge_is_served
from tasks.records import CardText, JudgeSpec, SpendingCap
from tasks.work.request import CrewRequest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def toy(toy_package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy judge as an installed package that registers itself."""
    monkeypatch.syspath_prepend(toy_package)
    monkeypatch.setattr(registry, "_KINDS", dict(registry._KINDS))


@pytest.mark.usefixtures("toy")
def test_a_package_brings_a_judge_of_its_own() -> None:
    (spec,) = specs_of(["toy"], None, [])
    assert identify(spec).fingerprint == "70f0000000000000"
    with opened_judge(spec) as judge:
        scores = [verdict.score for verdict in judge.score([CardText("a", "# A"), CardText("b", " ")])]
    assert scores == [3.0, None]
    assert kind_of("toy") == registry.JudgeKind("toy", "toy_judge:ToyJudge")


@pytest.mark.usefixtures("toy")
def test_an_unknown_judge_is_refused_with_those_of_packages_too() -> None:
    with pytest.raises(
        UsageError, match="choose from: checklist, vllm, openai, toy, vllm:MODEL, openai:MODEL"
    ):
        specs_of(["oracle"], None, [])


def test_a_judge_without_a_model_takes_none() -> None:
    with pytest.raises(UsageError, match="no judge is called 'checklist:m'"):
        specs_of(["checklist:m"], None, [])


def test_workers_of_a_pool_are_not_sent_to_a_server_that_only_this_machine_reaches() -> None:
    of_pool = CrewRequest(workers=2, pool="default")
    with pytest.raises(UsageError, match="--judge-pool"):
        check_judge_is_served(JudgeSpec("vllm"), of_pool)
    check_judge_is_served(JudgeSpec("vllm", urls=("http://gpu:8000",)), of_pool)
    check_judge_is_served(JudgeSpec("vllm"), replace(of_pool, judge_pool="gpu"))
    check_judge_is_served(JudgeSpec("vllm"), CrewRequest(workers=2))
    check_judge_is_served(JudgeSpec(), of_pool)


def test_a_budget_is_for_a_judge_that_is_paid_for() -> None:
    cap = SpendingCap(money=5.0)
    with pytest.raises(UsageError, match="--budget and --budget-requests are for --judge openai"):
        specs_of(["vllm"], None, [], cap=cap)
    both = specs_of(["checklist", "openai:a/b:c"], None, ["http://x"], cap=cap)
    assert both == [JudgeSpec(), JudgeSpec("openai", "a/b:c", ("http://x",), cap=cap)]


def test_a_budget_is_kept_by_one_process() -> None:
    spec = JudgeSpec("openai", "m", ("http://x",), cap=SpendingCap(requests=9))
    with pytest.raises(UsageError, match="a budget is kept by one process; leave out --workers"):
        check_judge_is_served(spec, CrewRequest(workers=2))
    check_judge_is_served(spec, CrewRequest())
    check_judge_is_served(replace(spec, cap=SpendingCap()), CrewRequest(workers=2))


def compared(tree: ast.AST) -> set[object]:
    """Constants that are compared with something, matched, or looked for at the start or end of a text."""
    found: set[object] = set()
    for node in ast.walk(tree):
        is_test = isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("startswith", "endswith"))
        if is_test or isinstance(node, ast.Compare | ast.MatchValue):
            found |= {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
    return found


def test_code_asks_what_a_judge_can_do_and_not_which_it_is() -> None:
    sources = [path for room in ("flows", "tasks") for path in (ROOT / room).rglob("*.py")]
    strays = [
        path.relative_to(ROOT).as_posix()
        for path in sources
        if "judges" not in path.relative_to(ROOT).parts
        and compared(ast.parse(path.read_text(encoding="utf-8"))) & registry._KINDS.keys()
    ]
    assert strays == []
    assert compared(ast.parse('x == "vllm" or x.startswith("checklist")')) == {"vllm", "checklist"}
