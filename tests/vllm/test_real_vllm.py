"""The whole judge against the real server: verdicts are read, stored, resumed, and agree with the log-probabilities."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tasks.demo import write_demo_corpus
from tasks.engine.child import free_port
from tasks.judges import opened_judge
from tasks.judges.vllm.server import running_judge_server
from tasks.records import CardText, JudgeSpec, Verdict
from tasks.rubric import load_rubric
from tasks.settings import Settings
from tests.vllm.running import finished, recorded, rows, snapshot

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]

WEEK = date(2026, 11, 16)
PARTS = {"CARDIOGRAPH_JUDGE_PART_CARDS": "8"}


# An answer is forced through 37 keys: a card takes some 350 tokens, whatever the weights.
@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "small.parquet"
    write_demo_corpus(path, models=60, weeks=1, seed=5, end=WEEK)
    return path


@pytest.fixture(scope="module")
def cards(corpus: Path) -> list[CardText]:
    texts = pl.read_parquet(corpus, columns=["card_text"])["card_text"].drop_nulls().unique().sort().to_list()
    return [CardText(f"{number:064x}", text) for number, text in enumerate(texts[:10]) if text.strip()]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, corpus: Path, judge_url: str) -> Path:
    """A home with one snapshot judged by the real server."""
    home = tmp_path_factory.mktemp("home")
    summary = finished(snapshot(home, corpus, "--judge-url", judge_url, "--explain", "4", **PARTS))
    assert summary["texts_judged"] > 24  # more than three parts
    return home


def test_every_text_has_a_valid_verdict_or_a_reason(judged: Path) -> None:
    verdicts = rows(
        judged, "select score, reason, score_mode, map_keys(probabilities), card_tokens from verdicts"
    )
    texts = rows(judged, "select count(*) from base.texts where trim(card_text, e' \\n\\t') <> ''")
    assert len(verdicts) >= texts[0][0]
    for score, reason, mode, levels, card_tokens in verdicts:
        assert (score is None) != (reason is None)
        if score is not None:
            assert 1 <= score <= 5
            assert mode == "expected"
            assert levels == ["1", "2", "3", "4", "5"]
            assert card_tokens > 0
    assert sum(score is not None for score, *_ in verdicts) / len(verdicts) > 0.9


def test_every_check_is_answered_once(judged: Path) -> None:
    checks = {check.id for check in load_rubric().checks}
    for passed, failed in rows(judged, "select passed, failed from verdicts where score is not null"):
        assert sorted(passed + failed) == sorted(checks)


def test_a_second_run_judges_nothing(judged: Path, corpus: Path, judge_url: str) -> None:
    before = rows(judged, "select * from base.verdicts order by all")
    again = finished(snapshot(judged, corpus, "--judge-url", judge_url, "--explain", "4", **PARTS))
    assert again["texts_judged"] == 0
    assert rows(judged, "select * from base.verdicts order by all") == before


def test_explanations_are_complete_or_give_a_reason(judged: Path) -> None:
    found = rows(
        judged,
        "select card_hash, count(*), count(distinct criterion), bool_or(criterion = 'all') "
        "from base.explanations group by all",
    )
    assert len(found) == 4
    for _, count, criteria, is_refused in found:
        assert (count, criteria) == ((1, 1) if is_refused else (8, 8))


def test_the_prefix_of_the_prompt_is_cached(judged: Path) -> None:
    ((hits, queries),) = rows(
        judged,
        "select sum(metrics['prefix_cache_hits']), sum(metrics['prefix_cache_queries']) from base.judged_parts",
    )
    assert hits > 0.5 * queries


def score(cards: list[CardText], url: str) -> dict[str, Verdict]:
    with opened_judge(JudgeSpec("vllm", urls=(url,))) as judge:
        return {verdict.card_hash: verdict for verdict in judge.score(cards)}


def test_a_card_has_the_same_verdict_whatever_else_is_judged(cards: list[CardText], judge_url: str) -> None:
    together = score(cards, judge_url)
    alone = {card.card_hash: score([card], judge_url)[card.card_hash] for card in cards[:2]}
    again = score(cards[::-1], judge_url)
    assert together.keys() == again.keys()
    for one, other in [(together, again), (alone, together)]:
        for card_hash in one:
            assert one[card_hash].passed == other[card_hash].passed
            assert one[card_hash].score == pytest.approx(other[card_hash].score, abs=2e-3)


def test_the_expected_score_is_that_of_the_returned_log_probabilities(
    cards: list[CardText], judge_url: str
) -> None:
    with opened_judge(JudgeSpec("vllm", urls=(judge_url,))) as judge, recorded(judge) as bodies:
        verdicts = list(judge.score(cards[:8]))
    replies = [body for body in bodies if "choices" in body]
    assert len(replies) >= len(verdicts)
    independent = sorted(map(expected_score, replies))
    assert sorted(verdict.score or 0 for verdict in verdicts) == pytest.approx(independent, abs=1e-4)


def expected_score(reply: dict[str, Any]) -> float:
    """Computed independently: from the last digit that was generated and its alternatives."""
    tokens = reply["choices"][0]["logprobs"]["content"]
    decisive = next(token for token in reversed(tokens) if token["token"] in "12345")
    weights = {
        int(found["token"]): math.exp(found["logprob"])
        for found in decisive["top_logprobs"]
        if found["token"] in {"1", "2", "3", "4", "5"}
    }
    return sum(level * weight for level, weight in weights.items()) / sum(weights.values())


@contextmanager
def server(model: Path, log: Path, limits: Settings, port: int) -> Iterator[str]:
    with running_judge_server(str(model), log, limits.model_copy(update={"judge_port": port})) as url:
        yield url


def is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5):
            return True
    except OSError:
        return False


def kill_server(port: int) -> None:
    """Kill every process of the server at once, like a crash."""
    listing = subprocess.run(["ps", "-ww", "-eo", "pgid,args"], capture_output=True, text=True).stdout
    lines = [line.split(None, 1) for line in listing.splitlines()[1:]]
    # Its supervisor has the same words in its command; if killed, it would end the server in order.
    groups = {
        pgid
        for pgid, command in lines
        if f"--port {port}" in command
        and "vllm.entrypoints" in command
        and "tasks.engine.child" not in command
    }
    assert groups
    for pgid in groups:
        os.killpg(int(pgid), signal.SIGKILL)


def test_a_server_killed_during_a_run_loses_and_doubles_nothing(
    corpus: Path, tiny_model: Path, limits: Settings, tmp_path: Path
) -> None:
    port, home = free_port(), tmp_path / "home"
    with server(tiny_model, tmp_path / "first.log", limits, port) as url:
        run = snapshot(home, corpus, "--judge-url", url, "--explain", "0", **PARTS)
        parts = home / "lake" / "verdicts"
        while run.poll() is None and not list(parts.rglob("*.parquet")):
            time.sleep(0.05)
        assert run.poll() is None, "the run ended before its server could be killed"
        kill_server(port)
    assert not is_up(url)
    with server(tiny_model, tmp_path / "second.log", limits, port):
        summary = finished(run)
    ((verdicts, texts),) = rows(home, "select count(*), count(distinct card_hash) from base.verdicts")
    assert (
        verdicts
        == texts
        == summary["verdicts"] + rows(home, "select count(*) from verdicts where score is null")[0][0]
    )
    assert (
        rows(home, "select count(*) from verdicts where reason not in ('empty', 'no_probabilities')")[0][0]
        <= verdicts * 0.05
    )
