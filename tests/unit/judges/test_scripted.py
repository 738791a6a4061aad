"""The scripted judge answers like vLLM, or in any other way that a script defines."""

from __future__ import annotations

import json
import math
import socket
import subprocess
import sys
from typing import Any

import httpx2
import pytest
from starlette.responses import Response

from tasks.judges.scripted import Fault, completion, running_scripted_judge, tokens_of

SCHEMA = {
    "type": "object",
    "properties": {
        "names_origin": {"type": "integer", "enum": [0, 1]},
        "has_snippet": {"type": "integer", "enum": [0, 1]},
        "purpose_level": {"type": "integer", "minimum": 2, "maximum": 4},
        "purpose_quote": {"type": "string", "maxLength": 9},
        "score": {"type": "integer", "enum": [1, 2, 3, 4, 5]},
    },
}


def request_for(text: str, **more: object) -> dict[str, Any]:
    return {
        "model": "scripted",
        "messages": [{"role": "system", "content": "the rubric"}, {"role": "user", "content": text}],
        "structured_outputs": {"json": SCHEMA},
        **more,
    }


def chat(url: str, payload: dict[str, Any]) -> httpx2.Response:
    return httpx2.post(f"{url}/v1/chat/completions", json=payload, trust_env=False)


def test_its_answer_keeps_the_schema_and_is_the_same_for_the_same_text() -> None:
    with running_scripted_judge() as judge:
        first, again, other = (
            chat(judge.url, request_for(text)).json() for text in ("a card", "a card", "another")
        )
    answer = json.loads(first["choices"][0]["message"]["content"])
    assert list(answer) == list(SCHEMA["properties"])
    assert {answer["names_origin"], answer["has_snippet"]} <= {0, 1}
    assert 2 <= answer["purpose_level"] <= 4
    assert len(answer["purpose_quote"]) <= 9
    assert 1 <= answer["score"] <= 5
    assert again["choices"] == first["choices"]
    assert other["choices"] != first["choices"]
    assert first["usage"]["completion_tokens"] == len(tokens_of(first["choices"][0]["message"]["content"]))


DIGIT_IDS = [15, 16, 17, 18, 19, 20]


def test_its_log_probabilities_cover_every_token_and_spread_over_its_digits() -> None:
    with running_scripted_judge() as judge:
        payload = request_for("a card", logprobs=True, top_logprobs=20, logprob_token_ids=DIGIT_IDS)
        choice = chat(judge.url, payload).json()["choices"][0]
    entries = choice["logprobs"]["content"]
    answer = json.loads(choice["message"]["content"])
    assert "".join(entry["token"] for entry in entries) == choice["message"]["content"]
    assert most_probable(entries[-2], "12345") == str(answer["score"])
    check = next(entry for entry in entries if entry["token"] in "01")
    assert most_probable(check, "01") == str(answer["names_origin"])


def most_probable(entry: dict[str, Any], digits: str) -> str:
    """Of the digits that share all probability at this token."""
    probabilities: dict[str, float] = {
        top["token"]: math.exp(top["logprob"]) for top in entry["top_logprobs"]
    }
    assert {token for token, p in probabilities.items() if p > 0} == set(digits)
    assert sum(probabilities.values()) == pytest.approx(1)
    return max(probabilities, key=lambda token: probabilities[token], default="")


def test_without_requested_tokens_it_lists_the_most_probable_ones_first() -> None:
    reply = completion(request_for("a card", logprobs=True, top_logprobs=2), '{"score":3}')
    listed = [top["logprob"] for top in reply["choices"][0]["logprobs"]["content"][-2]["top_logprobs"]]
    assert len(listed) == 2
    assert listed == sorted(listed, reverse=True)


