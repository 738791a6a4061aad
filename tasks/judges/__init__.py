"""What scores a card. `registry.py` has the kinds of judges and what each can do."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from tasks.judges.registry import (
    DEFAULT_JUDGE,
    EvidenceJudge,
    Judge,
    JudgeIdentity,
    JudgeKind,
    kind_of,
    register,
    specs_of,
)
from tasks.records import JudgeSpec

__all__ = [
    "DEFAULT_JUDGE",
    "EvidenceJudge",
    "Judge",
    "JudgeIdentity",
    "JudgeKind",
    "identify",
    "kind_of",
    "opened_judge",
    "register",
    "serving",
    "specs_of",
]


def identify(spec: JudgeSpec) -> JudgeIdentity:
    """Which judge it would be; asks servers that are named, and starts none. JudgeError where there can be none."""
    return kind_of(spec.kind).identify(spec)


def serving(spec: JudgeSpec, log: Path) -> AbstractContextManager[JudgeSpec]:
    """The spec with servers that answer, where its kind needs any: those it names, or one started for the block."""
    return kind_of(spec.kind).serving(spec, log)


def opened_judge(spec: JudgeSpec) -> AbstractContextManager[Judge]:
    """The judge on the servers of `spec`, ready to score. JudgeError where they do not answer or do not agree."""
    return kind_of(spec.kind).opened(spec)
