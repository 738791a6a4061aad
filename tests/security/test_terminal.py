"""What strangers wrote and a person reads in a terminal: it is shown, and drives nothing."""

from __future__ import annotations

import ast
import io
import logging
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from rich.markdown import Markdown
from rich.progress import Progress
from rich.text import Text

from flows.cli.console import Console, echo, print_table, write_data
from flows.cli.progress_bars import progress_bars
from tasks.cards.one_line import harmless
from tasks.progress import expect, remark

ROOT = Path(__file__).parents[2]
# Sets the title, clears the screen, moves the cursor, by C1 controls too, and turns the text round.
HOSTILE = "ada\x1b]0;owned\x07\x1b[2J\x1b[1A\x9b2Jb\u202edrac\u2066 \u2028\x00\r\b"
DRIVES = ("\x1b]", "\x1b[2J", "\x1b[1A", "\x07", "\x9b", "\u202e", "\u2066", "\u2028", "\x00", "\b")


def drives(text: str) -> list[str]:
    return [mark for mark in DRIVES if mark in text]


def test_text_loses_what_drives_a_terminal_and_keeps_the_rest() -> None:
    assert drives(harmless(HOSTILE)) == []
    plain = "# Ünïcode — 模型, نموذج, 👩\u200d🔬\n\ttab\u00a0and blank\n"
    assert harmless(plain) == plain


@pytest.mark.parametrize("is_terminal", [True, False])
def test_whatever_the_console_prints_is_harmless(is_terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=is_terminal, width=60)
    for renderable in (HOSTILE, Text(HOSTILE), Markdown(f"# {HOSTILE}\n\n[a]({HOSTILE}) `{HOSTILE}`")):
        console.print(renderable)
    console.rule(Text(HOSTILE))
    assert drives(out.getvalue()) == []
    assert "drac" in out.getvalue()


def test_bars_still_drive_the_terminal_while_their_labels_do_not() -> None:
    out = io.StringIO()
    with Progress(console=Console(file=out, force_terminal=True, width=60)) as progress:
        progress.add_task(HOSTILE, total=2)
    assert "\x1b[?25l" in out.getvalue()  # Rich hides the cursor, as it should
    assert "\x1b]0;" not in out.getvalue()
    assert "\u202e" not in out.getvalue()


def test_lines_tables_and_remarks_are_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    echo(HOSTILE)
    echo(HOSTILE, err=True)
    print_table(HOSTILE, "name", [[HOSTILE]])
    with progress_bars(HOSTILE):
        expect("list", 3)
        remark(HOSTILE)
    out, err = capsys.readouterr()
    assert (drives(out), drives(err)) == ([], [])
    assert "drac" in out
    assert err.count("drac") >= 2


def test_log_lines_and_their_errors_are_harmless() -> None:
    import flows  # noqa: F401 - what makes them so

    out = io.StringIO()
    logger, handler = logging.getLogger("prefect.cardiograph.test"), logging.StreamHandler(out)
    logger.addHandler(handler)
    try:
        logger.warning("the Hub says %s", HOSTILE)
        try:
            raise ValueError(HOSTILE)
        except ValueError:
            logger.exception("a flow failed")
    finally:
        logger.removeHandler(handler)
    assert drives(out.getvalue()) == []
    assert out.getvalue().count("drac") == 2


def test_a_log_line_of_prefect_s_own_console_is_harmless() -> None:
    from prefect.logging.handlers import PrefectConsoleHandler

    handler = PrefectConsoleHandler(stream=(out := io.StringIO()))
    handler.emit(
        logging.getLogger().makeRecord("prefect", logging.ERROR, __file__, 1, "%s", (HOSTILE,), None)
    )
    assert drives(out.getvalue()) == []
    assert "drac" in out.getvalue()


def at_a_terminal(code: str) -> str:
    """What a program prints, both streams, at a real pseudo-terminal."""
    main, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=child,
        stderr=child,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
    )
    os.close(child)
    printed = b""
    while True:
        try:
            chunk = os.read(main, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        printed += chunk
    os.close(main)
    process.wait()
    return printed.decode(errors="replace")


ERRORS = f"""
import sys
import flows.cli.app as app
from tasks.errors import HubError
def fails():
    raise {{error}}({HOSTILE!r})
app.app = fails
app.main()
"""


@pytest.mark.parametrize("error", ["HubError", "ValueError"])
def test_errors_are_harmless_expected_or_not(error: str) -> None:
    printed = at_a_terminal(ERRORS.replace("{error}", error))
    assert drives(printed) == []
    assert "drac" in printed


def test_data_is_harmless_at_a_terminal_and_untouched_in_a_pipe(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    code = f"from flows.cli.console import write_data; write_data({HOSTILE.encode()!r})"
    assert drives(at_a_terminal(code)) == []
    write_data(HOSTILE.encode())
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == HOSTILE.encode()


def _calls(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    imports = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return calls | imports


@pytest.mark.parametrize("path", sorted((ROOT / "flows").rglob("*.py")), ids=lambda path: path.stem)
def test_the_console_is_the_one_exit_to_the_terminal(path: Path) -> None:
    if path.name == "console.py":
        return
    around = {"print", "typer.echo", "typer.secho", "click.echo", "rich.print", "rich.console.Console"}
    around |= {"sys.stdout.write", "sys.stderr.write", "sys.stdout.buffer.write"}
    assert _calls(path) & around == set()
