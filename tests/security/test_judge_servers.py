"""A judge model's server that attacks, or is merely odd: every loop has a bound, and every loss a reason."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from time import process_time

import orjson
import pytest

from tasks.cards.parse import BODY_CHARACTERS_MAX
from tasks.errors import JudgesDiffer
from tasks.judges.llm.fence import neutralise
from tasks.judges.llm.fleet import Fleet
from tasks.judges.llm.metrics import ReplicaCounters, counters, kv_tokens
from tasks.judges.llm.served import introduced
from tasks.settings import Settings

LIMITS = Settings(judge_backoff_s=0.0, judge_patience_s=5.0, judge_timeout_s=10.0)
NUMBERS = "\n".join(
    (
        "vllm:prompt_tokens_total {0}",
        'vllm:generation_tokens_total{{engine="0"}} {0}',
        'vllm:cache_config_info{{block_size="16",num_gpu_blocks="{0}"}} 1.0',
    )
)


@contextmanager
def server(
    fingerprint: Callable[[], str], metrics: Callable[[], str] = lambda: ""
) -> Iterator[tuple[str, list[str]]]:
    """The address of a judge's server that answers at once, and the paths that were asked for."""
    paths: list[str] = []

    class Odd(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            match self.path:
                case "/v1/models":
                    self._send(
                        orjson.dumps({"data": [{"id": "judge", "max_model_len": 4096, "owned_by": "vllm"}]})
                    )
                case "/metrics":
                    self._send(metrics().encode())
                case _:
                    self._send(b'{"version": "0.32.0"}')

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            paths.append(self.path)
            self._send(orjson.dumps({"choices": [], "system_fingerprint": fingerprint()}))

        def _send(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Odd) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}", paths
        http.shutdown()
        thread.join()


def ask_all(fleet: Fleet, cards: int) -> list[dict[str, object]]:
    async def ask(card: int) -> dict[str, object]:
        return await fleet.post("/v1/chat/completions", {"messages": [{"content": str(card)}]})

    return list(fleet.stream(ask, range(cards)))


def test_a_server_that_is_another_engine_at_every_answer_ends_the_run_soon() -> None:
    numbers = count()
    with (
        server(lambda: f"engine-{next(numbers)}") as (url, paths),
        Fleet([url], model=None, limits=LIMITS) as fleet,
        pytest.raises(JudgesDiffer, match=r"has answered as 17 different engines.*--judge openai:MODEL"),
    ):
        ask_all(fleet, 200)
    assert len(paths) < 200


def test_a_server_behind_which_two_engines_take_turns_is_asked_again_and_goes_on() -> None:
    numbers = count()
    with (
        server(lambda: f"engine-{next(numbers) % 2}") as (url, paths),
        Fleet([url], model=None, limits=LIMITS) as fleet,
    ):
        assert len(ask_all(fleet, 40)) == 40
    assert len(paths) < 120


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1e308", "nan", "NaN", "-5", "9" * 5000, "1e", "+"])
def test_what_is_no_count_is_left_out(number: str) -> None:
    assert counters(NUMBERS.format(number)) == {}
    assert kv_tokens(NUMBERS.format(number)) is None


def test_counters_that_jump_to_infinity_and_back_leave_no_nan() -> None:
    texts = iter(["100", "1e999", "300", "nan", "1e999"])
    with (
        server(lambda: "one", lambda: NUMBERS.format(next(texts, "400"))) as (url, _),
        Fleet([url], model=None, limits=LIMITS) as fleet,
    ):
        before = fleet.metrics()
        for _ in range(5):
            after = fleet.metrics()
            assert all(math.isfinite(value - before.get(name, 0.0)) for name, value in after.items())


def test_a_start_time_that_is_no_number_is_no_restart() -> None:
    replica = ReplicaCounters()
    for start in ("1e999", "nan", "-1"):
        assert not replica.read(f"process_start_time_seconds {start}\nvllm:prompt_tokens_total 5\n")
    assert replica.total() == {"prompt_tokens": 5.0}


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "j", "max_model_len": True},
        {"id": "j", "max_model_len": -1},
        {"id": "j", "max_model_len": 2**60},
        {"id": "j", "root": "x" * 10_000},
        {"id": "j", "root": "x\x1b]0;owned\x07"},
        {"id": "j", "owned_by": "\x1b[2J" + "y" * 10_000},
    ],
)
def test_what_a_server_says_of_itself_is_bounded_and_printable(entry: dict[str, object]) -> None:
    served = introduced(
        "http://j", {"data": [{"id": "\x1b[2J"}, entry]}, {"version": "\x1b1" * 9999}, "", None
    )
    assert served.model == "j"
    assert served.context_tokens == 0
    assert (served.root + served.engine).isprintable()
    assert len(served.root + served.engine) < 2000


# ------------------------------------------------------------------------------------- cards that cost seconds

_MIXED = "<s hidden>x</s>a\u200b<|" + "a" * 70 + "|> \U0001f600\u200d<<!-- -->!-- a -->"
_NESTED = "<\u200b!-- a --\u200b>\n[\u200bINST]\n"


@pytest.mark.parametrize("unit", [_MIXED, _NESTED], ids=["mixed", "nested"])
def test_a_card_of_megabytes_costs_about_as_much_as_the_longest_that_is_read(unit: str) -> None:
    def seconds(characters: int) -> float:
        text = (unit * (characters // len(unit) + 1))[:characters]
        began = process_time()
        assert len(neutralise(text).text) <= BODY_CHARACTERS_MAX
        return process_time() - began

    assert seconds(4_800_000) < 3 * seconds(BODY_CHARACTERS_MAX) + 1


def test_a_long_card_keeps_head_and_tail_and_says_what_is_left_out() -> None:
    shown = neutralise("# The head\n" + "some words of a line\n" * 100_000 + "the tail\n")
    assert shown.text.startswith("# The head\n")
    assert shown.text.endswith("the tail\n")
    assert "characters left out›" in shown.text
    assert "fence_imitation" not in shown.flags


def test_pictures_as_text_do_not_push_out_what_comes_after_them() -> None:
    picture = "![a](data:image/png;base64," + "QUJD" * 150_000 + ")\n"
    text = "# Title\n" + picture + "What the model is for.\n" + picture + "The end.\n"
    assert len(text) > 1_000_000
    assert "What the model is for." in neutralise(text).text
    assert "left out" not in neutralise(text).text
