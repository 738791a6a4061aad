"""`--help` of every command, as people read it: on a screen of 80 columns and on one of 100."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from flows.cli.app import app
from flows.cli.lazy import LazyGroup

ROOT: Any = typer.main.get_command(app)


def subcommands(command: Any) -> dict[str, Any]:
    """The commands of a group, imported."""
    if isinstance(command, LazyGroup):
        return {name: command.loaded(name) for name in command.commands}
    return dict(getattr(command, "commands", {}))


def walk(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, below in subcommands(command).items():
        yield from walk(below, (*words, name))


COMMANDS = dict(walk(ROOT))
PAGES = [
    pytest.param(words, width, id=f"{' '.join(words)} {width}") for words in COMMANDS for width in (80, 100)
]


def page(words: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    return result.output


def squeezed(text: str) -> str:
    """Without frames and line breaks."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


@pytest.mark.parametrize(("words", "width"), PAGES)
def test_a_page_of_help_loses_nothing_and_shows_no_markup(
    words: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = page(words, width, monkeypatch)
    assert "\b" not in shown
    assert "**" not in shown
    assert "…" not in shown  # a word that found no room
    assert "<bool>" not in shown
    assert "((" not in shown
    assert "[[" not in shown
    assert "\n \n \n" not in re.sub(" +\n", " \n", shown)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_line_that_was_written_is_on_the_page(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = squeezed(page(words, 100, monkeypatch))
    written = COMMANDS[words].callback.__doc__ if COMMANDS[words].callback else ""
    for paragraph in inspect.cleandoc(written or "").replace("\b\n", "").split("\n\n"):
        assert squeezed(paragraph) in shown


def test_help_comes_in_groups_and_begins_with_what_a_newcomer_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page((), 100, monkeypatch)
    assert re.findall(r"╭─ (\w+) ─", shown) == ["Options", "Start", "Advise", "Look", "Judge", "Operate"]
    assert re.findall(r"^│ (\w+) {2,}\w", shown, re.M)[:2] == ["snapshot", "demo"]


@pytest.mark.parametrize("name", list(ROOT.commands))
def test_a_list_of_commands_says_of_each_what_its_own_page_begins_with(name: str) -> None:
    own = inspect.cleandoc(COMMANDS[(name,)].help).split("\n\n")[0]
    assert ROOT.commands[name].help == " ".join(own.split())


def test_the_version_is_printed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert re.fullmatch(r"cardiograph \d+\.\d+\.\d+\n", result.output)


def options(words: tuple[str, ...]) -> set[str]:
    return {option for parameter in COMMANDS[words].params for option in parameter.opts}


def test_a_plan_takes_every_option_of_a_snapshot() -> None:
    assert options(("snapshot",)) - options(("plan",)) == set()


def test_what_prints_json_is_asked_for_it_in_both_spellings() -> None:
    printing = {words for words in COMMANDS if {"--json", "--format"} & options(words)}
    assert len(printing) > 12
    assert {words for words in printing if not {"--json", "--format"} <= options(words)} == set()
