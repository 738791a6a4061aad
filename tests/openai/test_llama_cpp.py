"""The whole judge against a real llama.cpp server: found out, judged, killed, resumed.

SmolLM2-135M-Instruct is a test model: its verdicts are well-formed and worth nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from tasks.demo import write_demo_corpus
from tasks.judges.openai import judge as openai
from tasks.judges.openai.tokens import tokens_at_most
from tasks.records import JudgeSpec
from tasks.rubric import load_rubric

pytestmark = [pytest.mark.openai, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
WEEK = date(2026, 11, 16)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "small.parquet"
    write_demo_corpus(path, models=150, weeks=1, seed=5, end=WEEK)
    return path


def spec_of(url: str) -> JudgeSpec:
    return JudgeSpec("openai", "smollm2", (f"{url}/v1",))


def snapshot(home: Path, corpus: Path, url: str, *options: str) -> subprocess.Popen[str]:
    """The command, started: ten cards in parts of three."""
    command = ["snapshot", "--hub", corpus, "--limit", 10, "--home", home, "--explain", 0, "--json", *options]
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "flows.cli",
            *map(str, [*command, "--judge", "openai:smollm2", "--judge-url", url]),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "CARDIOGRAPH_JUDGE_PART_CARDS": "3", "CARDIOGRAPH_JUDGE_CANARIES": "off"},
        start_new_session=True,
    )


def rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as db:
        return db.execute(sql).fetchall()


def test_the_server_says_what_it_is_and_shows_what_it_can_do(url: str) -> None:
    identity = openai.identify(spec_of(url))
    settings = json.loads(identity.settings)
    assert identity.name == "openai:smollm2"
    assert settings["engine"].startswith("llama.cpp b")
    assert settings["score_mode"] in ("expected", "soft")
    abilities = settings["abilities"]
    assert (abilities["form"], abilities["alternatives"], abilities["is_thinking"]) == (
        "json_schema",
        20,
        False,
    )
    assert all(abilities[name] for name in ("limit_word", "has_temperature", "has_template", "has_system"))


def test_it_is_the_same_judge_when_it_is_asked_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = openai.identify(spec_of(url)).fingerprint
    monkeypatch.setattr(openai, "_learned", {})
    assert openai.identify(spec_of(url)).fingerprint == first


def test_the_bound_on_tokens_holds_for_nearly_all_cards(url: str, corpus: Path) -> None:
    texts = pl.read_parquet(corpus, columns=["card_text"])["card_text"].drop_nulls().unique().to_list()
    below = sum(tokens_at_most(text) < counted(url, text) for text in texts)
    assert below <= 0.03 * len(texts)


def counted(url: str, text: str) -> int:
    request = urllib.request.Request(f"{url}/tokenize", json.dumps({"content": text}).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return len(json.loads(answer.read())["tokens"])


def test_a_killed_run_is_resumed_and_every_verdict_is_complete(
    url: str, corpus: Path, tmp_path: Path
) -> None:
    killed = snapshot(tmp_path, corpus, url)
    parts = tmp_path / "lake" / "verdicts"
    while killed.poll() is None and not list(parts.rglob("*.parquet")):
        time.sleep(0.05)
    assert killed.poll() is None, killed.communicate()[1]
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    kept = len(list(parts.rglob("*.parquet")))
    resumed = snapshot(tmp_path, corpus, url)
    out, err = resumed.communicate(timeout=800)
    assert resumed.returncode == 0, err
    assert "openai:smollm2 at llama.cpp b" in err
    (summary,) = json.loads(out)
    verdicts = rows(
        tmp_path, "select score, score_mode, reason, map_keys(log_odds), passed, failed from base.verdicts"
    )
    assert kept > 0
    assert summary["texts_judged"] < len(verdicts)  # what the killed run had judged is not judged again
    scored = [verdict for verdict in verdicts if verdict[0] is not None]
    assert len(scored) >= 0.7 * len(verdicts), verdicts
    checks = sorted(check.id for check in load_rubric().checks)
    for score, mode, _, log_odds, passed, failed in scored:
        assert 1 <= score <= 5
        assert mode in ("expected", "soft")
        assert sorted(log_odds) == checks
        assert sorted(passed + failed) == checks
