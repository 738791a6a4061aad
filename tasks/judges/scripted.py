"""A judge model's server without a model: vLLM's API over real HTTP on loopback, for tests, benchmarks and trials.

By default it gives a valid answer to the schema of each request, the same answer for the same text, with
log-probabilities in vLLM's shape. A script may give anything else: odd answers, errors, silence, a cut connection.

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
_TRANSPORT = "tasks.judges.scripted.transport"
_TOKEN = re.compile(r"\d|[^\W\d]{1,4}| ?[^\s\w]|\s+|\w")
_PATTERN = re.compile(r"\^\[01\]\{(\d+)\}\$")

Payload = dict[str, Any]
AnswerScript = Callable[[Payload], object]


class Fault(Enum):
    """What a script may give instead of an answer."""

    HANG = "never answers"
    DROP = "cuts the connection"


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer, where a status is not enough."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Character:
    """What the server reports about itself, and how it behaves."""

    model: str = "scripted"
    root: str = "scripted"
    version: str = "0.32.0"
    context_tokens: int = 16_384
    kv_tokens: int | None = 65_536
    api_key: str | None = None
    latency_s: float = 0.0


# ------------------------------------------------------------------------------------------------ answers


def tokens_of(text: str) -> list[str]:
    """The text in tokens: one per digit, words in pieces of four letters."""
    return _TOKEN.findall(text)


@lru_cache(maxsize=4096)
def _count(text: str) -> int:
    return len(tokens_of(text))


def _token_id(token: str) -> int:
    """Its number; "0" to "9" are 15 to 24, as in many vocabularies."""
    if re.fullmatch("[0-9]", token):
        return 15 + int(token)
    return 100 + int.from_bytes(hashlib.sha256(token.encode(errors="replace")).digest()[:2], "big")


def card_of(payload: Payload) -> str:
    """The last message of the user: the answer is derived from it."""
    messages = payload.get("messages") or [{}]
    return str(messages[-1].get("content", ""))


def answer_for(payload: Payload) -> str:
    """A valid answer to the request's schema, derived from the digest of its last message."""
    schema = (payload.get("structured_outputs") or {}).get("json") or {}
    noise = _noise(card_of(payload))
    properties = schema.get("properties") or {}
    return orjson.dumps({name: _value(rule, noise) for name, rule in properties.items()}).decode()


def _noise(text: str) -> Iterator[int]:
    """Endless bytes, the same for the same text."""
    digest = hashlib.sha256(text.encode(errors="replace")).digest()
    while True:
        yield from digest
        digest = hashlib.sha256(digest).digest()


def _value(rule: Mapping[str, Any], noise: Iterator[int]) -> object:
    if "enum" in rule:
        return rule["enum"][next(noise) % len(rule["enum"])]
    if rule.get("type") == "integer":
        low, high = rule.get("minimum", 1), rule.get("maximum", 5)
        return low + next(noise) % (high - low + 1)
    if found := _PATTERN.fullmatch(rule.get("pattern", "")):
        return "".join(str(next(noise) % 2) for _ in range(int(found[1])))
    return "said in words of its own"[: rule.get("maxLength", 100)]


def completion(payload: Payload, text: str, finish_reason: str = "stop") -> Payload:
    """A reply with this text in vLLM's shape, with log-probabilities where the request asks for them."""
    prompt_tokens = sum(_count(str(message.get("content", ""))) for message in payload.get("messages") or [])
    tokens = tokens_of(text)
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, "refusal": None},
        "logprobs": {"content": _logprobs(payload, tokens)} if payload.get("logprobs") else None,
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


def _logprobs(payload: Payload, tokens: list[str]) -> list[Payload]:
    """One entry per token. Only the last digit was a choice: all others were certain."""
    score_index = max((index for index, token in enumerate(tokens) if token in LEVELS), default=-1)
    levels = LEVELS if payload.get("logprob_token_ids") else ""
    noise = _noise(card_of(payload))
    return [
        _deciding(token, noise) if index == score_index else _certain(token, levels)
        for index, token in enumerate(tokens)
    ]


def _certain(token: str, levels: str) -> Payload:
    others = [_entry(level, IMPOSSIBLE) for level in levels if level != token]
    return {**_entry(token, 0.0), "top_logprobs": [_entry(token, 0.0), *others]}


def _deciding(token: str, noise: Iterator[int]) -> Payload:
    """Probabilities that fall off on both sides of the chosen level, for some texts faster than for others."""
    steepness = 0.4 + next(noise) / 128
    weights = {level: math.exp(-steepness * abs(int(level) - int(token))) for level in LEVELS}
    logs = {level: math.log(weight / sum(weights.values())) for level, weight in weights.items()}
    listed = sorted(LEVELS, key=lambda level: -logs[level])
    return {**_entry(token, logs[token]), "top_logprobs": [_entry(level, logs[level]) for level in listed]}


def _entry(token: str, logprob: float) -> Payload:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode(errors="replace"))}


# ------------------------------------------------------------------------------------------------- server


