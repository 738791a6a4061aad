"""The answer within a reply that no schema held: code fences, prose and thoughts around an object."""

from __future__ import annotations

import json
from typing import Any

from tasks.errors import VerdictInvalid
from tasks.judges.llm.decoding import read_alternatives

_OBJECTS_MAX = 200
_DECODER = json.JSONDecoder(strict=False)  # weak models write raw control characters into strings
_THOUGHT_ENDS = "</think>"


def object_within(text: str) -> str:
    """The last JSON object that stands in a text outside of any other; the text itself where there is none."""
    text = text.rpartition(_THOUGHT_ENDS)[2].strip()
    found, position = text, 0
    for _ in range(_OBJECTS_MAX):
        start = text.find("{", position)
        if start < 0:
            break
        try:
            _, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            position = start + 1
        else:
            found, position = text[start:end], end
    return found


def plain_reply(reply: object) -> object:
    """The reply with the answer's object as its text; any other reply as it is."""
    match reply:
        case {"choices": [{"message": {"content": str(text)} as message} as choice, *_], **rest}:
            answer = object_within(text)
            if answer != text:
                return {**rest, "choices": [{**choice, "message": {**message, "content": answer}}]}
    return reply


def is_thinking(reply: object) -> bool:
    """Whether the model reasons before it answers, by its own account of tokens or by the thoughts that it sent."""
    match reply:
        case {"usage": {"completion_tokens_details": {"reasoning_tokens": int(tokens)}}} if tokens > 0:
            return True
    match reply:
        case {"choices": [{"message": dict(message)}, *_]}:
            thoughts = (message.get("reasoning_content"), message.get("reasoning"))
            return any(map(_is_text, thoughts)) or "<think>" in str(message.get("content"))
    return False


def is_cut_off(reply: object) -> bool:
    """Whether the answer ran out of tokens."""
    match reply:
        case {"choices": [{"finish_reason": "length"}, *_]}:
            return True
    return False


def alternatives_of(reply: object) -> int:
    """The most alternatives that a token of the answer is listed with; 0 without log-probabilities."""
    match reply:
        case {"choices": [{"logprobs": {"content": list(entries)}}, *_]}:
            return max(map(_alternatives, entries), default=0)
    return 0


def _alternatives(entry: Any) -> int:
    try:
        return len(read_alternatives(entry.get("top_logprobs"))) if isinstance(entry, dict) else 0
    except VerdictInvalid:
        return 0


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())
