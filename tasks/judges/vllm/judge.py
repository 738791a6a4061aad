"""The LLM judge: an open-weights model behind vLLM, asked over HTTP, one card per request.

The model answers every check of the rubric and then gives the overall score. The score that is kept is the mean over
the probabilities of the token that decided it. The card is treated as data: neutralised, fenced, cut to a budget.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from tasks.cards.evidence import gather
from tasks.cards.facts import flags_of
from tasks.cards.parse import parse_card
from tasks.errors import JudgeRefused, UsageError, VerdictInvalid
from tasks.judges.vllm.answers import read_explanation, read_score, usage_of
from tasks.judges.vllm.client import is_local
from tasks.judges.vllm.fence import cut, fenced, is_verbatim, neutralise
from tasks.judges.vllm.fleet import Fleet, RequestFailed
from tasks.judges.vllm.prompt import Prompt, Shape, explain_prompt, score_prompt
from tasks.judges.vllm.served import Served
from tasks.judges.vllm.server import engine_version, revision_of, running_judge_server
from tasks.records import CardText, Explanation, JudgeRecord, JudgeSpec, JudgeUsage, Verdict
from tasks.rubric import load_rubric
from tasks.settings import Settings, settings

SAMPLING: Mapping[str, object] = {
    "temperature": 0,
    # Switches off the thinking of models that can: the answer is constrained from its first token on.
    "chat_template_kwargs": {"enable_thinking": False},
}
# Commits of the judge models that run by default.
PINNED = {"Qwen/Qwen3-4B-Instruct-2507": "cdbee75f17c01a7cc42f958dc650907174af0554"}
DIGITS = ("1", "2", "3", "4", "5")
# A token of a byte-level tokenizer is at least one byte, and rarely more than twenty characters.
_TOKEN_CHARACTERS_MAX = 20
_CARD_TOKENS_MIN = 200

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class ServedIdentity:
    """Everything that may change an answer, except the card; `settings` holds engine, prompts and sampling as JSON."""

    model: str
    revision: str | None
    rubric: str
    settings: str

    @property
    def name(self) -> str:
        """A short name: the kind and the last part of the model's name."""
        return f"vllm:{self.model.rstrip('/').rpartition('/')[2]}"

    @property
    def fingerprint(self) -> str:
        """A digest of the identity, in 16 hex digits."""
        content = json.dumps(["vllm", self.model, self.revision, self.rubric, self.settings])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def record(self, snapshot: date, judged_at: datetime) -> JudgeRecord:
        """The record of this judge."""
        which = (self.fingerprint, self.name, self.rubric, self.model, self.revision, self.settings)
        return JudgeRecord(snapshot, *which, judged_at)


def identify(spec: JudgeSpec) -> ServedIdentity:
    """The judge that would score. Asks the servers that are named; starts none."""
    limits = settings()
    if spec.urls:
        with Fleet(spec.urls, model=spec.model, limits=limits) as fleet:
            return _identity_of(fleet.served, spec, limits)
    model, limits = _to_be_started(spec, limits)
    return _identity(model, revision_of(model, limits), engine_version(limits), limits)


def _to_be_started(spec: JudgeSpec, limits: Settings) -> tuple[str, Settings]:
    """The model of the server that a run starts, and the settings with its commit where one is pinned."""
    model = spec.model or limits.judge_model
    revision = limits.judge_revision or PINNED.get(model)
    return model, limits.model_copy(update={"judge_revision": revision})


def _identity_of(served: Served, spec: JudgeSpec, limits: Settings) -> ServedIdentity:
    """The judge on servers that run. Files on this machine say nothing about what another machine serves."""
    known = revision_of(served.root, limits) if all(map(is_local, spec.urls)) else limits.judge_revision
    return _identity(served.root, spec.revision or known, served.engine, limits)


def _identity(root: str, revision: str | None, engine: str, limits: Settings) -> ServedIdentity:
    rubric = load_rubric()
    # A folder's path is private to a machine; the revision covers what the folder holds.
    model = Path(root).name if Path(root).is_absolute() else root
    values = {
        "engine": engine,
        "score_mode": limits.judge_score_mode,
        "card_tokens_max": limits.judge_card_tokens,
        "prompts": (score_prompt(rubric).digest, explain_prompt(rubric).digest),
        "sampling": SAMPLING,
    }
    return ServedIdentity(model, revision, rubric.fingerprint, json.dumps(values))


@contextmanager
def serving(spec: JudgeSpec, log: Path) -> Iterator[JudgeSpec]:
    """The spec with servers that answer: those it names, or one that runs until the block ends."""
    if spec.urls:
        yield spec
        return
    model, limits = _to_be_started(spec, settings())
    with running_judge_server(model, log, limits) as url:
        yield replace(spec, model=model, urls=(url,), revision=limits.judge_revision)


