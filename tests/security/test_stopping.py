"""Ctrl-C and SIGTERM end within two seconds, whatever runs; and no child stays behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import cycle
from pathlib import Path
from textwrap import dedent
from threading import Thread
from time import monotonic, sleep

import pytest

from tasks.demo import write_demo_corpus
from tasks.embedders import DEFAULT_EMBEDDER
from tasks.judges.scripted import running_scripted_judge
from tasks.replica.process import running_replica

ROOT = Path(__file__).parents[2]
LINE = "cardiograph: stopped; run the same command to resume"
WITHIN_S = 2.0
WEEK = date(2026, 11, 16)
SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}

HEAD = """
import os, signal, subprocess, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from tasks import stopping
from tasks.engine.child import exit_with_parent, running_child
"""


def started(code: str) -> subprocess.Popen[str]:
    """A process that runs the code, once it has printed that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", HEAD + dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def seconds_to_end(process: subprocess.Popen[str]) -> float:
    """Wait for its end; the seconds that took, without those by which a busy machine woke this test too late."""
    since, late_s = monotonic(), 0.0
    while process.poll() is None:
        assert monotonic() - since < 60
        before = monotonic()
        sleep(0.02)
        late_s += monotonic() - before - 0.02
    took_s = monotonic() - since
    sys.stderr.write(f"ended after {took_s:.2f} s, {late_s:.2f} s of them late\n")  # shown by `pytest -rP`
    return took_s - late_s


def ended(process: subprocess.Popen[str], *signals: int) -> tuple[int, float, str, str]:
    """Send the signals, a fifth of a second apart: exit code, seconds since the last one, and what was printed."""
    for number in signals:
        sleep(0.2)
        process.send_signal(number)
    took_s = seconds_to_end(process)
    out, err = process.communicate()
    return process.returncode, took_s, out, err


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_after_s(pid: int, *, within_s: float) -> float:
    since = monotonic()
    while is_alive(pid):
        assert monotonic() - since < within_s, f"{pid} is still there"
        sleep(0.05)
    return monotonic() - since


@pytest.mark.parametrize("number", SIGNALS)
def test_threads_that_wait_are_woken_and_the_end_is_orderly(number: int) -> None:
    process = started(
        """
        def back_off(_):
            try:
                stopping.pause(300)
            finally:
                os.write(1, b"woken\\n")
        with stopping.heeded():
            try:
                with ThreadPoolExecutor(16) as pool:
                    waiting = [pool.submit(back_off, n) for n in range(16)]
                    os.write(1, b"ready\\n")
                    waiting[0].result()
            finally:
                os.write(1, b"given back\\n")
        """
    )
    code, took_s, out, err = ended(process, number)
    assert (code, err) == (SIGNALS[signal.Signals(number)], f"{LINE}\n")
    assert out.splitlines() == ["woken"] * 16 + ["given back"]
    assert took_s < 1


@pytest.mark.parametrize("number", SIGNALS)
def test_threads_that_cannot_be_woken_do_not_keep_the_process(number: int) -> None:
    process = started(
        """
        with stopping.heeded(), ThreadPoolExecutor(4) as pool:
            deaf = [pool.submit(time.sleep, 300) for n in range(4)]
            os.write(1, b"ready\\n")
            deaf[0].result()
        """
    )
    code, took_s, _, err = ended(process, number)
    assert (code, err) == (SIGNALS[signal.Signals(number)], f"{LINE}\n")
    assert took_s < WITHIN_S


def test_a_main_thread_whose_waits_are_restarted_is_stopped_as_well() -> None:
    """Polars installs a handler after which a wait for a child is not interrupted by a signal."""
    process = started(
        """
        import polars as pl
        with stopping.heeded():
            pl.DataFrame({"a": [1]}).lazy().select(pl.col("a") + 1).collect()
            child = subprocess.Popen([sys.executable, "-c", "open(0).read()"], stdin=subprocess.PIPE)
            os.write(1, b"ready\\n")
            child.wait()
        """
    )
    code, took_s, _, err = ended(process, signal.SIGINT)
    assert (code, err) == (130, f"{LINE}\n")
    assert took_s < WITHIN_S


def test_a_second_ctrl_c_ends_at_once() -> None:
    process = started(
        """
        with stopping.heeded(), ThreadPoolExecutor(1) as pool:
            pool.submit(time.sleep, 300)
            os.write(1, b"ready\\n")
            time.sleep(300)
        """
    )
    code, took_s, _, err = ended(process, signal.SIGINT, signal.SIGINT)
    assert (code, err) == (130, f"{LINE}\n")
    assert took_s < 0.5


