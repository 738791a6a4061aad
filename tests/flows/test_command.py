"""The command, as a user runs it: in a process of its own, on real files, against a real replica."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from benchmarks.findings_2022 import article
from benchmarks.findings_2022.evidence import read_evidence
from tasks.demo import write_demo_corpus
from tasks.sentences.numbers import decimal, percent

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]
LAST_WEEK, THIS_WEEK = date(2026, 11, 9), date(2026, 11, 16)
SECRET = "hf_" + "neverToBeSeenAnywhere" * 2


def cardiograph(*arguments: str | Path | date, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command; HF_TOKEN is a secret that must turn up nowhere."""
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=ROOT,
        env={**os.environ, "HF_TOKEN": SECRET, "CARDIOGRAPH_PART_CARDS": "25", **environment},
    )


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "small.parquet"
    write_demo_corpus(path, models=300, weeks=2, seed=3, end=THIS_WEEK)
    return path


class Week:
    """Two weekly snapshots, the second one taken twice: what each run said, and what it left."""

    def __init__(self, home: Path, corpus: Path) -> None:
        self.home = home
        self.corpus = corpus
        self.logs: list[str] = []
        self.runs = [self.take(day) for day in (LAST_WEEK, THIS_WEEK, THIS_WEEK)]

    def take(self, day: date) -> dict[str, Any]:
        done = cardiograph(
            "snapshot", "--hub", self.corpus, "--all", "--as-of", day, "--home", self.home, "--json"
        )
        self.logs.append(done.stderr)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert SECRET not in done.stdout + done.stderr
        (summary,) = json.loads(done.stdout)
        return dict(summary)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.home / "warehouse.duckdb", read_only=True) as db:
            return db.execute(sql).fetchall()


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Week:
    return Week(tmp_path_factory.mktemp("home"), corpus)


def test_every_model_of_the_listing_has_exactly_one_fate(week: Week) -> None:
    expected = (
        pl.read_parquet(week.corpus)
        .filter(pl.col("snapshot_date").cast(pl.Date) == THIS_WEEK)["model_id"]
        .to_list()
    )
    fates = week.rows(
        f"""
        select subject from failures where snapshot = '{THIS_WEEK}' and stage in ('list', 'read')
        union all select model_id from models where card_status in ('card', 'empty', 'none')
        """  # noqa: S608
    )
    assert sorted(name for (name,) in fates) == sorted(expected)


def test_every_text_is_judged_once(week: Week) -> None:
    assert week.rows("select count(*), count(distinct card_hash) from verdicts") == week.rows(
        "select count(*), count(*) from base.texts"
    )


def test_the_second_week_reads_only_what_changed(week: Week) -> None:
    first, second, _ = week.runs
    assert 0 < second["readmes_asked_for"] < first["readmes_asked_for"] / 2
    assert 0 < second["texts_judged"] < first["texts_judged"] / 2


def test_the_same_week_again_asks_judges_and_estimates_nothing(week: Week) -> None:
    _, second, again = week.runs
    assert [again[name] for name in ("readmes_asked_for", "texts_judged", "findings_estimated")] == [0, 0, 0]
    for name in ("models", "verdicts", "failures", "headline", "median_score"):
        assert again[name] == second[name]


def test_every_task_run_is_in_prefects_own_books_and_none_failed(week: Week) -> None:
    with closing(sqlite3.connect(week.home / "prefect" / "prefect.db")) as db:
        runs = dict(db.execute("select state_type, count(*) from task_run group by 1").fetchall())
        artifacts = {key for (key,) in db.execute("select key from artifact").fetchall()}
    db.close()
    assert set(runs) == {"COMPLETED"}
    assert runs["COMPLETED"] > 60
    assert artifacts >= {"snapshot-figures", "snapshot-finding"}


def test_every_bar_ends_at_what_it_announced(week: Week) -> None:
    first = week.logs[0]
    assert first.startswith("Starting …\n")  # before Prefect's server, which takes ten seconds
    counts = re.findall(r"  ([a-z ]+): ([\d,]+) of ([\d,]+)$", first, re.M)
    last = {stage: (done, total) for stage, done, total in counts}
    assert last.keys() >= {"reading cards", "judging texts", "parsing texts", "estimating findings"}
    assert {stage for stage, (done, total) in last.items() if done != total} == set()


