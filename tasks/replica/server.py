"""Serving a corpus until told to stop."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tasks.errors import UsageError
from tasks.replica.app import TRANSPORT, Replica
from tasks.replica.corpus import Corpus, read_corpus
from tasks.replica.faults import parse_faults
from tasks.replica.quotas import Quotas
from tasks.replica.serving import Serving

Announce = Callable[[str, Corpus], None]

_BACKLOG = 1024
_STOP_WITHIN_S = 1


def serve(serving: Serving, announce: Announce) -> None:
    """Serve until SIGINT or SIGTERM; `announce` is called with the URL once it answers.

    Raises `UsageError` for a taken port or options that make no sense, `CorpusInvalid` for the corpus.
    """
    quotas = Quotas(serving.plan, serving.window_s, serving.quota_scale)
    faults = parse_faults(serving.faults, serving.seed)
    if not 0 <= serving.latency_ms <= 600_000:
        raise UsageError(
            f"a latency of {serving.latency_ms:g} ms cannot be honoured; write one between 0 and 600000"
        )
    with _listener(serving.host, serving.port) as listener:
        corpus = read_corpus(serving.corpus, serving.as_of)
        replica = Replica(corpus, quotas, faults, serving.latency_ms)
        url = _url(listener)
        _ReplicaServer(_config(replica), lambda: announce(url, corpus)).run([listener])


def _config(replica: Replica) -> uvicorn.Config:
    return uvicorn.Config(
        replica,
        http=_ReplicaProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_STOP_WITHIN_S,
    )


def _listener(host: str, port: int) -> socket.socket:
    """A bound socket, not listening yet: a taken port is known before the corpus is read."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        remedy = "choose another with --port, or 0 for any free one"
        raise UsageError(f"cannot serve on {host} port {port} ({error}); {remedy}") from error
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _ReplicaProtocol(HttpToolsProtocol):
    """Hands the application its transport: cutting a connection short is part of what a replica does."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = cast("dict[str, dict[object, object]]", {TRANSPORT: self.transport})


class _ReplicaServer(uvicorn.Server):
    """Says when it answers, and ends without complaints about those it cuts off."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)
