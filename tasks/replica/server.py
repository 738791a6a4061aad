"""Serve a corpus until a signal ends it."""

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
from tasks.replica.writing import parse_accounts

Announce = Callable[[str, Corpus], None]

_BACKLOG = 1024
_STOP_WITHIN_S = 1


def serve(serving: Serving, announce: Announce) -> None:
    """Serve until SIGINT or SIGTERM; `announce` is called with the URL once it answers.

    Raises `UsageError` for a taken port or invalid options, `CorpusInvalid` for the corpus.
    """
    quotas = Quotas(serving.plan, serving.window_s, serving.quota_scale)
    faults = parse_faults(serving.faults, serving.seed)
    accounts = parse_accounts(serving.accounts)
    if not 0 <= serving.latency_ms <= 600_000:
        raise UsageError(
            f"a latency of {serving.latency_ms:g} ms is not possible; choose one between 0 and 600000"
        )
    with _listener(serving.host, serving.port) as listener:
        corpus = read_corpus(serving.corpus, serving.as_of)
        replica = Replica(
            corpus, quotas, faults, serving.latency_ms, accounts, frozenset(serving.no_discussions)
        )
        config = uvicorn.Config(
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
        host, port = listener.getsockname()[:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        _ReplicaServer(config, lambda: announce(url, corpus)).run([listener])


def _listener(host: str, port: int) -> socket.socket:
    """Bind a socket without listening yet: a taken port is noticed before the corpus is read."""
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


class _ReplicaProtocol(HttpToolsProtocol):
    """Passes the application its transport, because a replica has to cut connections."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = cast("dict[str, dict[object, object]]", {TRANSPORT: self.transport})


class _ReplicaServer(uvicorn.Server):
    """Announces that it answers, and ends without complaints about connections that it cuts."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)