def test_the_report_stands_on_its_own(week: Week) -> None:
    page = (week.home / "report.html").read_text(encoding="utf-8")
    assert "checklist" in page
    assert 'src="http' not in page
    assert "<link" not in page


def test_the_report_can_be_written_again_with_its_charts_as_pictures(week: Week, tmp_path: Path) -> None:
    (week.home / "report.html").unlink()
    done = cardiograph("report", "--home", week.home, "--pictures", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (week.home / "report.html").exists()
    pictures = sorted(tmp_path.glob("*.png"))
    assert [str(path) for path in pictures] == sorted(done.stdout.splitlines()[1:])
    drawn = (week.home / "report.html").read_text(encoding="utf-8").count('class="spec"')
    assert len(pictures) == drawn > 5
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_every_estimate_of_the_article_is_in_the_warehouse_with_its_interval(week: Week) -> None:
    text, _ = article.render(read_evidence(week.home))
    rows = week.rows("select estimate, ci_low, ci_high from out_findings where ci_high is not null")
    rows += week.rows(
        "select estimate_without, ci_low_without, ci_high_without from out_findings where ci_high_without is not null"
    )
    units: list[Callable[[float], str]] = [
        decimal,
        percent,
        lambda number: decimal(math.exp(min(number, 50))),
    ]
    known = {tuple(map(unit, row)) for row in rows for unit in units}
    number = r"([−<]?\d(?:[\d,.]*\d)?(?:\s%)?)"
    told = re.findall(rf"{number}(?:\stimes)?(?:,\s|\s\(){number}\sto\s{number}", text)
    assert len(told) > 80
    assert {tuple(" ".join(part.split()) for part in one) for one in told} <= {
        tuple(part.replace("\u202f", " ") for part in one) for one in known
    }


def test_the_article_is_not_written_where_the_warehouse_contradicts_it(week: Week, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.findings_2022", "--home", str(week.home), "--write", str(page)],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=ROOT,
    )
    assert done.returncode == 1
    assert "the snapshot is that of 15 February 2022" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_token_is_written_nowhere(week: Week) -> None:
    files = [path for path in week.home.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_rebuild_gives_the_same_rows(week: Week) -> None:
    everything = """
        select count(*), bit_xor(hash(panel)) from panel
        union all select count(*), bit_xor(hash(verdicts)) from verdicts
        union all select count(*), bit_xor(hash(failures)) from failures
        union all select count(*), bit_xor(hash(out_findings)) from out_findings
    """
    before = sorted(week.rows(everything))
    done = cardiograph("rebuild", "--home", week.home)
    assert done.returncode == 0, done.stderr
    assert sorted(week.rows(everything)) == before


def test_another_selection_of_the_same_date_is_refused(week: Week) -> None:
    done = cardiograph(
        "snapshot", "--hub", week.corpus, "--limit", "5", "--as-of", THIS_WEEK, "--home", week.home
    )
    assert done.returncode == 2
    assert "was started with: all models" in done.stderr


def test_a_query_prints_a_table_csv_json_and_parquet(week: Week, tmp_path: Path) -> None:
    sql = "select model_id, score, tags from scores where score is not null order by 2 desc, 1 limit 3"
    table, csv, as_json = (
        cardiograph("query", "--home", week.home, "--format", name, sql).stdout
        for name in ("table", "csv", "json")
    )
    assert "model_id" in table
    rows = json.loads(as_json)
    assert [line.split(",")[0] for line in csv.splitlines()] == [
        "model_id",
        *(row["model_id"] for row in rows),
    ]
    out = tmp_path / "board.parquet"
    cardiograph("query", "--home", week.home, "--format", "parquet", "--output", out, sql)
    assert pl.read_parquet(out)["model_id"].to_list() == [row["model_id"] for row in rows]


@pytest.mark.parametrize(
    "name", ["best-documented", "by-library", "changed-cards", "failed-checks", "sections-filled"]
)
def test_a_saved_query_finds_something(week: Week, typed: Run, tmp_path: Path, name: str) -> None:
    out = tmp_path / "rows.json"
    done = typed("query", "--home", week.home, "--format", "json", "--output", out, name)
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_bytes())


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["snapshot", "--hub", "no-such.parquet"], 2, "no such file"),
        (["snapshot", "--hub", "README.md"], 2, "README.md"),
        (["snapshot", "--hub", "ftp://example"], 2, "not an http or https address"),
        (["snapshot", "--hub", "https://user:pw@example"], 2, "leave credentials out"),
        (["snapshot", "--as-of", "yesterday"], 2, "not a date"),
        (["snapshot", "--as-of", "2999-01-01"], 2, "is in the future"),
        (["snapshot", "--all", "--limit", "3"], 2, "exclude each other"),
        (["snapshot", "--sample", "50", "--limit", "3"], 2, "--sample draws from the whole listing"),
        (["snapshot", "--sample", "50", "--all"], 2, "--sample draws from the whole listing"),
        (["snapshot", "--sample", "50", "--models", "README.md"], 2, "leave out --all, --limit, --sample"),
        (["snapshot", "--models", "no-such.txt"], 2, "cannot be read"),
        (["snapshot", "--judge", "oracle", "--hub", "{corpus}"], 2, "oracle"),
        (["snapshot", "--hub", "{corpus}", "--as-of", "1999-01-01"], 2, "1999"),
        (["snapshot", "--home", "/proc/nowhere", "--hub", "{corpus}"], 2, "/proc/nowhere"),
        (["query", "select 1"], 2, "does not exist"),
        (["query", "--home", "{home}", "select nothing from nowhere"], 1, "nowhere"),
        (["query", "--home", "{home}", "no-such-query"], 2, "no saved query"),
        (["rebuild"], 2, "has no lake"),
    ],
)
def test_bad_input_is_one_clear_line(
    week: Week, typed: Run, tmp_path: Path, arguments: list[str], code: int, told: str
) -> None:
    words = [word.format(corpus=week.corpus, home=week.home) for word in arguments]
    if "--home" not in words:
        words += ["--home", str(tmp_path / "home")]
    done = typed(*words)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home" / "warehouse.duckdb").exists()


