"""Characters of the scripted judge: what each answers, to any schema and about any card."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasks.judges.canaries.loading import load_canaries
from tasks.judges.characters import competent, competent_with, copies_a_pattern, fails_everything
from tasks.judges.checklist import ChecklistJudge
from tasks.judges.llm.fence import fenced
from tasks.judges.llm.prompt import explain_prompt, score_prompt
from tasks.judges.scripted import Payload
from tasks.records import CardText
from tasks.rubric import load_rubric

RUBRIC = load_rubric()
CHECKS = [check.id for check in RUBRIC.checks]
CARD = load_canaries()[-1].text


def request_about(card: str) -> Payload:
    prompt = score_prompt(RUBRIC)
    return {
        "messages": prompt.messages(fenced(card, "0" * 64)),
        "structured_outputs": {"json": prompt.schema},
    }


def passed(text: str) -> set[str]:
    return {check for check, value in json.loads(text).items() if check != "score" and value == 1}


def test_without_noise_a_competent_judge_answers_as_the_checklist_does() -> None:
    for canary in load_canaries():
        (verdict,) = ChecklistJudge().score([canary.card_text])
        answer = competent_with(0.0, request_about(canary.text))
        assert passed(answer) == set(verdict.passed)
        assert json.loads(answer)["score"] == max(1, round(verdict.score or 0))


def test_its_noise_is_a_few_checks_and_the_same_ones_for_the_same_card() -> None:
    noisy = passed(competent(request_about(CARD)))
    assert noisy == passed(competent(request_about(CARD)))
    clean = [passed(competent_with(0.0, request_about(canary.text))) for canary in load_canaries()]
    turned = [passed(competent(request_about(canary.text))) for canary in load_canaries()]
    apart = sum(len(one ^ other) for one, other in zip(clean, turned, strict=True))
    assert 0.02 < apart / (len(CHECKS) * len(clean)) < 0.08


def test_it_explains_the_levels_that_it_found() -> None:
    (verdict,) = ChecklistJudge().score([CardText("x", CARD)])
    prompt = explain_prompt(RUBRIC)
    payload: dict[str, Any] = {
        "messages": prompt.messages(fenced(CARD, "0" * 64)),
        "structured_outputs": {"json": prompt.schema},
    }
    answer = json.loads(competent_with(0.0, payload))
    assert answer["metadata_level"] == round(verdict.levels["metadata"])
    assert list(answer) == list(prompt.schema["properties"])  # type: ignore[call-overload]  # it is a dict


def test_the_one_that_copies_answers_the_same_about_every_card() -> None:
    answers = {copies_a_pattern(request_about(canary.text)) for canary in load_canaries()}
    (answer,) = map(json.loads, answers)
    assert [answer[check.id] for check in RUBRIC.criteria[0].checks] == [1, 0, 1, 1, 0]
    assert answer["score"] == 3


def test_the_one_that_fails_everything_leaves_a_few_checks() -> None:
    answers = [fails_everything(request_about(canary.text)) for canary in load_canaries()]
    assert {json.loads(answer)["score"] for answer in answers} == {1}
    assert 0 < sum(len(passed(answer)) for answer in answers) < 0.06 * len(CHECKS) * len(answers)


@given(st.text(max_size=300))
def test_any_text_has_an_answer_with_every_key(card: str) -> None:
    for character in (competent, copies_a_pattern, fails_everything):
        assert list(json.loads(character(request_about(card)))) == [*CHECKS, "score"]
