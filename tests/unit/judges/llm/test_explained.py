"""An explanation that says the same of everything, repeats its prompt, or quotes what no card holds, is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.judges.llm.answers import Reason
from tasks.judges.llm.explained import faults_of, is_copy
from tasks.judges.llm.prompt import explain_prompt
from tasks.rubric import Check, load_rubric

RUBRIC = load_rubric()
PROMPT = explain_prompt(RUBRIC).text
CARD = """# Sonnet-7B

**Sonnet-7B** turns poems into [sonnets](https://example.org/sonnets) of fourteen
lines. It was trained on 3,000 sonnets for two epochs. License: MIT.
用于中文诗歌。
"""
QUOTES = [
    "turns poems into sonnets of fourteen lines",
    "trained on 3,000 sonnets",
    "for two epochs",
    "License: MIT",
    "用于中文诗歌",
    None,
    "SONNET-7B turns poems … for two epochs",
    "# Sonnet-7B",
]
IMPROVEMENTS = [
    "Say which languages the poems may be in.",
    "Show a call with a poem of Goethe and what comes back.",
    "Link the corpus of 3,000 sonnets.",
    "Compare the rhymes with those of GPT-2 on a test set.",
    "Warn of Petrarch's rhyme scheme, which it never gives.",
    "Put mit into the front matter.",
    "Divide the paragraph by headings.",
    "",
]


def reasons(**changed: list[str | None] | list[str]) -> list[Reason]:
    parts = {"quote": QUOTES, "improvement": IMPROVEMENTS, **changed}
    rows = zip(RUBRIC.criteria, parts["quote"], parts["improvement"], strict=True)
    return [Reason(criterion.id, 3, quote, str(improvement)) for criterion, quote, improvement in rows]


def reasons_for_refusal(said: list[Reason], card: str = CARD) -> list[str | None]:
    return [fault.reason if fault else None for fault in faults_of(said, card, PROMPT)]


def test_an_honest_explanation_has_no_fault() -> None:
    """Its quotes leave out marks, links and words as people do."""
    assert reasons_for_refusal(reasons()) == [None] * 8


def test_one_invented_quote_is_the_fault_of_its_criterion_alone() -> None:
    said = reasons(quote=["It beats GPT-4 at sonnets", *QUOTES[1:]])
    assert reasons_for_refusal(said) == ["not_in_the_card", *[None] * 7]


@pytest.mark.parametrize(
    "quote", ["turns poems … into gold", "trained on 3,000 sonnets in one epoch", "Apache-2.0"]
)
def test_every_piece_of_a_quote_must_be_in_the_card(quote: str) -> None:
    assert reasons_for_refusal(reasons(quote=[quote, *QUOTES[1:]]))[0] == "not_in_the_card"


def test_one_sentence_for_all_criteria_loses_all_of_them() -> None:
    said = reasons(
        improvement=["Add more detail.", "add  more detail", "ADD MORE DETAIL!", *["Add more detail."] * 5]
    )
    assert reasons_for_refusal(said) == ["repeats"] * 8


def test_an_improvement_that_two_criteria_share_is_lost_for_both() -> None:
    said = reasons(improvement=[*IMPROVEMENTS[:6], IMPROVEMENTS[0].upper(), ""])
    assert reasons_for_refusal(said) == ["repeats", *[None] * 5, "repeats", None]


@pytest.mark.parametrize(("times", "is_refused"), [(4, False), (5, True)])
def test_a_quote_may_serve_half_of_the_criteria(times: int, is_refused: bool) -> None:
    said = reasons(quote=[QUOTES[0]] * times + QUOTES[times:])
    assert ("repeats" in reasons_for_refusal(said)) == is_refused


def test_a_rule_of_a_table_is_no_repetition_of_nothing() -> None:
    assert reasons_for_refusal(reasons(quote=["|---|---|", *[None] * 7])) == [None] * 8


def test_no_improvement_at_all_is_no_repetition() -> None:
    assert reasons_for_refusal(reasons(improvement=[""] * 8)) == [None] * 8


@pytest.mark.parametrize(
    "text",
    [
        *(criterion.question for criterion in RUBRIC.criteria),
        *(anchor for criterion in RUBRIC.criteria for anchor in criterion.anchors),
        *(check.question for check in RUBRIC.checks),
        *(check.id for check in RUBRIC.checks),
        "tells the author what to change in this very card",
        "One sentence in English, at most 240 characters",
        "an empty string",
        "Judge this card by the rubric.",
        f"{RUBRIC.checks[0].question} {RUBRIC.checks[7].question}",
        f"Improve: {RUBRIC.checks[12].question}",
    ],
)
def test_no_fixed_string_of_the_prompt_is_taken_for_an_explanation(text: str) -> None:
    assert reasons_for_refusal(reasons(improvement=[text, *IMPROVEMENTS[1:]]))[0] == "copies_the_prompt"
    assert reasons_for_refusal(reasons(quote=[text, *QUOTES[1:]]))[0] == "copies_the_prompt"


WORDS = PROMPT.split()


@given(st.integers(0, len(WORDS) - 1), st.integers(1, 40))
def test_no_run_of_words_of_the_prompt_is_taken_for_an_explanation(start: int, n: int) -> None:
    text = " ".join(WORDS[start : start + n])
    if any(map(str.isalnum, text)):
        assert is_copy(text, PROMPT)


def test_what_the_card_itself_says_may_be_quoted_whatever_the_prompt_says() -> None:
    question = RUBRIC.checks[0].question
    said = reasons(quote=[question, *QUOTES[1:]])
    assert reasons_for_refusal(said, f"{CARD}\n{question}\n") == [None] * 8


@pytest.mark.parametrize("check", RUBRIC.checks, ids=lambda check: check.id)
def test_the_publishers_advice_is_no_copy_of_the_prompt(check: Check) -> None:
    """What a good judge would say: it names the same things in other words."""
    assert not is_copy(check.advice, PROMPT)


@given(
    st.lists(st.tuples(st.text(max_size=60) | st.none(), st.text(max_size=60)), min_size=8, max_size=8),
    st.text(),
)
def test_any_texts_have_a_known_fault_or_none(said: list[tuple[str | None, str]], card: str) -> None:
    found = reasons_for_refusal(
        reasons(quote=[quote for quote, _ in said], improvement=[text for _, text in said]), card
    )
    assert set(found) <= {None, "copies_the_prompt", "repeats", "not_in_the_card"}