def test_a_signal_that_swallowed_the_first_interrupt_still_ends_in_time() -> None:
    process = started(
        """
        with stopping.heeded():
            os.write(1, b"ready\\n")
            while True:
                try:
                    time.sleep(300)
                except BaseException:
                    pass
        """
    )
    code, took_s, _, err = ended(process, signal.SIGTERM)
    assert (code, err) == (143, f"{LINE}\n")
    assert took_s < WITHIN_S


CHILD = """
import os, signal, sys, time
def asked(*_):
    os.write(1, b"asked\\n")
signal.signal(signal.SIGTERM, asked)
os.write(1, f"{os.getpid()}\\n".encode())
while True:
    time.sleep(300)
"""


@pytest.fixture
def deaf_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that notes SIGTERM in its log and goes on."""
    (tmp_path / "deaf_child.py").write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{tmp_path}")
    return "deaf_child"


def log_of(path: Path, *, lines: int) -> list[str]:
    since = monotonic()
    while len(found := path.read_text().splitlines() if path.exists() else []) < lines:
        assert monotonic() - since < 60
        sleep(0.05)
    return found


@pytest.mark.parametrize("is_busy", [False, True], ids=["orderly", "busy"])
def test_a_child_is_asked_first_and_then_ended(deaf_child: str, tmp_path: Path, is_busy: bool) -> None:
    log = tmp_path / "log"
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HEAD
            + dedent(
                f"""
                with (
                    stopping.heeded(), open({str(log)!r}, "wb") as log,
                    running_child({deaf_child!r}, [], log=log), ThreadPoolExecutor(1) as pool
                ):
                    {"pool.submit(time.sleep, 300)" if is_busy else ""}
                    os.write(1, b"ready\\n")
                    time.sleep(300)
                """
            ),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    (pid,) = map(int, log_of(log, lines=1))
    code, took_s, _, err = ended(process, signal.SIGINT)
    assert (code, err) == (130, f"{LINE}\n")
    assert took_s < WITHIN_S
    assert log.read_text().splitlines() == [str(pid), "asked"]
    assert gone_after_s(pid, within_s=1) < 1


@pytest.mark.parametrize("is_supervised", [False, True], ids=["child", "supervised command"])
def test_no_child_outlives_a_killed_parent_by_more_than_five_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_supervised: bool
) -> None:
    """Not even one that does not end when it is asked to."""
    watch = "" if is_supervised else "from tasks.engine.child import exit_with_parent\nexit_with_parent()\n"
    (tmp_path / "deaf_child.py").write_text(watch + CHILD)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{tmp_path}")
    log = tmp_path / "log"
    words = (
        ("tasks.engine.child", [sys.executable, "-m", "deaf_child"]) if is_supervised else ("deaf_child", [])
    )
    code = f"with open({str(log)!r}, 'wb') as log, running_child(*{words!r}, log=log): time.sleep(300)"
    process = subprocess.Popen([sys.executable, "-c", HEAD + code])
    (pid,) = map(int, log_of(log, lines=1))
    process.kill()
    process.wait()
    assert gone_after_s(pid, within_s=5) > 1, "it was not given time to end in order"
    assert "asked" in log.read_text()


# ------------------------------------------------------------------------------------------- the command itself


@dataclass(slots=True)
class Command:
    """`cardiograph` in a process of its own, and what it prints to standard error and output."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def has_printed(self, words: str) -> bool:
        return any(words in line for line in self.lines)


@contextmanager
def cardiograph(*words: object, **environment: str) -> Iterator[Command]:
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    command = Command(process)
    reader = Thread(target=command.read)
    reader.start()
    try:
        yield command
    finally:
        process.kill()
        process.wait()
        reader.join()
        assert process.stdout
        process.stdout.close()


