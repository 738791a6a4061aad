"""Ctrl-C and SIGTERM end within two seconds, whatever runs; and no child stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from time import monotonic, sleep

import pytest

ROOT = Path(__file__).parents[2]
LINE = "cardiograph: stopped; run the same command to resume"
WITHIN_S = 2.0
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


def ended(process: subprocess.Popen[str], *signals: int) -> tuple[int, float, str, str]:
    """Send the signals, a fifth of a second apart: exit code, seconds since the last one, and what was printed."""
    for number in signals:
        sleep(0.2)
        process.send_signal(number)
    since = monotonic()
    out, err = process.communicate(timeout=60)
    return process.returncode, monotonic() - since, out, err


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
    """Polars installs a handler after which a lock is not interrupted by a signal."""
    process = started(
        """
        import polars as pl
        pl.DataFrame({"a": [1]}).lazy().select(pl.col("a") + 1).collect()
        with stopping.heeded():
            lock = threading.Lock()
            lock.acquire()
            os.write(1, b"ready\\n")
            lock.acquire()
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
