"""Headers of many providers say how long to wait; none of them can do harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.judges.openai.pacing import requested_pause_s, seconds_until

NOW = 1_780_000_000.0


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("6m0s", 360),
        ("120ms", 0.12),
        ("1h2m3.5s", 3723.5),
        ("1d", 86_400),
        ("12.5", 12.5),
        ("0", 0),
        (str(NOW + 30), 30),
        (str(round((NOW + 30) * 1000)), 30),
        (str(NOW - 30), 0),
        ("soon", None),
        ("", None),
        ("-1", None),
    ],
)
def test_a_reset_is_a_span_or_a_point_in_time(reset: str, seconds: float | None) -> None:
    assert seconds_until(reset, NOW) == (seconds if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({}, 0),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "1s"}, 0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12ms"}, 0.012),
        ({"x-ratelimit-remaining-tokens": "4000", "x-ratelimit-reset-tokens": "6m0s"}, 360),
        ({"x-ratelimit-remaining-tokens": "5000", "x-ratelimit-reset-tokens": "6m0s"}, 0),
        ({"X-RateLimit-Remaining": "0", "x-ratelimit-reset": str(round((NOW + 9) * 1000))}, 9),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "7"}, 7),
        ({"x-ratelimit-remaining-tokens-minute": "1", "x-ratelimit-reset-tokens-minute": "3.5"}, 3.5),
        ({"x-ratelimit-remaining-tokens": "-1", "x-ratelimit-reset-tokens": "0"}, 0),
        ({"x-ratelimit-remaining-requests": "0"}, 0),
    ],
    ids=["none", "left", "OpenAI", "too few tokens", "enough", "OpenRouter", "draft", "Cerebras", "Azure", "no reset"],
)  # fmt: skip
def test_a_pause_lasts_until_another_request_fits(headers: dict[str, str], pause: float) -> None:
    assert requested_pause_s(headers, 5000, NOW) == pytest.approx(pause)


@given(
    st.dictionaries(
        st.sampled_from(["x-ratelimit-remaining-a", "x-ratelimit-reset-a"]) | st.text(), st.text()
    )
)
def test_any_headers_ask_for_a_pause_of_some_length(headers: dict[str, str]) -> None:
    assert requested_pause_s(headers, 10, NOW) >= 0


@given(st.text())
def test_any_reset_is_understood_or_not(reset: str) -> None:
    seconds = seconds_until(reset, NOW)
    assert seconds is None or seconds >= 0
