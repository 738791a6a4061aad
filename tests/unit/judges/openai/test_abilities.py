"""What a server refuses is left out, one thing at a time, until nothing is left to leave out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.judges.openai.abilities import Abilities, body, simpler

FULL = Abilities()
SCHEMA = {"type": "object"}
MESSAGES = [{"role": "system", "content": "judge"}, {"role": "user", "content": "card"}]

# What servers answer, in their own words.
REFUSALS = {
    "OpenAI, a new model": (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        replace(FULL, limit_word="max_completion_tokens"),
    ),
    "OpenAI, a reasoning model": (
        "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
        replace(FULL, has_temperature=False),
    ),
    "OpenAI, an unknown field": (
        "Unknown parameter: 'chat_template_kwargs'.",
        replace(FULL, has_template=False),
    ),
    "few alternatives": (
        "Invalid value for 'top_logprobs': must be less than or equal to 5.",
        replace(FULL, alternatives=5),
    ),
    "no schema": (
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
        replace(FULL, form="object_schema"),
    ),
    "no system": ("System role not supported", replace(FULL, has_system=False)),
    "nothing named": ("Bad Request", replace(FULL, has_template=False)),
}


@pytest.mark.parametrize("server", REFUSALS)
def test_a_refusal_is_met_by_leaving_out_what_it_names(server: str) -> None:
    refusal, less = REFUSALS[server]
    assert simpler(FULL, refusal) == less


@given(st.lists(st.sampled_from([refusal for refusal, _ in REFUSALS.values()]) | st.text(), max_size=40))
def test_leaving_out_comes_to_an_end(refusals: list[str]) -> None:
    abilities: Abilities | None = FULL
    steps = 0
    for refusal in [*refusals, *["no"] * 20]:
        abilities = abilities and simpler(abilities, refusal)
        steps += abilities is not None
    assert abilities is None
    assert steps <= 11  # `_STEPS_MAX` of the judge is enough for all of them


def test_a_broken_server_is_not_asked_for_less_unless_it_names_what() -> None:
    assert simpler(FULL, "Internal Server Error", is_named=True) is None
    assert simpler(FULL, "failed to parse grammar", is_named=True) == replace(FULL, form="object_schema")


def test_a_request_says_what_the_server_takes_and_no_more() -> None:
    least = Abilities("text", 0, None, has_temperature=False, has_template=False, has_system=False)
    request = body(least, "m", MESSAGES, SCHEMA, 9, with_probabilities=True)
    assert request == {"model": "m", "messages": [{"role": "user", "content": "judge\n\ncard"}]}
    full = body(FULL, "m", MESSAGES, SCHEMA, 9, with_probabilities=True)
    assert full["response_format"]["json_schema"]["schema"] == SCHEMA  # type: ignore[index]
    assert (full["max_tokens"], full["temperature"], full["top_logprobs"]) == (9, 0, 20)
    assert "logprobs" not in body(FULL, "m", MESSAGES, SCHEMA, 9, with_probabilities=False)


def test_a_schema_is_put_in_the_words_of_the_server() -> None:
    forms = {
        form: body(Abilities(form), "m", MESSAGES, SCHEMA, 9, with_probabilities=False).get("response_format")
        for form in ("object_schema", "json_object", "text")
    }
    assert forms == {
        "object_schema": {"type": "json_object", "schema": SCHEMA},
        "json_object": {"type": "json_object"},
        "text": None,
    }
