"""A TCP proxy that misbehaves on request: it stands between the workers and an endpoint that is cut off."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Coroutine
from contextlib import suppress
from enum import Enum
from typing import Any

_CHUNK_BYTES = 8192
_LEAK_BYTES = 16_000  # a connection of a leaky gate ends after at most so many bytes of answer


class Mode(Enum):
    """What the gate does with connections."""

    OPEN = "forwards"
    SHUT = "resets every connection, open ones too"
    LEAKY = "resets every connection somewhere in the middle of its answers"
    STALLED = "keeps connections and forwards nothing"


class Gate:
    """Forwards a loopback port to another; `mode` may change at any moment, from any thread."""

    def __init__(self, upstream_port: int, seed: int = 0) -> None:
        self.upstream_port = upstream_port
        self.mode = Mode.OPEN
        self.cuts = 0
        self._rng = random.Random(seed)
        self._live: set[asyncio.Transport | asyncio.WriteTransport] = set()
        self._loop = asyncio.new_event_loop()
        self._moving = asyncio.Event()
        self._moving.set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gate", daemon=True)
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """The address for clients that shall pass through the gate."""
        return f"http://127.0.0.1:{self.port}"

    def set(self, mode: Mode) -> None:
        """Change the mode."""
        self._do(self._set(mode))

    def close(self) -> None:
        """Stop serving; open connections are reset."""
        self._do(self._set(Mode.SHUT))
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _set(self, mode: Mode) -> None:
        self.mode = mode
        if mode is Mode.STALLED:
            self._moving.clear()
        else:
            self._moving.set()
        if mode is Mode.SHUT:
            for transport in tuple(self._live):
                self._cut(transport)
            await asyncio.sleep(0)

    def _cut(self, transport: asyncio.Transport | asyncio.WriteTransport) -> None:
        self.cuts += 1
        transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode is Mode.SHUT:
            self._cut(writer.transport)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.upstream_port)
        except OSError:
            writer.transport.abort()
            return
        both = {writer.transport, far_writer.transport}
        self._live |= both
        try:
            await asyncio.gather(
                self._pump(reader, far_writer), self._pump(far_reader, writer, is_answer=True)
            )
        finally:
            self._live -= both
            for transport in both:
                transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_answer: bool = False
    ) -> None:
        left = self._rng.randrange(1, _LEAK_BYTES)
        with suppress(OSError):
            while left > 0 and (chunk := await source.read(_CHUNK_BYTES)):
                await self._moving.wait()
                if is_answer and self.mode is Mode.LEAKY:
                    chunk, left = chunk[:left], left - len(chunk)
                sink.write(chunk)
                await sink.drain()
            if left > 0:
                sink.write_eof()  # one side is done; the other may still send
                return
        self._cut(sink.transport)
