"""What scores a card. A judge is `score(cards) -> verdicts`, nothing more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from tasks.errors import UsageError
from tasks.judges.checklist import ChecklistJudge
from tasks.records import DEFAULT_JUDGE as DEFAULT_JUDGE
from tasks.records import CardText, Explanation, JudgeRecord, JudgeSpec, JudgeUsage, Verdict


class Judge(Protocol):
    """`fingerprint` changes with anything that may change an answer: rubric, rules, model, settings."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    def card(self, snapshot: date, judged_at: datetime) -> JudgeRecord:
        """Which judge this is, exactly, for the record."""
        ...

    def score(self, cards: Iterable[CardText]) -> Iterator[Verdict]:
        """One verdict per card, as they come; a card that cannot be judged gives a reason instead of a score."""
        ...

    def explain(self, cards: Iterable[CardText]) -> Iterator[Explanation]:
        """Reasons, one per criterion and card; nothing from a judge that has none to give."""
        ...

    def spent(self) -> JudgeUsage:
        """What it took so far."""
        ...


def specs_of(names: Sequence[str], model: str | None, urls: Sequence[str]) -> list[JudgeSpec]:
    """The judges named: `checklist`, `vllm` (with `model` where given) or `vllm:MODEL`. UsageError otherwise."""
    specs = [_spec_of(name, model, tuple(urls)) for name in names]
    if len(set(specs)) < len(specs):
        raise UsageError(f"the same judge is named twice: {', '.join(names)}")
    if (model or urls) and not any(spec.kind == "vllm" for spec in specs):
        raise UsageError("--judge-model and --judge-url are for --judge vllm; add it, or leave them out")
    return specs


def _spec_of(name: str, model: str | None, urls: tuple[str, ...]) -> JudgeSpec:
    kind, _, named = name.partition(":")
    if kind == "checklist" and not named:
        return JudgeSpec()
    if kind == "vllm":
        return JudgeSpec("vllm", named or model, urls)
    raise UsageError(f"no judge is called '{name}'; there is: checklist, vllm, vllm:MODEL")


class JudgeIdentity(Protocol):
    """Who judges, known before anything is judged."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    def card(self, snapshot: date, judged_at: datetime) -> JudgeRecord: ...


def identify(spec: JudgeSpec) -> JudgeIdentity:
    """Who would judge; asks servers that are named, and starts none. JudgeError where there can be no such judge."""
    if spec.kind == "checklist":
        return ChecklistJudge()
    from tasks.judges.vllm import judge as vllm

    return vllm.identify(spec)


@contextmanager
def serving(spec: JudgeSpec, log: Path) -> Iterator[JudgeSpec]:
    """The spec with servers that answer, where its kind needs any: those it names, or one started for the block."""
    if spec.kind == "checklist":
        yield spec
        return
    from tasks.judges.vllm import judge as vllm

    with vllm.serving(spec, log) as served:
        yield served


@contextmanager
def opened_judge(spec: JudgeSpec) -> Iterator[Judge]:
    """The judge on the servers of `spec`, ready to score. JudgeError where they do not answer or do not agree."""
    if spec.kind == "checklist":
        yield ChecklistJudge()
        return
    from tasks.judges.vllm import judge as vllm

    with vllm.opened_judge(spec) as judge:
        yield judge
