"""The judge against servers of many characters, over real HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from starlette.responses import Response

from tasks.errors import BudgetReached, JudgeRefused, JudgeUnreachable, UsageError
from tasks.judges import identify, opened_judge
from tasks.judges.llm.prompt import explain_prompt, score_prompt
from tasks.judges.openai import judge as openai
from tasks.judges.scripted import (
    AnswerScript,
    Payload,
    ScriptedJudge,
    answer_for,
    completion,
    running_scripted_judge,
    schema_of,
)
from tasks.records import CardText, JudgeSpec, SpendingCap, Verdict
from tasks.rubric import load_rubric

SCORE, EXPLAIN = (prompt(load_rubric()).schema for prompt in (score_prompt, explain_prompt))
CARDS = [CardText(f"{n:064x}", f"# Model {n}\n\nIt sorts film reviews, {n} of them.\n") for n in range(6)]
KEY = "sk-" + "neverToBeSeenAnywhere" * 2


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_BACKOFF_S", "0.01")
    monkeypatch.setattr(openai, "_learned", {})


@contextmanager
def server(
    script: AnswerScript | None = None, pages: dict[str, object] | None = None, **character: Any
) -> Iterator[ScriptedJudge]:
    """A server that is not vLLM: it has a listing of models and its chat, and what `pages` says."""
    with running_scripted_judge(script, pages=pages or {}, **character) as judge:
        yield judge


def spec_of(judge: ScriptedJudge, **cap: Any) -> JudgeSpec:
    return JudgeSpec("openai", judge.model, (f"{judge.url}/v1",), explains=True, cap=SpendingCap(**cap))


def scored(judge: ScriptedJudge, cards: list[CardText] = CARDS) -> list[Verdict]:
    with opened_judge(spec_of(judge)) as opened:
        return list(opened.score(cards))


def settings_of(judge: ScriptedJudge) -> dict[str, Any]:
    return dict(json.loads(openai.identify(spec_of(judge)).settings))


def refused(message: str, status: int = 400) -> Response:
    return Response(json.dumps({"error": {"message": message}}), status)


def chats(judge: ScriptedJudge) -> list[Payload]:
    return [payload for path, payload in judge.requests if path == "/v1/chat/completions"]


# ------------------------------------------------------------------------------------------ characters


def knows_no(*names: str) -> Callable[[Payload], object]:
    """Refuses requests with these fields, one field at a time."""

    def script(payload: Payload) -> object:
        for name in names:
            if name in payload:
                return refused(f"Unsupported parameter: '{name}' is not supported with this model.")
        return None if schema_of(payload) else completion(payload, answer_for(payload, SCORE))

    return script


def without_probabilities(payload: Payload) -> object:
    return completion({**payload, "logprobs": False}, answer_for(payload))


def in_a_fence(payload: Payload) -> object:
    if "response_format" in payload:
        return refused("response_format is not supported")
    text = answer_for(payload, SCORE).replace(",", ",\n  ").replace(":", ": ")
    return completion(payload, f"Here is my verdict:\n```json\n{text}\n```\nI hope it helps.")


def thinks_first(payload: Payload) -> object:
    """Needs 2,000 tokens for its thoughts."""
    reply = completion(payload, answer_for(payload))
    message = reply["choices"][0]["message"]
    message["reasoning_content"] = "The card is short. " * 100
    if payload["max_tokens"] < 3000:
        message["content"] = ""
        reply["choices"][0] |= {"finish_reason": "length", "logprobs": None}
    return reply


CHARACTERS: dict[str, tuple[AnswerScript | None, dict[str, Any], str]] = {
    "all of it": (None, {}, "expected"),
    "no schema": (knows_no("response_format"), {"form": "text"}, "expected"),
    "no probabilities": (without_probabilities, {"alternatives": 0}, "decided"),
    "refuses probabilities": (knows_no("top_logprobs", "logprobs"), {"alternatives": 0}, "decided"),
    "a new model of OpenAI": (
        knows_no("chat_template_kwargs", "max_tokens", "temperature", "logprobs"),
        {
            "has_template": False,
            "limit_word": "max_completion_tokens",
            "has_temperature": False,
            "alternatives": 0,
        },
        "decided",
    ),
    "answers in a fence": (in_a_fence, {"form": "text"}, "expected"),
    "thinks first": (thinks_first, {"is_thinking": True}, "expected"),
}


@pytest.mark.parametrize("name", CHARACTERS)
def test_what_a_server_can_do_is_found_out_once_and_part_of_who_judges(name: str) -> None:
    script, found, mode = CHARACTERS[name]
    with server(script) as judge:
        settings = settings_of(judge)
        assert {key: settings["abilities"][key] for key in found} == found
        assert (settings["score_mode"], settings["provider"]) == (mode, "local")
        asked = len(chats(judge))
        assert asked <= 8
        verdicts = scored(judge)
        assert len(chats(judge)) == asked + len(CARDS)  # nothing was found out again, nothing asked twice
    for verdict in verdicts:
        assert (verdict.reason, verdict.score_mode) == (None, mode)
        assert bool(verdict.log_odds) == (mode == "expected")
        assert 1 <= (verdict.score or 0) <= 5


def test_abilities_make_another_judge() -> None:
    with server() as one, server(without_probabilities) as other, server() as same:
        first, second, third = (openai.identify(spec_of(judge)) for judge in (one, other, same))
    assert first.fingerprint == third.fingerprint != second.fingerprint
    assert first.name == "openai:scripted"


def test_a_score_mode_that_is_set_by_name_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_SCORE_MODE", "expected")
    with server(without_probabilities) as judge, pytest.raises(JudgeRefused, match="SCORE_MODE=decided"):
        identify(spec_of(judge))


def test_explanations_are_read_from_a_fence_too() -> None:
    def fenced(payload: Payload) -> object:
        return completion(payload, f"```\n{answer_for(payload)}\n```")

    with server(fenced) as judge, opened_judge(spec_of(judge)) as opened:
        reasons = list(opened.explain(CARDS[:2]))
    assert len(reasons) == 2 * len(load_rubric().criteria)
    assert {reason.reason for reason in reasons} == {None}


def test_a_fingerprint_that_changes_with_every_answer_disturbs_nothing() -> None:
    count = iter(range(1000))

    def rotating(payload: Payload) -> object:
        return {**completion(payload, answer_for(payload)), "system_fingerprint": f"fp_{next(count)}"}

    with server(rotating) as judge:
        assert [verdict.reason for verdict in scored(judge)] == [None] * len(CARDS)
        assert len(chats(judge)) == 1 + len(CARDS)


def test_a_server_that_breaks_for_a_moment_is_asked_again() -> None:
    faults = iter([None, 500, 502, *[None] * 20])
    with server(lambda _: next(faults)) as judge:
        assert [verdict.reason for verdict in scored(judge)] == [None] * len(CARDS)


def test_another_model_than_the_one_served_is_never_asked() -> None:
    with server() as judge:
        spec = JudgeSpec("openai", "gpt-4", (judge.url,))
        with pytest.raises(JudgeRefused, match="serves scripted, not gpt-4"):
            identify(spec)
        assert judge.requests == []


def test_a_server_that_lists_no_models_is_believed() -> None:
    with server() as judge:
        judge.pages = {"/v1/models": None}
        assert [verdict.reason for verdict in scored(judge, CARDS[:1])] == [None]


def test_servers_of_this_kind_are_named_and_never_started() -> None:
    with pytest.raises(UsageError, match="name it with --judge-url"):
        identify(JudgeSpec("openai", "m"))
    with pytest.raises(UsageError, match="name it with --judge-url"), opened_judge(JudgeSpec("openai", "m")):
        pass


# ------------------------------------------------------------------------------------ context and tokens

PROPS = {"default_generation_settings": {"n_ctx": 16_000}, "build_info": "b1-x"}


def test_llama_cpp_reports_its_context_and_counts_tokens() -> None:
    pages = {"/props": PROPS, "/tokenize": {"tokens": list(range(9000))}}
    long = CardText("f" * 64, "A sentence of a long card. " * 2000)
    with server(pages=pages) as judge:
        assert settings_of(judge)["engine"] == "llama.cpp b1-x"
        counted = [payload for path, payload in judge.requests if path == "/tokenize"]
        assert counted == [{"content": "one two"}]
        (verdict,) = scored(judge, [long])
        assert verdict.is_truncated
        assert len([1 for path, _ in judge.requests if path == "/tokenize"]) > 2


def test_without_a_counter_a_long_card_is_cut_by_an_upper_bound() -> None:
    long = CardText("f" * 64, "A sentence of a long card. " * 2000)
    with server() as judge:
        (verdict,) = scored(judge, [long])
    assert verdict.is_truncated
    # The scripted server's vocabulary has a token for every blank, which no real one has.
    assert 4000 < (verdict.card_tokens or 0) < 9000


def test_ollama_is_asked_to_load_the_model_before_it_says_its_context() -> None:
    running = {"models": [{"name": "scripted", "digest": "abcdef0123456789ff", "context_length": 16_000}]}
    pages = {"/api/version": {"version": "0.12.3"}, "/api/ps": running, "/api/generate": {"done": True}}
    with server(pages=pages) as judge:
        identity = openai.identify(spec_of(judge))
        assert ("/api/generate", {"model": "scripted"}) in judge.requests
    assert identity.revision == "abcdef0123456789"
    assert json.loads(identity.settings)["engine"] == "ollama 0.12.3"


def test_a_context_without_room_for_a_card_is_refused_before_any_card(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short = {"default_generation_settings": {"n_ctx": 2048}, "build_info": "b1"}
    with server(pages={"/props": short}) as judge, pytest.raises(JudgeRefused, match="context of 2,048"):
        identify(spec_of(judge))
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_CONTEXT_TOKENS", "2048")
    with server() as judge, pytest.raises(JudgeRefused, match="CARDIOGRAPH_JUDGE_CONTEXT_TOKENS"):
        identify(spec_of(judge))


def test_explanations_that_do_not_fit_have_a_reason() -> None:
    def tight(judge: ScriptedJudge) -> int:
        settings_of(judge)
        tokens = completion(chats(judge)[0], "")["usage"]["prompt_tokens"]
        return int(tokens + chats(judge)[0]["max_tokens"] + 500)

    with server() as judge:
        props = {"default_generation_settings": {"n_ctx": tight(judge)}, "build_info": "b1"}
    with server(pages={"/props": props}) as judge, opened_judge(spec_of(judge)) as opened:
        assert [verdict.reason for verdict in opened.score(CARDS[:1])] == [None]
        assert [reason.reason for reason in opened.explain(CARDS[:1])] == ["too_long"]


# --------------------------------------------------------------------------------------------- the key


def test_the_key_goes_to_the_server_that_is_named_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_API_KEY", KEY)
    with server() as elsewhere:
        away = Response(status_code=307, headers={"location": f"{elsewhere.url}/v1/chat/completions"})
        with server(lambda _: away, api_key=KEY) as judge:
            with pytest.raises(JudgeRefused, match="HTTP 307"):
                identify(spec_of(judge))
            assert judge.requests
        assert elsewhere.requests == []


def _blame(status: int, _: Payload) -> Response:
    return refused(f"bad key {KEY}", status)


def test_no_error_repeats_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_API_KEY", KEY)
    for status in (400, 401, 402, 403, 404, 429, 500):
        monkeypatch.setenv("CARDIOGRAPH_JUDGE_PATIENCE_S", "0.1")
        with server(partial(_blame, status)) as judge:
            with pytest.raises((JudgeRefused, JudgeUnreachable)) as caught:
                identify(spec_of(judge))
            assert KEY not in str(caught.value)


@pytest.mark.parametrize("url", ["http://router.huggingface.co/v1", "http://93.184.216.34:80"])
def test_the_key_is_not_sent_unencrypted_over_the_internet(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_API_KEY", KEY)
    with pytest.raises(UsageError, match="use https") as caught:
        identify(JudgeSpec("openai", "m", (url,)))
    assert KEY not in str(caught.value)


# --------------------------------------------------------------------------------------- pace and money


def busy(times: int, **headers: str) -> AnswerScript:
    """Answers 429 so many times after the first question."""
    left = [None, *[429] * times]

    def script(_: Payload) -> object:
        return Response(b'{"error": "slow down"}', 429, headers) if left and left.pop(0) else None

    return script


def test_a_server_that_asks_to_wait_is_waited_for_and_no_card_is_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_TRIES", "1")
    with server(busy(7, **{"retry-after": "0.3"})) as judge:
        began = time.monotonic()
        assert [verdict.reason for verdict in scored(judge)] == [None] * len(CARDS)
        assert time.monotonic() - began > 0.5


def test_headers_that_report_no_room_are_heeded_before_a_refusal() -> None:
    sent: list[float] = []

    def script(payload: Payload) -> object:
        sent.append(time.monotonic())
        body = json.dumps(completion(payload, answer_for(payload)))
        headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "400ms"}
        return Response(body, 200, headers)

    with server(script) as judge:
        assert [verdict.reason for verdict in scored(judge, CARDS[:1])] == [None]
    assert sent[1] - sent[0] > 0.35
    assert len(sent) == 2


def test_a_wait_beyond_all_patience_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_PATIENCE_S", "60")
    with server(busy(99, **{"retry-after": "7200"})) as judge:
        with pytest.raises(JudgeUnreachable, match="asks to wait 7,200 s more; run again later"):
            scored(judge)
        assert len(chats(judge)) <= 1 + len(CARDS)


@pytest.mark.parametrize(
    ("status", "message"), [(402, "Payment required"), (429, '{"error": {"code": "insufficient_quota"}}')]
)
def test_an_empty_account_stops_the_run_at_once(status: int, message: str) -> None:
    with server(lambda _: Response(message, status)) as judge:
        with pytest.raises(JudgeRefused, match="look at your account"):
            identify(spec_of(judge))
        assert len(chats(judge)) == 1


def test_the_budget_ends_a_part_with_what_it_covers() -> None:
    with server() as judge, opened_judge(spec_of(judge, requests=4)) as opened:
        given = opened.score(CARDS)
        verdicts = [next(given) for _ in range(3)]  # the first question was one
        with pytest.raises(BudgetReached, match=r"budget of 4 requests .*spent so far: 4 requests"):
            next(given)
        assert [verdict.reason for verdict in verdicts] == [None] * 3
        assert len(chats(judge)) == 4
        with pytest.raises(BudgetReached):
            list(opened.explain(CARDS))
        assert opened.usage().requests == 3


def test_money_is_spent_by_the_prices_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_PRICE_IN", "2")
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_PRICE_OUT", "10")
    with server() as judge, opened_judge(spec_of(judge, money=5)) as opened:
        assert len(list(opened.score(CARDS))) == len(CARDS)
        usage = opened.usage()
    assert usage.metrics["spent"] == pytest.approx((2 * usage.tokens_in + 10 * usage.tokens_out) / 1e6)


def test_a_budget_that_does_not_cover_the_first_question_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_PRICE_IN", "2")
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_PRICE_OUT", "10")
    with server() as judge, pytest.raises(BudgetReached, match=r"budget of 0.0001 does not cover"):
        identify(spec_of(judge, money=0.0001))
