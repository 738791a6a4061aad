"""SQL that people bring reads the published warehouse and nothing else, within bounds."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from time import monotonic, sleep

import duckdb
import polars as pl
import pytest

from flows.cli.app import main
from tasks.errors import QueryFailed, UsageError
from tasks.storage.asking import AskLimits, ask, ask_limits
from tasks.storage.warehouse import statement, statements

ROOT = Path(__file__).parents[2]
SMALL = AskLimits(
    seconds=5, rows=1_000, bytes=20_000_000, memory_bytes=300_000_000, spill_bytes=50_000_000, threads=2
)
# What the kernel may count beyond DuckDB's memory: as much again, the interpreter, and its libraries.
MOST_BYTES = 2 * SMALL.memory_bytes + 500_000_000
Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(empty_warehouse: Path, tmp_path: Path) -> Path:
    """A home with a published warehouse of one model, and a file with a secret beside it."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret.csv").write_text("token\nhf_very_secret\n")
    shutil.copyfile(empty_warehouse, home / "warehouse.duckdb")
    with duckdb.connect(home / "warehouse.duckdb") as db:
        db.execute("insert into base.made_by values ('of a test')")
    return home


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path) -> Typed:
    """`typed(sql, …)` is `cardiograph query`: exit code, standard output and standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cardiograph", "query", "--home", str(home), *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, printed.out, printed.err

    return run


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


READS = [
    "select * from read_csv('{home}/secret.csv')",
    "from '{home}/secret.csv'",
    "from read_text('{home}/secret.csv')",
    "from read_blob('{home}/secret.csv')",
    "from read_text('/proc/self/environ')",
    "from read_text('/proc/' || (select 1) || '/environ')",
    "from read_json_auto('{home}/secret.csv')",
    "from sniff_csv('{home}/secret.csv')",
    "from read_parquet('{home}/*')",
    "from read_duckdb('{home}/warehouse.duckdb', table_name = 'x')",
    "from parquet_metadata('{home}/secret.csv')",
    "from glob('{home}/*')",
    "from query('from read_text(''{home}/secret.csv'')')",
    "from query_table('{home}/secret.csv')",
    "explain analyze from read_text('{home}/secret.csv')",
    "describe from '{home}/secret.csv'",
    "summarize '{home}/secret.csv'",
    "from read_csv('https://example.com/x.csv')",
    "from 's3://bucket/x.parquet'",
    "select getenv('HOME')",
    "from saved",  # a variable of a program is no table
    "from asked",
]
WRITES = [
    "copy (select 1) to '{home}/out.csv'",
    "copy (select 1) to 'out.csv'",
    # External access off does not refuse these: they are files of the database, and its folder for spilled data.
    "copy (select 1) to '{home}/warehouse.duckdb' (use_tmp_file false)",
    "copy (select 1) to '{home}/warehouse.duckdb.wal' (use_tmp_file false)",
    "copy (select 1) to 'spill/out.csv'",
    "explain analyze copy (select 1) to '{home}/warehouse.duckdb' (use_tmp_file false)",
    "explain /* a copy */ analyze copy (select 1) to '{home}/warehouse.duckdb' (use_tmp_file false)",
    "explain (analyze) copy (select 1) to '{home}/warehouse.duckdb' (use_tmp_file false)",
    "copy (pivot (select 1 x) on x) to '{home}/warehouse.duckdb' (use_tmp_file false)",
    "explain analyze copy (pivot (select 1 x) on x) to '{home}/warehouse.duckdb' (use_tmp_file false)",
    "-- pivot\ncopy (pivot (select 1 x) on x) to '{home}/warehouse.duckdb' (use_tmp_file false)",
    "create temp table t as pivot (select 1 x) on x",
    "export database '{home}/exported'",
    "import database '{home}'",
    "attach '{home}/other.duckdb'",
    "attach '{home}/warehouse.duckdb' as w (read_write)",
    "detach warehouse",
    "create table t as select 1",
    "create temp table t as select 1",
    "create persistent secret s (type s3)",
    "insert into base.made_by values ('x')",
    "delete from base.made_by",
    "update base.made_by set schema_digest = 'x'",
    "drop view models",
    "alter table base.made_by rename to x",
    "comment on table base.made_by is 'x'",
    "checkpoint",
    "vacuum",
    "begin",
]
LOOSENS = [
    "install httpfs",
    "load httpfs",
    "load '{home}/secret.csv'",
    "set memory_limit = '100GB'",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "reset memory_limit",
    "pragma enable_profiling",
    "call enable_logging()",
    "from enable_logging()",
    "from enable_profiling()",
    "set variable x = 1",
    "prepare p as select 1",
    "use memory",
]
SEVERAL = [
    "select 1; select 2",
    "select 1; copy (select 1) to '{home}/out.csv'",
    "",
    "-- nothing",
    ";",
]


# Statements one after the other on one locked connection, as the process that answers has it: a process takes a third
# of a second to start. Those that are answered are printed.
_TRY_ALL = """
import json, os, sys
import duckdb
from tasks.storage.answering import NotAsked, check, locked

