"""Read a judge model's answer with distrust: it follows the schema, or it is `VerdictInvalid`, whatever was sent.

`VerdictInvalid.reason` is one of: `cut_off` (the answer ran out of tokens), `thinks` (thoughts, and no answer),
`not_json` (prose, a refusal, an incomplete object), `not_the_schema` (JSON of another shape), `off_scale` (a score or
level that is not an integer from 1 to 5), `no_probabilities` (the answer can be read, the probabilities that its score
needs cannot). An answer beside or inside a model's thoughts is read where it is a valid one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from tasks.errors import VerdictInvalid
from tasks.judges.llm.logprobs import (
    DigitChoice,
    GeneratedTokens,
    level_probabilities,
    log_odds,
    probability_of,
)
from tasks.judges.llm.prompt import IMPROVEMENT_CHARACTERS_MAX, QUOTE_CHARACTERS_MAX
from tasks.rubric import LEVELS, Rubric

Mode = Literal["expected", "decided", "soft"]


@dataclass(frozen=True, slots=True)
class ScoreAnswer:
    """The checks by id, the score that was written, and what the probabilities of the tokens say of both.

    `probabilities` are those of "1" to "5" for the score, `log_odds` the natural log-odds of passing by check, and
    `soft_levels` the levels by criterion that these give; each is empty where the reply has none that can be used.
    """

    passed: list[str]
    failed: list[str]
    decided: int
    probabilities: dict[str, float]
    log_odds: dict[str, float]
    soft_levels: dict[str, float]

    def score(self, mode: Mode, rubric: Rubric) -> float:
        """The mean over the probabilities, the score of the soft levels, or the written score."""
        match mode:
            case "expected":
                return sum(int(level) * p for level, p in self.probabilities.items())
            case "soft":
                return rubric.score(self.soft_levels)
            case "decided":
                return float(self.decided)


@dataclass(frozen=True, slots=True)
class Reason:
    """The judge's reason for one criterion. The quote is not yet checked against the card."""

    criterion: str
    level: int
    quote: str | None
    improvement: str


def read_score(reply: object, rubric: Rubric, mode: Mode) -> ScoreAnswer:
    """Read an answer of shape *score*. Raises VerdictInvalid and nothing else.

    All probabilities that can be used are read in every mode; an answer without those that `mode` needs is refused.
    """
    answered = _answered(reply)
    answer = answered.fields([*(check.id for check in rubric.checks), "score"])
    passed, failed = _checks(answer, rubric)
    decided = _level("score", answer["score"])
    probabilities, odds = _chances(answered, rubric, mode)
    chances = {check: probability_of(value) for check, value in odds.items()}
    return ScoreAnswer(
        passed, failed, decided, probabilities, odds, rubric.soft_levels(chances) if odds else {}
    )


def read_explanation(reply: object, rubric: Rubric) -> list[Reason]:
    """Read an answer of shape *explain*, one reason per criterion. Raises VerdictInvalid and nothing else."""
    parts = ("level", "quote", "improvement")
    names = [f"{criterion.id}_{part}" for criterion in rubric.criteria for part in parts]
    answer = read_object(reply, [*names, "score"])
    _level("score", answer["score"])
    return [_reason(answer, criterion.id) for criterion in rubric.criteria]


def read_object(reply: object, keys: list[str]) -> dict[str, object]:
    """Read an object with exactly these keys. Raises VerdictInvalid and nothing else."""
    return _answered(reply).fields(keys)


def usage_of(reply: object) -> tuple[int, int]:
    """Prompt and completion tokens; 0 where they are not reported."""
    usage = _field(reply, "usage")
    return _tokens(_field(usage, "prompt_tokens")), _tokens(_field(usage, "completion_tokens"))