def test_a_script_can_give_the_log_odds_of_its_digits() -> None:
    payload = request_for("a card", logprobs=True, logprob_token_ids=DIGIT_IDS)
    reply = completion(payload, '{"names_origin":1,"score":3}', log_odds={"names_origin": -2.0})
    token = next(entry for entry in reply["choices"][0]["logprobs"]["content"] if entry["token"] == "1")
    listed = {top["token"]: top["logprob"] for top in token["top_logprobs"]}
    assert listed["1"] - listed["0"] == pytest.approx(-2)


def test_it_counts_tokens_and_gives_each_digit_one() -> None:
    with running_scripted_judge(context_tokens=300) as judge:
        bodies = [{"prompt": f'"score":{digit}'} for digit in "12345"]
        replies = [httpx2.post(f"{judge.url}/tokenize", json=body, trust_env=False).json() for body in bodies]
        too_long = chat(judge.url, request_for("word " * 300))
    assert len({reply["tokens"][-1] for reply in replies}) == 5
    assert replies[0]["count"] == len(replies[0]["tokens"])
    assert too_long.status_code == 400
    assert "maximum context length is 300" in too_long.json()["error"]["message"]


@pytest.mark.parametrize(
    ("given", "status", "body"),
    [
        (b"\xff garbage", 200, b"\xff garbage"),
        ({"choices": []}, 200, b'{"choices":[]}'),
        (Response(b"later", 429, {"retry-after": "1"}), 429, b"later"),
    ],
)
def test_a_script_replaces_the_answer(given: object, status: int, body: bytes) -> None:
    with running_scripted_judge(lambda payload: given) as judge:
        answer = chat(judge.url, request_for("a card"))
    assert (answer.status_code, answer.content) == (status, body)
    assert judge.requests == [("/v1/chat/completions", request_for("a card"))]


def test_a_status_alone_comes_with_an_error_in_the_words_of_vllm() -> None:
    with running_scripted_judge(lambda payload: 500) as judge:
        answer = chat(judge.url, request_for("a card"))
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == 500


def test_odd_texts_come_in_a_reply_of_the_usual_shape() -> None:
    reply = completion(request_for("a card"), "I'd rather not", finish_reason="length")
    assert reply["choices"][0]["message"]["content"] == "I'd rather not"
    assert reply["choices"][0]["finish_reason"] == "length"
    assert reply["choices"][0]["logprobs"] is None


def test_a_dropped_connection_has_no_answer() -> None:
    with running_scripted_judge(lambda payload: Fault.DROP) as judge, pytest.raises(httpx2.TransportError):
        chat(judge.url, request_for("a card"))


def test_a_hanging_server_can_be_abandoned_and_stopped() -> None:
    with running_scripted_judge(lambda payload: Fault.HANG) as judge, pytest.raises(httpx2.ReadTimeout):
        httpx2.post(
            f"{judge.url}/v1/chat/completions", json=request_for("a card"), timeout=0.2, trust_env=False
        )


def test_a_dead_server_does_not_listen_and_comes_back_on_its_port() -> None:
    with running_scripted_judge(model="tiny") as judge:
        url = judge.url
        judge.die()
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{url}/health", trust_env=False)
        judge.die()  # a second time: nothing happens
        judge.revive()
        assert judge.url == url
        assert httpx2.get(f"{url}/v1/models", trust_env=False).json()["data"][0]["id"] == "tiny"


def test_a_key_is_required_where_one_is_set() -> None:
    with running_scripted_judge(api_key="k1") as judge:
        assert chat(judge.url, request_for("a card")).status_code == 401
        headers = {"authorization": "Bearer k1"}
        assert httpx2.get(f"{judge.url}/v1/models", headers=headers, trust_env=False).status_code == 200
        assert httpx2.get(f"{judge.url}/health", trust_env=False).status_code == 200


def test_it_serves_as_a_command_and_ends_with_its_standard_input() -> None:
    command = [sys.executable, "-m", "tasks.judges.scripted"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdin
        url = child.stdout.readline().strip()
        assert httpx2.get(f"{url}/health", trust_env=False).status_code == 200
        child.stdin.close()
        child.wait(20)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0
