"""An upper bound on tokens for any text; how it compares with a real vocabulary is tested in tests/openai."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.judges.openai.tokens import tokens_at_most


@given(st.text())
def test_no_text_has_more_tokens_than_bytes(text: str) -> None:
    assert 1 <= tokens_at_most(text) <= len(text.encode(errors="replace")) + 1


@given(st.text(), st.text())
def test_a_longer_text_has_no_fewer_tokens(text: str, more: str) -> None:
    assert tokens_at_most(text) <= tokens_at_most(f"{text}\n{more}")


@pytest.mark.parametrize(
    ("text", "real"),
    [
        ("The quick brown fox jumps over the lazy dog.", 10),  # by GPT-4's vocabulary and by SmolLM2's
        ("0.9231", 6),  # in vocabularies with a token per digit
        ("モデル", 3),
    ],
)
def test_texts_of_many_kinds_have_at_least_their_real_tokens(text: str, real: int) -> None:
    assert real <= tokens_at_most(text) <= 3 * real