@pytest.fixture
def other_home(week: Week, tmp_path: Path) -> Path:
    """A home without a snapshot. Prefect's database is the week's, for a new one takes seconds to be migrated."""
    shutil.copytree(week.home / "prefect", tmp_path / "home" / "prefect")
    return tmp_path / "home"


def test_an_unreachable_hub_is_one_clear_line(other_home: Path) -> None:
    done = cardiograph(
        "snapshot", "--hub", "http://127.0.0.1:9", "--home", other_home, CARDIOGRAPH_HUB_BACKOFF_S="0.01"
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("cardiograph: http://127.0.0.1:9")
    assert "Traceback" not in done.stderr


def test_named_models_are_read_and_missing_ones_told(week: Week, other_home: Path, tmp_path: Path) -> None:
    known = [name for (name,) in week.rows("select model_id from models where card_status = 'card' limit 3")]
    names = tmp_path / "models.txt"
    names.write_text("\n".join([*known, "# a comment", "nobody/nothing", known[0]]))
    done = cardiograph("snapshot", "--hub", week.corpus, "--models", names, "--home", other_home, "--json")
    assert done.returncode == 0, done.stderr
    (summary,) = json.loads(done.stdout)
    assert (summary["models"], summary["cards"], summary["failures"]) == (3, 3, 1)


@pytest.mark.slow  # another snapshot
def test_a_learned_table_of_boilerplate_judges_the_next_run(week: Week, typed: Run, tmp_path: Path) -> None:
    home = shutil.copytree(week.home, tmp_path / "learned")
    learned = json.loads(typed("boilerplate", "learn", "--home", home, "--json").stdout)
    assert learned["of_forms"] > 0
    done = cardiograph(
        "snapshot", "--hub", week.corpus, "--all", "--as-of", THIS_WEEK, "--home", home, "--json"
    )
    assert done.returncode == 0, done.stderr
    (summary,) = json.loads(done.stdout)
    assert summary["fingerprint"] != week.runs[-1]["fingerprint"]
    assert summary["texts_judged"] == summary["distinct_texts"]
    told = summary["boilerplate"]
    assert told["version"] == learned["version"]
    assert told["known_words"] > week.runs[-1]["boilerplate"]["known_words"]
    assert f"Table {learned['version']}" in typed("boilerplate", "show", "--home", home).stdout


@pytest.mark.parametrize("command", [[], ["snapshot"], ["query"], ["hub"], ["hub", "serve"], ["demo"]])
def test_help_teaches(typed: Run, command: list[str]) -> None:
    done = typed(*command, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout
