"""Ways of asking: what each asks and reads, against a scripted server that lists what vLLM lists."""

from __future__ import annotations

import json
import math
from typing import Any, cast

import numpy as np
import pytest

from benchmarks.judge_ways.asking import Digit, asked, digits_of
from benchmarks.judge_ways.cards import canary_cards, shown
from benchmarks.judge_ways.figures import ordered, paired, scores_of
from benchmarks.judge_ways.ways import RUBRIC, all_ways
from benchmarks.pages import between, with_block
from tasks.errors import VerdictInvalid
from tasks.judges import opened_judge
from tasks.judges.llm.judge import LlmJudge
from tasks.judges.llm.logprobs import DigitChoice
from tasks.judges.scripted import completion, running_scripted_judge
from tasks.records import JudgeSpec


def reply_with(answer: dict[str, Any]) -> dict[str, Any]:
    request = {"messages": [{"content": "a card"}], "logprobs": True, "logprob_token_ids": [15, 16, 17, 18]}
    return completion(request, json.dumps(answer, separators=(",", ":")))


def test_digits_are_read_by_key_and_by_place_in_a_string() -> None:
    found = digits_of(reply_with({"purpose": "101", "score": 4}))
    assert {key: digit.value for key, digit in found.items()} == {
        **{"purpose.0": 1, "purpose.1": 0, "purpose.2": 1},
        "score": 4,
    }


def test_an_answer_without_log_probabilities_is_refused() -> None:
    reply = reply_with({"score": 4})
    reply["choices"][0]["logprobs"] = None
    with pytest.raises(VerdictInvalid):
        digits_of(reply)


def sure_of(value: int, other: int, odds: float = 3.0) -> Digit:
    """A digit with these log-odds against another one."""
    p = 1 / (1 + math.exp(-odds))
    return Digit(
        value,
        DigitChoice({str(value): math.log(p), str(other): math.log(1 - p)}, [math.log(p), math.log(1 - p)]),
    )


def test_pairs_in_both_orders_cancel_a_preference_for_the_first_place() -> None:
    way = all_ways(["anchor"])["pairs"]
    always_first = {"0.1": {"better": sure_of(1, 2)}, "0.2": {"better": sure_of(1, 2)}}
    reading = way.read(always_first)
    assert reading.odds == pytest.approx(0)
    assert (reading.decided, reading.by_place) == (0.5, 1.0)
    prefers_the_card = {"0.1": {"better": sure_of(1, 2)}, "0.2": {"better": sure_of(2, 1)}}
    reading = way.read(prefers_the_card)
    assert reading.odds == pytest.approx(3)
    assert (reading.decided, reading.by_place) == (1.0, 0.0)


@pytest.mark.parametrize("name", ["keys", "digits", "digits and example", "criterion", "pairs"])
def test_every_way_asks_about_all_that_it_reads(name: str) -> None:
    way = all_ways(["first anchor", "second anchor"])[name]
    questions = way.questions("id", "the text of the card")
    assert all("the text of the card" in question.user for question in questions)
    assert len({question.part for question in questions}) == len(questions)
    if name in ("keys", "criterion"):
        asked_for = {key for question in questions for key in cast(Any, question.schema["properties"])}
        assert asked_for - {"score", "level"} == {check.id for check in RUBRIC.checks}


def test_only_the_way_of_old_shows_digits_that_can_be_copied() -> None:
    shows = {
        name: '"score":3' in question.system
        for name, way in all_ways(["anchor"]).items()
        for question in way.questions("id", "text")
    }
    assert [name for name, is_shown in shows.items() if is_shown] == ["digits and example"]


def test_a_competent_judge_orders_canaries_by_keys_and_by_criterion() -> None:
    cards = canary_cards()
    texts = {card.id: shown(card.text, 4000) for card in cards}
    ways = all_ways([])
    with (
        running_scripted_judge() as server,
        opened_judge(JudgeSpec("vllm", urls=(server.url,))) as judge,
    ):
        for name in ("keys", "criterion"):
            questions = [one for card, text in texts.items() for one in ways[name].questions(card, text)]
            found = asked(cast(LlmJudge, judge), questions)
            assert found.refused == 0
            readings = {card: ways[name].read(answers) for card, answers in found.answers.items()}
            pairs = paired(cards, "canaries", scores_of(readings, "soft"))
            assert (ordered(pairs[:, 0], pairs[:, 1]) or 0) > 0.85


def test_ties_and_constants_order_half_of_the_pairs() -> None:
    quality = np.array([1.0, 2.0, 2.0, 3.0])
    assert ordered(quality, np.zeros(4)) == 0.5
    assert ordered(quality, quality) == 1.0
    assert ordered(quality, -quality) == 0.0
    assert ordered(np.ones(3), np.arange(3.0)) is None


PAGE = "before\n<!-- figures: ways -->\n<!-- end of figures: ways -->\nafter\n"


def test_the_figures_of_a_model_replace_its_own_and_no_others() -> None:
    page = with_block(PAGE, "ways", "small", "old")
    page = with_block(page, "ways", "large", "| a | b |")
    page = with_block(page, "ways", "small", "new")
    assert "old" not in page
    assert page.index("#### small\n\nnew") < page.index("#### large\n\n| a | b |")
    assert page.startswith("before\n")
    assert page.endswith("\nafter\n")
    assert between(page, "ways", "").count("####") == 0


def test_a_page_without_a_place_for_figures_is_not_changed() -> None:
    with pytest.raises(SystemExit, match="no place"):
        between("a page", "ways", "text")
