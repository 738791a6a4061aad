"""`cardiograph hub …`, as a person types it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from huggingface_hub.utils import get_session
from typer.testing import CliRunner

from flows.cli.hub import hub
from tasks.errors import CorpusInvalid, UsageError
from tasks.replica.corpus import read_corpus, write_corpus

ROOT = Path(__file__).parents[3]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    rows: list[dict[str, object]] = [
        {"model_id": "ada/one", "card_text": f"# {week}", "last_modified": week, "snapshot_date": week}
        for week in ("2026-01-05", "2026-01-12")
    ]
    write_corpus(tmp_path / "corpus.parquet", rows)
    return tmp_path / "corpus.parquet"


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, and the line that it prints."""
    with subprocess.Popen(
        [sys.executable, "-c", "from flows.cli.hub import hub; hub()", "serve", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as child:
        try:
            assert child.stdout
            yield child, child.stdout.readline()
        finally:
            child.kill()


def test_serving_prints_in_one_line_where_and_how_to_use_it(corpus: Path) -> None:
    with serving(str(corpus), "--port", "0", "--as-of", "2026-01-11", "--plan", "free") as (child, line):
        found = re.match(
            r"(http://127\.0\.0\.1:\d+) serves 1 models? of corpus\.parquet as of 2026-01-05; try: ", line
        )
        assert found
        assert f"HF_ENDPOINT={found[1]} hf " in line
        answer = get_session().get(f"{found[1]}/ada/one/raw/main/README.md")
        assert (answer.text, answer.headers["ratelimit-policy"]) == (
            "# 2026-01-05",
            '"fixed window";"pages";q=200;w=300',
        )
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=10)
        assert (out, err, child.returncode) == ("", "", 130)


def test_accounts_that_may_write_are_options(corpus: Path) -> None:
    options = ("--account", "hf_try=ada:herons", "--no-discussions", "ada/one")
    with serving(str(corpus), "--port", "0", *options) as (_, line):
        url, bearer = line.split()[0], {"authorization": "Bearer hf_try"}
        assert get_session().get(f"{url}/api/whoami-v2", headers=bearer).json()["name"] == "ada"
        assert get_session().get(f"{url}/api/models/ada/one/discussions", headers=bearer).status_code == 403
    result = CliRunner().invoke(hub, ["serve", str(corpus), "--port", "0", "--account", "secret"])
    assert isinstance(result.exception, UsageError)
    assert "secret" not in str(result.exception)


def test_it_ends_with_the_parent_when_requested(corpus: Path) -> None:
    with serving(str(corpus), "--port", "0", "--exit-with-parent") as (child, _):
        out, err = child.communicate("", timeout=10)
        assert (out, err) == ("", "")


def test_a_taken_port_is_named_with_a_remedy(corpus: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(hub, ["serve", str(corpus), "--port", str(port)])
    assert isinstance(result.exception, UsageError)
    assert re.search(rf"port {port} \(.*in use.*\); choose another with --port", str(result.exception))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["--plan", "gold"], UsageError, "no plan is called 'gold'"),
        (["--faults", "flood=1"], UsageError, "no fault is called 'flood'"),
        (["--quota-scale", "0"], UsageError, "must be positive"),
        (["--as-of", "2020-01-01"], CorpusInvalid, "its first snapshot is 2026-01-05"),
        (["--host", "256.0.0.1"], UsageError, "cannot serve on 256.0.0.1"),
    ],
)
def test_invalid_options_are_refused(
    corpus: Path, arguments: list[str], error: type[Exception], words: str
) -> None:
    result = CliRunner().invoke(hub, ["serve", str(corpus), "--port", "0", *arguments])
    assert isinstance(result.exception, error)
    assert words in str(result.exception)


def test_help_shows_every_fault_every_plan_and_an_example() -> None:
    shown = " ".join(CliRunner().invoke(hub, ["serve", "--help"], terminal_width=200).output.split())
    for word in (
        "malformed",
        "truncate",
        "enterprise-plus",
        "HF_ENDPOINT",
        "--as-of",
        "/-/replica/stats",
        "--seed",
    ):
        assert word in shown
    assert "exit-with-parent" not in shown


def test_the_command_is_cheap_to_import() -> None:
    code = "import sys, flows.cli.hub; print({'polars', 'uvicorn', 'numpy', 'tasks.demo'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == "set()\n", done.stderr


def test_a_made_corpus_can_be_served(tmp_path: Path) -> None:
    out = tmp_path / "made.parquet"
    arguments = [
        "make-corpus",
        str(out),
        "--models",
        "30",
        "--weeks",
        "3",
        "--seed",
        "5",
        "--end",
        "2026-03-02",
    ]
    result = CliRunner().invoke(hub, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert f"cardiograph hub serve {out}" in result.output
    made = read_corpus(out)
    assert len(made.snapshots) == 3
    assert made.snapshot.isoformat() == "2026-03-02"
