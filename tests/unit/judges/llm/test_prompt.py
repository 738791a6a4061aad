"""A judge model reads the rubric once, in the same way for every card; a changed word is a decision."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from tasks.judges.llm.fence import fenced, marks
from tasks.judges.llm.prompt import Prompt, explain_prompt, score_prompt
from tasks.rubric import LEVELS, RUBRIC_FILE, Rubric, load_rubric, read_rubric

RUBRIC = load_rubric()
SCORE, EXPLAIN = score_prompt(RUBRIC), explain_prompt(RUBRIC)
DIGESTS = {"score": "926b6799fab22436", "explain": "c293d9e124211488"}


@pytest.mark.parametrize("prompt", [SCORE, EXPLAIN], ids=lambda prompt: prompt.shape)
def test_the_prompts_are_the_pinned_ones(prompt: Prompt) -> None:
    """A new digest makes every verdict new: change it here and in CHANGELOG.md, on purpose."""
    assert prompt.digest == DIGESTS[prompt.shape]


@pytest.mark.parametrize("prompt", [SCORE, EXPLAIN], ids=lambda prompt: prompt.shape)
def test_the_prompt_contains_the_whole_rubric_once(prompt: Prompt) -> None:
    assert prompt.system.count(RUBRIC.question) == 1
    for criterion in RUBRIC.criteria:
        assert prompt.system.count(criterion.question) == 1
        for level, anchor in zip(LEVELS, criterion.anchors, strict=True):
            assert f"\n{level}: {anchor}\n" in prompt.system
        for check in criterion.checks:
            assert prompt.system.count(f"\n- {check.id}: {check.question}\n") == 1


def test_the_publishers_advice_is_not_in_the_prompt() -> None:
    assert not [check.id for check in RUBRIC.checks if check.advice in SCORE.system]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("what it is for, and for whom?", "what it is for and for whom?"),
        lambda text: text.replace("Nothing but a name, a title", "Nothing but a name or a title"),
        lambda text: text.replace("in at least one full sentence", "in one full sentence"),
        lambda text: text.replace("weight = 2.0\nanchors", "weight = 2.5\nanchors"),
        lambda text: text.replace('id = "originality"', 'id = "own_work"'),
        lambda text: text.replace("for somebody who wants to choose", "for those who want to choose"),
    ],
)
@pytest.mark.parametrize("make", [score_prompt, explain_prompt])
def test_a_changed_rubric_is_another_prompt(
    spoil: Callable[[str], str], make: Callable[[Rubric], Prompt]
) -> None:
    text = RUBRIC_FILE.read_text(encoding="utf-8")
    changed = read_rubric(spoil(text))
    assert changed.fingerprint != RUBRIC.fingerprint
    assert make(changed).digest != make(RUBRIC).digest


def test_the_digest_covers_whatever_a_judge_model_reads() -> None:
    assert replace(SCORE, system=f"{SCORE.system} ").digest != SCORE.digest
    assert replace(SCORE, tokens_out_max=1).digest != SCORE.digest
    assert replace(SCORE, schema={}).digest != SCORE.digest
    assert replace(SCORE).digest == SCORE.digest


def test_all_cards_share_the_system_message_and_both_shapes_all_but_its_end() -> None:
    first, second = SCORE.messages("card one"), SCORE.messages("card two")
    assert first[0] == second[0] == {"role": "system", "content": SCORE.system}
    assert SCORE.system.split("# Answer")[0] == EXPLAIN.system.split("# Answer")[0]
    assert SCORE.system.split("# Answer")[1] != EXPLAIN.system.split("# Answer")[1]


def test_the_second_request_differs_by_one_reminder_at_the_very_end() -> None:
    once, again = SCORE.messages("card"), SCORE.messages("card", again=True)
    assert again[0] == once[0]
    assert again[1]["content"].startswith(once[1]["content"])
    assert "could not be read" in again[1]["content"].removeprefix(once[1]["content"])


def test_the_user_message_is_the_fenced_card_and_a_closing_line() -> None:
    card = fenced("# T", "ab" * 32)
    user = SCORE.messages(card)[1]
    assert user["role"] == "user"
    assert user["content"].startswith(f"{card}\n\n")
    assert "\n" not in user["content"].removeprefix(f"{card}\n\n")


def test_the_prompt_describes_the_marks_that_the_fence_uses() -> None:
    assert all(mark in SCORE.system for mark in marks("id"))


def test_the_score_prompt_is_tight() -> None:
    """About 4.5 characters per token in English prose: some 2,200 tokens, of which four fifths are the rubric."""
    assert len(SCORE.system) < 10_200


def test_an_answer_of_shape_score_is_flat_and_has_a_digit_per_check_in_the_rubrics_order() -> None:
    properties = properties_of(SCORE)
    assert list(properties) == [*(check.id for check in RUBRIC.checks), "score"]
    assert SCORE.schema["required"] == list(properties)
    assert SCORE.schema["additionalProperties"] is False
    assert properties.pop("score") == {"type": "integer", "enum": [1, 2, 3, 4, 5]}
    assert all(rule == {"type": "integer", "enum": [0, 1]} for rule in properties.values())


def test_every_answer_of_shape_score_fits_even_with_one_token_per_character() -> None:
    answer = dict.fromkeys(properties_of(SCORE), 1)
    assert len(json.dumps(answer, separators=(",", ":"))) < SCORE.tokens_out_max < 800


@pytest.mark.parametrize("prompt", [SCORE, EXPLAIN], ids=lambda prompt: prompt.shape)
def test_nothing_in_the_prompt_can_be_repeated_as_an_answer(prompt: Prompt) -> None:
    """Two small models answered the digits of an example for 208 of 209 cards."""
    text = prompt.system + prompt.messages("", again=True)[1]["content"]
    assert not re.search(r"[{}]", text)
    assert not re.search(r'"\s*:\s*["\d]', text)  # a key with its value
    assert not re.search(r"\b[01]{2,}\b|\b[01](?:\s*,\s*[01])+\b", text)  # digits in a row
    quoted = re.findall(r'"([^"]*)"', text)
    assert set(quoted) == {"score"}  # a key's name; no text that could be taken for a value


def test_an_explanation_has_three_keys_per_criterion_and_then_the_score() -> None:
    names = list(properties_of(EXPLAIN))
    assert names[:3] == ["purpose_level", "purpose_quote", "purpose_improvement"]
    assert names[-1] == "score"
    assert len(names) == 3 * len(RUBRIC.criteria) + 1
    assert properties_of(EXPLAIN)["purpose_quote"] == {"type": "string", "maxLength": 240}
    assert 2000 < EXPLAIN.tokens_out_max < 4000


def properties_of(prompt: Prompt) -> dict[str, dict[str, object]]:
    properties = prompt.schema["properties"]
    assert isinstance(properties, dict)
    return properties
