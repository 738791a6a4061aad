"""What a repository asks of its cards: `cardiograph.toml`, or `[tool.cardiograph]` in pyproject.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tasks.advice.advising import Advice
from tasks.advice.rules import HUB_RULE, NAMES
from tasks.errors import UsageError
from tasks.rubric import load_rubric

FILE = "cardiograph.toml"
_KEYS = ("min", "select", "ignore")


@dataclass(frozen=True, slots=True)
class Demands:
    """`minimum`: the lowest score that is good enough; `select`: the only rules that count, empty for all."""

    minimum: float | None = None
    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()

    def narrowed(self, advice: Advice) -> Advice:
        """The advice with what is selected alone."""
        if not self.select:
            return advice
        return replace(
            advice,
            notices=[each for each in advice.notices if each.rule in self.select],
            checks=[each for each in advice.checks if each.check in self.select],
        )

    def are_broken_by(self, advice: Advice) -> bool:
        """Whether narrowed advice holds a finding: an error, a warning, anything selected, or too low a score."""
        if self.minimum is not None and (advice.score is None or advice.score < self.minimum):
            return True
        if self.select:
            return bool(advice.notices or advice.checks)
        return advice.worst() in ("error", "warning")


def demands_at(folder: Path) -> Demands:
    """The demands of the folder, or of the nearest one above it that states any. Raises `UsageError`."""
    for place in (folder.resolve(), *folder.resolve().parents):
        file = place / FILE
        if file.is_file():
            return _read(file, _toml(file))
        project = place / "pyproject.toml"
        if project.is_file() and "cardiograph" in (tool := _toml(project).get("tool", {})):
            return _read(project, tool["cardiograph"])
    return Demands()


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{file}: cannot be read as TOML: {error}") from error


def _read(file: Path, table: Mapping[str, Any]) -> Demands:
    for key in table:
        if key not in _KEYS:
            raise UsageError(f"{file}: no setting is called '{key}'; choose from: {', '.join(_KEYS)}")
    minimum = table.get("min")
    if minimum is not None and not (isinstance(minimum, int | float) and 1 <= minimum <= 5):
        raise UsageError(f"{file}: min is a score from 1 to 5")
    return Demands(
        float(minimum) if minimum is not None else None,
        *(named(table.get(key, []), f"{file}: {key}") for key in ("select", "ignore")),
    )


def named(names: Any, where: str) -> frozenset[str]:
    """The ids of rules and checks. Raises `UsageError` for one that does not exist."""
    known = NAMES | {HUB_RULE} | {check.id for check in load_rubric().checks}
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{where}: write a list of ids of rules")
    for name in names:
        if name not in known:
            raise UsageError(f"{where}: no rule is called '{name}'; docs/rules.md lists them")
    return frozenset(names)
