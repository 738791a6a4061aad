"""What scores a card. `registry.py` has the kinds of judges and what each can do."""

from tasks.judges.registry import (
    EvidenceJudge,
    Judge,
    JudgeIdentity,
    JudgeKind,
    identify,
    judge_names,
    kind_of,
    opened_judge,
    register,
    serving,
    specs_of,
)

__all__ = [
    "EvidenceJudge",
    "Judge",
    "JudgeIdentity",
    "JudgeKind",
    "identify",
    "judge_names",
    "kind_of",
    "opened_judge",
    "register",
    "serving",
    "specs_of",
]
