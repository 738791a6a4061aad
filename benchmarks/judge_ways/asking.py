"""Questions to a judge model, and the digits of its answers with what might have stood in their place."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tasks.errors import VerdictInvalid
from tasks.judges.llm.fleet import RequestFailed
from tasks.judges.llm.judge import LlmJudge
from tasks.judges.llm.logprobs import DigitChoice, GeneratedTokens


@dataclass(frozen=True, slots=True)
class Question:
    """One request about a card; `part` tells it from the card's other requests."""

    card: str
    part: str
    system: str
    user: str
    schema: dict[str, object]
    tokens_out_max: int


@dataclass(frozen=True, slots=True)
class Digit:
    """A digit of an answer, and what might have stood there."""

    value: int
    choice: DigitChoice


Answer = Mapping[str, Digit]


_VALUE = re.compile(rb'"(\w+)"\s*:\s*(?:"([01]+)"|([0-9]))')


def digits_of(reply: object) -> dict[str, Digit]:
    """The digits of an answer: by key, or by key and place in a string. VerdictInvalid where they cannot be read."""
    choice = cast(dict[str, Any], reply)["choices"][0]
    answer = str(choice["message"]["content"]).encode()
    tokens = GeneratedTokens((choice.get("logprobs") or {}).get("content"), answer)
    found: dict[str, Digit] = {}
    for value in _VALUE.finditer(answer):
        key, at = value[1].decode(), value.start(2) if value[2] else value.start(3)
        for place, digit in enumerate((value[2] or value[3]).decode()):
            found[f"{key}.{place}" if value[2] else key] = Digit(int(digit), tokens.digit_at(at + place))
    return found


@dataclass(frozen=True, slots=True)
class Round:
    """All answers of a way, by card and question, and what they took."""

    answers: Mapping[str, Mapping[str, Answer]]
    requests: int
    refused: int
    tokens_in: int
    tokens_out: int
    seconds: float
    cached_share: float | None


def asked(judge: LlmJudge, questions: Sequence[Question]) -> Round:
    """Ask them all, in this order, with as many in flight as the fleet allows."""

    async def one(question: Question) -> tuple[Question, Answer | None]:
        messages = [
            {"role": "system", "content": question.system},
            {"role": "user", "content": question.user},
        ]
        shape = (question.schema, question.tokens_out_max)
        try:
            answer, _, _ = await judge.ask(lambda _: messages, *shape, digits_of, with_probabilities=True)
        except (VerdictInvalid, RequestFailed):
            return question, None
        return question, answer

    before, began = judge.usage(), time.perf_counter()
    answers: dict[str, dict[str, Answer]] = {}
    refused = 0
    for question, answer in judge.fleet.stream(one, questions):
        if answer is None:
            refused += 1
        else:
            answers.setdefault(question.card, {})[question.part] = answer
    seconds, after = time.perf_counter() - began, judge.usage()
    return Round(
        answers=answers,
        requests=len(questions),
        refused=refused,
        tokens_in=after.tokens_in - before.tokens_in,
        tokens_out=after.tokens_out - before.tokens_out,
        seconds=seconds,
        cached_share=_cached_share(before.metrics, after.metrics),
    )


def _cached_share(before: Mapping[str, float], after: Mapping[str, float]) -> float | None:
    """The share of prompt tokens that the engine found in its cache; null where it does not count them."""
    grown = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in after}
    queries = grown.get("prefix_cache_queries", 0.0)
    return grown["prefix_cache_hits"] / queries if queries else None
