"""What a server can do, found out by asking: how it holds answers to a form, and which parameters it takes.

OpenAI's API is spoken in many dialects. A request begins with all that is useful; what a server refuses, by a 400 that
mostly names the parameter, is left out or put in other words, and the request is sent again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from tasks.judges.llm.session import Messages

Form = Literal["json_schema", "object_schema", "json_object", "text"]
LimitWord = Literal["max_tokens", "max_completion_tokens"]


@dataclass(frozen=True, slots=True)
class Abilities:
    """How a server is asked.

    form            how answers are held to a form: `json_schema`, as OpenAI has it; `object_schema`, beside the type
                    `json_object`, as llama-cpp-python has it; `json_object` for JSON of any shape; `text` for none
    alternatives    tokens that each token of an answer is listed with, for its probabilities; 0 for none
    limit_word     what it calls the most tokens of an answer; null where it takes no limit
    has_temperature it takes `temperature`, and it is 0
    has_template    it takes `chat_template_kwargs`, which switches thoughts off where a model has them
    has_system      it takes a system message
    is_thinking     the model reasons before it answers, which takes tokens of its own
    """

    form: Form = "json_schema"
    alternatives: int = 20
    limit_word: LimitWord | None = "max_tokens"
    has_temperature: bool = True
    has_template: bool = True
    has_system: bool = True
    is_thinking: bool = False


def body(
    abilities: Abilities,
    model: str,
    messages: Messages,
    schema: Mapping[str, object],
    tokens_out_max: int,
    *,
    with_probabilities: bool,
) -> dict[str, object]:
    """The body of a chat completion, in the words that the server takes."""
    request: dict[str, object] = {"model": model, "messages": _in_turns(messages, abilities)}
    if abilities.limit_word:
        request[abilities.limit_word] = tokens_out_max
    if abilities.has_temperature:
        request["temperature"] = 0
    if abilities.has_template:
        request["chat_template_kwargs"] = {"enable_thinking": False}
    if abilities.form == "json_schema":
        named = {"name": "answer", "strict": True, "schema": schema}
        request["response_format"] = {"type": "json_schema", "json_schema": named}
    elif abilities.form == "object_schema":
        request["response_format"] = {"type": "json_object", "schema": schema}
    elif abilities.form == "json_object":
        request["response_format"] = {"type": "json_object"}
    if with_probabilities and abilities.alternatives:
        request |= {"logprobs": True, "top_logprobs": abilities.alternatives}
    return request


def _in_turns(messages: Messages, abilities: Abilities) -> Messages:
    """The messages; in one turn of the user where the model's template knows no system."""
    if abilities.has_system:
        return messages
    return [{"role": "user", "content": "\n\n".join(message["content"] for message in messages)}]


# ------------------------------------------------------------------------------------------------ refusals

Simplify = Callable[[Abilities], Abilities]
_FEWER_ALTERNATIVES = {20: 5, 5: 0}  # some servers list five at most
_LOOSER: Mapping[Form, Form] = {
    "json_schema": "object_schema",
    "object_schema": "json_object",
    "json_object": "text",
}


def _limited_otherwise(abilities: Abilities) -> Abilities:
    words: LimitWord | None = "max_completion_tokens" if abilities.limit_word == "max_tokens" else None
    return replace(abilities, limit_word=words)


def _fewer_alternatives(abilities: Abilities) -> Abilities:
    return replace(abilities, alternatives=_FEWER_ALTERNATIVES.get(abilities.alternatives, 0))


def _looser(abilities: Abilities) -> Abilities:
    return replace(abilities, form=_LOOSER.get(abilities.form, "text"))


# What a refusal names, and what is done about it. Where it names nothing, they are tried in this order: first what is
# least missed.
_REMEDIES: tuple[tuple[re.Pattern[str], Simplify], ...] = (
    (re.compile(r"template_kwargs|enable_thinking"), lambda known: replace(known, has_template=False)),
    (re.compile(r"max_(?:completion_)?tokens"), _limited_otherwise),
    (re.compile(r"temperature"), lambda known: replace(known, has_temperature=False)),
    (re.compile(r"log_?prob"), _fewer_alternatives),
    (re.compile(r"response_format|json_?schema|json_object|grammar|structured|schema"), _looser),
    (
        re.compile(r"system (?:role|message|prompt)|role.{0,20}system"),
        lambda known: replace(known, has_system=False),
    ),
)


def simpler(abilities: Abilities, refusal: str, *, is_named: bool = False) -> Abilities | None:
    """The abilities without what a server refused; null where there is nothing left to leave out.

    `is_named`: only what the refusal names is left out.
    """
    message = refusal.lower()
    named = [remedy for words, remedy in _REMEDIES if words.search(message)]
    rest = [] if is_named else [remedy for _, remedy in _REMEDIES]
    for remedy in [*named, *rest]:
        if (less := remedy(abilities)) != abilities:
            return less
    return None