asked, statements = json.load(sys.stdin)
os.chdir(asked["folder"])
db, passed = locked(asked), []
for sql in statements:
    try:
        check(db, sql)
        rows = db.execute(sql).fetchall()
    except (NotAsked, duckdb.Error):
        continue
    passed.append([sql, str(rows)[:200]])
json.dump(passed, sys.stdout)
"""


def test_no_statement_reaches_writes_or_loosens_anything(home: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    asked = {**asdict(SMALL), "database": str(home / "warehouse.duckdb"), "folder": str(tmp_path / "folder")}
    before = files(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", _TRY_ALL],
        input=json.dumps([asked, [sql.format(home=home) for sql in READS + WRITES + LOOSENS + SEVERAL]]),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "HF_TOKEN": "hf_very_secret"},
    )
    assert json.loads(done.stdout) == [], done.stderr
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    "sql", [READS[0], READS[4], WRITES[2], WRITES[5], WRITES[8], LOOSENS[3], *SEVERAL[:3]]
)
def test_the_door_refuses_in_one_line(home: Path, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_very_secret")
    before = files(home)
    with pytest.raises(QueryFailed) as caught:
        ask(home, sql.format(home=home), SMALL)
    assert "hf_very_secret" not in str(caught.value)
    assert str(caught.value).isprintable()
    assert files(home) == before


ANSWERED = [
    "select count(*) from models",
    "from models",
    "with a as (select 1 x) select x from a",
    "describe models",
    "show tables",
    "summarize models",
    "values (1), (2)",
    "pivot (select 1 as x) on x",
    "with a as (pivot (select 1 x) on x) from a;",
    "unpivot (select 1 a, 2 b) on a, b",
    "explain select 1",
    "explain analyze select 1",
    "explain (format json) select 1",
    "select schema_digest from base.made_by -- a comment",
    "table leaderboard;",
    *(statement(name) for name in statements("saved")),
]


def test_what_reads_is_answered(home: Path) -> None:
    asked = {**asdict(SMALL), "database": str(home / "warehouse.duckdb"), "folder": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", _TRY_ALL],
        input=json.dumps([asked, ANSWERED]),
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert [sql for sql, _ in json.loads(done.stdout)] == ANSWERED, done.stderr


@pytest.mark.parametrize("question", ["describe models", "pivot (select 1 as x) on x", "by-library"])
def test_the_door_answers_statements_and_saved_queries(home: Path, question: str) -> None:
    found = ask(home, question, SMALL)
    assert found.is_whole
    assert found.rows.columns


def test_the_process_that_answers_has_no_secret_and_works_elsewhere(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A `tasks.py` in the working directory is not run, and nothing stays in the folder for temporary files."""
    (tmp_path / "cwd").mkdir()
    (tmp_path / "cwd" / "duckdb.py").write_text("raise SystemExit('run from the working directory')")
    (tmp_path / "tmp").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    seen: list[dict[str, str]] = []
    start = subprocess.Popen

    def watched(*words: object, **options: object) -> object:
        seen.append(dict(options["env"]))  # type: ignore[call-overload]  # it is a mapping
        return start(*words, **options)  # type: ignore[call-overload]

    monkeypatch.setenv("HF_TOKEN", "hf_very_secret")
    monkeypatch.setenv("CARDIOGRAPH_HUB_TOKEN", "hf_very_secret")
    monkeypatch.setattr("tasks.storage.asking.subprocess.Popen", watched)
    assert ask(home, "select 42 as n", SMALL).rows["n"].to_list() == [42]
    assert seen
    assert "hf_very_secret" not in str(seen)
    assert list((tmp_path / "tmp").iterdir()) == []


BOMBS = [
    "select count(*) from range(100000000000) a, range(1000) b",
    "with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t",
    # A single call that no interrupt stops for 9 s, and constants that are computed before a question begins.
    "select levenshtein(repeat('ab', 40000), repeat('cd', 40000))",
    "select length(repeat('x', 3000000000))",
    "select range(3000000000)",
    "select len(range(300000000))",
    "select repeat('x', 1000000) from range(100000)",
    "select list(i) from range(1000000000) t(i)",
    "select string_agg(repeat('x', 1000000), '') from range(10000)",
    "select * from range(300000000) order by hash(range)",
]


