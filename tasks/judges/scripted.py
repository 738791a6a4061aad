"""A judge model's server without a model: vLLM's API over real HTTP on loopback, for tests, benchmarks and trials.

By default it reads the card of each request and answers as a competent judge would (`tasks/judges/characters.py`), the
same for the same card, with log-probabilities in vLLM's shape. It may have another character; and a script may give
anything else: odd answers, errors, silence, a cut connection.

    python -m tasks.judges.scripted [PORT] [LATENCY_S]     serves until it is stopped; prints its address
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from time import monotonic
from typing import Any, cast

import orjson
import uvicorn
from anyio.from_thread import start_blocking_portal
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from tasks.engine.child import exit_with_parent

LEVELS = "12345"
IMPOSSIBLE = -9999.0  # vLLM's way to write minus infinity
_ANY_NUMBER = 1_000_000
_TRANSPORT = "tasks.judges.scripted.transport"
_TOKEN = re.compile(r"\d|[^\W\d]{1,4}| ?[^\s\w]|\s+|\w")
_CARD = re.compile(r"⟦CARD \w+ BEGINS⟧\n(.*)\n⟦CARD", re.DOTALL)
_DIGIT_VALUE = re.compile(r'"(\w+)"\s*:\s*([0-9])(?![0-9])')
_DIGIT_IDS = dict(enumerate("0123456789", 15))  # as in many vocabularies
_TOP_MAX = 20

Payload = dict[str, Any]
AnswerScript = Callable[[Payload], object]
Character = Callable[[Payload], str]


class Fault(Enum):
    """What a script may give instead of an answer."""

    HANG = "never answers"
    DROP = "cuts the connection"


# ------------------------------------------------------------------------------------------------ answers


def tokens_of(text: str) -> list[str]:
    """The text in tokens: one per digit, words in pieces of four letters."""
    return _TOKEN.findall(text)


@lru_cache(maxsize=4096)
def _count(text: str) -> int:
    return len(tokens_of(text))


def _token_id(token: str) -> int:
    """Its number."""
    if re.fullmatch("[0-9]", token):
        return 15 + int(token)
    return 100 + int.from_bytes(hashlib.sha256(token.encode(errors="replace")).digest()[:2], "big")


def texts_of(payload: Payload) -> list[str]:
    """The texts of the request's messages; an answer is derived from the last of them."""
    return [str(message.get("content", "")) for message in payload.get("messages") or [{}]]


def schema_of(payload: Payload) -> Mapping[str, Any]:
    """The schema that the request holds its answer to, as vLLM, OpenAI or llama-cpp-python takes it; empty for none."""
    form = payload.get("response_format") or {}
    named = form.get("json_schema") or form
    return (payload.get("structured_outputs") or {}).get("json") or named.get("schema") or {}


def answer_for(payload: Payload, schema: Mapping[str, Any] | None = None) -> str:
    """A valid answer to `schema`, or to that of the request, derived from the digest of its last message."""
    schema = schema_of(payload) if schema is None else schema
    text = texts_of(payload)[-1]
    noise, words = _noise(text), _words_of_card(text)
    properties = (schema.get("properties") or {}).items()
    answer = {name: _value(name, rule, noise, words[place:]) for place, (name, rule) in enumerate(properties)}
    return orjson.dumps(answer).decode()


def _words_of_card(text: str) -> list[str]:
    """Of what stands between the marks of a card; of the whole text where there are none."""
    found = _CARD.search(text)
    return (found[1] if found else text).split()


def _noise(text: str) -> Iterator[int]:
    """Endless bytes, the same for the same text."""
    digest = hashlib.sha256(text.encode(errors="replace")).digest()
    while True:
        yield from digest
        digest = hashlib.sha256(digest).digest()


def _value(name: str, rule: Mapping[str, Any], noise: Iterator[int], words: list[str]) -> object:
    """A value that keeps the rule; of a quote, six of the words."""
    if "enum" in rule:
        return rule["enum"][next(noise) % len(rule["enum"])]
    if rule.get("type") == "integer":
        low, high = rule.get("minimum", 1), rule.get("maximum", 5)
        return low + next(noise) % (high - low + 1)
    return _prose(name, words)[: rule.get("maxLength", 100)]


def _prose(name: str, words: list[str]) -> str:
    if name.endswith("_quote"):
        return " ".join(words[:6])
    about = name.removesuffix("_improvement").replace("_", " ")
    return "said in words of its own" + (f" of {about}" if about != name else "")