def children_of(pid: int) -> set[int]:
    """Its children and theirs."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found, new = set(), {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new}
        found |= new
    return found


def stopped(command: Command, number: int, *, after: str, wait_s: float = 0.5) -> float:
    """Signal the command once it has printed these words; returns the seconds that it took to end.

    Checks what a stop promises: the line, the exit code, no traceback, and no child a second later.
    """
    since = monotonic()
    while not command.has_printed(after):
        assert command.process.poll() is None, command.lines
        assert monotonic() - since < 240, command.lines
        sleep(0.05)
    sleep(wait_s)
    children = children_of(command.process.pid)
    command.process.send_signal(number)
    took_s = seconds_to_end(command.process)
    for child in children:
        gone_after_s(child, within_s=5)
    since = monotonic()
    while not command.has_printed(LINE):
        assert monotonic() - since < 5, command.lines
        sleep(0.05)
    assert command.process.returncode == SIGNALS[signal.Signals(number)]
    assert command.lines[-1] == LINE
    assert not any("Traceback" in line or "Error" in line for line in command.lines), command.lines
    return took_s


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "small.parquet"
    write_demo_corpus(path, models=400, weeks=1, seed=3, end=WEEK)
    return path


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    """A home with a finished snapshot; to be copied."""
    home = tmp_path_factory.mktemp("week")
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *snapshot_of(corpus, home)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return home


def snapshot_of(hub: object, home: Path) -> list[str]:
    return ["snapshot", "--hub", str(hub), "--all", "--as-of", str(WEEK), "--home", str(home)]


def test_a_replica_that_serves_ends_with_the_line(corpus: Path) -> None:
    with cardiograph("hub", "serve", corpus, "--port", 0) as command:
        assert stopped(command, signal.SIGTERM, after="serves 400 models") < WITHIN_S


@pytest.mark.slow
def test_reading_ends_while_the_hub_is_dead_and_resumes(corpus: Path, tmp_path: Path) -> None:
    """The Hub dies while sixteen requests are in flight; they back off, and more than a minute would pass."""
    with running_replica(corpus, latency_ms=400) as url:
        (replica,) = children_of(os.getpid())
        environment = {"CARDIOGRAPH_HUB_THREADS": "16", "CARDIOGRAPH_PART_CARDS": "100"}
        with cardiograph(*snapshot_of(url, tmp_path), **environment) as command:
            since = monotonic()
            while not command.has_printed("reading cards"):
                assert command.process.poll() is None, command.lines
                assert monotonic() - since < 240, command.lines
                sleep(0.05)
            sleep(2)
            os.kill(replica, signal.SIGKILL)
            took_s = stopped(command, signal.SIGINT, after="reading cards", wait_s=5)
    assert took_s < WITHIN_S
    with running_replica(corpus) as url:
        words = ["snapshot", "--hub", url, "--all", "--as-of", str(WEEK), "--home", str(tmp_path), "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", *words], cwd=ROOT, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    (summary,) = json.loads(done.stdout)
    assert summary["models"] == 400


# What is printed when a stage begins, and the arguments of the snapshot.
STAGES = {
    "start": ("2026", ()),
    "listing": ("listing models", ()),
    "checklist": ("parsing texts", ()),
    "canaries of a judge model": ("trying the judge", ("--judge", "vllm", "--judge-url", "{judge}")),
    "findings": ("estimating findings", ()),
    "two workers": ("reading cards", ("--workers", "2")),
}


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "number"), list(zip(STAGES, cycle(SIGNALS), strict=False)))
def test_a_snapshot_ends_at_every_stage(corpus: Path, tmp_path: Path, stage: str, number: int) -> None:
    words, more = STAGES[stage]
    with running_scripted_judge(latency_s=30) as judge:
        arguments = [one.format(judge=judge.url) for one in more]
        with cardiograph(*snapshot_of(corpus, tmp_path), *arguments) as command:
            took_s = stopped(command, number, after=words)
    assert took_s < WITHIN_S


@pytest.mark.slow
@pytest.mark.parametrize("words", ["embedding texts", "drawing the map"])
def test_the_map_ends_as_well(week: Path, corpus: Path, tmp_path: Path, words: str) -> None:
    pytest.importorskip("umap")
    home = shutil.copytree(week, tmp_path / "home")
    environment = {"CARDIOGRAPH_EMBEDDER": DEFAULT_EMBEDDER}
    with cardiograph(*snapshot_of(corpus, home), **environment) as command:
        took_s = stopped(command, signal.SIGINT, after=words, wait_s=2)
    assert took_s < WITHIN_S


@pytest.mark.slow
@pytest.mark.parametrize(("name", "number"), list(zip(["passport", "calibrate"], SIGNALS, strict=True)))
def test_a_judge_under_examination_is_left(week: Path, tmp_path: Path, name: str, number: int) -> None:
    home = shutil.copytree(week, tmp_path / "home")
    (labels := tmp_path / "labels.csv").write_text("card_text,score\n# A model,3\n# Another,2\n# A third,5\n")
    with running_scripted_judge(latency_s=30) as judge:
        words = [name, *([labels] if name == "calibrate" else []), "--home", home]
        with cardiograph(*words, "--judge", "vllm", "--judge-url", judge.url) as command:
            took_s = stopped(command, number, after="testing the judge")
    assert took_s < WITHIN_S


@pytest.mark.slow
def test_the_demo_ends(tmp_path: Path) -> None:
    with cardiograph("demo", "--home", tmp_path) as command:
        took_s = stopped(command, signal.SIGTERM, after="reading cards")
    assert took_s < WITHIN_S
