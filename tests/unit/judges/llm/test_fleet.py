"""Replicas of a judge behind one limit: load, lost servers, and whose fault a failure is. Real HTTP on loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.responses import Response

from tasks.cards.one_line import printable
from tasks.engine.child import free_port
from tasks.errors import JudgeError, JudgeRefused, JudgesDiffer, JudgeUnreachable, UsageError
from tasks.judges.llm.client import base_url, retry_after
from tasks.judges.llm.fleet import Fleet, RequestFailed
from tasks.judges.llm.metrics import concurrency_for, counters, kv_tokens
from tasks.judges.scripted import AnswerScript, Fault, ScriptedJudge, running_scripted_judge
from tasks.settings import Settings

PATH = "/v1/chat/completions"
_LIMITS: dict[str, Any] = {
    "judge_backoff_s": 0.01,
    "judge_patience_s": 0.5,
    "judge_timeout_s": 10.0,
    "judge_tries": 3,
    "judge_concurrency": 8,
}


def limits(**changed: Any) -> Settings:
    return Settings(**{**_LIMITS, **changed})


@contextmanager
def judges(*scripts: AnswerScript | None, **character: Any) -> Iterator[list[ScriptedJudge]]:
    with ExitStack() as stack:
        yield [stack.enter_context(running_scripted_judge(script, **character)) for script in scripts]


def fleet_of(*servers: ScriptedJudge, model: str | None = None, **changed: Any) -> Fleet:
    return Fleet([server.url for server in servers], model=model, limits=limits(**changed))


def card(number: int) -> dict[str, Any]:
    return {"model": "scripted", "messages": [{"role": "user", "content": f"card {number}"}]}


def judge_all(fleet: Fleet, number: int) -> list[int]:
    """Which of so many cards were answered, in the order of the answers."""

    async def judge(item: int) -> int:
        await fleet.post(PATH, card(item))
        return item

    return list(fleet.stream(judge, range(number)))


def failing(times: int, status: object) -> AnswerScript:
    """A script that answers so the first few times, and well ever after."""
    calls = count()
    return lambda payload: status if next(calls) < times else None


def always(status: object) -> AnswerScript:
    return lambda payload: status


_JSON = st.recursive(
    st.none() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)

# --------------------------------------------------------------------------------------------- what they serve


def test_a_fleet_knows_what_its_servers_serve() -> None:
    with (
        judges(None, None, model="org/judge", root="/models/judge", kv_tokens=64_000) as servers,
        fleet_of(*servers, model="judge") as fleet,
    ):
        served = fleet.served
        assert fleet.replicas == 2
    assert (served.model, served.root, served.engine) == ("org/judge", "/models/judge", "vllm 0.32.0")
    assert (served.context_tokens, served.kv_tokens) == (16_384, 64_000)


@pytest.mark.parametrize("asked_for", ["org/judge", "judge", "/data/weights-v2", "weights-v2", "other/judge"])
def test_a_model_is_known_by_its_name_its_root_or_its_last_part(asked_for: str) -> None:
    with (
        judges(None, model="org/judge", root="/data/weights-v2") as servers,
        fleet_of(*servers, model=asked_for) as fleet,
    ):
        assert fleet.served.model == "org/judge"


def test_servers_of_other_models_are_left_out_where_a_model_is_named() -> None:
    with (
        judges(None, model="a/one") as (one,),
        judges(None, model="b/other") as (other,),
        fleet_of(one, other, model="b/other") as fleet,
    ):
        assert (fleet.served.model, fleet.replicas) == ("b/other", 1)
        assert not one.requests


def test_a_model_that_is_not_served_is_refused_with_what_is() -> None:
    with (
        judges(None, model="org/judge") as servers,
        pytest.raises(JudgeRefused, match="serves org/judge, not x/y"),
    ):
        fleet_of(*servers, model="x/y").open()


@pytest.mark.parametrize(
    ("name", "other", "word"),
    [
        ("model", "b", "model"),
        ("root", "b", "root"),
        ("version", "9.9", "engine"),
        ("context_tokens", 99, "context"),
    ],
)
def test_servers_that_differ_are_named(name: str, other: object, word: str) -> None:
    changed: dict[str, Any] = {name: other}
    with (
        running_scripted_judge() as one,
        running_scripted_judge(**changed) as two,
        pytest.raises(JudgesDiffer, match=word) as caught,
    ):
        fleet_of(one, two).open()
    assert one.url in str(caught.value)
    assert two.url in str(caught.value)


def test_a_key_is_sent_and_a_refused_one_is_named_but_not_shown() -> None:
    with judges(None, api_key="right-key") as servers:
        with fleet_of(*servers, judge_api_key=SecretStr("right-key")) as fleet:
            assert judge_all(fleet, 1) == [0]
        with pytest.raises(JudgeRefused, match="CARDIOGRAPH_JUDGE_API_KEY") as caught:
            fleet_of(*servers, judge_api_key=SecretStr("wrong-key")).open()
    assert "wrong-key" not in str(caught.value)


def test_a_key_that_cannot_be_sent_is_refused_without_showing_it() -> None:
    with pytest.raises(UsageError, match="CARDIOGRAPH_JUDGE_API_KEY") as caught:
        Fleet(["http://127.0.0.1:1"], model=None, limits=limits(judge_api_key=SecretStr("se\ncret")))
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://judge.example/v1/", "https://judge.example"),
        (" http://[::1]:80/proxy/v1", "http://[::1]:80/proxy"),
    ],
)
def test_an_address_may_end_in_v1(url: str, plain: str) -> None:
    assert base_url(url) == plain


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8000",
        "ftp://x",
        "http://",
        "http://x:99999",
        "http://x/?a=1",
        "http://x#a",
        "http://a b",
        "http://[",
    ],
)
def test_an_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="--judge-url"):
        Fleet([url], model=None, limits=limits())


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(UsageError, match="CARDIOGRAPH_JUDGE_API_KEY") as caught:
        base_url("http://ada:secret@judge:8000")
    assert "secret" not in str(caught.value)


@given(st.text())
def test_any_text_is_an_address_or_refused(url: str) -> None:
    try:
        assert base_url(url).startswith("http")
    except UsageError as error:
        assert "\n" not in str(error)


def test_a_web_server_of_another_kind_is_refused() -> None:
    with judges(None) as (server,), pytest.raises(JudgeRefused, match="serves nothing"):
        Fleet([f"{server.url}/elsewhere"], model=None, limits=limits()).open()


# ------------------------------------------------------------------------------------------- load and limits


def test_replicas_share_the_load() -> None:
    with judges(None, None, latency_s=0.01) as servers, fleet_of(*servers) as fleet:
        assert sorted(judge_all(fleet, 60)) == list(range(60))
        assert fleet.requests == 60
    assert min(len(server.requests) for server in servers) >= 20


def test_the_limit_holds_over_two_threads() -> None:
    with judges(None, latency_s=0.01) as (server,), fleet_of(server, judge_concurrency=3) as fleet:
        results: list[list[int]] = []
        threads = [threading.Thread(target=lambda: results.append(judge_all(fleet, 20))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [sorted(result) for result in results] == [list(range(20))] * 2
    assert server.in_flight_max == 3


def concurrency_after(cards: int, **character: Any) -> int:
    """Requests in flight that are allowed after so many cards, where nothing fixes them."""
    with judges(None, **character) as servers, fleet_of(*servers, judge_concurrency=None) as fleet:
        assert sorted(judge_all(fleet, cards)) == list(range(cards))
        return fleet.concurrency


def test_a_server_that_computes_a_few_at_once_is_given_a_handful() -> None:
    assert 2 <= concurrency_after(240, parallel=3, latency_s=0.08, kv_tokens=10**6) <= 12


def test_a_server_that_scales_is_given_many_within_a_few_hundred_cards() -> None:
    assert concurrency_after(300, latency_s=0.7, kv_tokens=10**6) >= 64


def test_a_server_is_never_given_more_than_its_cache_holds() -> None:
    with (
        judges(None, latency_s=0.1, kv_tokens=32_000) as (server,),
        fleet_of(server, judge_concurrency=None) as fleet,
    ):
        judge_all(fleet, 150)
        assert 4 < server.in_flight_max <= 10  # 8 requests fill the cache, and a quarter more
        assert fleet.concurrency <= 10


def test_a_slow_replica_is_given_fewer_than_a_fast_one() -> None:
    with (
        judges(None, latency_s=0.05) as (fast,),
        judges(None, latency_s=0.05, parallel=1) as (slow,),
        fleet_of(fast, slow, judge_concurrency=None) as fleet,
    ):
        judge_all(fleet, 400)
    assert slow.in_flight_max < fast.in_flight_max
    assert len(slow.requests) < len(fast.requests) / 2


def test_items_are_read_little_further_than_needed() -> None:
    read = 0

    def items() -> Iterator[int]:
        nonlocal read
        for item in range(10_000):
            read += 1
            yield item

    async def echo(item: int) -> int:
        return item

    with judges(None) as servers, fleet_of(*servers) as fleet:
        stream = fleet.stream(echo, items())
        for _ in range(5):
            next(stream)
        assert read <= 5 + fleet.concurrency + 100
        assert len(list(stream)) == 10_000 - 5


def test_stopping_early_cancels_what_is_in_flight() -> None:
    is_hanging = threading.Event()

    def script(payload: dict[str, Any]) -> object:
        if payload["messages"][0]["content"] == "card 0":
            return None
        is_hanging.set()
        return Fault.HANG

    with judges(script) as (server,), fleet_of(server) as fleet:

        async def judge(item: int) -> int:
            await fleet.post(PATH, card(item))
            return item

        stream = fleet.stream(judge, range(5))
        assert next(stream) == 0
        assert is_hanging.wait(10)
        stream.close()  # type: ignore[attr-defined]
        wait_for(lambda: server.in_flight == 0)


def test_an_error_of_the_work_reaches_the_caller_and_ends_the_rest() -> None:
    async def divide(item: int) -> float:
        return 1 / item

    with judges(None) as servers, fleet_of(*servers) as fleet:
        with pytest.raises(ZeroDivisionError):
            list(fleet.stream(divide, range(100)))
        assert sorted(judge_all(fleet, 3)) == [0, 1, 2]


def test_closing_leaves_no_thread_and_raises_in_threads_that_wait() -> None:
    caught: list[BaseException] = []

    def wait_for_ever(fleet: Fleet) -> None:
        try:
            judge_all(fleet, 3)
        except JudgeError as error:
            caught.append(error)

    with judges(always(Fault.HANG)) as (server,):
        with fleet_of(server) as fleet:
            waiting = threading.Thread(target=wait_for_ever, args=[fleet])
            waiting.start()
            wait_for(lambda: server.in_flight == 3)
        waiting.join(10)
    assert len(caught) == 1
    assert "judge-fleet" not in {thread.name for thread in threading.enumerate()}


def test_metrics_are_summed_and_do_not_fall_when_a_server_restarts() -> None:
    with judges(None, None) as servers, fleet_of(*servers) as fleet:
        judge_all(fleet, 10)
        before = fleet.metrics()
        servers[0].die()
        servers[0].forget()
        servers[0].revive()
        judge_all(fleet, 10)
        after = fleet.metrics()
    assert set(before) == {
        "prompt_tokens",
        "generation_tokens",
        "prefix_cache_queries",
        "prefix_cache_hits",
        "preemptions",
    }
    assert before["prompt_tokens"] > 0
    assert after["prompt_tokens"] == 2 * before["prompt_tokens"]


# -------------------------------------------------------------------------------------------------- deaths


def test_a_server_that_dies_during_a_request_costs_no_card() -> None:
    victims: list[ScriptedJudge] = []

    def die_at_ten(payload: dict[str, Any]) -> object:
        if len(victims[0].requests) == 10:
            threading.Thread(target=victims[0].die).start()
            return Fault.HANG
        return None

    with judges(die_at_ten, None, latency_s=0.01) as servers:
        victims.append(servers[0])
        with fleet_of(*servers) as fleet:
            assert sorted(judge_all(fleet, 80)) == list(range(80))


def test_a_dying_engine_that_answers_500_first_costs_no_card() -> None:
    victims: list[ScriptedJudge] = []

    def die(payload: dict[str, Any]) -> object:
        victims[0].is_well = False
        if len(victims[0].requests) > 20:
            threading.Thread(target=victims[0].die).start()
        return 500

    with judges(die, None, latency_s=0.005) as servers:
        victims.append(servers[0])
        with fleet_of(*servers) as fleet:
            assert sorted(judge_all(fleet, 60)) == list(range(60))


def test_a_server_that_answers_500_and_calls_itself_well_costs_no_card_either() -> None:
    with judges(always(500), None, latency_s=0.001) as servers, fleet_of(*servers) as fleet:
        assert sorted(judge_all(fleet, 60)) == list(range(60))


def test_all_servers_may_be_gone_for_a_moment() -> None:
    with judges(None, None, latency_s=0.005) as servers, fleet_of(*servers, judge_patience_s=30) as fleet:
        done: list[int] = []
        worker = threading.Thread(target=lambda: done.extend(judge_all(fleet, 100)))
        worker.start()
        wait_for(lambda: len(servers[0].requests) > 5)
        for server in servers:
            server.die()
        time.sleep(0.3)
        for server in servers:
            server.revive()
        worker.join(30)
    assert sorted(done) == list(range(100))


def test_patience_ends_with_what_to_do() -> None:
    with judges(None) as (server,), fleet_of(server) as fleet:
        server.die()
        with pytest.raises(JudgeUnreachable, match="run again: what was judged is kept"):
            judge_all(fleet, 3)
        with pytest.raises(JudgeUnreachable):
            judge_all(fleet, 1)


def test_no_server_at_all_is_unreachable() -> None:
    with pytest.raises(JudgeUnreachable, match="ConnectError"):
        Fleet([f"http://127.0.0.1:{free_port()}"], model=None, limits=limits(judge_patience_s=0.1)).open()
    assert "judge-fleet" not in {thread.name for thread in threading.enumerate()}


def test_a_server_that_is_still_starting_is_waited_for() -> None:
    late = ScriptedJudge(port=free_port())
    starter = threading.Timer(0.3, late.revive)
    starter.start()
    try:
        with fleet_of(late, judge_patience_s=30) as fleet:
            assert judge_all(fleet, 1) == [0]
    finally:
        starter.join()
        late.die()


def test_a_late_replica_joins_if_it_serves_the_same_as_the_first() -> None:
    late, stranger = ScriptedJudge(port=free_port()), ScriptedJudge(port=free_port())
    stranger.version = "9.9.9"
    with judges(None, latency_s=0.005) as (server,):
        try:
            with fleet_of(server, late, judge_patience_s=30) as fleet:
                late.revive()
                wait_for(lambda: bool(judge_all(fleet, 8)) and len(late.requests) > 0)
            with fleet_of(server, stranger, judge_patience_s=30) as fleet:
                stranger.revive()
                with pytest.raises(JudgesDiffer, match=r"engine vllm 9\.9\.9"):
                    wait_for(lambda: not judge_all(fleet, 8))
        finally:
            late.die()
            stranger.die()


@pytest.mark.parametrize("is_asked_before", [True, False])
def test_a_server_that_comes_back_as_another_stops_the_run(is_asked_before: bool) -> None:
    with judges(None) as (server,), fleet_of(server, judge_patience_s=30) as fleet:
        fleet.metrics()
        judge_all(fleet, int(is_asked_before))
        server.die()
        server.forget()
        server.root = "another model"
        server.revive()
        with pytest.raises(JudgesDiffer, match="it had scripted"):
            wait_for(lambda: bool(fleet.metrics() and not judge_all(fleet, 4)))


def test_a_request_that_is_dropped_every_time_fails_alone() -> None:
    def drop_one(payload: dict[str, Any]) -> object:
        return Fault.DROP if payload["messages"][0]["content"] == "card 1" else None

    with judges(drop_one) as servers, fleet_of(*servers, judge_patience_s=30) as fleet:
        assert reasons(fleet, 3) == ["done", "server_lost", "done"]


# -------------------------------------------------------------------------------------------------- faults


def reasons(fleet: Fleet, number: int) -> list[str]:
    """How each of so many cards fared."""

    async def judge(item: int) -> tuple[int, str]:
        try:
            await fleet.post(PATH, card(item))
        except RequestFailed as failure:
            return item, failure.reason
        return item, "done"

    return [reason for _, reason in sorted(fleet.stream(judge, range(number)))]


def failure_of(script: AnswerScript, **changed: Any) -> RequestFailed:
    with (
        judges(script) as servers,
        fleet_of(*servers, **changed) as fleet,
        pytest.raises(RequestFailed) as caught,
    ):
        fleet.run(fleet.post, PATH, card(0))
    return caught.value


def test_a_temporary_fault_is_tried_again() -> None:
    with judges(failing(2, 500)) as (server,), fleet_of(server) as fleet:
        assert judge_all(fleet, 1) == [0]
    assert len(server.requests) == 3


def test_a_permanent_fault_is_a_failure_of_its_card_with_an_excerpt() -> None:
    failure = failure_of(always(Response(b"boom\x1b[2J " + b"x" * 9999, 500)))
    assert failure.reason == "http_500"
    assert failure.detail.startswith("boom [2J xxx")
    assert len(failure.detail) <= 300


def test_a_busy_server_is_left_alone_for_as_long_as_it_asks() -> None:
    later = Response(b"", 429, {"retry-after": "0.2"})
    with judges(failing(1, later)) as (server,), fleet_of(server, judge_patience_s=30) as fleet:
        began = time.monotonic()
        assert judge_all(fleet, 1) == [0]
        assert time.monotonic() - began >= 0.2
    assert len(server.requests) == 2


def test_a_busy_server_uses_up_patience_and_no_tries() -> None:
    later = Response(b"full", 503, {"retry-after": "0"})
    with judges(failing(10, later)) as servers, fleet_of(*servers, judge_patience_s=30) as fleet:
        assert judge_all(fleet, 1) == [0]
    assert failure_of(always(later), judge_patience_s=0.05).reason == "http_503"


def test_the_end_of_a_long_queue_is_not_lost() -> None:
    with (
        judges(None, parallel=1, latency_s=0.02) as servers,
        fleet_of(*servers, judge_concurrency=60, judge_timeout_s=0.3, judge_tries=1) as fleet,
    ):
        began = time.monotonic()
        assert sorted(judge_all(fleet, 60)) == list(range(60))
        assert time.monotonic() - began > 4 * 0.3


@contextmanager
def computing(server: ScriptedJudge) -> Iterator[None]:
    """A server that counts tokens all the time."""
    is_over = threading.Event()

    def count_tokens() -> None:
        while not is_over.wait(0.01):
            server.compute(1)

    thread = threading.Thread(target=count_tokens)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_a_server_that_counts_tokens_makes_progress() -> None:
    slow: dict[str, Any] = {"judge_timeout_s": 0.3, "judge_tries": 1}
    with judges(None, latency_s=1.2) as (server,), fleet_of(server, **slow) as fleet:
        with computing(server):
            assert reasons(fleet, 2) == ["done", "done"]
        assert reasons(fleet, 2) == ["timeout", "timeout"]


def test_counting_tokens_for_ever_is_no_answer() -> None:
    with (
        judges(always(Fault.HANG)) as (server,),
        fleet_of(server, judge_timeout_s=0.3, judge_tries=1) as fleet,
        computing(server),
        pytest.raises(RequestFailed, match="though it counts tokens"),
    ):
        fleet.run(fleet.post, PATH, card(0))


def test_a_server_that_hangs_is_found_though_it_counts_the_tokens_of_a_text() -> None:
    def tokenize_all_the_time(fleet: Fleet) -> None:
        while not is_over.wait(0.01):
            fleet.run(fleet.post, "/tokenize", {"prompt": "a text"})

    is_over = threading.Event()
    brief: dict[str, Any] = {"judge_timeout_s": 0.5, "judge_tries": 1}
    with judges(always(Fault.HANG)) as servers, fleet_of(*servers, **brief) as fleet:
        thread = threading.Thread(target=tokenize_all_the_time, args=[fleet])
        thread.start()
        began = time.monotonic()
        assert reasons(fleet, 3) == ["timeout"] * 3
        assert time.monotonic() - began < 1.5
        is_over.set()
        thread.join()


def test_a_request_that_many_later_ones_overtake_is_lost() -> None:
    def lose_one(payload: dict[str, Any]) -> object:
        return Fault.HANG if payload["messages"][0]["content"] == "card 0" else None

    async def judge(item: int) -> tuple[int, str]:
        try:
            await fleet.post(PATH, card(item))
        except RequestFailed as failure:
            return item, failure.detail
        return item, ""

    brief: dict[str, Any] = {"judge_timeout_s": 1.0, "judge_tries": 1, "judge_concurrency": 4}
    with judges(lose_one, latency_s=0.02) as servers, fleet_of(*servers, **brief) as fleet:
        failures = {item: detail for item, detail in fleet.stream(judge, range(400)) if detail}
    assert list(failures) == [0]
    assert "sent later are answered" in failures[0]


def test_silence_counts_as_a_try() -> None:
    assert failure_of(always(Fault.HANG), judge_timeout_s=0.1, judge_tries=2).reason == "timeout"
    with judges(failing(1, Fault.HANG)) as servers, fleet_of(*servers, judge_timeout_s=0.2) as fleet:
        assert judge_all(fleet, 1) == [0]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            "This model's maximum context length is 16384 tokens. However, your prompt contains 16385",
            "too_long",
        ),
        ("max_tokens must be at least 1, got -3.", "http_400"),
    ],
)
def test_a_bad_request_is_final(message: str, reason: str) -> None:
    with judges(always(Response(message.encode(), 400))) as (server,), fleet_of(server) as fleet:
        assert reasons(fleet, 1) == [reason]
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 307])
def test_a_fault_that_affects_every_card_stops_the_run(status: int) -> None:
    with judges(always(status)) as servers, fleet_of(*servers) as fleet, pytest.raises(JudgeRefused):
        judge_all(fleet, 3)


def test_a_payload_that_is_not_unicode_fails_alone() -> None:
    with (
        judges(None) as servers,
        fleet_of(*servers) as fleet,
        pytest.raises(RequestFailed, match="not_sendable"),
    ):
        fleet.run(fleet.post, PATH, {"model": "scripted", "messages": [{"content": "\ud800"}]})


def test_an_endless_answer_is_cut_off() -> None:
    assert failure_of(always(b"[" * 8_000_001)).reason == "not_json"


def test_any_body_is_an_object_or_a_failure() -> None:
    body = b""
    with judges(lambda payload: body) as servers, fleet_of(*servers) as fleet:

        @given(
            st.binary()
            | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: repr(v).encode())
        )
        @hypothesis_settings(max_examples=80)
        def answer(given_body: bytes) -> None:
            nonlocal body
            body = given_body
            try:
                assert isinstance(fleet.run(fleet.post, PATH, card(0)), dict)
            except RequestFailed as failure:
                assert failure.reason == "not_json"
                assert printable(failure.detail) == failure.detail

        answer()


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"NaN", b"", b'"text"', b"[1]"])
def test_odd_bodies_are_not_json(body: bytes) -> None:
    assert failure_of(always(body)).reason == "not_json"


# ------------------------------------------------------------------------------------------ what they report


def test_the_cache_is_read_from_blocks_or_from_tokens() -> None:
    assert kv_tokens('vllm:cache_config_info{block_size="16",num_gpu_blocks="100"} 1.0\n') == 1600
    assert (
        kv_tokens('vllm:cache_config_info{block_size="16",kv_cache_size_tokens="99",num_gpu_blocks="7"} 1.0')
        == 99
    )
    assert kv_tokens('vllm:cache_config_info{block_size="16",num_gpu_blocks="None"} 1.0') is None
    assert kv_tokens("") is None


@pytest.mark.parametrize(
    ("cache", "requests"), [(None, 64), (1000, 1), (64_000, 20), (400_000, 125), (10**9, 256)]
)
def test_the_cache_has_room_for_so_many_requests(cache: int | None, requests: int) -> None:
    assert concurrency_for(cache) == requests


def test_counters_are_summed_over_engines() -> None:
    metrics = (
        "# HELP vllm:prompt_tokens_total x\n"
        'vllm:prompt_tokens_total{engine="0"} 3.160932e+06\nvllm:prompt_tokens_total{engine="1"} 8\n'
        'vllm:prompt_tokens_created{engine="0"} 1.7e+09\nvllm:num_preemptions_total 2.0\n'
    )
    assert counters(metrics) == {"prompt_tokens": 3160940.0, "preemptions": 2.0}


@given(st.text())
def test_any_metrics_are_read(text: str) -> None:
    assert counters(text) is not None
    assert kv_tokens(text) is None or kv_tokens(text)


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after("7", 1) == 7
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT", 1) == 0
    assert retry_after("soon", 1) == 1
    assert retry_after(None, 1) == 1


def wait_for(is_so: Callable[[], bool], within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
