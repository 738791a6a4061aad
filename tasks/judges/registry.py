"""The kinds of judges: what each can do and needs, and where its class is.

A new judge is a class beside `ChecklistJudge`, registered below; or a class in another package, found by an entry point
of the group `cardiograph.judges`:

    [project.entry-points."cardiograph.judges"]
    toy = "toy_judge:KIND"
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import date, datetime
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Literal, Protocol, cast

from tasks.errors import UsageError
from tasks.records import CardText, Explanation, JudgeRecord, JudgeSpec, JudgeUsage, SpendingCap, Verdict
from tasks.settings import Settings

if TYPE_CHECKING:
    from tasks.cards.boilerplate import Boilerplate
    from tasks.cards.evidence import Evidence

ENTRY_POINTS = "cardiograph.judges"
_NO_CAP = SpendingCap()


class JudgeIdentity(Protocol):
    """Which judge it is, known before it judges.

    `fingerprint` changes with anything that may change an answer: rubric, rules, model, settings.
    """

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    def record(self, snapshot: date, judged_at: datetime) -> JudgeRecord:
        """Everything that the fingerprint is made of."""
        ...


class Judge(JudgeIdentity, Protocol):
    """What scores a card: `score(cards) -> verdicts`, nothing more."""

    def score(self, cards: Iterable[CardText]) -> Iterator[Verdict]:
        """One verdict per card, as they come; a card that cannot be judged gives a reason instead of a score."""
        ...

    def explain(self, cards: Iterable[CardText]) -> Iterator[Explanation]:
        """Reasons, one per criterion and card; nothing from a judge that has none to give."""
        ...

    def usage(self) -> JudgeUsage:
        """Requests and tokens so far."""
        ...


class EvidenceJudge(Judge, Protocol):
    """A judge that scores what the parser found in a card, so that the card is parsed once for facts and verdict."""

    def score_evidence(self, cards: Iterable[tuple[CardText, Evidence]]) -> Iterator[Verdict]:
        """One verdict per card, as they come."""
        ...


@dataclass(frozen=True, slots=True)
class JudgeKind:
    """A kind of judge. By default a class that judges in this process; one with servers overrides the methods.

    judge           `module:class`, imported when a judge of this kind is needed, and made without arguments, or with
                    the `table` of boilerplate where it reads evidence
    needs_servers   it is asked over HTTP; `--judge-model`, `--judge-url` and `--judge-pool` are for it
    explains        it can give reasons for its scores
    names_kinds     it can be asked what the kinds of cards are called
    has_budget      it may be paid for by request; `--budget` and `--budget-requests` are for it
    reads_evidence  it is an `EvidenceJudge`
    part_setting    the setting that holds how many cards are in a part for it
    """

    name: str
    judge: str = ""
    needs_servers: bool = False
    explains: bool = False
    names_kinds: bool = False
    has_budget: bool = False
    reads_evidence: bool = False
    part_setting: Literal["part_cards", "judge_part_cards"] = "part_cards"

    def identify(self, spec: JudgeSpec, table: Boilerplate | None = None) -> JudgeIdentity:
        """Which judge it would be. Asks servers that are named, and starts none."""
        return self._made(table)

    def serving(self, spec: JudgeSpec, log: Path) -> AbstractContextManager[JudgeSpec]:
        """The spec with the servers that it needs: those it names, or one started for the block."""
        return nullcontext(spec)

    def opened(self, spec: JudgeSpec, table: Boilerplate | None = None) -> AbstractContextManager[Judge]:
        """The judge, ready to score."""
        return nullcontext(self._made(table))

    def part_size(self, limits: Settings) -> int:
        """Cards in a part."""
        return cast("int", getattr(limits, self.part_setting))

    def _made(self, table: Boilerplate | None) -> Judge:
        make = resolve_name(self.judge)
        return cast("Judge", make(table=table) if self.reads_evidence else make())


class _VllmKind(JudgeKind):
    """An open-weights model behind vLLM. Its imports bring an HTTP client along, so they wait for the first call."""

    def identify(self, spec: JudgeSpec, table: Boilerplate | None = None) -> JudgeIdentity:
        from tasks.judges.vllm import judge as vllm

        return vllm.identify(spec)

    def serving(self, spec: JudgeSpec, log: Path) -> AbstractContextManager[JudgeSpec]:
        from tasks.judges.vllm import judge as vllm

        return vllm.serving(spec, log)

    def opened(self, spec: JudgeSpec, table: Boilerplate | None = None) -> AbstractContextManager[Judge]:
        from tasks.judges.vllm import judge as vllm

        return vllm.opened_judge(spec)


class _OpenAiKind(JudgeKind):
    """A model behind any server that speaks OpenAI's chat completions."""

    def identify(self, spec: JudgeSpec, table: Boilerplate | None = None) -> JudgeIdentity:
        from tasks.judges.openai import judge as openai

        return openai.identify(spec)

    def serving(self, spec: JudgeSpec, log: Path) -> AbstractContextManager[JudgeSpec]:
        from tasks.judges.openai import judge as openai

        return openai.serving(spec, log)

    def opened(self, spec: JudgeSpec, table: Boilerplate | None = None) -> AbstractContextManager[Judge]:
        from tasks.judges.openai import judge as openai

        return openai.opened_judge(spec)


