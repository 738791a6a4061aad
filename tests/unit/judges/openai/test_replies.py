"""An answer is found within fences, prose and thoughts; a reply of any other shape stays as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.judges.llm.decoding import json_object
from tasks.judges.openai.replies import alternatives_of, is_cut_off, is_thinking, object_within, plain_reply

ANSWER = '{"states_what_it_is": 1, "score": 3}'
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "text",
    [
        ANSWER,
        f"  {ANSWER}\n",
        f"```json\n{ANSWER}\n```",
        f"Sure! Here is my verdict:\n\n```\n{ANSWER}\n```\nHope this helps.",
        f"The form is {{key: value}}. {ANSWER}",
        f'First {{"draft": 0}}, and after a second look: {ANSWER}',
        f'<think>It might be {{"score": 1}} or so.</think>\n{ANSWER}',
    ],
)
def test_the_last_object_is_the_answer(text: str) -> None:
    assert object_within(text) == ANSWER


@pytest.mark.parametrize("text", ["", "I cannot judge this.", "{", '{"score":', "{{{{", "[1, 2]"])
def test_a_text_without_an_object_stays_as_it_is(text: str) -> None:
    assert object_within(text) == text


@given(st.text(alphabet='{}[]":,01ab \n<>/think`'))
def test_what_is_found_is_an_object_or_the_text(text: str) -> None:
    found = object_within(text)
    if found != text.rpartition("</think>")[2].strip():
        assert isinstance(json.loads(found, strict=False), dict)


@given(JSON)
def test_any_json_is_a_reply_that_can_be_looked_at(reply: Any) -> None:
    assert plain_reply(reply) == plain_reply(plain_reply(reply)) or reply != reply
    assert alternatives_of(reply) == 0
    assert not is_thinking(reply)
    assert not is_cut_off(reply)


def reply(message: dict[str, Any], **choice: Any) -> dict[str, Any]:
    return {"id": "1", "choices": [{"message": message, **choice}], "usage": {"prompt_tokens": 3}}


def test_all_but_the_text_of_a_reply_is_kept() -> None:
    fenced = reply({"role": "assistant", "content": f"```json\n{ANSWER}\n```"}, logprobs={"content": []})
    assert plain_reply(fenced) == reply({"role": "assistant", "content": ANSWER}, logprobs={"content": []})
    assert "```" in fenced["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    "thinking",
    [
        reply({"content": ANSWER, "reasoning_content": "Let me see."}),
        reply({"content": ANSWER, "reasoning": "Let me see."}),
        reply({"content": f"<think>Let me see.</think>{ANSWER}"}),
        {**reply({"content": ANSWER}), "usage": {"completion_tokens_details": {"reasoning_tokens": 64}}},
    ],
)
def test_thoughts_are_noticed_wherever_a_server_puts_them(thinking: dict[str, Any]) -> None:
    assert is_thinking(thinking)
    assert not is_thinking(reply({"content": ANSWER, "reasoning_content": " "}))


def test_alternatives_are_counted_and_a_cut_is_seen() -> None:
    listed = [{"token": "1", "logprob": -0.1}, {"token": "0", "logprob": -2.4}]
    entries = [{"token": "a"}, {"token": "b", "top_logprobs": None}, {"token": "1", "top_logprobs": listed}]
    sent = reply({"content": ANSWER}, logprobs={"content": entries})
    assert alternatives_of(sent) == alternatives_of(json_object(json.dumps(sent).encode())) == 2
    assert is_cut_off(reply({"content": ""}, finish_reason="length"))
