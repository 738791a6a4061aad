"""Progress as it is shown: each judge of a panel is counted by itself, on a terminal and in a log."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from flows.cli import progress_bars
from tasks.progress import advance, expect, listening


def two_judges() -> None:
    """A panel: the second judge has more to do than the first."""
    expect("judge", 96)
    for _ in range(3):
        advance("judge", 32)
    expect("judge", 116)
    advance("judge", 116)


def test_on_a_terminal_each_judge_has_a_bar_that_ends_at_its_total() -> None:
    progress = Progress(console=Console(file=io.StringIO()))
    with listening(progress_bars._bars(progress, "2026-11-16")):
        two_judges()
    assert [(task.completed, task.total) for task in progress.tasks] == [(96, 96), (116, 116)]


def test_in_a_log_the_count_of_a_judge_begins_at_nought(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_bars, "_LINE_EVERY_S", -1.0)
    with listening(progress_bars._lines("2026-11-16")):
        two_judges()
    counts = [line.rpartition(": ")[2] for line in capsys.readouterr().err.splitlines()]
    assert counts == ["0 of 96", "32 of 96", "64 of 96", "96 of 96", "0 of 116", "116 of 116"]


def test_in_a_log_the_end_of_a_stage_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with listening(progress_bars._lines("2026-11-16")):
        two_judges()
    counts = [line.rpartition(": ")[2] for line in capsys.readouterr().err.splitlines()]
    assert counts == ["0 of 96", "96 of 96", "0 of 116", "116 of 116"]


def test_the_first_stage_takes_the_place_of_what_waits_for_it() -> None:
    progress = Progress(console=Console(file=io.StringIO()))
    waiting = progress.add_task("starting", total=None)
    with listening(progress_bars._bars(progress, "2026-11-16", waiting)):
        two_judges()
    assert [task.total for task in progress.tasks] == [96, 116]


def test_progress_of_nothing_begins_no_bar() -> None:
    progress = Progress(console=Console(file=io.StringIO()))
    with listening(progress_bars._bars(progress, "2026-11-16")):
        advance("identify", 0)
    assert not progress.tasks
