"""`cardiograph check`: cards against a bar, for a terminal, a hook or a pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flows.cli.console import echo, print_json
from flows.cli.printing import AsJson
from tasks.cards.one_line import one_line
from tasks.errors import UsageError

if TYPE_CHECKING:
    from tasks.advice.advising import Advice
    from tasks.advice.project import Demands

_SKIPPED = frozenset(("node_modules", "__pycache__", "site-packages"))


def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Cards, or folders to look for README.md in.", show_default="here"),
    ] = None,
    minimum: Annotated[
        float | None,
        typer.Option(
            "--min", min=1, max=5, help="The lowest score that is good enough.", show_default="none"
        ),
    ] = None,
    select: Annotated[
        list[str] | None, typer.Option(help="Only this rule; repeat it for more.", show_default="all")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Not this rule; repeat it for more.")] = None,
    output_format: Annotated[
        Literal["text", "json", "sarif", "github"], typer.Option("--format", help="How to print.")
    ] = "text",
    as_json: AsJson = False,
) -> None:
    """Check cards against a bar: 0 where all is well, 1 with findings, 2 where it cannot be run.

    \b
    cardiograph check
    cardiograph check models/ --min 3.5
    cardiograph check README.md --select license-missing --format github
    cardiograph check . --format sarif > cards.sarif

    \b
    Errors and warnings of rules are findings, and a score below --min is
    one. Notes are printed and change no exit code. Failed checks of the
    rubric are in JSON, SARIF and GitHub's form; --select makes findings of
    them. Settings may stand in cardiograph.toml or in [tool.cardiograph] of
    pyproject.toml: min, select, ignore; options go before them. Rules:
    docs/rules.md.
    """
    from tasks.advice.advising import advise
    from tasks.advice.project import named
    from tasks.advice.subject import read_path

    selected = named(select or [], "--select")
    ignored = named(ignore or [], "--ignore")
    demands = {path: _demands(path, minimum, selected, ignored) for path in _cards(paths or [Path()])}
    advices = []
    has_findings = False
    for path, wanted in demands.items():
        advice = wanted.narrowed(advise(read_path(str(path)), ignored=wanted.ignore))
        advices.append(advice)
        has_findings |= wanted.are_broken_by(advice)
    _print(advices, demands.values(), "json" if as_json else output_format)
    if has_findings:
        raise typer.Exit(1)


def _demands(path: Path, minimum: float | None, select: frozenset[str], ignore: frozenset[str]) -> Demands:
    """What is asked of a card: by its repository, and by the options before it."""
    from tasks.advice.project import Demands, demands_at

    own = demands_at(path.parent)
    return Demands(own.minimum if minimum is None else minimum, select or own.select, own.ignore | ignore)


def _cards(paths: Sequence[Path]) -> list[Path]:
    """The cards that are meant: files as they are named, and every README.md below a folder."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            below = [
                each
                for each in sorted(path.rglob("README.md"))
                if not any(part in _SKIPPED or part.startswith(".") for part in each.relative_to(path).parts)
            ]
            if not below:
                raise UsageError(f"{one_line(str(path))}: no README.md in this folder or below it")
            found += below
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def _print(advices: Sequence[Advice], demands: Iterable[Demands], output_format: str) -> None:
    from tasks.advice import form

    if output_format == "json":
        print_json([form.as_json(advice) for advice in advices])
    elif output_format == "sarif":
        from importlib.metadata import version

        print_json(form.as_sarif(advices, version("cardiograph")))
    elif output_format == "github":
        for advice in advices:
            for line in form.as_github(advice):
                echo(line)
    else:
        _print_text(advices, demands)


def _print_text(advices: Sequence[Advice], demands: Iterable[Demands]) -> None:
    """One finding per line as linters write them, `file:line: severity: message [rule]`, and a line of the sum."""
    findings = 0
    for advice, wanted in zip(advices, demands, strict=True):
        name = one_line(advice.subject.name, 200)
        for notice in advice.notices:
            echo(f"{name}:{notice.line}: {notice.severity}: {one_line(notice.message, 200)} [{notice.rule}]")
        if wanted.select:
            for each in advice.checks:
                echo(f"{name}:{each.line or 1}: note: {each.advice} [{each.check}]")
        score = "no score" if advice.score is None else f"{advice.score:.2f} of 5"
        below = wanted.minimum is not None and (advice.score is None or advice.score < wanted.minimum)
        echo(f"{name}: {score}{f', below {wanted.minimum:g}' if below else ''}")
        findings += len(advice.notices) + below
    cards = f"{len(advices):,} card{'' if len(advices) == 1 else 's'}"
    echo(f"{cards}, {findings:,} finding{'' if findings == 1 else 's'}")