def completion(
    payload: Payload,
    text: str,
    finish_reason: str = "stop",
    log_odds: Mapping[str, float] | None = None,
) -> Payload:
    """A reply with this text in vLLM's shape, with log-probabilities where the request asks for them.

    Every value of one digit in it was a choice: that of "score" between 1 and 5, others between 0 and 1, with the
    natural log-odds of 1 that `log_odds` has for its key, or else noise with the digit's sign.
    """
    prompt_tokens = sum(_count(text) for text in texts_of(payload))
    tokens = tokens_of(text)
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, "refusal": None},
        "logprobs": {"content": _logprobs(payload, text, log_odds or {})}
        if payload.get("logprobs")
        else None,
        "finish_reason": finish_reason,
    }
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "model": payload.get("model"),
        "choices": [choice],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": len(tokens),
            "total_tokens": prompt_tokens + len(tokens),
        },
    }


def _logprobs(payload: Payload, text: str, log_odds: Mapping[str, float]) -> list[Payload]:
    """One entry per token; all but the digits that are values were certain."""
    noise = _noise(texts_of(payload)[-1])
    keys = {found.start(2): found[1] for found in _DIGIT_VALUE.finditer(text)}
    entries, position = [], 0
    for token in tokens_of(text):
        spread = _spread(token, keys.get(position), noise, log_odds)
        entries.append(_entry(token, _listed(payload, token, spread)))
        position += len(token)
    return entries


def _spread(
    written: str, key: str | None, noise: Iterator[int], log_odds: Mapping[str, float]
) -> dict[str, float]:
    """Log-probabilities of what might have been written in this place."""
    if key == "score" and written in LEVELS:
        return _spread_of_score(written, noise)
    if key and written in ("0", "1"):
        sign = 2 * int(written) - 1
        return _spread_of_check(log_odds.get(key, sign * (0.05 + next(noise) / 32)))
    return {written: 0.0}


def _spread_of_score(token: str, noise: Iterator[int]) -> dict[str, float]:
    """Probabilities that fall off on both sides of the chosen level, for some texts faster than for others."""
    steepness = 0.4 + next(noise) / 128
    weights = {level: math.exp(-steepness * abs(int(level) - int(token))) for level in LEVELS}
    return {level: math.log(weight / sum(weights.values())) for level, weight in weights.items()}


def _spread_of_check(log_odds: float) -> dict[str, float]:
    return {"1": -math.log1p(math.exp(-log_odds)), "0": -math.log1p(math.exp(log_odds))}


def _listed(payload: Payload, token: str, spread: Mapping[str, float]) -> dict[str, float]:
    """What vLLM lists: the token and those requested by id; without ids, the most probable ones first."""
    if ids := payload.get("logprob_token_ids"):
        requested = [_DIGIT_IDS[number] for number in ids if number in _DIGIT_IDS]
        return {other: spread.get(other, IMPOSSIBLE) for other in dict.fromkeys([token, *requested])}
    ranked = sorted(spread, key=lambda other: -spread[other])[: payload.get("top_logprobs") or _TOP_MAX]
    return {other: spread[other] for other in dict.fromkeys([token, *ranked])}


def _entry(token: str, listed: Mapping[str, float]) -> Payload:
    top = [
        {"token": other, "logprob": logprob, "bytes": list(other.encode(errors="replace"))}
        for other, logprob in listed.items()
    ]
    return {**next(entry for entry in top if entry["token"] == token), "top_logprobs": top}


# ------------------------------------------------------------------------------------------------- server


