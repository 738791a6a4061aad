"""`plan`, `doctor`, `status` and `quarantine`, as a person types them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from flows.cli.app import app
from flows.cli.snapshot import print_next_steps
from tasks.errors import UsageError
from tasks.replica.corpus import write_corpus
from tasks.replica.process import running_replica
from tasks.storage.lake import Lake
from tasks.storage.warehouse import Warehouse

NOWHERE = "http://127.0.0.1:9"
Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    for name in ("HF_TOKEN", "PREFECT_API_URL", "CARDIOGRAPH_LAKE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setenv("COLUMNS", "160")
    for name in ("CARDIOGRAPH_LAKE_PATIENCE_S", "PREFECT_API_REQUEST_TIMEOUT", "PREFECT_CLIENT_MAX_RETRIES"):
        monkeypatch.setenv(name, "1")  # what the commands set stays in this test

    def invoke(*words: str | Path) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return invoke


def fine(result: Result) -> str:
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output


def printed(result: Result) -> Any:
    return json.loads(fine(result))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("corpus") / "corpus.parquet"
    write_corpus(path, [{"model_id": "ada/a", "card_text": "# A", "last_modified": "2026-01-01"}])
    with running_replica(path, plan="pro") as url:
        yield url


# plan


def test_a_plan_needs_neither_a_home_nor_a_network(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    output = fine(run("plan", "--all", "--plan", "pro", "--judge", "vllm", "--workers", "4", "--home", home))
    for expected in ("2,500,000", "GPU minutes", "time at the quota", "documented: ", "12,000 files"):
        assert expected in output
    assert "measured: " not in output
    assert not home.exists()


def test_a_plan_as_json_says_where_each_figure_comes_from(run: Run, home: Path) -> None:
    plan = printed(run("plan", "--home", home, "--all", "--json"))
    assert plan["first"]["models"] == 400  # as this home counted all models
    assert plan["rates"]["cards_a_model"]["is_own"]
    assert not plan["rates"]["quota_used_share"]["is_own"]
    assert plan["has_a_snapshot_of_it"]
    assert plan["first"]["total_s"] > plan["first"]["reading_s"]


def test_a_plan_asks_the_hub_for_the_quota_on_request(run: Run, hub: str, tmp_path: Path) -> None:
    output = fine(run("plan", "--ask", "--hub", hub, "--home", tmp_path))
    assert f"Quota of the plan pro, as {hub} reports: 2,500 API requests" in output


def test_a_plan_for_a_sample_lists_the_whole_hub(run: Run, tmp_path: Path) -> None:
    plan = printed(run("plan", "--sample", "3000", "--home", tmp_path, "--json"))
    assert (plan["first"]["listed"], plan["first"]["models"]) == (2_500_000, 3000)
    assert plan["first"]["api_requests"] == 2500
    assert plan["rates"]["models_on_hub"]["source"]


def test_a_plan_takes_a_corpus_filters_and_a_budget_and_says_what_they_mean(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "corpus.parquet"
    weeks = [("2026-01-05", "ada/a"), ("2026-01-12", "ada/a"), ("2026-01-12", "ada/b")]
    row = {"card_text": "# A", "last_modified": "2026-01-01"}
    write_corpus(path, [{**row, "snapshot_date": day, "model_id": name} for day, name in weeks])
    corpus = ("plan", "--hub", path, "--home", tmp_path, "--all")
    assert printed(run(*corpus, "--json"))["first"]["models"] == 2
    assert printed(run(*corpus, "--as-of", "2026-01-06", "--format", "json"))["first"]["models"] == 1
    output = fine(run(*corpus, "--filter", "gguf"))
    assert "No quota: a replica" in output
    assert "these figures are at most" in output
    paid = ("--judge", "openai:x", "--judge-url", NOWHERE, "--budget-requests", "500")
    output = fine(run("plan", "--limit", "1000", "--home", tmp_path, *paid))
    assert re.search(r"openai:x: the budget ends after about 49\d of 935 texts", output)
    assert "openai:x: texts" in output  # and no picture for :x:


def test_a_plan_for_a_top_n_tells_what_a_sample_can_answer(run: Run, tmp_path: Path) -> None:
    hint = "The top 200 by downloads cannot show what goes with downloads; `--sample 200` draws"
    assert hint in fine(run("plan", "--limit", "200", "--home", tmp_path))
    for words in (["--all"], ["--sample", "200"], ["--limit", "200", "--sort", "created"]):
        assert "cannot show" not in fine(run("plan", *words, "--home", tmp_path))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--all", "--limit", "5"], "exclude each other"),
        (["--sample", "50", "--limit", "5"], "--sample draws from the whole listing"),
        (["--sample", "50", "--all"], "--sample draws from the whole listing"),
        (["--judge", "oracle"], "no judge is called 'oracle'"),
        (["--judge-model", "x"], "are for --judge vllm"),
        (["--hub", "no-such.parquet"], "no such file"),
        (["--as-of", "2999-01-01"], "is in the future"),
        (["--models", "no-such.txt"], "cannot be read"),
    ],
)
def test_a_plan_that_cannot_be_made_is_a_usage_error(run: Run, words: list[str], message: str) -> None:
    result = run("plan", *words)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)


# doctor and status


def test_a_doctor_that_finds_nothing_wrong_exits_with_0(run: Run, hub: str, home: Path) -> None:
    result = run("doctor", "--home", home, "--hub", hub)
    assert result.exit_code == 0, result.output
    assert "checks hold" in result.output
    assert "hf auth login" in result.output  # the remedy of a warning


def test_a_doctor_that_finds_a_failure_exits_with_1(run: Run, home: Path) -> None:
    result = run("doctor", "--home", home, "--hub", NOWHERE, "--json")
    assert result.exit_code == 1
    (hub,) = [finding for finding in json.loads(result.output) if finding["name"] == "Hub"]
    assert hub["status"] == "fail"
    assert hub["remedy"]


def test_status_shows_what_is_published_and_what_is_held_back(run: Run, home: Path) -> None:
    output = fine(run("status", "--home", home))
    assert "snapshot of 2026-01-05" in output
    assert "2026-01-12: " in output
    assert "unread_share 0.5" in output
    state = printed(run("status", "--home", home, "--json"))
    assert state["published"]["snapshot"] == "2026-01-05"
    assert list(state["quarantined"]) == ["2026-01-12"]


def test_status_of_an_empty_home_says_how_to_begin(run: Run, tmp_path: Path) -> None:
    assert "cardiograph snapshot" in fine(run("status", "--home", tmp_path))


def test_a_doctor_is_told_where_a_judge_is_served(run: Run, tmp_path: Path) -> None:
    result = run("doctor", "--home", tmp_path, "--judge", "openai:x")
    assert isinstance(result.exception, UsageError)
    assert "name its servers with --judge-url" in str(result.exception)


# where the home is


def test_a_home_is_found_in_the_working_directory(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CARDIOGRAPH_HOME", raising=False)
    monkeypatch.chdir(home)
    assert printed(run("status", "--json"))["published"]["snapshot"] == "2026-01-05"


def test_the_demo_is_looked_at_where_there_is_nothing_else_and_says_so(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.delenv("CARDIOGRAPH_HOME", raising=False)
    here = tmp_path_factory.mktemp("here")
    (here / "cardiograph-demo").symlink_to(home)
    monkeypatch.chdir(here)
    result = run("status", "--json")
    assert "this is about the demo" in result.stderr
    assert json.loads(result.stdout)["published"]["snapshot"] == "2026-01-05"
    # What is planned is not for the demo: it would not be taken there.
    assert not printed(run("plan", "--all", "--json"))["has_a_snapshot_of_it"]
    monkeypatch.setenv("CARDIOGRAPH_HOME", "elsewhere")
    assert "this is about the demo" not in run("status").output


def test_the_lines_after_a_demo_work_as_printed(
    run: Run, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    place = home.rename(home.with_name("my demo's place"))
    print_next_steps(place)
    printed_lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    query, snapshot = (shlex.split(line) for line in printed_lines if re.match(r"\S*cardiograph ", line))
    assert query[1:4] == ["query", "--home", str(place)]
    assert "model_id" in fine(run(*query[1:]))
    assert snapshot[1:] == ["snapshot", "--limit", "200"]


# quarantine


def test_the_quarantine_is_listed_with_its_reasons(run: Run, home: Path) -> None:
    output = fine(run("quarantine", "--home", home))
    assert "2026-01-12, judged by f" in output
    assert "unread_share 0.5 (at most" in output
    held = printed(run("quarantine", "--home", home, "--json"))
    assert {measure["measure"] for measure in held["2026-01-12"]} >= {"unread_share", "card_share"}


def test_a_release_publishes_the_snapshot_and_its_report(run: Run, home: Path) -> None:
    reason = "the Hub  was down,\nand said so"
    output = fine(run("quarantine", "release", "2026-01-12", "--home", home, "--reason", reason))
    assert "The snapshot of 2026-01-12 is published." in output
    with Warehouse(home).read() as db:
        assert db.execute("select distinct snapshot from models").fetchall() == [(date(2026, 1, 12),)]
    page = (home / "report.html").read_text(encoding="utf-8")
    assert "was released: the Hub was down, and said so" in page
    assert fine(run("quarantine", "--home", home)) == "No snapshot is quarantined.\n"


def test_a_release_while_another_run_writes_is_kept_for_it(run: Run, home: Path) -> None:
    with Warehouse(home).writer():
        output = fine(run("quarantine", "release", "2026-01-12", "--home", home, "--reason", "it is so"))
    assert "Another run is writing" in output
    assert Lake(home).has("releases/2026-01-12.parquet")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["2026-01-05", "--reason", "why not"], "is not quarantined; quarantined are: 2026-01-12"),
        (["yesterday", "--reason", "why not"], "not a date"),
        (["2026-01-12", "--reason", "  "], "--reason is blank"),
    ],
)
def test_a_release_that_makes_no_sense_is_a_usage_error(
    run: Run, home: Path, words: list[str], message: str
) -> None:
    result = run("quarantine", "release", *words, "--home", home)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
    assert not Lake(home).parts("releases")
