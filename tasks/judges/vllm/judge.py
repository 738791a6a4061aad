"""The judge behind vLLM: how its servers are asked, and which judge it is.

vLLM holds answers to a schema, gives the probabilities of the tokens that it is asked for, and counts tokens.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.errors import JudgeRefused
from tasks.judges.llm.client import is_local
from tasks.judges.llm.fence import fenced
from tasks.judges.llm.fleet import Fleet
from tasks.judges.llm.judge import LlmJudge
from tasks.judges.llm.prompt import Prompt, Shape, explain_prompt, score_prompt
from tasks.judges.llm.served import Served
from tasks.judges.llm.session import Messages, ServedIdentity, Session, opened_session
from tasks.judges.vllm.server import engine_version, revision_of, running_judge_server
from tasks.records import JudgeSpec
from tasks.rubric import load_rubric
from tasks.settings import Settings, settings

SAMPLING: Mapping[str, object] = {
    "temperature": 0,
    # Switches off the thinking of models that can: the answer is constrained from its first token on.
    "chat_template_kwargs": {"enable_thinking": False},
}
# Commits of the judge models that run by default.
PINNED = {"Qwen/Qwen3-4B-Instruct-2507": "cdbee75f17c01a7cc42f958dc650907174af0554"}
DIGITS = ("0", "1", "2", "3", "4", "5")  # of checks and scores
_CARD_TOKENS_MIN = 200


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
    return ServedIdentity("vllm", model, revision, rubric.fingerprint, json.dumps(values))


@contextmanager
def serving(spec: JudgeSpec, log: Path) -> Iterator[JudgeSpec]:
    """The spec with servers that answer: those it names, or one that runs until the block ends."""
    if spec.urls:
        yield spec
        return
    model, limits = _to_be_started(spec, settings())
    with running_judge_server(model, log, limits) as url:
        yield replace(spec, model=model, urls=(url,), revision=limits.judge_revision)


@contextmanager
def opened_judge(spec: JudgeSpec) -> Iterator[LlmJudge]:
    """The judge on its servers. JudgeError where they do not answer, refuse, or do not agree."""
    with opened_session(spec, _learn) as session:
        yield LlmJudge(session)


# ------------------------------------------------------------------------------------------------- the dialect


@dataclass(frozen=True)
class VllmDialect:
    """vLLM's chat completions. `digit_ids`: the tokens that write a digit; none where digits have no own tokens."""

    fleet: Fleet
    limits: Settings
    prompt_tokens: Mapping[Shape, int]
    digit_ids: tuple[int, ...]

    @property
    def has_probabilities(self) -> bool:
        """Whether they are requested."""
        return bool(self.digit_ids)

    def request(
        self,
        messages: Messages,
        schema: Mapping[str, object],
        tokens_out_max: int,
        *,
        with_probabilities: bool,
    ) -> dict[str, object]:
        """The body of a chat completion that is held to `schema`."""
        request: dict[str, object] = {
            "model": self.fleet.served.model,
            "messages": messages,
            "max_tokens": tokens_out_max,
            "structured_outputs": {"json": schema, "disable_any_whitespace": True},
            **SAMPLING,
        }
        if with_probabilities and self.digit_ids:
            # vLLM then gives these alone, at a third of the bytes. Servers that do not know ids give their 20 most
            # probable tokens instead; the reader checks them.
            ids = list(self.digit_ids)
            request |= {"logprobs": True, "top_logprobs": 20, "logprob_token_ids": ids}
        return request

    async def count(self, text: str) -> int:
        """Tokens of a text."""
        return len(await _tokens(self.fleet, prompt=text, add_special_tokens=False))

    def budget(self, prompt: Prompt) -> int:
        """Tokens that a card may take."""
        room = self.fleet.served.context_tokens - self.prompt_tokens[prompt.shape] - prompt.tokens_out_max
        return min(self.limits.judge_card_tokens, room)

    def card_tokens(self, prompt: Prompt, tokens_in: int) -> int:
        """What is left of a prompt's tokens without the prompt itself."""
        return max(tokens_in - self.prompt_tokens[prompt.shape], 0)


async def _learn(fleet: Fleet, spec: JudgeSpec, limits: Settings) -> Session:
    rubric = load_rubric()
    prompts = score_prompt(rubric), explain_prompt(rubric)
    tokens = {prompt.shape: await _chat_tokens(fleet, prompt) for prompt in prompts}
    digit_ids = await _digit_ids(fleet, is_needed=limits.judge_score_mode != "decided")
    needed = max(tokens[prompt.shape] + prompt.tokens_out_max + _CARD_TOKENS_MIN for prompt in prompts)
    if needed > fleet.served.context_tokens:
        raise JudgeRefused(
            f"{fleet.served.model} is served with a context of {fleet.served.context_tokens:,} tokens; rubric, card "
            f"and answer need {needed:,}: raise --max-model-len, or CARDIOGRAPH_JUDGE_CONTEXT_TOKENS"
        )
    dialect = VllmDialect(fleet, limits, tokens, digit_ids)
    return Session(fleet, _identity_of(fleet.served, spec, limits), limits, dialect, *prompts)


async def _chat_tokens(fleet: Fleet, prompt: Prompt) -> int:
    """Tokens of the prompt around an empty card."""
    messages = prompt.messages(fenced("", "0" * 64))
    return len(await _tokens(fleet, messages=messages, add_generation_prompt=True))


async def _digit_ids(fleet: Fleet, *, is_needed: bool) -> tuple[int, ...]:
    """The tokens that write a digit in an answer, at its end and before another key; none where they share one.

    They may hold marks too (`:1`, `1,`). JudgeRefused where they are needed and there are none.
    """
    found: list[int] = []
    for after in ("", ',"', "}"):
        texts = [f'"score":{digit}{after}' for digit in DIGITS]
        ids = _where_apart([await _tokens(fleet, prompt=text, add_special_tokens=False) for text in texts])
        if len(set(ids)) < len(DIGITS):
            return _no_digits(fleet.served.model, is_needed=is_needed)
        found += ids
    return tuple(dict.fromkeys(found))


def _where_apart(rows: Sequence[Sequence[int]]) -> list[int]:
    """The token of each row at the first place where not all rows have the same; empty where there is none."""
    return next((list(ids) for ids in zip(*rows, strict=False) if len(set(ids)) > 1), [])


def _no_digits(model: str, *, is_needed: bool) -> tuple[int, ...]:
    if not is_needed:
        return ()
    raise JudgeRefused(
        f"the tokenizer of {model} has no token for each digit, so there are no probabilities of checks and scores; "
        "set CARDIOGRAPH_JUDGE_SCORE_MODE=decided, or choose another judge model"
    )


async def _tokens(fleet: Fleet, **request: object) -> Sequence[int]:
    reply = await fleet.post("/tokenize", {"model": fleet.served.model, **request})
    tokens = reply.get("tokens")
    if not isinstance(tokens, list) or not tokens:
        raise JudgeRefused("the judge's server does not count tokens: /tokenize gave none; is it vLLM?")
    return tokens