@dataclass(frozen=True)
class Session:
    """Servers and what was asked of them once: the tokens of each prompt without a card, and of the digits."""

    fleet: Fleet
    identity: ServedIdentity
    limits: Settings
    score: Prompt
    explain: Prompt
    prompt_tokens: Mapping[Shape, int]
    digit_ids: tuple[int, ...]

    def budget(self, prompt: Prompt) -> int:
        """Tokens that a card may take."""
        room = self.fleet.served.context_tokens - self.prompt_tokens[prompt.shape] - prompt.tokens_out_max
        return min(self.limits.judge_card_tokens, room)


async def _learn(fleet: Fleet, spec: JudgeSpec, limits: Settings) -> Session:
    rubric = load_rubric()
    prompts = score_prompt(rubric), explain_prompt(rubric)
    tokens = {prompt.shape: await _chat_tokens(fleet, prompt) for prompt in prompts}
    digit_ids = await _digit_ids(fleet) if limits.judge_score_mode == "expected" else ()
    needed = max(tokens[prompt.shape] + prompt.tokens_out_max + _CARD_TOKENS_MIN for prompt in prompts)
    if needed > fleet.served.context_tokens:
        raise JudgeRefused(
            f"{fleet.served.model} is served with a context of {fleet.served.context_tokens:,} tokens; rubric, card "
            f"and answer need {needed:,}: raise --max-model-len, or CARDIOGRAPH_JUDGE_CONTEXT_TOKENS"
        )
    return Session(fleet, _identity_of(fleet.served, spec, limits), limits, *prompts, tokens, digit_ids)


async def _chat_tokens(fleet: Fleet, prompt: Prompt) -> int:
    """Tokens of the prompt around an empty card."""
    messages = prompt.messages(fenced("", "0" * 64))
    return len(await _tokens(fleet, messages=messages, add_generation_prompt=True))


async def _digit_ids(fleet: Fleet) -> tuple[int, ...]:
    """The token of each digit in the place of the score: after a quote and a colon, not at the start of a text."""
    texts = [f'"score":{digit}' for digit in DIGITS]
    ids = [(await _tokens(fleet, prompt=text, add_special_tokens=False))[-1] for text in texts]
    if len(set(ids)) < len(DIGITS):
        raise JudgeRefused(
            f"the tokenizer of {fleet.served.model} has no token for each digit, so there is no expected score; "
            "set CARDIOGRAPH_JUDGE_SCORE_MODE=decided, or choose another judge model"
        )
    return tuple(ids)


async def _tokens(fleet: Fleet, **request: object) -> Sequence[int]:
    reply = await fleet.post("/tokenize", {"model": fleet.served.model, **request})
    tokens = reply.get("tokens")
    if not isinstance(tokens, list) or not tokens:
        raise JudgeRefused("the judge's server does not count tokens: /tokenize gave none; is it vLLM?")
    return tokens


@dataclass(frozen=True, slots=True)
class NeutralCard:
    """A card as the judge may see it: neutralised, with flags for what was found in it."""

    card_hash: str
    text: str
    flags: list[str]


