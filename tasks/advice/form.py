"""Advice in forms that programs read: JSON of a fixed schema, SARIF for code scanning, lines for GitHub's log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from tasks.advice.advising import Advice
from tasks.advice.rule import LineEdit, Notice, Severity
from tasks.advice.rules import RULES
from tasks.advice.worth import FailedCheck
from tasks.rubric import Rubric, load_rubric

if TYPE_CHECKING:  # it brings the warehouse along
    from tasks.advice.peers import Surroundings

SCHEMA_VERSION = 1  # raise it when a field changes its meaning or goes; new fields keep it
SCHEMA_NAME = "advice-1.schema.json"
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_GITHUB: dict[Severity, str] = {"error": "error", "warning": "warning", "note": "notice"}


def as_json(
    advice: Advice, around: Surroundings | None = None, unknown: Sequence[str] = ()
) -> dict[str, Any]:
    """The advice as docs/advice.md describes it; `unknown`: what could not be said, and why."""
    return {
        "schema": SCHEMA_VERSION,
        "card": advice.subject.name,
        "model_id": advice.subject.model_id,
        "judge": advice.judge,
        "fingerprint": advice.fingerprint,
        "score": advice.score,
        "reason": advice.reason,
        "criteria": dict(advice.criteria),
        "checks": [_check(each) for each in advice.checks],
        "notices": [_notice(each) for each in advice.notices],
        "ignored": sorted(advice.ignored),
        "surroundings": around and _surroundings(around),
        "unknown": list(unknown),
    }


def _check(each: FailedCheck) -> dict[str, Any]:
    return {
        "check": each.check,
        "criterion": each.criterion,
        "line": each.line,
        "question": each.question,
        "advice": each.advice,
        "points": each.points,
    }


def _notice(each: Notice) -> dict[str, Any]:
    return {
        "rule": each.rule,
        "severity": each.severity,
        "line": each.line,
        "message": each.message,
        "advice": each.advice,
        "fix": [{"first": e.first, "last": e.last, "lines": list(e.lines)} for e in each.fix],
    }


def _surroundings(around: Surroundings) -> dict[str, Any]:
    peers = around.peers
    return {
        "snapshot": around.snapshot.isoformat(),
        "peers": peers
        and {
            "alike": peers.alike,
            "models": peers.models,
            "below": peers.below,
            "median_score": peers.median_score,
        },
        "goes_with": [
            {
                "check": each.check,
                "outcome": each.outcome,
                "among": each.among,
                "estimate": each.estimate,
                "ci_low": each.ci_low,
                "ci_high": each.ci_high,
                "n": each.n,
            }
            for each in around.goes_with
        ],
        "examples": [
            {"model_id": e.model_id, "link": e.link, "score": e.score, "passes": e.passes}
            for e in around.examples
        ],
        "by_map": around.by_map,
    }


def as_sarif(advices: Sequence[Advice], version: str) -> dict[str, Any]:
    """SARIF 2.1.0: one run, a result for each notice and each failed check, fixes where they are certain."""
    rubric = load_rubric()
    return {
        "$schema": _SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "cardiograph",
                        "semanticVersion": version,
                        "rules": _sarif_rules(rubric),
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [result for advice in advices for result in _results(advice)],
            }
        ],
    }


def _sarif_rules(rubric: Rubric) -> list[dict[str, Any]]:
    named = [
        {
            "id": rule.id,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.why},
            "defaultConfiguration": {"level": rule.severity},
        }
        for rule in RULES
    ]
    checks = [
        {
            "id": check.id,
            "shortDescription": {"text": check.words},
            "fullDescription": {"text": check.question},
            "help": {"text": check.advice},
            "defaultConfiguration": {"level": "note"},
        }
        for check in rubric.checks
    ]
    return [*named, *checks]


def _results(advice: Advice) -> list[dict[str, Any]]:
    where = PurePath(advice.subject.path or advice.subject.name).as_posix()
    notices = [
        {
            "ruleId": notice.rule,
            "level": notice.severity,
            "message": {"text": f"{notice.message}. {notice.advice}"},
            "locations": [_location(where, notice.line)],
            **({"fixes": [_fix(where, notice)]} if notice.fix else {}),
        }
        for notice in advice.notices
    ]
    checks = [
        {
            "ruleId": check.check,
            "level": "note",
            "message": {"text": f"{check.advice} (+{check.points:.2f} points)"},
            "locations": [_location(where, check.line or 1)],
        }
        for check in advice.checks
    ]
    return [*notices, *checks]


def _location(where: str, line: int) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": where}, "region": {"startLine": line}}}


def _fix(where: str, notice: Notice) -> dict[str, Any]:
    return {
        "description": {"text": notice.advice},
        "artifactChanges": [
            {"artifactLocation": {"uri": where}, "replacements": [_replacement(edit) for edit in notice.fix]}
        ],
    }


def _replacement(edit: LineEdit) -> dict[str, Any]:
    """Whole lines: from the start of the first to the start of the one behind the last."""
    return {
        "deletedRegion": {
            "startLine": edit.first,
            "startColumn": 1,
            "endLine": edit.last + 1,
            "endColumn": 1,
        },
        "insertedContent": {"text": "".join(f"{line}\n" for line in edit.lines)},
    }


def as_github(advice: Advice) -> list[str]:
    """Workflow commands of GitHub Actions: each becomes a mark on a line of the pull request."""
    where = _property(PurePath(advice.subject.path or advice.subject.name).as_posix())
    notices = [
        (_GITHUB[each.severity], each.line, each.rule, f"{each.message}. {each.advice}")
        for each in advice.notices
    ]
    checks = [
        ("notice", each.line or 1, each.check, f"{each.advice} (+{each.points:.2f} points)")
        for each in advice.checks
    ]
    return [
        f"::{level} file={where},line={line},title={_property(title)}::{_data(message)}"
        for level, line, title, message in [*notices, *checks]
    ]


def _data(text: str) -> str:
    """As GitHub's toolkit escapes the text of a command, so that a card cannot start one of its own."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
