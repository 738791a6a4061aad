"""Read a judge model's answer with distrust: it follows the schema, or it is `VerdictInvalid`, whatever was sent.

`VerdictInvalid.reason` is one of: `cut_off` (the answer ran out of tokens), `not_json` (prose, a refusal, an incomplete
object), `not_the_schema` (JSON of another shape), `off_scale` (a score or level that is not an integer from 1 to 5),
`no_probabilities` (the answer can be read, the probabilities of its score cannot).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, combinations
from typing import Literal

from tasks.errors import VerdictInvalid
from tasks.judges.llm.prompt import IMPROVEMENT_CHARACTERS_MAX, QUOTE_CHARACTERS_MAX
from tasks.rubric import LEVELS, Rubric

Mode = Literal["expected", "decided"]


@dataclass(frozen=True, slots=True)
class ScoreAnswer:
    """The checks by id, the score that was written, and the probabilities of "1" to "5" where they were requested."""

    passed: list[str]
    failed: list[str]
    decided: int
    probabilities: dict[str, float]

    def score(self) -> float:
        """The mean over the probabilities; the written score where there are none."""
        if not self.probabilities:
            return float(self.decided)
        return sum(int(level) * p for level, p in self.probabilities.items())


@dataclass(frozen=True, slots=True)
class Reason:
    """The judge's reason for one criterion. The quote is not yet checked against the card."""

    criterion: str
    level: int
    quote: str | None
    improvement: str


def read_score(reply: object, rubric: Rubric, mode: Mode) -> ScoreAnswer:
    """Read an answer of shape *score*. Raises VerdictInvalid and nothing else."""
    choice, text = _answered(reply)
    answer = _object(text, [*(criterion.id for criterion in rubric.criteria), "score"])
    passed, failed = _checks(answer, rubric)
    decided = _level("score", answer["score"])
    probabilities = _probabilities(choice, text, decided) if mode == "expected" else {}
    return ScoreAnswer(passed, failed, decided, probabilities)


def read_explanation(reply: object, rubric: Rubric) -> list[Reason]:
    """Read an answer of shape *explain*, one reason per criterion. Raises VerdictInvalid and nothing else."""
    parts = ("level", "quote", "improvement")
    names = [f"{criterion.id}_{part}" for criterion in rubric.criteria for part in parts]
    answer = read_object(reply, [*names, "score"])
    _level("score", answer["score"])
    return [_reason(answer, criterion.id) for criterion in rubric.criteria]


def read_object(reply: object, keys: list[str]) -> dict[str, object]:
    """Read an object with exactly these keys. Raises VerdictInvalid and nothing else."""
    return _object(_answered(reply)[1], keys)


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