def _tokens(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31:  # no context holds more
        return value
    return 0


# ------------------------------------------------------------------------------------------------- the reply


def _field(value: object, key: str) -> object:
    """A field of an object; null where there is no object or no such field."""
    return value.get(key) if isinstance(value, dict) else None


@dataclass(frozen=True, slots=True)
class _Answered:
    """A reply's first choice and the text of its answer. `is_thought`: it stands in or beside the model's thoughts."""

    choice: Mapping[str, object]
    text: str
    is_thought: bool

    def fields(self, keys: list[str]) -> dict[str, object]:
        """The object with exactly these keys that the text is."""
        try:
            return _object(self.text, keys)
        except VerdictInvalid:
            if self.is_thought:
                raise _thinks(self.text) from None
            raise


def _answered(reply: object) -> _Answered:
    choices = _field(reply, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        raise VerdictInvalid("not_the_schema", f"the reply has no choice: {_excerpt(reply)}")
    message = _field(choice, "message")
    text, is_thought = _beside_thoughts(_field(message, "content"), _thoughts(message))
    if choice.get("finish_reason") == "length":
        raise _thinks(text) if is_thought else VerdictInvalid("cut_off", f"out of tokens: {_excerpt(text)}")
    if not isinstance(text, str):
        refusal = _field(message, "refusal")
        raise VerdictInvalid("not_json", f"the reply holds no text: {_excerpt(refusal or message)}")
    return _Answered(choice, text, is_thought)


def _thoughts(message: object) -> str | None:
    """What the server has parsed as thoughts; a model that only thinks has its answer there."""
    found = (_field(message, name) for name in ("reasoning_content", "reasoning"))
    return next((text for text in found if isinstance(text, str) and text.strip()), None)


def _beside_thoughts(content: object, thoughts: str | None) -> tuple[object, bool]:
    """The content without a block of thoughts before or after it, or the thoughts where nothing else is left."""
    text = content.strip() if isinstance(content, str) else ""
    if text.startswith("{"):
        head, mark, _ = text.rpartition("<think>")
        is_after = bool(mark) and head.rstrip().endswith("}")
        return (head if is_after else content), is_after
    before, mark, after = text.partition("</think>")
    if after.strip():
        return after, True
    if mark or text.startswith("<think>"):
        return before.replace("<think>", "").strip(), True
    return (content, False) if text or thoughts is None else (thoughts, True)


def _thinks(text: object) -> VerdictInvalid:
    remedy = (
        "turn thinking off where the model is served (vLLM: no --reasoning-parser), or choose one without it"
    )
    return VerdictInvalid("thinks", f"thoughts instead of an answer; {remedy}: {_excerpt(text)}")


class _NotPlain(ValueError):
    """JSON with a repeated key, or with NaN or Infinity."""


def _object(text: str, keys: list[str]) -> dict[str, object]:
    """Parse the answer as an object with exactly these keys, in any order."""
    try:
        # Not strict, because weak models write raw control characters into strings.
        answer = json.loads(text, strict=False, object_pairs_hook=_once_each, parse_constant=_no_constant)
    except _NotPlain as error:
        raise VerdictInvalid("not_the_schema", f"{error}: {_excerpt(text)}") from None
    except (ValueError, RecursionError):
        raise VerdictInvalid("not_json", _excerpt(text)) from None
    if not isinstance(answer, dict) or answer.keys() != set(keys):
        raise VerdictInvalid("not_the_schema", _excerpt(text))
    return answer


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise _NotPlain("a key twice")
    return fields


def _no_constant(name: str) -> object:
    raise _NotPlain(f"{name} is not a number")


def _level(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value not in LEVELS:
        raise VerdictInvalid("off_scale", f"{name} is {_excerpt(value)}")
    return value


def _checks(answer: Mapping[str, object], rubric: Rubric) -> tuple[list[str], list[str]]:
    """The ids of the checks that passed and that failed."""
    for check in rubric.checks:
        if type(answer[check.id]) is not int or answer[check.id] not in (0, 1):
            raise VerdictInvalid("not_the_schema", f"{check.id} is not 0 or 1: {_excerpt(answer[check.id])}")
    passed = [check.id for check in rubric.checks if answer[check.id]]
    return passed, [check.id for check in rubric.checks if not answer[check.id]]


# --------------------------------------------------------------------------------------------- the explanation


def _reason(answer: Mapping[str, object], criterion: str) -> Reason:
    level = _level(f"{criterion}_level", answer[f"{criterion}_level"])
    quote = _prose(answer, f"{criterion}_quote", QUOTE_CHARACTERS_MAX)
    improvement = _prose(answer, f"{criterion}_improvement", IMPROVEMENT_CHARACTERS_MAX)
    if not improvement and level < LEVELS[-1]:
        raise VerdictInvalid("not_the_schema", f"{criterion} is at level {level} and has no improvement")
    return Reason(criterion, level, quote or None, improvement)


_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def _plain(text: str) -> str:
    """Without line ends, control characters, and lone surrogates, which no file can hold."""
    return _SURROGATE.sub("\ufffd", _UNPRINTABLE.sub(" ", text)).strip()


def _prose(answer: Mapping[str, object], name: str, characters_max: int) -> str:
    value = answer[name]
    if not isinstance(value, str) or len(value) > 2 * characters_max:
        rule = f"a string of at most {characters_max} characters"
        raise VerdictInvalid("not_the_schema", f"{name} is not {rule}: {_excerpt(value)}")
    # Slightly longer values happen: engines count the bytes of a broken character as one, and send several U+FFFD.
    return _plain(value)[:characters_max].strip()


_EXCERPT_CHARACTERS = 200


def _excerpt(value: object) -> str:
    """The beginning of an invalid answer, for one line of a table; safe for values of any depth and size."""
    match value:
        case str():
            text = value
        case None:
            text = "null"
        case dict():
            keys = ", ".join(str(key)[:40] for key in list(value)[:8])
            text = f"an object with the keys {keys or 'none'}"
        case list():
            text = f"a list of {len(value)}"
        case int() if abs(value) > 2**63:
            text = "a huge integer"
        case _:
            text = repr(value)
    plain = _plain(text[: _EXCERPT_CHARACTERS + 1])
    return f"'{plain[:_EXCERPT_CHARACTERS]}{'…' if len(text) > _EXCERPT_CHARACTERS else ''}'"


# ------------------------------------------------------------------------------------------- the probabilities

# All values of an answer of shape *score* are numbers, so no value can look like a key.
_DIGIT_BY_KEY = re.compile(rb'"(\w+)"\s*:\s*([0-9])')
_LEVELS = tuple(str(level) for level in LEVELS)


class _Digits:
    """What could stand in place of each digit of the answer. VerdictInvalid where its tokens cannot be read."""

    def __init__(self, choice: Mapping[str, object], text: str) -> None:
        answer = text.encode(errors="replace")
        self._tokens = GeneratedTokens(_field(choice.get("logprobs"), "content"), answer)
        self._places = {found[1].decode(): found.start(2) for found in _DIGIT_BY_KEY.finditer(answer)}

    def levels(self) -> dict[str, float]:
        """The probabilities of "1" to "5" at the token that decided the score, and at no other."""
        return level_probabilities(self._at("score"), _LEVELS)

    def odds(self, rubric: Rubric) -> dict[str, float]:
        """The log-odds of passing of every check."""
        return {check.id: log_odds(self._at(check.id)) for check in rubric.checks}

    def _at(self, key: str) -> DigitChoice:
        if key not in self._places:
            raise VerdictInvalid("no_probabilities", f"{key} is not written in plain letters")
        return self._tokens.digit_at(self._places[key])


def _chances(answered: _Answered, rubric: Rubric, mode: Mode) -> tuple[dict[str, float], dict[str, float]]:
    """The probabilities of the score and the log-odds of the checks; empty where unusable and not needed by `mode`."""
    try:
        digits = _Digits(answered.choice, answered.text)
    except VerdictInvalid:
        if mode != "decided":
            raise
        return {}, {}
    levels = _if_usable(digits.levels, is_needed=mode == "expected")
    return levels, _if_usable(partial(digits.odds, rubric), is_needed=mode == "soft")


def _if_usable(read: Callable[[], dict[str, float]], *, is_needed: bool) -> dict[str, float]:
    """What `read` gives; nothing, or VerdictInvalid where it is needed, if the reply does not have it."""
    try:
        return read()
    except VerdictInvalid:
        if is_needed:
            raise
        return {}
