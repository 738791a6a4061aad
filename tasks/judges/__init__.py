"""What scores a card. `registry.py` has the kinds of judges and what each can do."""

from tasks.judges.registry import (
    DEFAULT_JUDGE,
    EvidenceJudge,
    Judge,
    JudgeIdentity,
    JudgeKind,
    identify,
    kind_of,
    opened_judge,
    register,
    serving,
    specs_of,
)

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
