"""The judge behind any server that speaks OpenAI's chat completions: llama.cpp, Ollama, LM Studio, a hosted provider.

What such a server can do is found out once per process, by one real question about a made-up card: whether it holds
answers to a schema, gives the probabilities of tokens, reasons before it answers. All of that is part of who judges.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tasks.errors import BudgetReached, JudgeRefused, JudgeUnreachable, UsageError, VerdictInvalid
from tasks.judges.llm.answers import read_score, usage_of
from tasks.judges.llm.fence import fenced
from tasks.judges.llm.fleet import Fleet, RequestFailed
from tasks.judges.llm.judge import LlmJudge, NeutralCard
from tasks.judges.llm.prompt import Prompt, Shape, explain_prompt, score_prompt
from tasks.judges.llm.served import Served
from tasks.judges.llm.session import Messages, ServedIdentity, Session, opened_session
from tasks.judges.openai.abilities import Abilities, body, simpler
from tasks.judges.openai.endpoint import ASKING, EndpointClient
from tasks.judges.openai.introductions import host_of
from tasks.judges.openai.purse import price_of, purse_of
from tasks.judges.openai.replies import alternatives_of, is_cut_off, is_thinking, plain_reply
from tasks.judges.openai.tokens import tokens_at_most
from tasks.records import CardText, Explanation, JudgeSpec, JudgeUsage, Verdict
from tasks.rubric import load_rubric
from tasks.settings import Settings, settings

R = TypeVar("R")

_CARD_TOKENS_MIN = 200
_STEPS_MAX = 12  # requests to find out what a server takes
_BUDGET = "budget"  # the reason of a verdict that was not asked for
# Everything that a first question needs: a heading, so that it is a card, and a sentence, so that it can be judged.
_FIRST_CARD = "# A model\n\nIt sorts reviews of films into good and bad ones.\n"
_FIRST_HASH = "0" * 64


@dataclass(frozen=True, slots=True)
class LearnedServer:
    """What the first question showed: abilities, and the tokens of the score prompt (null: not reported)."""

    abilities: Abilities
    prompt_tokens: int | None


def identify(spec: JudgeSpec) -> ServedIdentity:
    """The judge that would score. Asks the servers that are named; there is no other way to know."""
    limits = settings()
    with _connected(spec, limits) as fleet:
        return fleet.run(_learn, fleet, spec, limits).identity


def served_by(spec: JudgeSpec, limits: Settings) -> Served:
    """What the servers say that they serve; no question is asked, and nothing is paid for."""
    with _connected(spec, limits) as fleet:
        return fleet.served


@contextmanager
def serving(spec: JudgeSpec, log: Path) -> Iterator[JudgeSpec]:
    """The spec as it is: servers of this kind are never started here. UsageError where none is named."""
    _check_named(spec)
    yield spec


@contextmanager
def opened_judge(spec: JudgeSpec) -> Iterator[HostedJudge]:
    """The judge on its servers. JudgeError where they do not answer, refuse, or do not agree."""
    _check_named(spec)
    with opened_session(spec, _learn, _connected) as session:
        yield HostedJudge(session)


def _check_named(spec: JudgeSpec) -> None:
    if not spec.urls:
        raise UsageError("--judge openai asks a server that is already there; name it with --judge-url")


def _connected(spec: JudgeSpec, limits: Settings) -> Fleet:
    _check_named(spec)
    # A question waits within its time for a server that asks for patience.
    patient_s = limits.judge_timeout_s + limits.judge_patience_s
    limits = limits.model_copy(update={"judge_timeout_s": patient_s})
    client = EndpointClient(spec.urls, spec.model, limits, purse_of(spec, limits))
    return Fleet(spec.urls, model=spec.model, limits=limits, client=client)


# --------------------------------------------------------------------------------------------- the first question

_learned: dict[tuple[object, ...], LearnedServer] = {}
_learned_lock = threading.Lock()


async def _learn(fleet: Fleet, spec: JudgeSpec, limits: Settings) -> Session:
    rubric = load_rubric()
    prompts = score_prompt(rubric), explain_prompt(rubric)
    client = _client_of(fleet)
    key = (spec.urls, fleet.served, prompts[0].digest, limits.judge_score_mode)
    with _learned_lock:
        learned = _learned.get(key)
    if learned is None:
        learned = await _first_question(fleet, prompts[0], limits)
        with _learned_lock:
            _learned[key] = learned
    await client.find_counter()
    limits = limits.model_copy(
        update={"judge_score_mode": _mode(learned.abilities, fleet.served.model, limits)}
    )
    dialect = EndpointDialect(fleet, limits, learned.abilities, _prompt_tokens(learned, prompts))
    dialect.check_room(prompts[0])
    identity = _identity(fleet, spec, limits, learned.abilities, prompts)
    score, explain = prompts
    return Session(fleet, identity, limits, dialect, score, explain if spec.explains else None)


def _client_of(fleet: Fleet) -> EndpointClient:
    client = fleet.client
    if not isinstance(client, EndpointClient):
        raise TypeError(f"{type(client).__name__} does not ask servers of any make")
    return client


async def _first_question(fleet: Fleet, prompt: Prompt, limits: Settings) -> LearnedServer:
    """Ask about a made-up card, leaving out what the server refuses until it answers."""
    abilities, problem = Abilities(), ""
    for _ in range(_STEPS_MAX):
        try:
            reply = await fleet.post(ASKING, _question(abilities, fleet, prompt, limits))
        except RequestFailed as refusal:
            problem = f"{refusal.reason}: {refusal.detail}"
            is_refused = refusal.reason in ("http_400", "http_422", "http_415")
            less = simpler(abilities, refusal.detail, is_named=not is_refused)
            if less is None:
                break
            abilities = less
            continue
        if is_thinking(reply) and not abilities.is_thinking:
            abilities = dataclasses.replace(abilities, is_thinking=True)
            if is_cut_off(reply):
                continue
        return LearnedServer(_as_answered(abilities, reply, limits), usage_of(reply)[0] or None)
    raise JudgeUnreachable(
        f"{fleet.served.model} did not answer a first question ({problem}); check --judge-url"
    )


def _question(abilities: Abilities, fleet: Fleet, prompt: Prompt, limits: Settings) -> dict[str, object]:
    return body(
        abilities,
        fleet.served.model,
        prompt.messages(fenced(_FIRST_CARD, _FIRST_HASH)),
        prompt.schema,
        _tokens_out(prompt.tokens_out_max, abilities, limits),
        with_probabilities=True,
    )


def _tokens_out(tokens: int, abilities: Abilities, limits: Settings) -> int:
    return tokens + limits.judge_thinking_tokens * abilities.is_thinking


def _as_answered(abilities: Abilities, reply: object, limits: Settings) -> Abilities:
    """Without probabilities where the answer has none, or none that can be used."""
    if not abilities.alternatives:
        return abilities
    mode = "expected" if limits.judge_score_mode == "decided" else limits.judge_score_mode
    try:
        read_score(plain_reply(reply), load_rubric(), mode)
    except VerdictInvalid as error:
        # A weak model's first answer may be unreadable; that says nothing about its probabilities.
        is_usable = error.reason != "no_probabilities" and alternatives_of(reply) > 1
    else:
        is_usable = True
    return abilities if is_usable else dataclasses.replace(abilities, alternatives=0)


def _mode(abilities: Abilities, model: str, limits: Settings) -> str:
    """The score mode: without probabilities it is `decided`, unless the settings ask for another one by name."""
    if abilities.alternatives or limits.judge_score_mode == "decided":
        return limits.judge_score_mode
    if "judge_score_mode" in limits.model_fields_set:
        raise JudgeRefused(
            f"the server of {model} gives no probabilities of tokens, so there is no score mode "
            f"{limits.judge_score_mode}; set CARDIOGRAPH_JUDGE_SCORE_MODE=decided, or leave it unset"
        )
    return "decided"


def _prompt_tokens(learned: LearnedServer, prompts: Iterable[Prompt]) -> dict[Shape, int]:
    """Tokens of each prompt: of the one that was asked as the server counted it, of the other in proportion."""
    bounds = {
        prompt.shape: sum(tokens_at_most(m["content"]) for m in prompt.messages("")) for prompt in prompts
    }
    counted, bound = learned.prompt_tokens or bounds["score"], bounds["score"]
    return {shape: -(-counted * tokens // bound) for shape, tokens in bounds.items()}


def _identity(
    fleet: Fleet, spec: JudgeSpec, limits: Settings, abilities: Abilities, prompts: Iterable[Prompt]
) -> ServedIdentity:
    served, rubric = fleet.served, load_rubric()
    # A folder's path is private to a machine.
    model = Path(served.root).name if Path(served.root).is_absolute() else served.root
    values = {
        "engine": served.engine,
        "provider": host_of(spec.urls[0]),
        "score_mode": limits.judge_score_mode,
        "card_tokens_max": limits.judge_card_tokens,
        "prompts": [prompt.digest for prompt in prompts],
        "abilities": dataclasses.asdict(abilities),
        "thinking_tokens": limits.judge_thinking_tokens * abilities.is_thinking,
    }
    revision = limits.judge_revision or _client_of(fleet).revision
    return ServedIdentity("openai", model, revision, rubric.fingerprint, json.dumps(values))


# ------------------------------------------------------------------------------------------------- the dialect


@dataclass(frozen=True)
class EndpointDialect:
    """OpenAI's chat completions in the words that the server takes. `prompt_tokens` are counted or an upper bound."""

    fleet: Fleet
    limits: Settings
    abilities: Abilities
    prompt_tokens: Mapping[Shape, int]

    @property
    def has_probabilities(self) -> bool:
        """Whether they are requested."""
        return self.abilities.alternatives > 0

    def request(
        self,
        messages: Messages,
        schema: Mapping[str, object],
        tokens_out_max: int,
        *,
        with_probabilities: bool,
    ) -> dict[str, object]:
        """The body of a chat completion that is held to `schema` where the server can do that."""
        return body(
            self.abilities,
            self.fleet.served.model,
            messages,
            schema,
            _tokens_out(tokens_out_max, self.abilities, self.limits),
            with_probabilities=with_probabilities,
        )

    async def count(self, text: str) -> int:
        """Tokens of a text, or an upper bound where the server does not count."""
        counted = await _client_of(self.fleet).count(text)
        return tokens_at_most(text) if counted is None else counted

    def budget(self, prompt: Prompt) -> int:
        """Tokens that a card may take. RequestFailed where the context has no room for any."""
        room = self._room(prompt)
        if room < _CARD_TOKENS_MIN:
            raise RequestFailed(
                "too_long", f"the prompt for this leaves {max(room, 0):,} tokens of the context for a card"
            )
        return min(self.limits.judge_card_tokens, room)

    def card_tokens(self, prompt: Prompt, tokens_in: int) -> int | None:
        """What is left of a prompt's tokens without the prompt itself; null where the server counts none."""
        return max(tokens_in - self.prompt_tokens[prompt.shape], 0) if tokens_in else None

    def _room(self, prompt: Prompt) -> int:
        tokens_out = _tokens_out(prompt.tokens_out_max, self.abilities, self.limits)
        return self._context - self.prompt_tokens[prompt.shape] - tokens_out

    @property
    def _context(self) -> int:
        """The context that the server reports, else that of the settings."""
        return self.fleet.served.context_tokens or self.limits.judge_context_tokens

    def check_room(self, prompt: Prompt) -> None:
        """JudgeRefused where prompt, answer and a short card do not fit the context."""
        missing = _CARD_TOKENS_MIN - self._room(prompt)
        if missing > 0:
            raise JudgeRefused(
                f"{self.fleet.served.model} has a context of {self._context:,} tokens; rubric, card and answer need "
                f"{self._context + missing:,}: serve it with a longer one (llama.cpp: -c; Ollama: "
                "OLLAMA_CONTEXT_LENGTH), or, where the server does not report its context, set "
                "CARDIOGRAPH_JUDGE_CONTEXT_TOKENS"
            )