def _answered(reply: object) -> tuple[Mapping[str, object], str]:
    """The reply's first choice, and its text."""
    choices = _field(reply, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        raise VerdictInvalid("not_the_schema", f"the reply has no choice: {_excerpt(reply)}")
    message = _field(choice, "message")
    text = _field(message, "content")
    if choice.get("finish_reason") == "length":
        raise VerdictInvalid("cut_off", f"the answer ran out of tokens: {_excerpt(text)}")
    if not isinstance(text, str):
        refusal = _field(message, "refusal")
        raise VerdictInvalid("not_json", f"the reply holds no text: {_excerpt(refusal or message)}")
    return choice, text


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
    passed: list[str] = []
    failed: list[str] = []
    for criterion in rubric.criteria:
        digits, n = answer[criterion.id], len(criterion.checks)
        if not isinstance(digits, str) or len(digits) != n or not set(digits) <= {"0", "1"}:
            raise VerdictInvalid(
                "not_the_schema", f"{criterion.id} is not {n} digits 0 or 1: {_excerpt(digits)}"
            )
        for check, digit in zip(criterion.checks, digits, strict=True):
            (passed if digit == "1" else failed).append(check.id)
    return passed, failed


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

_DIGITS = tuple(str(level) for level in LEVELS)
_SCORE_VALUE = re.compile(rb'"score"\s*:\s*([1-5])')
# vLLM writes -9999 for minus infinity; rounding may give slightly more than 0.
_NOTHING = -9999.0
_LOGPROB_MAX = 1e-3
_MASS_MAX = 1.01
_MOVE_MAX = 0.01


def _probabilities(choice: Mapping[str, object], text: str, decided: int) -> dict[str, float]:
    """The probabilities of "1" to "5" at the token that decided the score, and at no other; they add up to 1."""
    listed = _listed(_deciding_token(choice, text, decided))
    digits = {token: digit for token in listed if (digit := _decoded(token)) in _DIGITS}
    top = max(listed[token] for token in digits)  # subtracted before exp(): improbable digits still compare
    weights: dict[str, float] = {}
    for token, digit in digits.items():
        weights[digit] = weights.get(digit, 0.0) + _exp(listed[token], top)
    total = sum(weights.values())
    if total <= 0:
        raise VerdictInvalid("no_probabilities", "no digit from 1 to 5 has any")
    _refuse_if_missing_could_move(weights, _exp(min(listed.values()), top))
    return {digit: weights.get(digit, 0.0) / total for digit in _DIGITS}


def _exp(logprob: float, top: float) -> float:
    return 0.0 if logprob <= _NOTHING else math.exp(logprob - top)


def _refuse_if_missing_could_move(weights: Mapping[str, float], most: float) -> None:
    """A digit that is not listed has at most the smallest listed probability: try every way to add such digits."""
    missing = [int(digit) for digit in _DIGITS if digit not in weights]
    total = sum(weights.values())
    mean = sum(int(digit) * weight for digit, weight in weights.items()) / total
    for n in range(1, len(missing) + 1):
        for chosen in combinations(missing, n):
            moved = (mean * total + most * sum(chosen)) / (total + most * n)
            if abs(moved - mean) > _MOVE_MAX:
                names = ", ".join(map(str, missing))
                raise VerdictInvalid(
                    "no_probabilities", f"none for {names}: could move the mean to {moved:.2f}"
                )


def _deciding_token(choice: Mapping[str, object], text: str, decided: int) -> Mapping[str, object]:
    """The entry of the token that is the score's digit, found by its position in the text."""
    entries = _field(choice.get("logprobs"), "content")
    if not isinstance(entries, list) or not entries:
        raise VerdictInvalid("no_probabilities", "the reply has no log-probabilities")
    tokens = [_token(entry) for entry in entries]
    position = _score_position(b"".join(tokens), text)
    for entry, token, end in zip(entries, tokens, accumulate(map(len, tokens)), strict=True):
        if end > position:
            if isinstance(entry, dict) and _decoded(token) == str(decided):
                return entry
            raise VerdictInvalid("no_probabilities", f"the score's token is {_excerpt(_decoded(token))}")
    raise VerdictInvalid("no_probabilities", "the log-probabilities end before the score")


def _score_position(generated: bytes, text: str) -> int:
    """Byte position of the digit. Every other value is a string of digits, so its key occurs only once."""
    answer = text.encode(errors="replace")
    start = generated.find(answer)
    score = _SCORE_VALUE.search(answer)
    if start < 0 or score is None or generated.find(answer, start + 1) >= 0:
        raise VerdictInvalid("no_probabilities", "the log-probabilities do not belong to the answer")
    return start + score.start(1)


def _token(entry: object) -> bytes:
    """The bytes that a token adds to the text, which may be part of a character; its name where they are missing."""
    raw, name = _field(entry, "bytes"), _field(entry, "token")
    if isinstance(raw, list) and all(type(byte) is int and 0 <= byte < 256 for byte in raw):
        return bytes(raw)
    if raw is None and isinstance(name, str):
        return name.encode(errors="replace")
    raise VerdictInvalid("no_probabilities", f"not a token: {_excerpt(entry)}")


def _decoded(token: bytes) -> str:
    return token.decode(errors="replace").strip(" \t\r\n")


def _listed(entry: Mapping[str, object]) -> dict[bytes, float]:
    """Log-probability by token: of the listed alternatives, and of the token itself if it is not among them."""
    alternatives = entry.get("top_logprobs")
    if not isinstance(alternatives, list) or not alternatives:
        raise VerdictInvalid("no_probabilities", "the score's token has no alternatives")
    listed: dict[bytes, float] = {}
    for alternative in alternatives:
        listed.setdefault(_token(alternative), _logprob(alternative))
    listed.setdefault(_token(entry), _logprob(entry))
    mass = sum(_exp(logprob, 0.0) for logprob in listed.values())
    if mass > _MASS_MAX:
        raise VerdictInvalid("no_probabilities", f"the probabilities add up to {mass:.3f}")
    return listed


def _logprob(entry: object) -> float:
    value = _field(entry, "logprob")
    if isinstance(value, int | float) and not isinstance(value, bool) and _NOTHING <= value <= _LOGPROB_MAX:
        return float(value)
    raise VerdictInvalid("no_probabilities", f"not a log-probability: {_excerpt(value)}")
