"""The JSON of a server's answer: bytes give what their JSON gives, whatever they hold."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import VerdictInvalid
from tasks.judges.llm.answers import read_score, usage_of
from tasks.judges.llm.decoding import json_object, read_alternatives
from tasks.rubric import load_rubric
from tests.unit.judges.llm.test_answers import EVEN, anything, entry, reply, shaped

RUBRIC = load_rubric()


def is_json(sent: object) -> bool:
    """Whether a strict parser reads it: without NaN, infinity, and integers that no float holds."""
    try:
        orjson.loads(json.dumps(sent, allow_nan=False))
    except (ValueError, OverflowError):
        return False
    return True


def outcome(sent: object) -> object:
    try:
        return read_score(sent, RUBRIC, "expected")
    except VerdictInvalid as refusal:
        return refusal.reason


def test_an_answer_from_bytes_is_that_of_its_json() -> None:
    sent = reply(logprobs=EVEN) | {"usage": {"prompt_tokens": 7, "completion_tokens": 5}, "id": "unread"}
    decoded = json_object(json.dumps(sent).encode())
    assert outcome(decoded) == outcome(sent)
    assert usage_of(decoded) == (7, 5)


def test_alternatives_stay_undecoded_until_they_are_read() -> None:
    decoded: Any = json_object(json.dumps(reply(logprobs=EVEN)).encode())
    listed = decoded["choices"][0]["logprobs"]["content"][-3]["top_logprobs"]
    assert isinstance(listed, msgspec.Raw)
    assert {found.token: found.logprob for found in read_alternatives(listed)} == EVEN


@given((anything | shaped).filter(is_json))
def test_whatever_json_comes_is_read_as_without_the_decoder(sent: object) -> None:
    for value in ({"choices": sent}, reply() | {"choices": [reply()["choices"][0] | {"logprobs": sent}]}):
        body = json.dumps(value, allow_nan=False).encode()
        assert outcome(json_object(body)) == outcome(json.loads(body))


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_bytes_are_an_object_or_a_value_error(body: bytes) -> None:
    try:
        found = json_object(body)
    except ValueError:
        return
    assert isinstance(found, dict)


@pytest.mark.parametrize(
    "listed", [None, [], {}, 7, "01", [None], [{}], [{"logprob": "0"}], [{"logprob": True}]]
)
def test_a_list_that_is_none_is_refused(listed: object) -> None:
    with pytest.raises(VerdictInvalid):
        read_alternatives(listed)
    with pytest.raises(VerdictInvalid):
        read_alternatives(msgspec.Raw(json.dumps(listed).encode()))


def test_a_token_without_a_name_or_bytes_spoils_only_the_probabilities() -> None:
    sent = reply()
    sent["choices"][0]["logprobs"]["content"][-3] = entry("4") | {"top_logprobs": [{"logprob": -0.1}]}
    decoded = json_object(json.dumps(sent).encode())
    assert outcome(decoded) == "no_probabilities"
    assert read_score(decoded, RUBRIC, "decided").decided == 4