# --------------------------------------------------------------------------------------------------- the judge


class HostedJudge(LlmJudge):
    """An LLM judge whose answers are read from within prose, and that stops where its budget ends."""

    _reached: BudgetReached | None = None

    def score(self, cards: Iterable[CardText]) -> Iterator[Verdict]:
        """One verdict per card, as they arrive. Those that the budget covers are given before BudgetReached."""
        yield from (verdict for verdict in super().score(cards) if verdict.reason != _BUDGET)
        self._check_budget()

    def explain(self, cards: Iterable[CardText]) -> Iterator[Explanation]:
        """Reasons per criterion and card. Those that the budget covers are given before BudgetReached."""
        yield from super().explain(cards)
        self._check_budget()

    def _check_budget(self) -> None:
        if self._reached:
            raise BudgetReached(str(self._reached))

    def usage(self) -> JudgeUsage:
        """Requests and tokens of this judge; `spent` among the metrics is money, where prices are set."""
        usage, price = super().usage(), price_of(settings())
        if price is None:
            return usage
        spent = price.of(usage.tokens_in, usage.tokens_out)
        return dataclasses.replace(usage, metrics={**usage.metrics, "spent": spent})

    async def ask(
        self,
        messages: Callable[[bool], Messages],
        schema: Mapping[str, object],
        tokens_out_max: int,
        read: Callable[[object], R],
        *,
        with_probabilities: bool = False,
    ) -> tuple[R, int, bool]:
        """As `LlmJudge.ask`; the answer is read from within what surrounds it."""
        return await super().ask(
            messages,
            schema,
            tokens_out_max,
            lambda reply: read(plain_reply(reply)),
            with_probabilities=with_probabilities,
        )

    async def _verdict(self, shown: NeutralCard) -> Verdict:
        unasked = Verdict(
            shown.card_hash, self.name, self.fingerprint, None, None, {}, [], [], shown.flags, reason=_BUDGET
        )
        if self._reached:
            return unasked
        try:
            return await super()._verdict(shown)
        except BudgetReached as reached:
            self._reached = reached
            return unasked

    async def _explanations(self, prompt: Prompt, shown: NeutralCard) -> list[Explanation]:
        if self._reached:
            return []
        try:
            return await super()._explanations(prompt, shown)
        except BudgetReached as reached:
            self._reached = reached
            return []