@dataclass(eq=False)
class ScriptedJudge:
    """One server in a thread of its own; `die` and `revive` work any number of times, on the same port.

    The fields from `model` to `kv_tokens` are what it reports about itself, `is_well` what /health reports. Each answer
    takes `latency_s`; of more requests than `parallel` the later ones wait for the earlier ones. `character` gives the
    text of an answer where `script` gives none; without one the judge is competent.
    """

    script: AnswerScript | None = None
    port: int = 0
    model: str = "scripted"
    root: str = "scripted"
    version: str = "0.32.0"
    context_tokens: int = 16_384
    kv_tokens: int | None = 65_536
    api_key: str | None = None
    latency_s: float = 0.0
    parallel: int | None = None
    character: Character | None = None
    is_well: bool = True
    has_digits: bool = True  # its vocabulary has a token per digit
    pages: Mapping[str, object] | None = (
        None  # of a server that is not vLLM: all that it has beside its chat, by path
    )
    requests: list[tuple[str, Payload]] = field(default_factory=list)  # path and payload of every POST
    in_flight: int = 0
    in_flight_max: int = 0
    _running: ExitStack | None = None

    def __post_init__(self) -> None:
        self.forget()

    @property
    def url(self) -> str:
        """Its address, also after it died."""
        return f"http://127.0.0.1:{self.port}"

    def revive(self) -> None:
        """Serve, again or for the first time; returns once it answers."""
        if self._running:
            return
        # With the protocol named, or asyncio does not recognise TCP and leaves Nagle on: 40 ms per answer.
        listener = socket.socket(proto=socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(1024)  # from here on clients can connect, even before uvicorn accepts them
        self.port = listener.getsockname()[1]
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal(name="scripted-judge"))
            stack.enter_context(portal.wrap_async_context_manager(self._serving(listener)))
            self._running = stack.pop_all()

    def die(self) -> None:
        """Stop at once: unfinished answers are cut off, and the port no longer listens."""
        running, self._running = self._running, None
        if running:
            running.close()

    def compute(self, tokens: int) -> None:
        """Count tokens that belong to no answer yet, as an engine does that is busy with long ones."""
        self._tokens["generation"] += tokens

    def forget(self) -> None:
        """Count from 0 again, like a server that was restarted."""
        self._process_start = monotonic()
        self._tokens = {"prompt": 0, "generation": 0}

    @asynccontextmanager
    async def _serving(self, listener: socket.socket) -> AsyncIterator[None]:
        config = uvicorn.Config(
            self._answer, interface="asgi3", ws="none", lifespan="off", log_config=None, log_level="critical"
        )
        config.load()
        state = ServerState()
        others = asyncio.all_tasks()
        self._places = asyncio.Semaphore(self.parallel or _ANY_NUMBER)
        # Without uvicorn's own server, which takes its time to stop: this one dies.
        server = await asyncio.get_running_loop().create_server(
            lambda: _JudgeProtocol(config=config, server_state=state, app_state={}), sock=listener
        )
        yield
        # Let clients that are being accepted become connections first: asyncio would forget them, still open.
        while coming := asyncio.all_tasks() - others - state.tasks - {asyncio.current_task()}:
            await asyncio.wait(coming)
        server.close()
        for connection in list(state.connections):
            if transport := connection.transport:
                transport.abort()
        for task in state.tasks:
            task.cancel()
        await asyncio.gather(*state.tasks, return_exceptions=True)

    async def _answer(self, scope: Payload, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await request.body()  # kept by the request
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        try:
            reply = await self._reply(request)
            if reply is Fault.HANG:
                await receive()  # until the client disconnects
        finally:
            self.in_flight -= 1
        if isinstance(reply, Response):
            await reply(scope, receive, send)
        else:
            scope["extensions"][_TRANSPORT].abort()

    async def _reply(self, request: Request) -> Response | Fault:
        path = request.scope["path"]
        key = request.headers.get("authorization")
        if self.api_key and key != f"Bearer {self.api_key}" and path.startswith("/v1"):
            return _json({"error": "Unauthorized"}, 401)
        payload = orjson.loads(await request.body() or b"{}")
        if request.method == "POST":
            self.requests.append((path, payload))
        if self.pages is not None and path != "/v1/chat/completions":
            return self._page(path)
        match request.method, path:
            case "GET", "/health":
                return Response(status_code=200 if self.is_well else 503)
            case "GET", "/version":
                return _json({"version": self.version})
            case "GET", "/metrics":
                return Response(self._metrics())
            case "GET", "/v1/models":
                model = {"id": self.model, "object": "model", "owned_by": "vllm", "root": self.root}
                return _json({"object": "list", "data": [{**model, "max_model_len": self.context_tokens}]})
            case "POST", "/tokenize":
                return _json(self._tokenized(payload))
            case "POST", "/v1/chat/completions":
                async with self._places:
                    await asyncio.sleep(self.latency_s)
                return self._completed(payload)
        return _json({"detail": "Not Found"}, 404)

    def _page(self, path: str) -> Response:
        """A page of a server that is not vLLM; its listing of models is OpenAI's where there is no other."""
        listing = {"object": "list", "data": [{"id": self.model, "object": "model", "owned_by": "someone"}]}
        page = {"/v1/models": listing, **(self.pages or {})}.get(path)
        return _error(404, "no such page") if page is None else _json(page)

    def _fingerprint(self) -> str:
        """Different for any other model or engine, like vLLM's."""
        identity = f"{self.model}/{self.root}/{self.context_tokens}"
        return f"vllm-{self.version}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"

    def _metrics(self) -> str:
        label = f'{{engine="0",model_name="{self.model}"}}'
        counts = {
            "prompt_tokens": self._tokens["prompt"],
            "generation_tokens": self._tokens["generation"],
            "prefix_cache_queries": self._tokens["prompt"],
            "prefix_cache_hits": self._tokens["prompt"] // 2,
            "num_preemptions": 0,
        }
        lines = [f"vllm:{name}_total{label} {float(count)}" for name, count in counts.items()]
        lines.append(f"process_start_time_seconds {self._process_start}")
        if self.kv_tokens is not None:
            cache = f'block_size="16",num_gpu_blocks="{self.kv_tokens // 16}"'
            lines.append(f"vllm:cache_config_info{{{cache}}} 1.0")
        return "\n".join(lines) + "\n"

    def _tokenized(self, payload: Payload) -> Payload:
        text = payload.get("prompt", "".join(texts_of(payload)))
        tokens = [
            _token_id(token if self.has_digits else re.sub(r"\d", "0", token)) for token in tokens_of(text)
        ]
        return {"count": len(tokens), "max_model_len": self.context_tokens, "tokens": tokens}

    def _completed(self, payload: Payload) -> Response | Fault:
        if payload.get("model") != self.model:
            return _error(404, f"The model `{payload.get('model')}` does not exist.")
        scripted = self.script(payload) if self.script else None
        match scripted:
            case None:
                return self._judged(payload)
            case Response() | Fault():
                return scripted
            case int():
                return _error(scripted, f"scripted status {scripted}")
            case bytes():
                return Response(scripted)
        return _json(scripted)

    def _text(self, payload: Payload) -> str:
        if self.character is None:
            from tasks.judges.characters import competent  # which is written for this server

            self.character = competent
        return self.character(payload)

    def _judged(self, payload: Payload) -> Response:
        reply = {**completion(payload, self._text(payload)), "system_fingerprint": self._fingerprint()}
        tokens = reply["usage"]["prompt_tokens"]
        if tokens >= self.context_tokens:
            limit = f"This model's maximum context length is {self.context_tokens} tokens."
            return _error(400, f"{limit} However, your prompt contains at least {tokens} input tokens.")
        self._tokens["prompt"] += tokens
        self._tokens["generation"] += reply["usage"]["completion_tokens"]
        return _json(reply)


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


def _error(status: int, message: str) -> Response:
    return _json({"error": {"message": message, "type": "Scripted", "param": None, "code": status}}, status)


class _JudgeProtocol(HttpToolsProtocol):
    """Gives the application its transport, so that it can cut a connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = cast("dict[str, dict[object, object]]", {_TRANSPORT: self.transport})


@contextmanager
def running_scripted_judge(
    answer: AnswerScript | None = None, *, port: int = 0, **fields: Any
) -> Iterator[ScriptedJudge]:
    """A scripted judge that serves until the block ends; `fields` are those of `ScriptedJudge`.

    `answer(payload)`, called for each chat completion, may return None (for a valid answer), a dict (the reply's JSON),
    bytes (its raw body), an int (a status), a `Response` or a `Fault`. It runs on the server's thread: do not block it.
    """
    judge = ScriptedJudge(answer, port, **fields)
    judge.revive()
    try:
        yield judge
    finally:
        judge.die()


def main(port: int = 0, latency_s: float = 0.0) -> None:
    """Serve until Ctrl-C, or until the process that started it ends it."""
    with suppress(KeyboardInterrupt), running_scripted_judge(port=port, latency_s=latency_s) as judge:
        print(judge.url, flush=True)  # noqa: T201 - callers read the address
        threading.Event().wait()


if __name__ == "__main__":
    exit_with_parent()
    main(int(sys.argv[1]) if sys.argv[1:] else 0, float(sys.argv[2]) if sys.argv[2:] else 0.0)