class VllmJudge:
    """Answers every check of the rubric by asking a judge model."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rubric = load_rubric()
        self._requests = 0
        self._tokens_in = 0
        self._tokens_out = 0
        self.fleet = session.fleet
        self.name = session.identity.name
        self.fingerprint = session.identity.fingerprint
        self.record = session.identity.record
        self._metrics_before = self.fleet.metrics()

    def score(self, cards: Iterable[CardText]) -> Iterator[Verdict]:
        """One verdict per card, as they arrive. The longest cards are sent first, so that none is left at the end."""
        return self.fleet.stream(self._verdict, _longest_first(cards))

    def explain(self, cards: Iterable[CardText]) -> Iterator[Explanation]:
        """One explanation per criterion and card; for a card without a usable answer, one row with the reason."""
        for explanations in self.fleet.stream(self._explanations, _longest_first(cards)):
            yield from explanations

    def usage(self) -> JudgeUsage:
        """Requests and tokens of this judge, and what its servers counted since it was opened."""
        metrics = {
            name: value - self._metrics_before.get(name, 0.0) for name, value in self.fleet.metrics().items()
        }
        return JudgeUsage(self._requests, self._tokens_in, self._tokens_out, self.fleet.replicas, metrics)

    async def _verdict(self, shown: NeutralCard) -> Verdict:
        verdict = Verdict(
            shown.card_hash, self.name, self.fingerprint, None, None, {}, [], [], shown.flags, reason="empty"
        )
        if not shown.text.strip():
            return replace(verdict, detail="the card has no characters but blanks that a reader would see")
        try:
            text = await self._cut(shown.text, self._session.score)
            verdict = replace(verdict, is_truncated=text != shown.text)
            read = partial(read_score, rubric=self._rubric, mode=self._session.limits.judge_score_mode)
            answer, card_tokens, is_second = await self._ask(
                self._session.score, fenced(text, shown.card_hash), read
            )
        except (VerdictInvalid, RequestFailed) as error:
            return replace(verdict, reason=error.reason, detail=error.detail)
        return replace(
            verdict,
            score=round(answer.score(), 4),
            score_mode=self._session.limits.judge_score_mode,
            levels={name: round(level, 4) for name, level in self._rubric.levels(answer.passed).items()},
            passed=answer.passed,
            failed=answer.failed,
            flags=[*shown.flags, *["asked_twice"] * is_second],
            reason=None,
            probabilities=answer.probabilities,
            card_tokens=card_tokens,
        )

    async def _explanations(self, shown: NeutralCard) -> list[Explanation]:
        key = (shown.card_hash, self.name, self.fingerprint)
        try:
            text = await self._cut(shown.text, self._session.explain)
            read = partial(read_explanation, rubric=self._rubric)
            reasons, _, _ = await self._ask(self._session.explain, fenced(text, shown.card_hash), read)
        except (VerdictInvalid, RequestFailed) as error:
            return [Explanation(*key, "all", None, None, False, "", error.reason, error.detail)]
        return [
            Explanation(
                *(*key, reason.criterion, reason.level, reason.quote),
                is_verbatim=reason.quote is not None and is_verbatim(reason.quote, text),
                improvement=reason.improvement,
            )
            for reason in reasons
        ]

    async def _ask(self, prompt: Prompt, card: str, read: Callable[[object], R]) -> tuple[R, int, bool]:
        """The answer, the tokens that the card took, and whether a second request was needed."""
        for is_second in (False, True):
            request = self._request(prompt, card, is_second=is_second)
            reply = await self.fleet.post("/v1/chat/completions", request)
            tokens_in, tokens_out = usage_of(reply)
            self._requests += 1
            self._tokens_in += tokens_in
            self._tokens_out += tokens_out
            try:
                card_tokens = max(tokens_in - self._session.prompt_tokens[prompt.shape], 0)
                return read(reply), card_tokens, is_second
            except VerdictInvalid as error:
                problem = error
        raise problem

    def _request(self, prompt: Prompt, card: str, *, is_second: bool) -> dict[str, object]:
        request: dict[str, object] = {
            "model": self.fleet.served.model,
            "messages": prompt.messages(card, again=is_second),
            "max_tokens": prompt.tokens_out_max,
            "structured_outputs": {"json": prompt.schema, "disable_any_whitespace": True},
            **SAMPLING,
        }
        if prompt.shape == "score" and self._session.digit_ids:
            # Servers that do not know ids give their 20 most probable tokens instead; the reader checks them.
            ids = list(self._session.digit_ids)
            request |= {"logprobs": True, "top_logprobs": 20, "logprob_token_ids": ids}
        return request

    async def _cut(self, text: str, prompt: Prompt) -> str:
        """Head and tail of the text, within the prompt's budget of tokens; most texts need no counting."""
        tokens_max = self._session.budget(prompt)
        text = cut(text, tokens_max * _TOKEN_CHARACTERS_MAX)
        while len(text.encode()) > tokens_max:
            tokens = len(await _tokens(self.fleet, prompt=text, add_special_tokens=False))
            if tokens <= tokens_max:
                break
            text = cut(text, min(int(len(text) * tokens_max / tokens * 0.97), len(text) - 1))
        return text


def _longest_first(cards: Iterable[CardText]) -> list[NeutralCard]:
    return sorted(map(_neutral_card, cards), key=lambda card: -len(card.text))


def _neutral_card(card: CardText) -> NeutralCard:
    neutral = neutralise(card.card_text)
    flags = [*flags_of(card.card_text, gather(parse_card(card.card_text))), *neutral.flags]
    return NeutralCard(card.card_hash, neutral.text, list(dict.fromkeys(flags)))


_sessions: dict[JudgeSpec, tuple[Session, int]] = {}
_sessions_lock = threading.Lock()


@contextmanager
def opened_judge(spec: JudgeSpec) -> Iterator[VllmJudge]:
    """The judge on its servers.

    All judges of a spec in one process share a session, and with it connections and one limit of requests in flight.
    The first of them opens it, the last one closes it.
    """
    if not spec.urls:
        raise UsageError("an LLM judge needs a server to open; start one first")
    with _sessions_lock:
        session, users = _sessions.get(spec) or (_open_session(spec), 0)
        _sessions[spec] = session, users + 1
    try:
        yield VllmJudge(session)
    finally:
        with _sessions_lock:
            session, users = _sessions.pop(spec)
            if users > 1:
                _sessions[spec] = session, users - 1
            else:
                session.fleet.close()


def _open_session(spec: JudgeSpec) -> Session:
    limits = settings()
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(spec.urls, model=spec.model, limits=limits))
        session = fleet.run(_learn, fleet, spec, limits)
        stack.pop_all()  # the fleet stays open with the session
    return session
