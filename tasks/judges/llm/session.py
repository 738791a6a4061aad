"""A judge model that is ready to be asked: its servers, its identity, and how servers of its kind are asked.

All judges of a spec in one process share a session, and with it connections and one limit of requests in flight.
"""

from __future__ import annotations

import gc
import hashlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from tasks.errors import UsageError
from tasks.judges.llm.fleet import Fleet
from tasks.judges.llm.prompt import Prompt
from tasks.records import JudgeRecord, JudgeSpec
from tasks.settings import Settings, settings

Messages = Sequence[Mapping[str, str]]


class Dialect(Protocol):
    """How one kind of server is asked: what a request looks like, and what its tokens are."""

    @property
    def has_probabilities(self) -> bool:
        """Whether answers come with the probabilities of their tokens."""
        ...

    def request(
        self,
        messages: Messages,
        schema: Mapping[str, object],
        tokens_out_max: int,
        *,
        with_probabilities: bool,
    ) -> dict[str, object]:
        """The body of a chat completion that is held to `schema`."""
        ...

    async def count(self, text: str) -> int:
        """Tokens of a text; an upper bound where servers of this kind do not count."""
        ...

    def budget(self, prompt: Prompt) -> int:
        """Tokens that a card may take beside this prompt and its answer."""
        ...

    def card_tokens(self, prompt: Prompt, tokens_in: int) -> int | None:
        """Tokens of the card among those that an answer reports for the whole prompt; null where unknown."""
        ...


@dataclass(frozen=True, slots=True)
class ServedIdentity:
    """Everything that may change an answer, except the card; `settings` holds engine, prompts and sampling as JSON."""

    kind: str
    model: str
    revision: str | None
    rubric: str
    settings: str

    @property
    def name(self) -> str:
        """A short name: the kind and the last part of the model's name."""
        return f"{self.kind}:{self.model.rstrip('/').rpartition('/')[2]}"

    @property
    def fingerprint(self) -> str:
        """A digest of the identity, in 16 hex digits."""
        content = json.dumps([self.kind, self.model, self.revision, self.rubric, self.settings])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def record(self, snapshot: date, judged_at: datetime) -> JudgeRecord:
        """The record of this judge."""
        which = (self.fingerprint, self.name, self.rubric, self.model, self.revision, self.settings)
        return JudgeRecord(snapshot, *which, judged_at)


@dataclass(frozen=True)
class Session:
    """Servers, who answers there, and how they are asked: what was learned of them once.

    `explain` is null where no explanations are asked for: they need room for a longer answer.
    """

    fleet: Fleet
    identity: ServedIdentity
    limits: Settings
    dialect: Dialect
    score: Prompt
    explain: Prompt | None


Learn = Callable[[Fleet, JudgeSpec, Settings], Awaitable[Session]]
Connect = Callable[[JudgeSpec, Settings], Fleet]


def connected(spec: JudgeSpec, limits: Settings) -> Fleet:
    """The servers of `spec` as vLLM's, not yet open."""
    return Fleet(spec.urls, model=spec.model, limits=limits)


_sessions: dict[JudgeSpec, tuple[Session, int]] = {}
_sessions_lock = threading.Lock()

# A reply has thousands of small objects and is dropped as soon as it is read. With the usual threshold the garbage
# collector would visit them several times meanwhile, for longer than parsing takes.
_COLLECT_AFTER = 100_000
_usual_thresholds = gc.get_threshold()


@contextmanager
def opened_session(spec: JudgeSpec, learn: Learn, connect: Connect = connected) -> Iterator[Session]:
    """The session on the servers of `spec`; the first caller opens it, the last one closes it."""
    if not spec.urls:
        raise UsageError("an LLM judge needs a server to open; start one first")
    with _sessions_lock:
        session, users = _sessions.get(spec) or (_open(spec, learn, connect), 0)
        _sessions[spec] = session, users + 1
        gc.set_threshold(_COLLECT_AFTER, *_usual_thresholds[1:])
    try:
        yield session
    finally:
        with _sessions_lock:
            session, users = _sessions.pop(spec)
            if users > 1:
                _sessions[spec] = session, users - 1
            else:
                session.fleet.close()
            if not _sessions:
                gc.set_threshold(*_usual_thresholds)


def _open(spec: JudgeSpec, learn: Learn, connect: Connect) -> Session:
    limits = settings()
    with ExitStack() as stack:
        fleet = stack.enter_context(connect(spec, limits))
        session = fleet.run(learn, fleet, spec, limits)
        stack.pop_all()  # the fleet stays open with the session
    return session
