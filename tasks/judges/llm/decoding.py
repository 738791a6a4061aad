"""The JSON of a server's answer, whose lists of alternative tokens stay undecoded until they are read.

They are nine tenths of an answer with log-probabilities, and of several hundred only those of the digits are read.
"""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import msgspec
import orjson

from tasks.errors import VerdictInvalid


class _Token(TypedDict, total=False):
    token: Any
    logprob: Any
    bytes: Any
    top_logprobs: msgspec.Raw


class _Logprobs(TypedDict, total=False):
    content: list[_Token] | None


class _Choice(TypedDict, total=False):
    finish_reason: Any
    message: Any
    logprobs: _Logprobs | None


class _Completion(TypedDict, total=False):
    """What is read of a chat completion; the rest is skipped."""

    choices: list[_Choice]
    usage: Any
    model: Any
    system_fingerprint: Any
    error: Any


class Alternative(msgspec.Struct, gc=False, frozen=True):
    """A token that might have been written, with its log-probability; rounding may give slightly more than 0."""

    logprob: Annotated[float, msgspec.Meta(ge=-9999.0, le=1e-3)]
    token: str | None = None
    bytes: list[Annotated[int, msgspec.Meta(ge=0, le=255)]] | None = None


_COMPLETION = msgspec.json.Decoder(_Completion)
_ALTERNATIVES = msgspec.json.Decoder(list[Alternative])


def json_object(body: bytes | None) -> dict[str, object]:
    """Parse a body that holds a JSON object. ValueError, with the reason, where it does not."""
    if body is None:
        raise ValueError("it is too large")
    try:
        completion = _COMPLETION.decode(body)
    except (ValueError, RecursionError):  # of another shape, or no JSON at all: orjson says which
        completion = None
    if completion and "choices" in completion:
        return dict(completion)
    value = orjson.loads(body)  # orjson's error is a ValueError
    if not isinstance(value, dict):
        raise ValueError(f"it is JSON but not an object: {type(value).__name__}")  # noqa: TRY004 - of a value, not a call
    return value


def read_alternatives(listed: object) -> list[Alternative]:
    """The list of alternatives of one token, decoded or not. VerdictInvalid where it is anything else, or empty."""
    try:
        if isinstance(listed, msgspec.Raw):
            found = _ALTERNATIVES.decode(listed)
        else:
            found = msgspec.convert(listed, list[Alternative])
    except (ValueError, OverflowError, RecursionError) as error:
        problem = str(error).splitlines()[0][:80]
        raise VerdictInvalid("no_probabilities", f"the alternatives of a digit: {problem}") from None
    if not found:
        raise VerdictInvalid("no_probabilities", "a digit's token has no alternatives")
    return found