@pytest.mark.parametrize("sql", BOMBS)
def test_a_question_ends_in_its_time_and_memory(home: Path, sql: str) -> None:
    limits = replace(SMALL, seconds=1.5)
    began = monotonic()
    with pytest.raises(
        QueryFailed, match=r"^(took more than 1\.5 s|needs more than \d+ MB of (memory|disk))"
    ):
        ask(home, sql, limits)
    assert monotonic() - began < 12
    assert peak_bytes_of_children() < MOST_BYTES


def peak_bytes_of_children() -> int:
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit


def test_disk_for_spilled_data_is_bounded(home: Path) -> None:
    limits = replace(SMALL, seconds=60, memory_bytes=150_000_000, spill_bytes=20_000_000)
    with pytest.raises(QueryFailed, match="needs more than 20 MB of disk"):
        ask(home, "select * from range(30000000) order by hash(range)", limits)


def test_rows_and_bytes_are_bounded_and_the_answer_says_so(home: Path) -> None:
    few = ask(home, "from range(100000)", SMALL)
    assert (few.rows.height, few.is_whole) == (SMALL.rows, False)
    exact = ask(home, f"from range({SMALL.rows})", SMALL)
    assert (exact.rows.height, exact.is_whole) == (SMALL.rows, True)
    wide = ask(home, "select repeat('x', 1000) from range(100000)", replace(SMALL, rows=10**6))
    assert wide.rows.estimated_size() <= SMALL.bytes
    assert not wide.is_whole


def test_a_cut_answer_is_not_written_to_a_file(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDIOGRAPH_QUERY_ROWS", "100")
    out = tmp_path / "rows.csv"
    code, printed, error = typed("--format", "csv", "--output", out, "from range(101)")
    assert (code, printed, out.exists()) == (1, "", False)
    assert (
        "more than 100 rows are too many for one answer; add `limit`, or raise CARDIOGRAPH_QUERY_ROWS"
        in error
    )
    code, printed, error = typed("from range(101)")
    assert code == 0
    assert "40 of more than 100 rows" in error


def test_the_process_ends_with_the_one_that_asked(home: Path) -> None:
    asker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from tasks.storage.asking import ask; ask(Path(sys.argv[1]), "
            "sys.argv[2])",
            str(home),
            BOMBS[0],
        ],
        cwd=ROOT,
    )
    deadline = monotonic() + 30
    while not (answering := children(asker.pid)) and monotonic() < deadline:
        sleep(0.1)
    assert answering
    sleep(2)  # until it computes
    os.kill(asker.pid, signal.SIGKILL)
    asker.wait()
    deadline = monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in answering) and monotonic() < deadline:
        sleep(0.1)
    assert not [pid for pid in answering if Path(f"/proc/{pid}").exists()]


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def test_names_and_values_do_not_drive_the_terminal(typed: Typed) -> None:
    code, printed, _ = typed(
        "select chr(27) || '[31mred' as \"na\x1b[31mme\", 1 as \"[red]x\", '\u202egnp' as b"
    )
    assert code == 0
    assert "[red]x" in printed
    assert not {"\x1b", "\u202e"} & set(printed)


def test_a_csv_has_no_cell_that_a_spreadsheet_runs(typed: Typed, tmp_path: Path) -> None:
    sql = (
        "select * from (values ('=1+1', -5), ('+1', 1), ('-1', 2), ('@x', 3), (chr(9) || '=1', 4), ('＝1', 5), "
        "('it''s', 6), ('''=1', 7)) t(\"=cmd\", n)"
    )
    code, printed, _ = typed("--format", "csv", sql)
    assert code == 0
    rows = list(csv.reader(io.StringIO(printed)))
    assert rows[0] == ["'=cmd", "n"]
    assert [row[0] for row in rows[1:]] == ["'=1+1", "'+1", "'-1", "'@x", "'\t=1", "'＝1", "it's", "''=1"]
    assert rows[1][1] == "-5"
    typed("--format", "parquet", "--output", tmp_path / "p.parquet", sql)
    assert pl.read_parquet(tmp_path / "p.parquet")["=cmd"][0] == "=1+1"


def test_output_is_no_way_to_replace_the_warehouse(typed: Typed, home: Path) -> None:
    before = files(home)
    code, _, error = typed("--format", "csv", "--output", home / "warehouse.duckdb", "select 1 as n")
    assert code == 2
    assert "is the warehouse itself; name another file" in error
    assert files(home) == before


def test_a_home_without_a_warehouse_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist; run `cardiograph snapshot`"):
        ask(tmp_path, "select 1")


def test_the_limits_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDIOGRAPH_QUERY_SECONDS", "7")
    monkeypatch.setenv("CARDIOGRAPH_QUERY_MEMORY_MB", "300")
    assert (ask_limits().seconds, ask_limits().memory_bytes) == (7.0, 300_000_000)
