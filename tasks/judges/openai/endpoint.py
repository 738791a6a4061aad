"""Any server that speaks OpenAI's chat completions, as the fleet's client: introduced, paced, and paid for.

Fleet and health ask for /health, /version and /metrics, which few servers have. Here such questions are answered from
what a server does have. A server that answers is well; one that asks to wait is waited for, and nobody is blamed.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping, Sequence
from time import monotonic, time

import orjson

from tasks.errors import JudgeRefused, JudgesDiffer, JudgeUnreachable
from tasks.judges.llm.answers import usage_of
from tasks.judges.llm.client import (
    NOT_SENT,
    JudgeClient,
    ServerNotReady,
    ServerReply,
    base_url,
    is_private,
    retry_after,
)
from tasks.judges.openai.introductions import (
    Introduction,
    by_llama_cpp,
    by_lm_studio,
    by_ollama,
    chosen,
    context_in,
    entries_of,
    host_of,
)
from tasks.judges.openai.pacing import requested_pause_s
from tasks.judges.openai.purse import Purse
from tasks.settings import Settings

ASKING = "/v1/chat/completions"
_BYTES_PER_TOKEN = 4  # of English and JSON, about
_LONGEST_PAUSE_S = 30.0  # between two tries of a server that does not say how long it is busy
_NO_LISTING = frozenset({404, 405, 501})
_EXHAUSTED = re.compile(
    rb"insufficient_quota|exceeded your (?:current quota|monthly)|billing|credit", re.IGNORECASE
)
# Where a server counts tokens, and what it calls the text: llama.cpp, and the server of llama-cpp-python.
_COUNTERS = (("/tokenize", "content"), ("/extras/tokenize", "input"))


class EndpointClient(JudgeClient):
    """Asks servers of any make. `model` is the requested one; null for the one that a server serves."""

    marks_engine = False  # a provider's `system_fingerprint` changes with its machines

    def __init__(self, urls: Sequence[str], model: str | None, limits: Settings, purse: Purse) -> None:
        bases = list(dict.fromkeys(map(base_url, urls)))
        super().__init__(bases, limits)
        self._bases = sorted(bases, key=len, reverse=True)
        self._model, self._limits, self.purse = model, limits, purse
        self._open_at: dict[str, float] = {}
        self._introduced: dict[str, Introduction] = {}
        self._counter: tuple[str, str] | None = None

    @property
    def revision(self) -> str | None:
        """The digest of the model, where the servers report one. JudgesDiffer where they report different ones."""
        revisions = {introduction.revision for introduction in self._introduced.values()}
        if len(revisions) > 1:
            raise JudgesDiffer(f"{', '.join(self._introduced)} serve different versions of {self._model}")
        return next(iter(revisions), None)

    # -------------------------------------------------------------------------------------- introductions

    async def get(self, url: str) -> ServerReply:
        """GET what a server reports about itself, in the words of vLLM. ServerNotReady where it does not answer."""
        base = next(base for base in self._bases if url.startswith(base))
        match url.removeprefix(base):
            case "/metrics":
                return ServerReply(404, {}, b"")
            case "/version":
                known = self._introduced.get(base)
                return _with_json({"version": known.version if known else ""})
        reply = await super().get(f"{base}/v1/models")
        if url.endswith("/v1/models") and (reply.status < 400 or reply.status in _NO_LISTING):
            return _with_json((await self._introduce(base, reply)).listing())
        return reply

    async def _introduce(self, base: str, reply: ServerReply) -> Introduction:
        model, known = self._listed(base, reply)
        if is_private(base):
            known = await self._in_detail(base, model, known)
        self._introduced[base] = known
        return known

    def _listed(self, base: str, reply: ServerReply) -> tuple[str, Introduction]:
        """The model to ask for, and what the listing says about it. A server without a listing is believed."""
        if reply.status in _NO_LISTING:
            if self._model is None:
                raise JudgeRefused(f"{base} lists no models: name one with --judge openai:MODEL")
            return self._model, Introduction(self._model, host_of(base))
        model, entry = chosen(entries_of(reply.fields), self._model, base)
        return model, Introduction(model, host_of(base), context_tokens=context_in(entry, model))

    async def _in_detail(self, base: str, model: str, known: Introduction) -> Introduction:
        """Ask a server of one's own which make it is, and what its context is."""
        props = await super().get(f"{base}/props")
        if props.fields:
            return by_llama_cpp(known, props.fields)
        version = await super().get(f"{base}/api/version")
        if version.fields.get("version"):
            await self._load(base, model)
            running = await super().get(f"{base}/api/ps")
            return by_ollama(known, version.fields, running.fields)
        studio = await super().get(f"{base}/api/v0/models/{model}")
        return by_lm_studio(known, studio.fields) if studio.fields.get("id") else known

    async def _load(self, base: str, model: str) -> None:
        """Have Ollama load the model: only then does it say with which context."""
        try:
            async with asyncio.timeout(self._limits.judge_timeout_s):
                await super().post(f"{base}/api/generate", orjson.dumps({"model": model}))
        except TimeoutError:
            raise ServerNotReady(f"{model} was not loaded in {self._limits.judge_timeout_s:g} s") from None

    # ------------------------------------------------------------------------------------------- questions

    async def post(self, url: str, body: bytes) -> ServerReply:
        """POST a question once its server is open and the purse covers it; a server that is busy is asked again.

        Raises one of `TRANSPORT_ERRORS`, BudgetReached, JudgeRefused where an account is empty, JudgeUnreachable where
        a server stays busy for longer than the patience of the settings.
        """
        tokens_out = _tokens_out_max(body, self._limits)
        busy_since: float | None = None
        pause = self._limits.judge_backoff_s
        while True:
            await self._opening(url)
            reply = await self._paid(url, body, tokens_out)
            if reply.status == 402 or (reply.status == 429 and _EXHAUSTED.search(reply.body or b"")):
                raise JudgeRefused(
                    f"{url} answers HTTP {reply.status}: {self.excerpt(reply.body)}; look at your account"
                )
            if reply.status != 429:
                needed = len(body) // _BYTES_PER_TOKEN + tokens_out // 2  # as the next request usually takes
                self._hold(url, requested_pause_s(reply.headers, needed, time()))
                return reply
            busy_since = busy_since or monotonic()
            pause = min(2 * pause, _LONGEST_PAUSE_S)
            hold_s = retry_after(reply.headers.get("retry-after"), pause)
            if monotonic() - busy_since + hold_s > self._limits.judge_patience_s:
                raise JudgeUnreachable(
                    f"{url} answers HTTP 429 ({self.excerpt(reply.body)}) and asks to wait {hold_s:,.0f} s more; run "
                    "again later: what was judged is kept"
                )
            self._hold(url, hold_s)

    async def _opening(self, url: str) -> None:
        """Wait until the server is open for requests again; those that wait do not all begin at once."""
        while (left := self._open_at.get(url, 0.0) - monotonic()) > 0:
            await asyncio.sleep(left + random.uniform(0, self._limits.judge_backoff_s))

    def _hold(self, url: str, seconds: float) -> None:
        """Send nothing for so long, within the patience of the settings."""
        until = monotonic() + min(seconds, self._limits.judge_patience_s)
        self._open_at[url] = max(self._open_at.get(url, 0.0), until)

    async def _paid(self, url: str, body: bytes, tokens_out: int) -> ServerReply:
        async with self.purse.request(len(body), tokens_out) as cost:
            try:
                reply = await super().post(url, body)
            except NOT_SENT:
                cost.waive()
                raise
            if reply.status == 200:
                cost.report(*usage_of(reply.fields))
            else:
                cost.waive()
            return reply

    # ---------------------------------------------------------------------------------------------- tokens

    async def find_counter(self) -> None:
        """Find out whether the servers count tokens; asks those of one's own alone, since providers do not."""
        base = self._bases[0]
        for path, name in _COUNTERS if is_private(base) else ():
            if await self._counted(base, path, name, "one two") is not None:
                self._counter = path, name
                return

    async def count(self, text: str) -> int | None:
        """Tokens of a text; null where the servers do not count."""
        return await self._counted(self._bases[0], *self._counter, text) if self._counter else None

    async def _counted(self, base: str, path: str, name: str, text: str) -> int | None:
        try:
            async with asyncio.timeout(self._limits.judge_timeout_s):
                reply = await super().post(f"{base}{path}", orjson.dumps({name: text}))
        except (TimeoutError, *NOT_SENT):
            return None
        tokens = reply.fields.get("tokens")
        return len(tokens) if isinstance(tokens, list) and tokens else None


def _with_json(fields: Mapping[str, object]) -> ServerReply:
    return ServerReply(200, {}, orjson.dumps(fields))


def _tokens_out_max(body: bytes, limits: Settings) -> int:
    """The most tokens that the answer may have; those of a whole context where the request has no limit."""
    request = orjson.loads(body)
    limit = request.get("max_tokens") or request.get("max_completion_tokens")
    return limit if isinstance(limit, int) else limits.judge_context_tokens