_KINDS: dict[str, JudgeKind] = {}


def register(kind: JudgeKind) -> None:
    """Add a kind of judge; its name is what `--judge` takes."""
    _KINDS[kind.name] = kind


register(JudgeKind("checklist", "tasks.judges.checklist:ChecklistJudge", reads_evidence=True))
register(
    _VllmKind(
        "vllm",
        needs_servers=True,
        explains=True,
        names_kinds=True,
        part_setting="judge_part_cards",
    )
)
register(
    _OpenAiKind(
        "openai",
        needs_servers=True,
        explains=True,
        names_kinds=True,
        has_budget=True,
        part_setting="judge_part_cards",
    )
)


def kind_of(judge: str) -> JudgeKind:
    """The kind of a judge named `KIND` or `KIND:MODEL`. Raises `UsageError` where none is registered."""
    name = judge.partition(":")[0]
    if name not in _KINDS:
        for entry in entry_points(group=ENTRY_POINTS, name=name):
            _KINDS[name] = entry.load()
    if name not in _KINDS:
        raise _unknown(judge)
    return _KINDS[name]


def judge_names() -> list[str]:
    """What `--judge` takes: the kinds, and `KIND:` where the name of a model may follow."""
    kinds = {**_KINDS, **dict.fromkeys(entry_points(group=ENTRY_POINTS).names)}
    return [*kinds, *(f"{name}:" for name, kind in _KINDS.items() if kind.needs_servers)]


def _unknown(judge: str) -> UsageError:
    names = [f"{name}MODEL" if name.endswith(":") else name for name in judge_names()]
    return UsageError(f"no judge is called '{judge}'; choose from: {', '.join(names)}")


def specs_of(
    names: Sequence[str],
    model: str | None,
    urls: Sequence[str],
    *,
    explains: bool = False,
    cap: SpendingCap = _NO_CAP,
) -> list[JudgeSpec]:
    """The judges named `KIND` or, where it has a model, `KIND:MODEL`.

    `explains`: those that can will be asked to; `cap` is for those that may be paid for. Raises `UsageError` for an
    unknown judge or one named twice.
    """
    asked = JudgeSpec(urls=tuple(urls), explains=explains, cap=cap)
    specs = [_spec_of(name, model, asked) for name in names]
    if len(set(specs)) < len(specs):
        raise UsageError(f"the same judge is named twice: {', '.join(names)}")
    if (model or urls) and not any(kind_of(spec.kind).needs_servers for spec in specs):
        served = " or ".join(f"--judge {kind.name}" for kind in _KINDS.values() if kind.needs_servers)
        raise UsageError(f"--judge-model and --judge-url are for {served}; add it, or leave them out")
    if cap != _NO_CAP and not any(kind_of(spec.kind).has_budget for spec in specs):
        paid = " or ".join(f"--judge {kind.name}" for kind in _KINDS.values() if kind.has_budget)
        raise UsageError(f"--budget and --budget-requests are for {paid}; add it, or leave them out")
    return specs


def _spec_of(name: str, model: str | None, asked: JudgeSpec) -> JudgeSpec:
    """The judge of that name, with what of `asked` a judge of its kind can be asked."""
    known, named = kind_of(name), name.partition(":")[2]
    if known.needs_servers:
        explains, cap = asked.explains and known.explains, asked.cap if known.has_budget else _NO_CAP
        return replace(asked, kind=known.name, model=named or model, explains=explains, cap=cap)
    if named:
        raise _unknown(name)
    return JudgeSpec(known.name)


def identify(spec: JudgeSpec, table: Boilerplate | None = None) -> JudgeIdentity:
    """Which judge it would be; asks servers that are named, and starts none. JudgeError where there can be none.

    `table`: of boilerplate, for a judge that reads evidence; null for the shipped one.
    """
    return kind_of(spec.kind).identify(spec, table)


def serving(spec: JudgeSpec, log: Path) -> AbstractContextManager[JudgeSpec]:
    """The spec with servers that answer, where its kind needs any: those it names, or one started for the block."""
    return kind_of(spec.kind).serving(spec, log)


def opened_judge(spec: JudgeSpec, table: Boilerplate | None = None) -> AbstractContextManager[Judge]:
    """The judge on the servers of `spec`, ready to score. JudgeError where they do not answer or do not agree."""
    return kind_of(spec.kind).opened(spec, table)