class ScriptedJudge:
    """One server in a thread of its own; `die` and `revive` work any number of times, on the same port."""

    def __init__(
        self, script: AnswerScript | None = None, character: Character | None = None, port: int = 0
    ) -> None:
        self.script = script
        self.character = character or Character()
        self.requests: list[tuple[str, Payload]] = []  # path and payload of every POST
        self.in_flight = 0
        self.in_flight_max = 0
        self.is_well = True  # what /health reports
        self.forget()
        self._port = port
        self._running: ExitStack | None = None

    @property
    def url(self) -> str:
        """Its address, also after it died."""
        return f"http://127.0.0.1:{self._port}"

    def revive(self) -> None:
        """Serve, again or for the first time; returns once it answers."""
        if self._running:
            return
        # With the protocol named, or asyncio does not recognise TCP and leaves Nagle on: 40 ms per answer.
        listener = socket.socket(proto=socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(1024)  # from here on clients can connect, even before uvicorn accepts them
        self._port = listener.getsockname()[1]
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal(name="scripted-judge"))
            stack.enter_context(portal.wrap_async_context_manager(self._serving(listener)))
            self._running = stack.pop_all()

    def die(self) -> None:
        """Stop at once: unfinished answers are cut off, and the port no longer listens."""
        running, self._running = self._running, None
        if running:
            running.close()

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
        body = await Request(scope, receive).body()
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        try:
            reply = await self._reply(scope, body)
            if reply is Fault.HANG:
                await receive()  # until the client disconnects
        finally:
            self.in_flight -= 1
        if isinstance(reply, Reply):
            await Response(reply.body, reply.status, reply.headers)(scope, receive, send)
        else:
            scope["extensions"][_TRANSPORT].abort()

    async def _reply(self, scope: Payload, body: bytes) -> Reply | Fault:
        path = scope["path"]
        key = dict(scope["headers"]).get(b"authorization", b"").decode(errors="replace")
        if self.character.api_key and key != f"Bearer {self.character.api_key}" and path.startswith("/v1"):
            return Reply(401, b'{"error":"Unauthorized"}')
        if scope["method"] == "GET":
            return self._reported(path)
        payload = orjson.loads(body)
        self.requests.append((path, payload))
        if path == "/tokenize":
            return _json(self._tokenized(payload))
        if path != "/v1/chat/completions":
            return _json({"detail": "Not Found"}, 404)
        if self.character.latency_s:
            await asyncio.sleep(self.character.latency_s)
        return self._completed(payload)

    def _reported(self, path: str) -> Reply:
        character = self.character
        if path == "/health":
            return Reply(200 if self.is_well else 503)
        if path == "/version":
            return _json({"version": character.version})
        if path == "/metrics":
            return Reply(200, self._metrics().encode())
        if path == "/v1/models":
            model = {"id": character.model, "object": "model", "owned_by": "vllm", "root": character.root}
            return _json({"object": "list", "data": [{**model, "max_model_len": character.context_tokens}]})
        return _json({"detail": "Not Found"}, 404)

    def _fingerprint(self) -> str:
        """Different for any other model or engine, like vLLM's."""
        character = self.character
        identity = f"{character.model}/{character.root}/{character.context_tokens}"
        return f"vllm-{character.version}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"

    def _metrics(self) -> str:
        label = f'{{engine="0",model_name="{self.character.model}"}}'
        counts = {
            "prompt_tokens": self._tokens["prompt"],
            "generation_tokens": self._tokens["generation"],
            "prefix_cache_queries": self._tokens["prompt"],
            "prefix_cache_hits": self._tokens["prompt"] // 2,
            "num_preemptions": 0,
        }
        lines = [f"vllm:{name}_total{label} {float(count)}" for name, count in counts.items()]
        lines.append(f"process_start_time_seconds {self._process_start}")
        if self.character.kv_tokens is not None:
            cache = f'block_size="16",num_gpu_blocks="{self.character.kv_tokens // 16}"'
            lines.append(f"vllm:cache_config_info{{{cache}}} 1.0")
        return "\n".join(lines) + "\n"

    def _tokenized(self, payload: Payload) -> Payload:
        text = payload.get("prompt")
        if text is None:
            text = "".join(str(message.get("content", "")) for message in payload.get("messages") or [])
        tokens = [_token_id(token) for token in tokens_of(text)]
        return {"count": len(tokens), "max_model_len": self.character.context_tokens, "tokens": tokens}

    def _completed(self, payload: Payload) -> Reply | Fault:
        if payload.get("model") != self.character.model:
            return _error(404, f"The model `{payload.get('model')}` does not exist.")
        scripted = self.script(payload) if self.script else None
        match scripted:
            case None:
                return self._judged(payload)
            case Reply() | Fault():
                return scripted
            case int():
                return _error(scripted, f"scripted status {scripted}")
            case bytes():
                return Reply(200, scripted)
        return _json(scripted)

    def _judged(self, payload: Payload) -> Reply:
        reply = {**completion(payload, answer_for(payload)), "system_fingerprint": self._fingerprint()}
        tokens = reply["usage"]["prompt_tokens"]
        if tokens >= self.character.context_tokens:
            limit = f"This model's maximum context length is {self.character.context_tokens} tokens."
            return _error(400, f"{limit} However, your prompt contains at least {tokens} input tokens.")
        self._tokens["prompt"] += tokens
        self._tokens["generation"] += reply["usage"]["completion_tokens"]
        return _json(reply)


def _json(value: object, status: int = 200) -> Reply:
    return Reply(status, orjson.dumps(value), {"content-type": "application/json"})


def _error(status: int, message: str) -> Reply:
    return _json({"error": {"message": message, "type": "Scripted", "param": None, "code": status}}, status)


class _JudgeProtocol(HttpToolsProtocol):
    """Gives the application its transport, so that it can cut a connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = cast("dict[str, dict[object, object]]", {_TRANSPORT: self.transport})


@contextmanager
def running_scripted_judge(
    answer: AnswerScript | None = None, *, port: int = 0, **character: Any
) -> Iterator[ScriptedJudge]:
    """A scripted judge that serves until the block ends; `character` are fields of `Character`.

    `answer(payload)`, called for each chat completion, may return None (for a valid answer), a dict (the reply's JSON),
    bytes (its raw body), an int (a status), a `Reply` or a `Fault`. It runs on the server's thread and must not wait.
    """
    judge = ScriptedJudge(answer, Character(**character), port)
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
