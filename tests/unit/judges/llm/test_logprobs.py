"""What could stand in place of a digit, whatever tokens a model writes and whatever alternatives its server lists."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import VerdictInvalid
from tasks.judges.llm.logprobs import (
    LOG_ODDS_MAX,
    DigitChoice,
    GeneratedTokens,
    level_probabilities,
    log_odds,
    probability_of,
)

ANSWERS = Path(__file__).parents[3] / "goldens" / "answers"
ANSWER = '{"a":1,"b":0}'
FIRST, SECOND = ANSWER.index("1"), ANSWER.index("0")


def entry(token: str, listed: dict[str, float] | None = None) -> dict[str, Any]:
    """A token as vLLM sends it, with alternatives in the order given."""
    listed = listed or {token: 0.0}
    top = [{"token": t, "logprob": p, "bytes": list(t.encode())} for t, p in listed.items()]
    return {
        "token": token,
        "logprob": listed.get(token, 0.0),
        "bytes": list(token.encode()),
        "top_logprobs": top,
    }


def choice_at(position: int, *entries: dict[str, Any], answer: str = ANSWER) -> DigitChoice:
    return GeneratedTokens(list(entries), answer.encode()).digit_at(position)


def log(probability: float) -> float:
    return math.log(probability)


@pytest.mark.parametrize(
    "entries",
    [
        [entry('{"a":'), entry("1", {"1": log(0.8), "0": log(0.2)}), entry(',"b":0}')],
        [entry('{"a"'), entry(":1", {":1": log(0.8), ":0": log(0.2)}), entry(',"b":0}')],
        [entry('{"a":'), entry("1,", {"1,": log(0.8), "0,": log(0.2)}), entry('"b":0}')],
        [entry('{"a"'), entry(":1,", {":0,": log(0.2), ":1,": log(0.8)}), entry('"b":0}')],
        # Of two spellings of a digit, the probabilities add up.
        [entry('{"a":'), entry("1", {"1": log(0.5), "1,": log(0.3), "0": log(0.2)}), entry(',"b":0}')],
        [entry('{"a":'), entry("1", {"1": log(0.5), " 1": log(0.3), " 0": log(0.2)}), entry(',"b":0}')],
        # What writes no digit here, or a number of two digits, does not count.
        [
            entry('{"a":'),
            entry("1", {"1": log(0.4), "0": log(0.1), "10": log(0.3), '"': log(0.2)}),
            entry(',"b":0}'),
        ],
        [entry('{"a"'), entry(":1", {":1": log(0.4), ":0": log(0.1), "0": log(0.5)}), entry(',"b":0}')],
        # A token that the model's thoughts end with stands before the answer.
        [entry("Well. "), entry('{"a":'), entry("1", {"1": log(0.8), "0": log(0.2)}), entry(',"b":0}')],
    ],
)
def test_a_digit_is_found_in_whatever_token_covers_it(entries: list[dict[str, Any]]) -> None:
    assert log_odds(choice_at(FIRST, *entries)) == pytest.approx(math.log(4))


def test_every_digit_has_the_alternatives_of_its_own_token() -> None:
    whole = [
        entry('{"a":'),
        entry("1", {"1": log(0.8), "0": log(0.2)}),
        entry(',"b":'),
        entry("0", {"0": log(0.9), "1": log(0.1)}),
        entry("}"),
    ]
    assert log_odds(choice_at(FIRST, *whole)) == pytest.approx(math.log(4))
    assert log_odds(choice_at(SECOND, *whole)) == pytest.approx(-math.log(9))


def test_two_digits_in_one_token_have_alternatives_that_differ_in_the_first_alone_or_in_the_second() -> None:
    token = '1,"b":0'
    listed = {token: log(0.6), '0,"b":0': log(0.3), '1,"b":1': log(0.1)}
    entries = [entry('{"a":'), entry(token, listed), entry("}")]
    assert log_odds(choice_at(SECOND, *entries)) == pytest.approx(log(0.1) - log(0.6))


def at_first(listed: dict[str, float], written: str = "1") -> DigitChoice:
    rest = ANSWER.partition(written)[2]
    return choice_at(FIRST, entry('{"a":'), entry(written, listed), entry(rest))


def test_a_digit_that_is_not_listed_has_at_most_the_least_that_is() -> None:
    ranked = {"1": -0.2, " yes": -2.5, "true": -3.0, "x": -6.0}
    assert log_odds(at_first(ranked)) == pytest.approx(-0.2 + 6.0)


def test_of_tokens_listed_by_request_the_least_is_no_bound_but_what_they_leave_is() -> None:
    """A token that no request foresaw: `1,` was written, and only digits alone were requested."""
    requested = {"1,": log(0.7), "5": log(1e-9), "2": log(1e-6), "3": log(1e-9)}
    assert log_odds(at_first(requested, "1,")) == pytest.approx(log(0.7 / 0.3), abs=1e-3)


def test_an_unlisted_digit_is_never_taken_for_the_more_probable_one() -> None:
    assert log_odds(at_first({"1": log(0.1), "9": log(1e-9), "2": log(1e-6)})) == 0


@pytest.mark.parametrize(
    ("listed", "odds"),
    [
        ({"1": 0.0, "0": -9999.0}, LOG_ODDS_MAX),
        ({"1": -9999.0, "0": -0.5}, -LOG_ODDS_MAX),
        ({"1": -1.0, "0": -700.0}, LOG_ODDS_MAX),
        (
            {"1": -700.0, "0": -701.0},
            1.0,
        ),  # far below the words that the model preferred, and still comparable
    ],
)
def test_log_odds_are_bounded(listed: dict[str, float], odds: float) -> None:
    assert log_odds(at_first(listed)) == pytest.approx(odds)


def test_where_neither_digit_has_any_probability_there_are_no_log_odds() -> None:
    with pytest.raises(VerdictInvalid, match="neither 0 nor 1"):
        log_odds(at_first({"1": -9999.0, "0": -9999.0, "x": 0.0}))


@given(st.floats(-25, 25))
def test_log_odds_give_back_the_odds_that_the_probabilities_were_made_from(odds: float) -> None:
    listed = {"1": -math.log1p(math.exp(-odds)), "0": -math.log1p(math.exp(odds))}
    found = log_odds(at_first(listed))
    assert found == pytest.approx(max(-LOG_ODDS_MAX, min(LOG_ODDS_MAX, odds)), abs=1e-9)
    assert probability_of(found) == pytest.approx(math.exp(listed["1"]), abs=1e-8)


logprobs = st.floats(-60, 0) | st.just(-9999.0)
spellings = st.sampled_from(["0", "1", " 1", "1,", "0}", "10", ":1", "x", "", "é"])


@given(st.dictionaries(spellings, logprobs, max_size=8), st.floats(-9, 0))
def test_any_alternatives_give_bounded_log_odds_or_a_refusal(listed: dict[str, float], own: float) -> None:
    try:
        odds = log_odds(at_first(listed | {"1": own}))
    except VerdictInvalid as refusal:
        assert refusal.reason == "no_probabilities"
    else:
        assert -LOG_ODDS_MAX <= odds <= LOG_ODDS_MAX


@pytest.mark.parametrize("file", ["score_five_ids", "score_top_twenty"])
def test_real_tokens_of_vllm_are_read(file: str) -> None:
    """From vLLM 0.32 and a model of random weights, by requested ids and by the top twenty: the same probabilities."""
    choice = json.loads((ANSWERS / f"{file}.json").read_text(encoding="utf-8"))["choices"][0]
    text = choice["message"]["content"].encode()
    tokens = GeneratedTokens(choice["logprobs"]["content"], text)
    found = level_probabilities(tokens.digit_at(text.rindex(b":") + 1), "12345")
    assert sum(int(level) * p for level, p in found.items()) == pytest.approx(
        3.4328664, abs=1e-6 if "five" in file else 1e-5
    )
